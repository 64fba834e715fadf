"""TA-Lib's streams as a kernel.

A stream handle equals TA-Lib's batch results to the last bit, wherever it is opened. NaN never reaches it (one would
poison it for good) and neither does an infinity (it would raise): `Stateful` has cut them out. Handles copy exactly but
cannot be pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import talib.stream

from ninefold.formula.kernels import INFINITY, NAN, Series, Stateful, Values, finite


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
        self.ready: list[
            Callable[..., Any]
        ] = []  # updates of open handles that a fast step keeps, no longer good if ours changes

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

    @property
    def update(self) -> Callable[..., Any] | None:
        """The handle's, while one is open."""
        return None if self._handle is None else self._handle.update

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
        self.ready.clear()

    def _forget(self) -> None:
        self._handle = None
        self.ready.clear()
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
