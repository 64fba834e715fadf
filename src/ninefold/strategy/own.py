"""The columns of the own position: what a strategy holds at a bar, since when and with what profit.

In:  closed bars of one instrument and width, oldest first; what is held at each.
Out: `position`, `bars_held` and `open_profit` as in back-tests: in the instrument's units of size, bars since the entry, close
     against the average entry price in whole ticks. All 0 without a position.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from ninefold.formula.columns import OWN
from ninefold.market.arrays import BAR_UNKNOWN

MOST_BARS = 100_000  # that are counted since an entry


class Holding(NamedTuple):
    """position: in the instrument's units of size, signed. average: entry price in ticks. seq: of the input it began with."""

    position: float
    average: int
    seq: int


class Holdings(NamedTuple):
    """The same at each of n bars, shape (n,) each; position 0 where nothing was held."""

    position: np.ndarray
    average: np.ndarray
    seq: np.ndarray


class Closed:
    """The bars so far of one instrument and width."""

    def __init__(self) -> None:
        self._seqs: list[int] = []
        self._close = 0  # last known one, in ticks; 0: none yet

    def see(self, bar: np.void, tick_size: int) -> None:
        """One more of BARS rows."""
        self._seqs.append(int(bar["seq"]))
        if len(self._seqs) > 2 * MOST_BARS:
            del self._seqs[:MOST_BARS]
        if bar["state"] != BAR_UNKNOWN:
            self._close = int(bar["close"]) // tick_size

    def own(self, holding: Holding | None) -> dict[str, float]:
        """The columns at the last bar."""
        if holding is None or not holding.position or not self._close:
            return dict.fromkeys(OWN, 0.0)
        side = 1 if holding.position > 0 else -1
        bars_held = min(len(self._seqs) - bisect_right(self._seqs, holding.seq), MOST_BARS)
        profit = side * (self._close / holding.average - 1.0)
        return {"position": holding.position, "bars_held": bars_held, "open_profit": profit}

    def see_all(self, bars: np.ndarray, tick_size: int) -> np.ndarray:
        """All bars so far at once. returns: the last known close at each, in ticks, 0 before the first."""
        self._seqs = bars["seq"].tolist()
        known = bars["state"] != BAR_UNKNOWN
        last = np.maximum.accumulate(np.where(known, np.arange(len(bars)), -1))
        closes: np.ndarray = np.where(last < 0, 0, bars["close"][last] // tick_size)
        self._close = int(closes[-1]) if len(closes) else 0
        return closes


def own_of_all(seqs: np.ndarray, closes: np.ndarray, held: Holdings) -> dict[str, np.ndarray]:
    """The columns at each bar, bit for bit what `Closed.own` gave at it. seqs, closes: of the bars, shape (n,)."""
    holds = (held.position != 0) & (closes > 0)
    counted = np.arange(1, len(seqs) + 1)
    bars_held = np.minimum(counted - np.minimum(np.searchsorted(seqs, held.seq, "right"), counted), MOST_BARS)
    profit = np.sign(held.position) * (closes / np.where(holds, held.average, 1) - 1.0)
    columns = {"position": held.position, "bars_held": bars_held, "open_profit": profit}
    return {name: np.where(holds, column, 0.0) for name, column in columns.items()}
