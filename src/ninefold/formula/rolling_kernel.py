"""The compiled statistics of a window as a kernel.

In:  up to four inputs. Out: one value, a function of the last `bars` bars and of nothing else.

What is kept is two arrays, so it copies and pickles as it is, and a restart may begin at any bar.
"""

from __future__ import annotations

import importlib
from typing import Any, Self

import numpy as np

from ninefold.formula.kernels import NAN, Series, Stateful, Values

LOOP = (
    "ninefold.formula.rolling_loop"  # by name, and only where a term needs it: the compiler takes a third of a second
)


class Rolling(Stateful):
    """kind: which statistic of `rolling_loop.KINDS`; number: what else it takes, 0 if nothing."""

    def __init__(self, inputs: tuple[int, ...], slot: int, kind: str, bars: int, number: float) -> None:
        super().__init__(inputs, slot)
        self._kind, self._bars, self._number = kind, bars, float(number)
        self._kept = np.zeros((len(inputs), 2 * bars))
        self._place = np.zeros(2, np.int64)  # where the next bar goes, how many are there
        self._unused = (0.0,) * (4 - len(inputs))
        self._wire()

    def step(self, values: Values) -> None:
        bar = [values[slot] for slot in self.inputs]
        for x in bar:
            if x != x:
                self._forget()
                values[self.slot] = NAN
                return
        values[self.slot] = self._push(self._code, self._kept, self._place, *bar, *self._unused, self._number)

    def copy(self) -> Self:
        twin = type(self)(self.inputs, self.slot, self._kind, self._bars, self._number)
        twin._kept, twin._place = self._kept.copy(), self._place.copy()
        return twin

    def held(self) -> int:
        return len(self.inputs) * int(self._place[1])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_code", "_push", "_over")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._wire()

    def _wire(self) -> None:
        loop: Any = importlib.import_module(LOOP)
        self._code: int = loop.KINDS.index(self._kind)
        self._push: Any = loop.push
        self._over: Any = loop.over

    def _forget(self) -> None:
        self._place[:] = 0

    def _before(self) -> np.ndarray:
        """The bars that a window may still need, oldest first, shape (inputs, at most bars - 1)."""
        at, many = int(self._place[0]), min(int(self._place[1]), self._bars - 1)
        return self._kept[:, at + self._bars - many : at + self._bars]

    def _extend(self, inputs: Series, results: np.ndarray) -> None:
        joined = np.concatenate((self._before(), np.stack(inputs)), axis=1)
        self._over_all(joined, results[0])
        many = min(joined.shape[1], self._bars)
        self._kept[:, :many] = self._kept[:, self._bars : self._bars + many] = joined[:, joined.shape[1] - many :]
        self._place[:] = many % self._bars, many

    def _ahead_known(self, inputs: Series) -> Series:
        results = np.full(inputs[0].shape, NAN)
        for path, result in enumerate(results):
            future = np.stack([values[path] for values in inputs])
            self._over_all(np.concatenate((self._before(), future), axis=1), result)
        return [results]

    def _over_all(self, joined: np.ndarray, result: np.ndarray) -> None:
        whole = joined.shape[1] - self._bars + 1
        if whole > 0:
            self._over(self._code, joined, self._bars, self._number, result[len(result) - whole :])
