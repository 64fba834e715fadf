"""TA-Lib's streams as a kernel.

A stream handle equals TA-Lib's batch results to the last bit, wherever it is opened. NaN never reaches it (one would
poison it for good) and neither does an infinity (it would raise): `Stateful` has cut them out. Handles copy exactly but
cannot be pickled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Self

import numpy as np
import talib.stream

from ninefold.formula.kernels import INFINITY, NAN, Kernel, Series, Stateful, Values, finite


class TaLib(Stateful):
    """A TA-Lib function. Its first `lookback` bars are kept until the handle can open; then each bar costs O(1)."""

    def __init__(
        self, inputs: tuple[int, ...], slot: int, name: str, parameters: dict[str, float], lookback: int, outputs: int
    ) -> None:
        super().__init__(inputs, slot)
        self.outputs = outputs
        self._name = name
        self._lookback = lookback
        self._parameters = parameters
        self._first: list[list[float]] = [[] for _ in inputs]
        self._handle: Any = None
        self.update: list[Callable[..., Any]] = []  # the handle's, while one is open; `stepper` looks here

    def step(self, values: Values) -> None:
        bar = [values[slot] for slot in self.inputs]
        for x in bar:
            if x != x:
                self._forget()
                values[self.slot : self.slot + self.outputs] = [NAN] * self.outputs
                return
        if self._handle is None:
            self._collect(bar, values)
            return
        self._put(self._handle.update(*bar), values)

    def stepper(self) -> Callable[[Values], None]:
        """Half of a step is looking things up: here that is done once."""
        if len(self.inputs) > 1:
            return _step_of_several(self.step, self.update, operator.itemgetter(*self.inputs), self.slot, self.outputs)
        return _step_of_one(self.step, self.update, self.inputs[0], self.slot, self.outputs)

    def copy(self) -> Self:
        twin = type(self)(self.inputs, self.slot, self._name, self._parameters, self._lookback, self.outputs)
        twin._first = [list(first) for first in self._first]
        if self._handle is not None:
            twin._hold(self._handle.copy())
        return twin

    def held(self) -> int:
        return sum(len(first) for first in self._first)

    def _collect(self, bar: Sequence[float], values: Values) -> None:
        for first, x in zip(self._first, bar, strict=True):
            first.append(x)
        if len(self._first[0]) <= self._lookback:
            values[self.slot : self.slot + self.outputs] = [NAN] * self.outputs
            return
        history = [np.array(first) for first in self._first]
        self._hold(getattr(talib.stream, self._name)(*history, **self._parameters))
        self._first = [[] for _ in self.inputs]
        self._put(self._handle.value, values)

    def _put(self, found: Any, values: Values) -> None:
        if self.outputs == 1:
            values[self.slot] = float(found) if -INFINITY < found < INFINITY else NAN
            return
        for place, x in enumerate(found, self.slot):
            values[place] = float(x) if -INFINITY < x < INFINITY else NAN

    def _hold(self, handle: Any) -> None:
        self._handle = handle
        self.update[:] = [handle.update]

    def _forget(self) -> None:
        self._handle = None
        self.update.clear()
        self._first = [[] for _ in self.inputs]

    def _extend(self, inputs: Series, results: np.ndarray) -> None:
        if self._handle is not None:
            found = [self._handle.update(*bar) for bar in zip(*[x.tolist() for x in inputs], strict=True)]
            results[:] = finite(np.array(found, np.float64).reshape(len(found), self.outputs).T)
            return
        history = [np.concatenate((first, x)) for first, x in zip(self._first, inputs, strict=True)]
        if len(history[0]) <= self._lookback:
            self._first = [x.tolist() for x in history]
            return
        handle, filled = getattr(talib.stream, self._name).open_and_fill(*history, **self._parameters)
        self._hold(handle)
        every = np.array(filled, np.float64).reshape(self.outputs, len(history[0]))
        every[:, : self._lookback] = NAN  # candle patterns fill their warm-up with zeros
        self._first = [[] for _ in self.inputs]
        results[:] = finite(every[:, -results.shape[1] :])

    def _ahead_known(self, inputs: Series) -> Series:
        results = np.full((*inputs[0].shape, self.outputs), NAN)
        paths = zip(*[values.tolist() for values in inputs], strict=True)
        if self._handle is None:
            for path, bars in enumerate(paths):
                self.copy()._extend([np.array(x) for x in bars], results[path].T)
        else:
            for path, bars in enumerate(paths):
                update = self._handle.copy().update
                results[path] = np.array([update(*bar) for bar in zip(*bars, strict=True)]).reshape(-1, self.outputs)
        return [finite(results[:, :, output]) for output in range(self.outputs)]


Step = Callable[[Values], None]


def steppers(kernels: Sequence[Kernel]) -> list[Step]:
    """The step of each, in their order; functions of the same inputs take one, where the first of them has its place."""
    alike: dict[tuple[int, ...], list[TaLib]] = {}
    for kernel in kernels:
        if isinstance(kernel, TaLib) and kernel.outputs == 1:
            alike.setdefault(kernel.inputs, []).append(kernel)
    together: dict[Kernel, Step] = {}
    for some in alike.values():
        if len(some) > 1:
            together |= dict.fromkeys(some, step_of_alike(some))
    return list(dict.fromkeys(together[kernel] if kernel in together else kernel.stepper() for kernel in kernels))


def step_of_alike(kernels: Sequence[TaLib]) -> Step:
    """What they read is looked up and looked at once; the slow steps do it where one has no handle or the bar is unknown."""
    slow = [kernel.step for kernel in kernels]
    slots, updates = [kernel.slot for kernel in kernels], [kernel.update for kernel in kernels]
    first, *others = kernels[0].inputs
    take: Callable[[Values], Any] = operator.itemgetter(first, *others)

    def one(values: Values) -> None:
        x = values[first]
        if x != x or not all(updates):
            for step in slow:
                step(values)
            return
        put(values, [update[0](x) for update in updates])

    def several(values: Values) -> None:
        bar = take(values)
        total = sum(bar)
        if total != total or not all(updates):
            for step in slow:
                step(values)
            return
        put(values, [update[0](*bar) for update in updates])

    def put(values: Values, found: list[Any]) -> None:
        if isfinite(sum(found)):  # then each is
            for slot, x in zip(slots, found):  # noqa: B905  as many by construction
                values[slot] = x * 1.0
        else:
            for slot, x in zip(slots, found, strict=True):
                values[slot] = x * 1.0 if -INFINITY < x < INFINITY else NAN

    return several if others else one


def _step_of_one(slow: Step, update: list[Callable[..., Any]], only: int, slot: int, outputs: int) -> Step:
    """The step of a function with one input; `slow` does it where there is no handle or the bar is unknown."""

    def one(values: Values) -> None:
        x = values[only]
        if x != x or not update:
            slow(values)
            return
        found = update[0](x)
        values[slot] = found * 1.0 if -INFINITY < found < INFINITY else NAN  # some answer whole numbers

    def many(values: Values) -> None:
        x = values[only]
        if x != x or not update:
            slow(values)
            return
        for place, y in enumerate(update[0](x), slot):
            values[place] = y * 1.0 if -INFINITY < y < INFINITY else NAN

    return one if outputs == 1 else many


def _step_of_several(
    slow: Step, update: list[Callable[..., Any]], take: Callable[[Values], Any], slot: int, outputs: int
) -> Step:
    """The same for several inputs."""

    def one(values: Values) -> None:
        bar = take(values)
        for x in bar:
            if x != x:
                slow(values)
                return
        if not update:
            slow(values)
            return
        found = update[0](*bar)
        values[slot] = found * 1.0 if -INFINITY < found < INFINITY else NAN

    def many(values: Values) -> None:
        bar = take(values)
        for x in bar:
            if x != x:
                slow(values)
                return
        if not update:
            slow(values)
            return
        for place, y in enumerate(update[0](*bar), slot):
            values[place] = y * 1.0 if -INFINITY < y < INFINITY else NAN

    return one if outputs == 1 else many
