"""Candles of one pair without holes, and wider ones made of them.

In:  when candles began, their prices and volumes, some of them missing or unknown (NaN).
Out: `Series`: one candle after the other; where there was none, a flat one at the close before it without volume, as freqtrade
     fills its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ninefold.freqtrade.errors import StrategyFailed

COLUMNS = ("open", "high", "low", "close", "volume")
_MONDAY_S = 4 * 86_400  # weeks begin on it


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """seconds: int64 of shape (n,), rising by `width_s`. columns: float64 of shape (n,) by name."""

    width_s: int
    seconds: np.ndarray
    columns: Mapping[str, np.ndarray]

    def known_at(self, moment_s: int) -> Series:
        """Those that are over by then."""
        last = int(np.searchsorted(self.seconds + self.width_s, moment_s, side="right"))
        return Series(self.width_s, self.seconds[:last], {name: self.columns[name][:last] for name in COLUMNS})

    def frame(self, start_s: int | None, end_s: int | None) -> pd.DataFrame:
        """Those that begin from `start_s` to `end_s`, both included, as a table of its own."""
        first = 0 if start_s is None else int(np.searchsorted(self.seconds, start_s))
        last = None if end_s is None else int(np.searchsorted(self.seconds, end_s, side="right"))
        dates = pd.to_datetime(self.seconds[first:last], unit="s", utc=True).as_unit("ms")
        return pd.DataFrame({"date": dates, **{name: self.columns[name][first:last].copy() for name in COLUMNS}})


def filled(width_s: int, seconds: np.ndarray, columns: Mapping[str, np.ndarray]) -> Series:
    """seconds: rising, multiples of the width apart. The first candle is known."""
    at = (seconds - seconds[0]) // width_s
    grid = np.arange(int(at[-1]) + 1)
    made = {name: np.full(len(grid), np.nan) for name in COLUMNS}
    for name in COLUMNS:
        made[name][at] = columns[name]
    there = ~np.isnan(made["close"])
    before = made["close"][np.maximum.accumulate(np.where(there, grid, 0))]
    made = {name: np.where(there, made[name], 0.0 if name == "volume" else before) for name in COLUMNS}
    return Series(width_s, seconds[0] + grid * width_s, made)


def wider(series: Series, width_s: int) -> Series:
    """The same in candles of another width; those at both ends only where they are whole.

    raises: StrategyFailed if the width is no multiple.
    """
    if width_s == series.width_s:
        return series
    count, rest = divmod(width_s, series.width_s)
    if rest or not count:
        raise StrategyFailed(
            f"candles of {width_s} s cannot be made of those of {series.width_s} s; load bars of that width, or of a part of it"
        )
    bucket = (series.seconds - _MONDAY_S) // width_s
    begins = np.flatnonzero(np.append(True, np.diff(bucket) > 0))
    whole = np.diff(np.append(begins, len(bucket))) == count
    ends = np.append(begins[1:], len(bucket)) - 1
    made = {
        "open": series.columns["open"][begins],
        "high": np.maximum.reduceat(series.columns["high"], begins),
        "low": np.minimum.reduceat(series.columns["low"], begins),
        "close": series.columns["close"][ends],
        "volume": np.add.reduceat(series.columns["volume"], begins),
    }
    return Series(
        width_s,
        (bucket[begins] * width_s + _MONDAY_S)[whole],
        {name: values[whole] for name, values in made.items()},
    )
