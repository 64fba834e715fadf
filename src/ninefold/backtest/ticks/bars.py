"""Bars out of the trades of a back-test, block by block.

In:  blocks of trades, oldest first. Out: `Bars` of one width without holes; a step without a trade is a quiet bar.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.ticks.tape import BadTicks, Ticks

STEP, OPEN, HIGH, LOW, CLOSE, VOLUME = range(6)  # rows of a part


class BarsOfTicks:
    def __init__(self, width_ns: int) -> None:
        self._width_ns = width_ns
        self._parts: list[np.ndarray] = []

    def take(self, ticks: Ticks) -> None:
        if not len(ticks):
            return
        step = ticks.exchange_ns // self._width_ns
        first = np.append(0, np.flatnonzero(step[1:] != step[:-1]) + 1)
        last = np.append(first[1:], len(ticks)) - 1
        price = ticks.price
        extremes = (np.maximum.reduceat(price, first), np.minimum.reduceat(price, first))
        volume = np.add.reduceat(ticks.size, first)
        part = np.array([step[first], price[first], *extremes, price[last], volume])
        if self._parts and self._parts[-1][STEP, -1] == part[STEP, 0]:
            part[:, 0] = _joined(self._parts[-1][:, -1], part[:, 0])
            self._parts[-1] = self._parts[-1][:, :-1]
        self._parts.append(part)

    def found(self, tick: Fraction, lot: Fraction) -> Bars:
        """raises: BadTicks if there was no trade."""
        if not self._parts:
            raise BadTicks("there are no trades: give at least one block")
        known = np.concatenate(self._parts, axis=1)
        step = np.arange(known[STEP, 0], known[STEP, -1] + 1)
        place = np.searchsorted(known[STEP], step, "right") - 1
        traded = known[STEP, place] == step
        close = known[CLOSE, place]
        first, high, low = (np.where(traded, known[row, place], close) for row in (OPEN, HIGH, LOW))
        volume = np.where(traded, known[VOLUME, place], 0)
        open_ns = step * self._width_ns
        return Bars(open_ns, open_ns + self._width_ns, first, high, low, close, volume, tick, lot)


def _joined(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """One step whose trades came in two blocks."""
    high, low = max(before[HIGH], after[HIGH]), min(before[LOW], after[LOW])
    return np.array([before[STEP], before[OPEN], high, low, after[CLOSE], before[VOLUME] + after[VOLUME]])
