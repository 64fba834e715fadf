"""The volume-weighted mean price of each bar, where a formula reads `vwap`.

In:  bars, and what was paid in each (a file's turnover), or the trades that a data dir holds; what the pipeline told is not asked here.
Out: a float64 column, shape (n,), in the unit of the other prices. A bar without trades has its one price; NaN where a bar is
     unknown, and where the stored trades of a bar do not add up to its volume.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ninefold.backtest.bars import BadBars, Bars, when
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.time import DAY_NS

VWAP = "vwap"
NEAR = 1e-6  # relative: how far beyond a bar's prices rounding may put what was paid over its volume

TradesOf = Callable[[int, int], np.ndarray]  # TRADES rows from a moment up to another


def of_file(bars: Bars, open_ns: np.ndarray, paid: np.ndarray, what: str) -> np.ndarray:
    """open_ns, paid: of the file's rows, mean prices in quote, NaN where there was no volume. what: the file's column.

    raises: BadBars naming the row of a mean that is none of the bar's prices.
    """
    mean = np.where(bars.known, bars.close, np.nan).astype(np.float64)
    place = np.searchsorted(bars.open_ns, open_ns)
    traded = np.isfinite(paid) & (bars.volume[place] > 0)
    place, found = place[traded], paid[traded] / float(bars.tick)
    low, high = bars.low[place], bars.high[place]
    outside = (found < low * (1 - NEAR)) | (found > high * (1 + NEAR))
    for at in np.flatnonzero(outside)[:1]:
        row, tick = place[at], float(bars.tick)
        raise BadBars(
            f"row {row} ({when(bars.open_ns[row])}) was traded at {found[at] * tick:g} on average by its column {what}, between "
            f"{low[at] * tick:g} and {high[at] * tick:g} by its prices: what was paid is in quote, of the whole bar; mend the column"
        )
    mean[place] = np.clip(found, low, high)
    return mean


def of_trades(rows: np.ndarray, trades_of: TradesOf) -> np.ndarray:
    """rows: BARS as they were first known, oldest first, without holes. Trades that came after a bar was known do not count."""
    mean = np.where((rows["state"] != BAR_UNKNOWN) & (rows["volume"] == 0), rows["close"], np.nan).astype(np.float64)
    opens = rows["open_ns"]
    for start in range(0, len(rows), _bars_a_day(rows)):
        some = slice(start, start + _bars_a_day(rows))
        trades = trades_of(int(opens[some][0]), int(rows["close_ns"][some][-1]))
        place = np.searchsorted(opens[some], trades["exchange_ns"], side="right") - 1
        inside = (place >= 0) & (trades["exchange_ns"] < rows["close_ns"][some][place])
        known = trades["seq"] <= rows["seq"][some][place]
        for counted in (inside & known, inside):
            found = _mean(rows[some], trades[counted], place[counted])
            mean[some] = np.where(np.isfinite(found), found, mean[some])
    return mean


def _bars_a_day(rows: np.ndarray) -> int:
    return max(1, DAY_NS // int(rows["close_ns"][0] - rows["open_ns"][0]))


def _mean(rows: np.ndarray, trades: np.ndarray, place: np.ndarray) -> np.ndarray:
    """NaN where trades do not add up to the volume. place: of each trade's bar."""
    sizes = np.zeros(len(rows), np.int64)
    np.add.at(sizes, place, trades["size"])
    above = (trades["price"] - rows["open"][place]).astype(np.float64) * trades["size"]  # as the pipeline counts it
    paid = np.bincount(place, above, minlength=len(rows))
    whole = (sizes == rows["volume"]) & (sizes > 0) & (rows["state"] != BAR_UNKNOWN)
    found: np.ndarray = np.where(whole, rows["open"] + paid / np.maximum(sizes, 1), np.nan)
    return found
