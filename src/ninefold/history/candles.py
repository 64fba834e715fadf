"""Candles as venues tell them, in one form for all: texts of which every digit counts.

In:  what a parser found in an answer, in any order. Out: BARS rows by open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ninefold.history.bars import NOT_TOLD, PRICES, empty_bars
from ninefold.history.files import units_of
from ninefold.market.arrays import BAR_FLAT, BAR_OK
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import INT64_MAX
from ninefold.venues.adapter import BadFrame
from ninefold.venues.told import units


class Candle(NamedTuple):
    """open_ns: where it opens. bought: what takers bought; trades: how many there were; None where it is not told."""

    open_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    bought: str | None = None
    trades: int | None = None


def rows_of(of: Instrument, width_ns: int, candles: Iterable[Candle]) -> np.ndarray:
    """A candle without volume is flat. raises: BadFrame, NotExact if a number cannot be held."""
    told = sorted(candles)
    if any(not 0 <= one.open_ns <= INT64_MAX - width_ns for one in told):
        raise BadFrame(f"candles from {told[0].open_ns} to {told[-1].open_ns} lie outside of what 64 bits of ns hold")
    rows = empty_bars(of.id, width_ns, np.array([one.open_ns for one in told], np.int64))
    for name in PRICES:
        rows[name] = [units(getattr(one, name), of.price_decimals) for one in told]
    rows["volume"] = [units(one.volume, of.size_decimals) for one in told]
    rows["buy_volume"] = [NOT_TOLD if one.bought is None else units(one.bought, of.size_decimals) for one in told]
    rows["trades"] = [NOT_TOLD if one.trades is None else one.trades for one in told]
    rows["state"] = np.where(rows["volume"] == 0, BAR_FLAT, BAR_OK)
    return rows


def rows_of_file(of: Instrument, width_ns: int, table: pa.Table, unit_ns: int) -> np.ndarray:
    """Of columns time, open, high, low, close and volume. A row that comes again counts once; rows of one time that differ
    not at all, so that the venue is asked for that bar. raises: BadFrame if a number cannot be held.
    """
    times = table.column("time").to_numpy()
    if len(times) and not 0 <= times.min() <= times.max() <= (INT64_MAX - width_ns) // unit_ns:
        raise BadFrame(f"candles from {times.min()} to {times.max()} lie outside of what 64 bits of ns hold")
    rows = empty_bars(of.id, width_ns, times * unit_ns)
    for name in PRICES:
        rows[name] = units_of(table.column(name), of.price_decimals)
    rows["volume"] = units_of(table.column("volume"), of.size_decimals)
    rows["buy_volume"] = rows["trades"] = NOT_TOLD
    rows["state"] = np.where(rows["volume"] == 0, BAR_FLAT, BAR_OK)
    rows = np.unique(rows)
    _, place, count = np.unique(rows["open_ns"], return_inverse=True, return_counts=True)
    once: np.ndarray = rows[count[place] == 1]
    return once
