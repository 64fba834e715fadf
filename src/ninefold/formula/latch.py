"""Terms that remember a side: long from an entry to its exit, short the same way.

In:  conditions at each bar. Out: `held`: 1 from the bar of an entry until that of an exit, else 0; `side`: the same with a
     second pair for the short side, -1 there.

An exit beats an entry of the same side at the same bar; of entries of both sides none counts; an entry of the other side
turns. An unknown bar forgets the side, as it resets every term.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from ninefold.formula.errors import FormulaError
from ninefold.formula.function import Function, Numbers, UnitRule, no_lookback
from ninefold.formula.kernels import NAN, Series, Stateful, Values
from ninefold.formula.units import BOOL, RATIO, Unit


class Latch(Stateful):
    """Inputs: entry, exit and, for `side`, short entry, short exit; each 1 or 0."""

    def __init__(self, inputs: tuple[int, ...], slot: int) -> None:
        super().__init__(inputs, slot)
        self._side = 0.0

    def step(self, values: Values) -> None:
        bar = [values[slot] for slot in self.inputs]
        if any(x != x for x in bar):
            self._side = 0.0
            values[self.slot] = NAN
            return
        entry, leave = bar[0] != 0, bar[1] != 0
        short, cover = (bar[2] != 0, bar[3] != 0) if len(bar) > 2 else (False, False)
        if entry and not leave and not short:
            self._side = 1.0
        elif short and not cover and not entry:
            self._side = -1.0
        elif (leave and self._side > 0) or (cover and self._side < 0):
            self._side = 0.0
        values[self.slot] = self._side

    def copy(self) -> Self:
        twin = type(self)(self.inputs, self.slot)
        twin._side = self._side
        return twin

    def held(self) -> int:
        return 0

    def _forget(self) -> None:
        self._side = 0.0

    def _extend(self, inputs: Series, results: np.ndarray) -> None:
        results[0] = self._over(inputs)
        self._side = float(results[0, -1])

    def _ahead_known(self, inputs: Series) -> Series:
        return [np.array([self._over([values[path] for values in inputs]) for path in range(len(inputs[0]))])]

    def _over(self, inputs: Series) -> np.ndarray:
        """What n steps give, shape (n,). The last entry of either side decides, and whether its exit came since."""
        none = np.zeros(len(inputs[0]), bool)
        entry, leave, short, cover = ([x != 0 for x in inputs] + [none, none])[:4]
        rows = np.arange(1, len(none) + 1)  # 0 is the bar before the first
        long_in, short_in = entry & ~leave & ~short, short & ~cover & ~entry
        turned = np.maximum.accumulate(np.where(long_in | short_in, rows, 0))
        sides = np.concatenate(([self._side], np.where(long_in, 1.0, np.where(short_in, -1.0, 0.0))))
        side = sides[turned]
        left = np.maximum.accumulate(np.where((leave & (side > 0)) | (cover & (side < 0)), rows, 0))
        return np.where(left >= np.maximum(turned, 1), 0.0, side)


def _conditions(function: str, found: tuple[Unit | None, ...]) -> tuple[tuple[Unit, ...], Unit]:
    for unit in found:
        if unit != BOOL:
            raise FormulaError(f"{function}: takes conditions such as close > open, found a {unit or 'number'}")
    return tuple(BOOL for _ in found), RATIO


def _latch(name: str, series: str, description: str) -> Function:
    def kernel(inputs: tuple[int, ...], slot: int, numbers: Numbers) -> Latch:
        return Latch(inputs, slot)

    rule: UnitRule = _conditions
    return Function(
        name=name,
        series=tuple(series.split()),
        units=rule,
        kernel=kernel,
        lookback=no_lookback,
        description=description,
        family=name,
    )


LATCHES: tuple[Function, ...] = (
    _latch("held", "entry exit", "1 from an entry until its exit, else 0"),
    _latch("side", "entry exit short_entry short_exit", "1 from a long entry, -1 from a short one, 0 after its exit"),
)
