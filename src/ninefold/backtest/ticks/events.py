"""What a venue showed, one event after the other: trades, levels of the book, best quotes.

In:  EVENTS rows of whole numbers, or the stored rows of an instrument (`events_of_rows`).
Out: `Session`, checked once, that kernels read as it is; `BadEvents` names the row, the rule and the remedy.

TRADE: a deal; side: of the taker (1 buy, -1 sell, 0 unknown).   LEVEL: a level has this size from now on; 0: it is gone.
BEST:  the best level of a side; what was better is gone.         CLEAR: the book is told anew; side, price, size are 0.
Events stand in the order in which they were received. Streams of a venue overtake each other a little, so the venue's time is
taken as not going back: an event counts as happened when it or one received before it did. What was downloaded or imported stands
by the venue's time, and counts as known then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ninefold.backtest.bars import MOST_TICKS
from ninefold.market.arrays import ASK, BID, CLEAR_BOOK
from ninefold.market.instruments import Instrument

TRADE, LEVEL, BEST, CLEAR = 0, 1, 2, 3
EVENTS = np.dtype([(name, "<i8") for name in ("exchange_ns", "known_ns", "kind", "side", "price", "size")])
MOST_LOTS = 2**31  # of a level or trade: a product of two sizes fits
BAND = 2_000  # ticks beyond the trades and best quotes in which levels are kept
MOST_SPAN = 2**24  # ticks between the lowest and the highest price that is kept


class BadEvents(ValueError):
    """Events that cannot be used: the row, what was found there, the rule, what to do."""


@dataclass(frozen=True, eq=False, slots=True)
class Session:
    """events: EVENTS rows of one instrument as they were received, not to be changed.

    tick, lot:  what they are worth, in quote and base.
    low, span:  the prices that are kept: [low, low + span) ticks. Levels beyond are not read, orders beyond are refused.
    has_book:   whether there is any level or best quote; without one, orders meet trades alone.
    raises:     BadEvents.
    """

    events: np.ndarray
    tick: Fraction = Fraction(1)
    lot: Fraction = Fraction(1)
    low: int = field(init=False)
    span: int = field(init=False)
    has_book: bool = field(init=False)

    def __post_init__(self) -> None:
        _check(self.events)
        kept = self.events.copy()
        kept["exchange_ns"] = np.maximum.accumulate(kept["exchange_ns"])
        kept["known_ns"] = np.maximum.accumulate(kept["known_ns"])
        kept.flags.writeable = False
        object.__setattr__(self, "events", kept)
        kind, price = kept["kind"], kept["price"]
        seen = price[(kind == TRADE) | ((kind == BEST) & (kept["size"] > 0))]
        seen = seen if len(seen) else price[kind == LEVEL]
        if not len(seen):
            raise BadEvents("there is neither a trade nor a level; give at least one")
        low = max(1, int(seen.min()) - BAND)
        span = int(seen.max()) + BAND + 1 - low
        if span > MOST_SPAN:
            raise BadEvents(f"prices lie from {seen.min()} to {seen.max()} ticks, too far apart; give a coarser tick")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "span", span)
        object.__setattr__(self, "has_book", bool(((kind == LEVEL) | (kind == BEST)).any()))

    def __len__(self) -> int:
        return len(self.events)

    @property
    def exchange_ns(self) -> np.ndarray:
        found: np.ndarray = self.events["exchange_ns"]
        return found

    @property
    def known_ns(self) -> np.ndarray:
        found: np.ndarray = self.events["known_ns"]
        return found

    @property
    def unit(self) -> Fraction:
        """What a unit of money is worth, in quote: one tick times one lot."""
        return self.tick * self.lot

    @property
    def highest(self) -> int:
        """The highest price that is kept, ticks."""
        return self.low + self.span - 1


def events_of_rows(trades: np.ndarray, books: np.ndarray, quotes: np.ndarray, of: Instrument) -> Session:
    """TRADES, BOOKS and QUOTES rows of one instrument, each by time, as the store gives them; seq below 0: what stood beside.

    Prices count in the instrument's tick where it is known and all are multiples of it, sizes in its lot likewise; else in the
    largest unit of which all are multiples.
    raises: BadEvents.
    """
    parts = [_trades(trades), _books(books), _quotes(quotes)]
    events = np.concatenate([part for part, _ in parts])
    events = events[_order(np.concatenate([seq for _, seq in parts]), events["exchange_ns"])]
    tick, lot = (
        _step(events[name], said, of.rules_known) for name, said in (("price", of.tick_size), ("size", of.lot_size))
    )
    events["price"] //= tick
    events["size"] //= lot
    return Session(events, Fraction(tick, 10**of.price_decimals), Fraction(lot, 10**of.size_decimals))


def _order(seq: np.ndarray, exchange_ns: np.ndarray) -> np.ndarray:
    """As they were received; what stood beside, of which nobody heard when it happened, by the venue's time."""
    heard, beside = np.flatnonzero(seq >= 0), np.flatnonzero(seq < 0)
    heard = heard[np.argsort(seq[heard], kind="stable")]
    if not len(beside):
        return heard
    at = np.concatenate([np.maximum.accumulate(exchange_ns[heard]), exchange_ns[beside]])
    found: np.ndarray = np.concatenate([heard, beside])[np.argsort(at, kind="stable")]
    return found


def _step(values: np.ndarray, said: int, is_known: bool) -> int:
    if is_known and (values % said == 0).all():
        return said
    return max(1, int(np.gcd.reduce(values, initial=0)))


def _made(rows: np.ndarray, kind: np.ndarray | int, side: np.ndarray, price: str, size: str) -> np.ndarray:
    made = np.zeros(len(rows), EVENTS)
    made["exchange_ns"], made["kind"], made["side"] = rows["exchange_ns"], kind, side
    made["known_ns"] = np.where(rows["seq"] < 0, rows["exchange_ns"], rows["receive_ns"])
    made["price"], made["size"] = rows[price], rows[size]
    return made


def _trades(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _made(rows, TRADE, rows["taker_side"], "price", "size"), rows["seq"]


def _books(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clears = rows["action"] == CLEAR_BOOK
    made = _made(rows, np.where(clears, CLEAR, LEVEL), rows["side"], "price", "size")
    for name in ("side", "price", "size"):
        made[name][clears] = 0
    return made, rows["seq"]


def _quotes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sides = [_made(rows, BEST, np.full(len(rows), side), *of) for side, of in _SIDES.items()]
    return np.stack(sides, axis=1).reshape(-1), np.repeat(rows["seq"], 2)


_SIDES = {BID: ("bid", "bid_size"), ASK: ("ask", "ask_size")}


def _check(events: np.ndarray) -> None:
    if events.dtype != EVENTS or events.ndim != 1:
        raise BadEvents(f"events have shape {events.shape} of {events.dtype}; EVENTS rows of shape (n,) are needed")
    kind, side, price, size = (events[name] for name in ("kind", "side", "price", "size"))
    _refuse(
        (kind < TRADE) | (kind > CLEAR), lambda row: f"row {row} is of kind {kind[row]}: TRADE, LEVEL, BEST or CLEAR"
    )
    _refuse(
        (kind != CLEAR) & ((price <= 0) | (price > MOST_TICKS)),
        lambda row: f"row {row} has price {price[row]} ticks: prices lie between 1 and {MOST_TICKS}; drop the row",
    )
    _refuse(
        (size < 0) | (size >= MOST_LOTS) | ((kind == TRADE) & (size == 0)),
        lambda row: (
            f"row {row} has size {size[row]} lots: a trade has at least 1, a level at least 0, each below {MOST_LOTS}; "
            "give a coarser lot"
        ),
    )
    _refuse(
        ((kind == LEVEL) | (kind == BEST)) & (np.abs(side) != 1),
        lambda row: f"row {row} has side {side[row]}: {BID} is a bid, {ASK} an ask",
    )


def _refuse(bad: np.ndarray, text: Callable[[int], str]) -> None:
    if bad.any():
        raise BadEvents(text(int(bad.argmax())))
