"""What computes a term: one value at a time, or a whole array, from the same state and to the same bits.

In:  slots. A kernel reads its inputs from `values[slot]` (floats, `step`) or `series[slot]` (arrays, `run`, `ahead`).
Out: its result in its own slots. Values are finite or NaN; nothing else ever enters or leaves a kernel.

A NaN in any input gives NaN and resets the kernel: it warms up again from the next known bar.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

NAN = float("nan")
INFINITY = float("inf")
Values = list[float]
Series = list[np.ndarray]


class Kernel(ABC):
    """One computation wired to its slots."""

    outputs = 1

    def __init__(self, inputs: tuple[int, ...], slot: int) -> None:
        self.inputs = inputs
        self.slot = slot

    @abstractmethod
    def step(self, values: Values) -> None:
        """One bar: read the inputs' slots, write the own ones."""

    @abstractmethod
    def run(self, series: Series) -> None:
        """Many bars at once, shape (n,): leaves the bits and the state that n steps would leave."""

    @abstractmethod
    def ahead(self, series: Series) -> None:
        """Many possible futures, shape (paths, bars): each goes on from the present state, which stays as it is."""

    @abstractmethod
    def copy(self) -> Self:
        """An independent kernel in the same state."""

    @abstractmethod
    def held(self) -> int:
        """How many past values it keeps; bounded, and the tests say so."""


class Elementwise(Kernel):
    """No state: the result of a bar depends on that bar alone."""

    def __init__(
        self,
        inputs: tuple[int, ...],
        slot: int,
        scalar: Callable[..., float],
        array: Callable[..., np.ndarray],
    ) -> None:
        super().__init__(inputs, slot)
        self.scalar = scalar
        self.array = array

    def step(self, values: Values) -> None:
        values[self.slot] = self.scalar(*[values[slot] for slot in self.inputs])

    def run(self, series: Series) -> None:
        series[self.slot] = self.array(*[series[slot] for slot in self.inputs])

    ahead = run

    def copy(self) -> Self:
        return self

    def held(self) -> int:
        return 0


class Stateful(Kernel):
    """What all kernels with a memory share: cutting at unknown bars."""

    def run(self, series: Series) -> None:
        inputs = [series[slot] for slot in self.inputs]
        known = np.logical_and.reduce([~np.isnan(values) for values in inputs])
        results = np.full((self.outputs, len(known)), NAN)
        for start, stop in _known_segments(known):
            if start > 0:
                self._forget()
            self._extend([values[start:stop] for values in inputs], results[:, start:stop])
        if len(known) and not known[-1]:
            self._forget()
        series[self.slot : self.slot + self.outputs] = list(results)

    def ahead(self, series: Series) -> None:
        inputs = [series[slot] for slot in self.inputs]
        if not any(np.isnan(values).any() for values in inputs):
            series[self.slot : self.slot + self.outputs] = self._ahead_known(inputs)
            return
        results = np.empty((self.outputs, *inputs[0].shape))
        for path in range(inputs[0].shape[0]):
            before = [values[path] if len(values) else values for values in series[: self.slot]]  # none: not needed
            one: Series = before + [np.empty(0)] * self.outputs
            self.copy().run(one)
            results[:, path] = one[self.slot :]
        series[self.slot : self.slot + self.outputs] = list(results)

    @abstractmethod
    def _forget(self) -> None:
        """Back to the state of a new kernel."""

    @abstractmethod
    def _extend(self, inputs: Series, results: np.ndarray) -> None:
        """Go on from the present state over known bars (n >= 1), writing results of shape (outputs, n)."""

    @abstractmethod
    def _ahead_known(self, inputs: Series) -> Series:
        """`ahead` where no input is NaN."""


class Windowed(Stateful):
    """A function of the last `length` bars and of nothing else, so it never depends on where history began.

    function: takes one window an input, `window[0]` the oldest bar. The items are floats in `step`; in `run` they are
              arrays, one item for each bar that has a whole window. The very same lines therefore compute both.
    """

    def __init__(self, inputs: tuple[int, ...], slot: int, function: Callable[..., Any], length: int) -> None:
        super().__init__(inputs, slot)
        self._function = function
        self._length = length
        self._windows: list[list[float]] = [[] for _ in inputs]

    def step(self, values: Values) -> None:
        bar = [values[slot] for slot in self.inputs]
        if any(x != x for x in bar):
            self._forget()
            values[self.slot] = NAN
            return
        for window, x in zip(self._windows, bar, strict=True):
            window.append(x)
        if len(self._windows[0]) < self._length:
            values[self.slot] = NAN
            return
        result = float(self._function(*self._windows))
        values[self.slot] = result if -INFINITY < result < INFINITY else NAN
        for window in self._windows:
            del window[0]

    def copy(self) -> Self:
        twin = type(self)(self.inputs, self.slot, self._function, self._length)
        twin._windows = [list(window) for window in self._windows]
        return twin

    def held(self) -> int:
        return sum(len(window) for window in self._windows)

    def _forget(self) -> None:
        self._windows = [[] for _ in self.inputs]

    def _extend(self, inputs: Series, results: np.ndarray) -> None:
        joined = [np.concatenate((window, x)) for window, x in zip(self._windows, inputs, strict=True)]
        whole = joined[0].shape[-1] - self._length + 1
        if whole > 0:
            results[0, -whole:] = self._over(joined, whole)
        self._windows = [values[max(whole, 0) :].tolist() for values in joined]

    def _ahead_known(self, inputs: Series) -> Series:
        paths, bars = inputs[0].shape
        joined = [
            np.concatenate((np.broadcast_to(window, (paths, len(window))), x), axis=1)
            for window, x in zip(self._windows, inputs, strict=True)
        ]
        whole = joined[0].shape[-1] - self._length + 1
        results = np.full((paths, bars), NAN)
        if whole > 0:
            results[:, -whole:] = self._over(joined, whole)
        return [results]

    def _over(self, joined: Series, whole: int) -> np.ndarray:
        windows = [[values[..., age : age + whole] for age in range(self._length)] for values in joined]
        with np.errstate(all="ignore"):
            return finite(np.asarray(self._function(*windows), np.float64))


def finite(values: np.ndarray) -> np.ndarray:
    """The values, with NaN where they were infinite."""
    return np.where(np.isfinite(values), values, NAN)


def _known_segments(known: np.ndarray) -> Iterator[tuple[int, int]]:
    """Where runs of True begin and end.

    >>> list(_known_segments(np.array([False, True, True, False, True])))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], known, [False])).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
