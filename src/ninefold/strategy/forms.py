"""What a strategy may want beside a target: legs, quotes, and free code on trades and books.

In:  nothing; these are values, checked when they are made.
Out: `Legs`, `Quoting`, `TradeCode`, `BookCode`, and what free code is shown (`Book`) and gives back (`Quote`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ninefold.formula import PRICE, RATIO, SIZE, Term
from ninefold.formula.columns import OWN
from ninefold.formula.elsewhere import renamed
from ninefold.formula.term import Call, Literal
from ninefold.strategy.parameters import BadStrategy

WAIT, UNWIND = "wait", "unwind"
RULES = (UNWIND, WAIT)
FEWEST_LEGS, MOST_LEGS = 2, 16
LEAST_MS, MOST_MS = 1, 3_600_000
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,29}", re.ASCII)
QUOTED = {"bid": PRICE, "ask": PRICE, "bid_size": SIZE, "ask_size": SIZE}  # sizes also as plain numbers, in base


@dataclass(frozen=True, slots=True)
class Legs:
    """Several instruments at once, by the names that the strategy gives them, in the order in which they are given to it.

    weights: what each is to hold, from -1 to +1, a formula of its own bars; times `side`, a formula of the first one's bars,
             if there is one.
    filled:  UNWIND: each order at the next open; if one cannot be filled, the others are brought back at the next fill.
             WAIT: all wait for a bar in which all have trades.
    on:      the instrument of each, in the pipeline; () in back-tests, which are given their bars.
    """

    weights: tuple[tuple[str, Term], ...]
    side: Term | None = None
    filled: str = UNWIND
    on: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.weights)

    @property
    def terms(self) -> tuple[Term, ...]:
        found = tuple(term for _, term in self.weights)
        return found if self.side is None else (*found, self.side)

    @property
    def named(self) -> str:
        """In words, which instrument each is."""
        return ", ".join(f"{name} {instrument}" for name, instrument in zip(self.names, self.on, strict=True))

    def read_of(self, leg: str) -> tuple[Term, ...]:
        """The formulas of a leg's bars: of the first one the side of all, if there is one, then its own."""
        own = tuple(term for name, term in self.weights if name == leg)
        return own if self.side is None or leg != self.names[0] else (self.side, *own)

    def placed(self, on: tuple[str, ...]) -> Legs:
        """The same on these instruments, one for each in the order of the legs."""
        names = dict(zip(self.names, on, strict=True))
        weights = tuple((name, renamed(term, names)) for name, term in self.weights)
        side = None if self.side is None else renamed(self.side, names)
        return Legs(weights, side, self.filled, on)

    def always_short(self) -> str:
        """Why it can never trade on spot, as far as numbers alone say so; "" if they do not."""
        fixed = {name: term.value for name, term in self.weights if isinstance(term, Literal)}
        short = [name for name, weight in fixed.items() if weight < 0]
        both = len(short) < sum(weight != 0 for weight in fixed.values())  # then one is short whatever the side
        never_below = self.side is None or (isinstance(self.side, Call) and self.side.function.name == "held")
        if not short or not (both or never_below):
            return ""
        return (
            f"its leg {short[0]} has the weight {fixed[short[0]]:g}, and the account is one of spot, which cannot be short; give "
            "weights of at least 0, or a formula such as where(..., 1, 0)"
        )

    def check(self, strategy: str) -> None:
        """raises: BadStrategy."""
        if not FEWEST_LEGS <= len(self.weights) <= MOST_LEGS:
            raise BadStrategy(
                f"strategy {strategy}: legs has {len(self.weights)} entries; {FEWEST_LEGS} to {MOST_LEGS} are allowed, such as "
                '{"here": 1, "there": -1}'
            )
        for name, term in self.weights:
            if not isinstance(name, str) or not _ROLE.fullmatch(name):
                raise BadStrategy(
                    f"strategy {strategy}: legs has an entry {name!r}; a leg's name is small letters, digits and _, beginning "
                    "with a letter, at most 30 characters"
                )
            if term.unit != RATIO:
                raise BadStrategy(
                    f"strategy {strategy}: legs[{name!r}] is a {term.unit}; it must be a plain number from -1 to +1, such as "
                    "sign(...) or zscore(...) / 3"
                )
        if self.filled not in RULES:
            raise BadStrategy(f"strategy {strategy}: filled is {self.filled!r}; allowed are {' and '.join(RULES)}")
        if own := frozenset().union(*(term.columns for term in self.terms)) & OWN:
            raise BadStrategy(
                f"strategy {strategy}: its legs read {', '.join(sorted(own))}, what one instrument's position is; leave it out"
            )


class Book(NamedTuple):
    """What `on_book` is shown: the best prices in quote and their sizes in base, NaN where none is known."""

    time_ns: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    last: float  # price of the last trade
    position: float  # base, below 0 is short


class Quote(NamedTuple):
    """What `on_book` wants: prices in quote, sizes in base; a size of 0 wants no quote on that side."""

    bid: float
    bid_size: float
    ask: float
    ask_size: float


OnTrade = Callable[[float, float, int, int, float], float | None]
OnBook = Callable[[Book], Quote | None]


@dataclass(frozen=True, slots=True)
class Quoting:
    """Quotes on both sides by formulas of the book, renewed every so many milliseconds. most: base, of the position either
    way; a side that has reached it is not quoted."""

    bid: Term
    bid_size: Term
    ask: Term
    ask_size: Term
    most: float
    every_ms: int

    @property
    def terms(self) -> tuple[Term, ...]:
        """In the order of `Quote`."""
        return self.bid, self.bid_size, self.ask, self.ask_size

    def check(self, strategy: str) -> None:
        """raises: BadStrategy."""
        for name, unit in QUOTED.items():
            found = getattr(self, name).unit
            if found != unit and not (unit == SIZE and found == RATIO):
                said = (
                    "a price such as bid, or microprice - spread" if unit == PRICE else "a size in base, such as 0.01"
                )
                raise BadStrategy(f"strategy {strategy}: {name} is a {found}; it must be {said}")
        if own := frozenset().union(*(term.columns for term in self.terms)) & (OWN - {"position"}):
            raise BadStrategy(
                f"strategy {strategy}: its quotes read {', '.join(sorted(own))}; of what they hold they may read position"
            )
        check_pace(strategy, self.most, self.every_ms)


@dataclass(frozen=True, slots=True)
class TradeCode:
    """Free code on every trade. make: a new `on_trade` for each run. text: what it is, for the ledger."""

    make: Callable[[], OnTrade]
    text: str


@dataclass(frozen=True, slots=True)
class BookCode:
    """Free code that quotes: `on_book` is asked every so many milliseconds; None leaves the quotes as they are."""

    make: Callable[[], OnBook]
    text: str
    most: float
    every_ms: int

    def check(self, strategy: str) -> None:
        """raises: BadStrategy."""
        check_pace(strategy, self.most, self.every_ms)


def check_pace(strategy: str, most: object, every_ms: object) -> None:
    """raises: BadStrategy."""
    if not isinstance(most, int | float) or isinstance(most, bool) or not (math.isfinite(most) and most > 0):
        raise BadStrategy(
            f"strategy {strategy}: most is {most!r}; give the largest position either way, in base, a number above 0"
        )
    if not isinstance(every_ms, int) or isinstance(every_ms, bool) or not LEAST_MS <= every_ms <= MOST_MS:
        raise BadStrategy(
            f"strategy {strategy}: every_ms is {every_ms!r}; give a whole number from {LEAST_MS} to {MOST_MS}: after how many "
            "milliseconds quotes are renewed"
        )
