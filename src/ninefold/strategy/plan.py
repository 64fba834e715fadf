"""A plan: a strategy whose parameters are set, as a value: what it wants, and the words that go with it.

In:  nothing; a plan is data. It knows no money: sizing, netting and risk come after.
Out: targets in [-1, +1], how much we would like to be long.

An unknown target is NaN and stays NaN on the record; whoever acts on it acts as on 0 (`sizing`). Keeping the last
opinion instead would hold a position that nothing supports any more, and would make the target depend on when we last
could see.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ninefold.formula import BOOL, RATIO, FormulaError, Term, call, parse, sources
from ninefold.formula.columns import ON_BOOK, OWN
from ninefold.formula.elsewhere import elsewhere_in, is_leg
from ninefold.market.time import width_of
from ninefold.strategy.forms import BookCode, Legs, Quoting, TradeCode
from ninefold.strategy.parameters import BadStrategy, Number

LONGEST_NAME = 32  # characters; the arrays of targets hold no more
NEVER = parse("close < 0")
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
Distance = int | float | str | Decimal | Fraction  # numbers as people write them


@dataclass(frozen=True, slots=True)
class Exits:
    """Where a position is left by itself: fractions of a price from its entry, or from the best price since (trailing);
    None: not. bars: how many bars it is held at most."""

    stop_loss: Distance | None = None
    take_profit: Distance | None = None
    trailing: Distance | None = None
    bars: int | None = None


NO_EXITS = Exits()


@dataclass(frozen=True, slots=True)
class Signals:
    """Conditions at a close: when to go in and out, long and short; `NEVER` where there is none."""

    entry: Term = NEVER
    exit: Term = NEVER
    short_entry: Term = NEVER
    short_exit: Term = NEVER

    @property
    def target(self) -> Term:
        """The side that is held."""
        if self.short_entry == NEVER:
            return call("held", self.entry, self.exit)
        return call("side", self.entry, self.exit, self.short_entry, self.short_exit)


class Bar(NamedTuple):
    """What free code is shown at a bar's close: prices in quote, sizes in base, NaN where unknown; and what is held."""

    open_ns: int
    close_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    position: float  # base, below 0 is short
    bars_held: int
    open_profit: float  # as a fraction of the entry price, before fees; 0 without a position


OnBar = Callable[[Bar], float | None]


@dataclass(frozen=True, slots=True)
class Code:
    """Free code. make: a new `on_bar` for each run; it returns a target, or None to leave it as it is. text: what it is,
    for the ledger. file, line: where `on_bar` begins."""

    make: Callable[[], OnBar]
    text: str
    file: str = ""
    line: int = 0


Wants = Term | Signals | Code | Legs | Quoting | TradeCode | BookCode


@dataclass(frozen=True, slots=True)
class Plan:
    """What a strategy wants, of the bars of one timeframe or of trades and books.

    wants:  a formula of the target; signals; free code; legs; quotes.
    family: its kind, by which trials are counted. source: where the idea is from.
    raises: BadStrategy for a name, timeframe or unit that is not allowed.
    """

    name: str
    timeframe: str
    wants: Wants
    family: str
    description: str
    source: str = ""
    parameters: tuple[tuple[str, Number], ...] = ()
    exits: Exits = NO_EXITS

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME or not _NAME.fullmatch(self.name):
            raise BadStrategy(
                f"strategy name {self.name!r}: allowed are small letters, digits and _, "
                f"beginning with a letter, at most {LONGEST_NAME} characters"
            )
        try:
            width_of(self.timeframe)
        except ValueError as error:
            raise BadStrategy(f"strategy {self.name}: {error}") from None
        if isinstance(self.wants, Term):
            check_target(self.name, self.wants)
        if isinstance(self.wants, Signals):
            check_signals(self.name, self.wants)
        if isinstance(self.wants, Legs | Quoting | BookCode):
            self.wants.check(self.name)
        _check_legs_read(self)
        if self.exits != NO_EXITS and isinstance(self.wants, Legs | Quoting | TradeCode | BookCode):
            raise BadStrategy(
                f"strategy {self.name} has {self.form}, and exits are of a target on bars; leave exits out"
            )

    @property
    def width_ns(self) -> int:
        return width_of(self.timeframe)

    @property
    def form(self) -> str:
        """What it gives, in a word of the class: target, on_bar, legs, quotes, on_trade, on_book."""
        return next((word for kind, word in _FORMS.items() if isinstance(self.wants, kind)), "target")

    @property
    def target(self) -> Term:
        """The formula of the target. raises: BadStrategy for a strategy of another form, which has none."""
        if isinstance(self.wants, Signals):
            return self.wants.target
        if not isinstance(self.wants, Term):
            raise BadStrategy(f"strategy {self.name} {_WAYS[self.form]}: it has no formula of a target")
        return self.wants

    @property
    def terms(self) -> tuple[Term, ...]:
        """All formulas that it says; none of free code."""
        if isinstance(self.wants, Legs | Quoting):
            return self.wants.terms
        return (self.target,) if isinstance(self.wants, Term | Signals) else ()

    @property
    def entered_again(self) -> tuple[tuple[float, Term], ...]:
        """Entries, each with the side that it holds, of a strategy whose position may have been left by an exit: it goes in again
        where one holds, its side being wanted already."""
        if not isinstance(self.wants, Signals) or self.exits == NO_EXITS:
            return ()
        sides = (1.0, self.wants.entry), (-1.0, self.wants.short_entry)
        return tuple((side, entry) for side, entry in sides if entry != NEVER)

    @property
    def knows_itself(self) -> bool:
        """Whether what it wants depends on what it holds, so that it is played bar by bar."""
        if isinstance(self.wants, Legs | Quoting):
            return False
        return isinstance(self.wants, Code) or not OWN.isdisjoint(self.target.columns)

    @property
    def text(self) -> str:
        """All that decides what it does, in words."""
        match self.wants:
            case Code() | TradeCode() as code:
                wants = code.text
            case BookCode() as code:
                wants = f"{code.text} most={code.most} every_ms={code.every_ms}"
            case Legs() as legs:
                parts = [f"{name}: {term}" for name, term in legs.weights]
                wants = f"{', '.join(parts)} side: {legs.side} filled: {legs.filled}"
                wants += f" on {', '.join(legs.on)}" if legs.on else ""
            case Quoting() as quotes:
                wants = f"{', '.join(map(str, quotes.terms))} most={quotes.most} every_ms={quotes.every_ms}"
            case _:
                wants = str(self.target)
        return wants if self.exits == NO_EXITS else f"{wants} {self.exits}"


def check_live(plan: Plan) -> None:
    """raises: BadStrategy for what the pipeline cannot run: it runs formulas of bars, also those of legs and of quotes, and free code."""
    if isinstance(plan.wants, Legs):
        said = _legs_not_live(plan.wants)
    elif isinstance(plan.wants, Quoting):
        others = any(map(elsewhere_in, plan.wants.terms))
        said = "its quotes read other series than the bars of what they are of" if others else ""
    elif not isinstance(plan.wants, Term | Signals | Code):
        said = f"it {_WAYS[plan.form]}"
    elif isinstance(plan.wants, Code):
        return
    elif book := ON_BOOK & _read(plan.target):
        said = f"it reads {', '.join(sorted(book))}, which recorded books have and bars do not"
    elif own := {name for part in elsewhere_in(plan.target) for name in part.term.columns & OWN}:
        said = f"it reads {', '.join(sorted(own))}, what it holds itself, on bars of another series"
    else:
        return
    if said:
        raise BadStrategy(f"strategy {plan.name} runs in back-tests only: {said}")


def _legs_not_live(legs: Legs) -> str:
    """Why they cannot run in the pipeline, "" if they can."""
    if not legs.on:
        return "nothing says which instruments its legs are; name a pair for each in [strategies.legs], or with --legs"
    if book := ON_BOOK & frozenset().union(*map(_read, legs.terms)):
        return f"it reads {', '.join(sorted(book))}, which recorded books have and bars do not"
    return legs.always_short()


def _read(target: Term) -> frozenset[str]:
    """Columns, those of other series too."""
    return target.columns.union(*(part.term.columns for part in elsewhere_in(target)))


def plan(name: str, timeframe: str, target: str, family: str, description: str) -> Plan:
    """A plan from the text of its formula.

    raises: FormulaError if the text is no formula; BadStrategy.

    >>> plan("dip", "1m", "where(rsi(close, 14) < 30, 1, 0)", "mine", "Long when oversold.").target.warm_up
    14
    """
    return Plan(name, timeframe, parse(target), family, description)


def targets(values: np.ndarray) -> np.ndarray:
    """A target formula's values as targets: cut to [-1, +1]; NaN stays NaN and means that the strategy cannot tell."""
    clipped: np.ndarray = np.clip(values, -1.0, 1.0)
    return clipped


_FORMS: dict[type, str] = {
    Code: "on_bar",
    Legs: "legs",
    Quoting: "quotes",
    TradeCode: "on_trade",
    BookCode: "on_book",
}
_ON_TICKS = " (run it on trades and books, with `ninefold backtest-ticks`, `sweep`, `walk-forward` or `cross-validate`)"
_WAYS = {
    "on_bar": "is free code (on_bar)",
    "legs": "has legs (run it with `ninefold backtest`, `sweep`, `walk-forward` or `cross-validate`, an --instrument or --bars for each)",
    "quotes": "gives quotes" + _ON_TICKS,
    "on_trade": "is free code on trades" + _ON_TICKS,
    "on_book": "is free code that quotes" + _ON_TICKS,
}


def _check_legs_read(plan: Plan) -> None:
    """Only a strategy with legs reads them by their names."""
    names = plan.wants.names if isinstance(plan.wants, Legs) else ()
    for instrument, _ in sources(list(plan.terms)):
        if is_leg(instrument) and instrument not in names:
            allowed = f"its legs are {', '.join(names)}" if names else "it has no legs; write venue:BASE/QUOTE"
            raise BadStrategy(f"strategy {plan.name} reads at({instrument!r}, ...): {allowed}")


def check_target(name: str, target: Term) -> Term:
    """raises: BadStrategy."""
    if target.unit != RATIO:
        raise BadStrategy(
            f"strategy {name}: the target is a {target.unit}, it must be a plain number from -1 to +1; "
            "write where(condition, 1, -1) for a condition, sign(x) for a difference of prices"
        )
    return target


def check_signals(name: str, signals: Signals) -> None:
    """raises: BadStrategy."""
    for which in ("entry", "exit", "short_entry", "short_exit"):
        term: Term = getattr(signals, which)
        if term.unit != BOOL:
            raise BadStrategy(f"strategy {name}: {which} is a {term.unit}; it must be a condition such as close > open")
    if signals.entry == NEVER and signals.short_entry == NEVER:
        raise BadStrategy(f"strategy {name} has neither an entry nor a short_entry, so it never trades; give one")
    try:
        _ = signals.target
    except FormulaError as error:
        raise BadStrategy(f"strategy {name}: {error}") from error
