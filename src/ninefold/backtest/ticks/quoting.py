"""Strategies that quote, on a recorded session: formulas of the book, or free code.

In:  a plan whose form is quotes or on_book, a session, the terms. Out: `Traded`.

At each tick of a timer (`every_ms`) the strategy is shown what was known then: best prices and their sizes, what was traded since
the tick before, the price of the last trade. A bid is rounded down and an ask up to a whole tick, sizes down to whole lots.
Where a price or a size is unknown, not above 0, or further away than the session keeps prices, that side is not quoted. Quotes are
post-only: one that would take is refused. A formula that reads the position, and free code, are asked one tick after the
other; other formulas are computed at once, with the same fills.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from ninefold.backtest.bars import when
from ninefold.backtest.stateful import line_of
from ninefold.backtest.ticks.events import TRADE, Session
from ninefold.backtest.ticks.market import Decide, Terms, Traded, Turn, shown_by, trade_live_quotes, trade_quotes
from ninefold.backtest.ticks.quotes import Quotes, every
from ninefold.formula import SIZE, Evaluator, Scale
from ninefold.strategy.forms import Book, BookCode, Quote, Quoting
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Plan
from ninefold.strategy.quotes_wanted import NEAR, rounded

MS_NS = 1_000_000
COLUMNS = (
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "spread",
    "microprice",
    "imbalance",
    "close",
    "volume",
    "buy_volume",
    "tick",
)
SIDES = ("bid", "ask")


class Shown(NamedTuple):
    """What is known at each decision. columns: as formulas read them, in units of `scale`, shape (k,). price, size: how many of
    these units a tick and a lot are."""

    timer: Quotes
    at_ns: np.ndarray
    columns: Mapping[str, np.ndarray]
    scale: Scale
    price: float
    size: float


def run_quoting(plan: Plan, session: Session, terms: Terms) -> tuple[Traded, int]:
    """Back-test a strategy that quotes; how often it was asked.

    raises: BadStrategy naming the strategy, the time and what is allowed; as `trade_quotes`.
    """
    shown, made = asked_by(plan, session, terms)
    traded = (
        trade_quotes(session, made, terms)
        if isinstance(made, Quotes)
        else trade_live_quotes(session, [Turn(shown.timer, made)], terms)
    )
    return traded, len(shown.at_ns)


def asked_by(plan: Plan, session: Session, terms: Terms) -> tuple[Shown, Quotes | Callable[[], Decide]]:
    """What a strategy is shown, and what it quotes: all at once, or what is asked while it runs. raises: as `run_quoting`."""
    wants = plan.wants
    if not isinstance(wants, Quoting | BookCode):
        raise BadStrategy(f"strategy {plan.name} gives no quotes")
    shown = shown_at(session, terms, wants.every_ms, _lots(wants.most, session, plan.name))
    if isinstance(wants, BookCode):
        return shown, partial(_of_code, plan.name, wants, shown, session)
    read = frozenset().union(*(term.columns for term in wants.terms))
    if missing := sorted(read - {*COLUMNS, "position"}):
        raise BadStrategy(f"{plan.name} reads {', '.join(missing)}; quotes may read {', '.join(COLUMNS)} and position")
    if "position" in read:
        return shown, partial(_of_formulas, plan.name, wants, shown, session)
    return shown, _at_once(plan.name, wants, shown, session)


def told_quotes(quotes: Quotes) -> Callable[[], Decide]:
    """What is known beforehand, as if it were asked while it runs."""
    rows = list(zip(*(side.tolist() for side in quotes.sides), strict=True))
    return lambda: lambda row, position: rows[row]


def shown_at(session: Session, terms: Terms, every_ms: int, most: int) -> Shown:
    """What is known at each tick of the timer. most: lots."""
    at, at_ns = every(session, terms.latency, every_ms * MS_NS)
    none = np.zeros(len(at), np.int64)
    places = decimals(session.tick), decimals(session.lot)
    price, size = float(session.tick * 10 ** places[0]), float(session.lot * 10 ** places[1])
    best = shown_by(session)[at].astype(np.float64)
    bid, ask = (np.where(best[:, side] > 0, best[:, side], np.nan) * price for side in (0, 1))
    bid_size, ask_size = (np.where(best[:, side] > 0, best[:, 2 + side], np.nan) * size for side in (0, 1))
    trades = session.events["kind"] == TRADE
    last = np.maximum.accumulate(np.where(trades, np.arange(len(session)), -1))[at]
    sizes = np.where(trades, session.events["size"], 0)
    bought = np.where(session.events["side"] > 0, sizes, 0)
    total = bid_size + ask_size
    columns = {
        "bid": bid,
        "ask": ask,
        "bid_size": bid_size,
        "ask_size": ask_size,
        "spread": ask - bid,
        "microprice": (bid * ask_size + ask * bid_size) / total,
        "imbalance": (bid_size - ask_size) / total,
        "close": np.where(last >= 0, session.events["price"][last] * price, np.nan),
        "volume": np.diff(np.cumsum(sizes)[at], prepend=0) * size,
        "buy_volume": np.diff(np.cumsum(bought)[at], prepend=0) * size,
        "tick": np.full(len(at), price),
    }
    timer = Quotes(at, none, none, none, none, most, decided_ns=at_ns)
    return Shown(timer, at_ns, columns, Scale(*places), price, size)


def decimals(step: Fraction) -> int:
    """The fewest decimals with which a step is a whole number."""
    return next(places for places in range(31) if (step * 10**places).denominator == 1)


def _at_once(name: str, wants: Quoting, shown: Shown, session: Session) -> Quotes:
    values = Evaluator(list(wants.terms), shown.scale).warm(shown.columns)
    counted = _counted(values, wants, shown, session)
    crossed = (counted[1] > 0) & (counted[3] > 0) & (counted[0] >= counted[2])
    if crossed.any():
        raise _crossed(name, shown, int(crossed.argmax()), *counted[:, int(crossed.argmax())].tolist())
    bid, bid_size, ask, ask_size = counted
    return replace(shown.timer, bid=bid, bid_size=bid_size, ask=ask, ask_size=ask_size)


def _of_formulas(name: str, wants: Quoting, shown: Shown, session: Session) -> Decide:
    evaluator = Evaluator(list(wants.terms), shown.scale)
    read = {column: shown.columns[column].tolist() for term in wants.terms for column in term.columns - {"position"}}

    def decide(row: int, position: int) -> tuple[int, int, int, int]:
        known = {column: values[row] for column, values in read.items()} | {"position": position * shown.size}
        found = evaluator.update(known)
        return _checked(name, shown, row, _counted(found[:, np.newaxis], wants, shown, session)[:, 0].tolist())

    return decide


def _of_code(name: str, code: BookCode, shown: Shown, session: Session) -> Decide:
    on_book = code.make()
    tick, lot = float(session.tick), float(session.lot)
    steps = {
        "bid": shown.price / tick,
        "bid_size": shown.size / lot,
        "ask": shown.price / tick,
        "ask_size": shown.size / lot,
    }
    parts = [(shown.columns[column] / step).tolist() for column, step in steps.items()]
    last = (shown.columns["close"] / (shown.price / tick)).tolist()
    rows = list(zip(shown.at_ns.tolist(), *parts, last, strict=True))

    def decide(row: int, position: int) -> tuple[int, int, int, int] | None:
        try:
            found = on_book(Book._make((*rows[row], position * lot)))
            quote = None if found is None else Quote(*map(float, found))
        except Exception as error:
            raise BadStrategy(
                f"{name}: on_book failed at {when(rows[row][0])}: {type(error).__name__}: {error}{line_of(error)}; it gives "
                "Quote(bid, bid_size, ask, ask_size) or None"
            ) from error
        if quote is None:
            return None
        values = np.array(quote)[[0, 1, 2, 3], np.newaxis]
        prices, sizes = values[[0, 2]] / tick, values[[1, 3]] / lot
        return _checked(name, shown, row, _rounded(prices, sizes, session)[:, 0].tolist())

    return decide


def _counted(values: np.ndarray, wants: Quoting, shown: Shown, session: Session) -> np.ndarray:
    """Values of formulas, shape (4, k), in ticks and lots: bid, its size, ask, its size; size 0 where nothing is quoted."""
    plain = float(session.lot)  # sizes as plain numbers are in base
    prices = np.stack([values[0], values[2]]) / shown.price
    sizes = np.stack(
        [
            values[place] / (shown.size if term.unit == SIZE else plain)
            for place, term in ((1, wants.bid_size), (3, wants.ask_size))
        ]
    )
    return _rounded(prices, sizes, session)


def _rounded(prices: np.ndarray, sizes: np.ndarray, session: Session) -> np.ndarray:
    """prices, sizes: of bid and ask, in ticks and lots, shape (2, k)."""
    whole, lots = rounded(prices, sizes)
    with np.errstate(invalid="ignore"):
        good = (whole >= session.low) & (whole <= session.highest) & (lots >= 1)
    known = np.where(good, whole, 0).astype(np.int64), np.where(good, lots, 0).astype(np.int64)
    return np.stack([known[0][0], known[1][0], known[0][1], known[1][1]])


def _checked(name: str, shown: Shown, row: int, wanted: list[int]) -> tuple[int, int, int, int]:
    bid, bid_size, ask, ask_size = wanted
    if bid_size and ask_size and bid >= ask:
        raise _crossed(name, shown, row, *wanted)
    return bid, bid_size, ask, ask_size


def _crossed(name: str, shown: Shown, row: int, bid: int, _: int, ask: int, __: int) -> BadStrategy:
    return BadStrategy(
        f"strategy {name}: at {when(int(shown.at_ns[row]))} its bid is {bid} ticks and its ask {ask}: a bid lies below the ask; "
        "write min(..., ask - tick) and max(..., bid + tick), or a size of 0"
    )


def _lots(base: float, session: Session, name: str) -> int:
    lots = math.floor(base / float(session.lot) + NEAR)
    if lots < 1:
        raise BadStrategy(f"strategy {name}: most is {base}, less than one lot of {float(session.lot):g}; give more")
    return lots
