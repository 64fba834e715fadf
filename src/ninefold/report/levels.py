"""Bars, a line over them and marks on them, each at the widths at which people look.

In:  the bars of a run, values at their closes, trades. Out: the same at a wider width: highest, lowest and last of each
     stretch, so that nothing that was there is thinned away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.market.arrays import BUY, SELL
from ninefold.market.time import DAY_NS, EPOCH_MONDAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, WEEK_NS

LADDER = {
    "1s": SECOND_NS,
    "5s": 5 * SECOND_NS,
    "15s": 15 * SECOND_NS,
    "1m": MINUTE_NS,
    "5m": 5 * MINUTE_NS,
    "15m": 15 * MINUTE_NS,
    "1h": HOUR_NS,
    "4h": 4 * HOUR_NS,
    "12h": 12 * HOUR_NS,
    "1d": DAY_NS,
    "2d": 2 * DAY_NS,
    "1w": WEEK_NS,
}
NAME_OF = {width_ns: name for name, width_ns in LADDER.items()}
HALF = 0.5  # a tick: prices of trades are means
NO_TICKS = 2**62  # above every price


class Candles(NamedTuple):
    """Arrays of shape (n,), oldest first. first: row of the first bar in each. known: false where no bar of it is."""

    width_ns: int
    first: np.ndarray
    open_ns: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    known: np.ndarray


class Line(NamedTuple):
    """A value over the same stretches: lowest, highest and last; fall: the deepest below the highest before, a fraction."""

    low: np.ndarray
    high: np.ndarray
    last: np.ndarray
    fall: np.ndarray


class Marks(NamedTuple):
    """Fills on candles, shape (marks,): the row of the candle, BUY or SELL, how many fills, the place of the first one's
    trade, its price."""

    row: np.ndarray
    side: np.ndarray
    fills: np.ndarray
    trade: np.ndarray
    price: np.ndarray


class Fills(NamedTuple):
    """What trades did, oldest first, shape (fills,): when, BUY or SELL, the place of the trade, price in quote."""

    time_ns: np.ndarray
    side: np.ndarray
    trade: np.ndarray
    price: np.ndarray


def widths_of(bars: Bars) -> list[int]:
    """The width of the bars, then the wider ones of LADDER up to the first that shows all of them in one candle."""
    own = int(bars.close_ns[0] - bars.open_ns[0])
    wider = [width for width in LADDER.values() if width > own and width % own == 0]
    span = int(bars.close_ns[-1] - bars.open_ns[0])
    return [own, *(width for width in wider if width < span)]


def candles_of(bars: Bars, width_ns: int) -> Candles:
    """Bars folded into stretches of a width; weeks begin on Monday.

    >>> at = np.arange(3) * 60 * SECOND_NS
    >>> price = np.array([5, 7, 6])
    >>> made = candles_of(Bars(at, at + 60 * SECOND_NS, price, price, price, price, price), 2 * MINUTE_NS)
    >>> made.open.tolist(), made.high.tolist(), made.close.tolist()
    ([5, 6], [7, 6], [7, 6])
    """
    if width_ns == int(bars.close_ns[0] - bars.open_ns[0]):
        rows = np.arange(len(bars))
        return Candles(width_ns, rows, bars.open_ns, bars.open, bars.high, bars.low, bars.close, bars.known)
    anchor = EPOCH_MONDAY_NS if width_ns % WEEK_NS == 0 else 0
    place = (bars.open_ns - anchor) // width_ns
    first = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    known = bars.known
    opener = np.minimum.reduceat(np.where(known, np.arange(len(bars)), len(bars) - 1), first)
    return Candles(
        width_ns,
        first,
        place[first] * width_ns + anchor,
        bars.open[opener],
        np.maximum.reduceat(np.where(known, bars.high, 0), first),
        np.minimum.reduceat(np.where(known, bars.low, NO_TICKS), first),
        bars.close[np.append(first[1:], len(bars)) - 1],
        np.logical_or.reduceat(known, first),
    )


def line_of(values: np.ndarray, start: float, candles: Candles) -> Line:
    """values: one at the close of each bar, shape (bars,). start: what there was before the first."""
    peak = np.maximum(np.maximum.accumulate(values), start)
    with np.errstate(divide="ignore", invalid="ignore"):
        fall = np.where(peak > 0, 1 - values / peak, 0.0)
    first = candles.first
    return Line(
        np.minimum.reduceat(values, first),
        np.maximum.reduceat(values, first),
        values[np.append(first[1:], len(values)) - 1],
        np.maximum.reduceat(fall, first),
    )


def marks_of(fills: Fills, candles: Candles) -> Marks:
    """Fills on the candles that hold them, those of one side on one candle counted as one mark; outside there are none."""
    row = np.searchsorted(candles.open_ns, fills.time_ns, side="right") - 1
    within = (row >= 0) & (fills.time_ns <= candles.open_ns[-1] + candles.width_ns)
    row, side, trade, price = row[within], fills.side[within], fills.trade[within], fills.price[within]
    order = np.lexsort((side, row))
    keys = row[order] * 2 + (side[order] > 0)
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.empty(0, np.int64)
    chosen = order[first]
    count = np.diff(np.append(first, len(keys)))
    return Marks(row[chosen], side[chosen], count, trade[chosen], price[chosen])


def within_bars(fills: Fills, bars: Bars) -> Fills:
    """Fills in the bars that showed their price: a stop that was met within a bar is told at its end, when the next one opens,
    and belongs a moment earlier."""
    row = np.maximum(np.searchsorted(bars.open_ns, fills.time_ns, side="right") - 1, 0)
    ticks, before = fills.price / float(bars.tick), np.maximum(row - 1, 0)

    def shown(rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = (ticks > bars.low[rows] - HALF) & (ticks < bars.high[rows] + HALF) & bars.known[rows]
        return found

    at_open = fills.time_ns == bars.open_ns[row]
    return fills._replace(time_ns=fills.time_ns - (at_open & ~shown(row) & shown(before)))


def fills_of(trades: list[dict[str, object]]) -> Fills:
    """trades: of a document, with entry_time, exit_time (None while open), prices and size (below 0: short)."""
    rows = []
    for place, trade in enumerate(trades):
        side = BUY if float(str(trade["size"])) > 0 else SELL
        rows.append((trade["entry_time"], side, place, trade["entry_price"]))
        if trade["exit_time"] is not None:
            rows.append((trade["exit_time"], -side, place, trade["exit_price"]))
    times = np.array([str(row[0]).removesuffix("Z") for row in rows], "datetime64[ns]").astype(np.int64)
    sides, places = (np.array([row[cell] for row in rows], np.int64) for cell in (1, 2))
    order = np.argsort(times, kind="stable")
    return Fills(times[order], sides[order], places[order], np.array([row[3] for row in rows], np.float64)[order])
