"""Analogues, or pattern matching: when did the last bars look like this before, how much alike, and what came of it?

A causal (left) matrix profile of bounded memory: each value is a function of the last bars alone, of those before the
shape itself only. Shapes overlap their analogue by no more than three quarters, as in the literature.

source: Yeh et al. (2016), Matrix Profile I, IEEE ICDM.
"""

from __future__ import annotations

import importlib
from typing import Any, Self

import numpy as np

from ninefold.formula.function import Function, Numbers, Parameter, combined_units
from ninefold.formula.kernels import NAN, Series, Stateful, Values
from ninefold.formula.units import RATIO

LOOP = (
    "ninefold.formula.analogue_loop"  # by name, and only where a term needs it: the compiler takes a third of a second
)
DISTANCE, AGO, FOLLOWED = 0, 1, 2


class Analogue(Stateful):
    """wanted: which of distance, bars ago and what followed, in the order of its slots."""

    def __init__(
        self, inputs: tuple[int, ...], slot: int, window: int, apart: int, history: int, ahead: int, *wanted: int
    ) -> None:
        super().__init__(inputs, slot)
        self.outputs = len(wanted)
        self._wanted = wanted
        self._sizes = (window, apart, history, ahead)
        self._bars = window + apart + history
        self._kept = np.zeros((3, 2 * self._bars))
        self._place = np.zeros(2, np.int64)  # where the next bar goes, how many are there
        self._wire()

    def step(self, values: Values) -> None:
        x = values[self.inputs[0]]
        if x != x:
            self._forget()
            values[self.slot : self.slot + self.outputs] = [NAN] * self.outputs
            return
        found = self._push(self._kept, self._place, x, *self._sizes)
        values[self.slot : self.slot + self.outputs] = [found[which] for which in self._wanted]

    def copy(self) -> Self:
        twin = type(self)(self.inputs, self.slot, *self._sizes, *self._wanted)
        twin._kept, twin._place = self._kept.copy(), self._place.copy()
        return twin

    def held(self) -> int:
        return 3 * int(self._place[1])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_push", "_over")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._wire()

    def _wire(self) -> None:
        loop: Any = importlib.import_module(LOOP)
        self._push: Any = loop.push
        self._over: Any = loop.over

    def _forget(self) -> None:
        self._place[:] = 0

    def _extend(self, inputs: Series, results: np.ndarray) -> None:
        series = self._over_all(inputs[0], results)
        many = min(series.shape[1], self._bars)
        self._kept[:, :many] = self._kept[:, self._bars : self._bars + many] = series[:, series.shape[1] - many :]
        self._place[:] = many % self._bars, many

    def _ahead_known(self, inputs: Series) -> Series:
        results = np.full((self.outputs, *inputs[0].shape), NAN)
        for path, future in enumerate(inputs[0]):
            self._over_all(future, results[:, path])
        return list(results)

    def _over_all(self, x: np.ndarray, results: np.ndarray) -> np.ndarray:
        """Results of all whole stretches into the end of `results`; returns what is kept of each bar, shape (3, bars)."""
        at, many = int(self._place[0]), min(int(self._place[1]), self._bars - 1)
        before = self._kept[0, at + self._bars - many : at + self._bars]
        series = np.zeros((3, many + len(x)))
        series[0] = np.concatenate((before, x))
        out = np.empty((3, max(series.shape[1] - self._bars + 1, 0)))
        self._over(series, *self._sizes, out)
        results[:, results.shape[1] - out.shape[1] :] = out[list(self._wanted)]
        return series


def _apart(numbers: Numbers) -> int:
    ahead = int(numbers[2]) if len(numbers) > 2 else 0
    return max(-(-int(numbers[0]) // 4), ahead - 1)


def _lookback(numbers: Numbers) -> int:
    return int(numbers[0]) + _apart(numbers) + int(numbers[1]) - 1


def _profile(inputs: tuple[int, ...], slot: int, numbers: Numbers) -> Analogue:
    return Analogue(inputs, slot, int(numbers[0]), _apart(numbers), int(numbers[1]), 0, DISTANCE, AGO)


def _followed(inputs: tuple[int, ...], slot: int, numbers: Numbers) -> Analogue:
    return Analogue(inputs, slot, int(numbers[0]), _apart(numbers), int(numbers[1]), int(numbers[2]), FOLLOWED)


_PURE = combined_units(lambda units: RATIO)
_SIZES = (Parameter("window", 20, 3, 100), Parameter("history", 200, 10, 1_000))
_AHEAD = Parameter("ahead", 5, 1, 100)

ANALOGUES: tuple[Function, ...] = (
    Function(
        name="analogue_distance",
        series=("x",),
        units=_PURE,
        kernel=_profile,
        lookback=_lookback,
        description="how far the most alike stretch of the history is: 0 the same shape, sqrt(2 window) unrelated",
        parameters=_SIZES,
        family="analogue",
        output=0,
    ),
    Function(
        name="analogue_ago",
        series=("x",),
        units=_PURE,
        kernel=_profile,
        lookback=_lookback,
        description="how many bars ago the most alike stretch ended",
        parameters=_SIZES,
        family="analogue",
        output=1,
    ),
    Function(
        name="analogue_return",
        series=("x",),
        units=_PURE,
        kernel=_followed,
        lookback=_lookback,
        description="change over the `ahead` bars that followed the most alike stretch, all of them past",
        parameters=(*_SIZES, _AHEAD),
        family="analogue_return",
    ),
)
