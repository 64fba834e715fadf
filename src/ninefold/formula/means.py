"""Many plain means of one series in one kernel: `sma` over many lengths, the same bits as TA-Lib's, one by one.

In:  one input. Out: for each length its mean; unknown until so many bars are known.

Fifty streams lie anywhere in memory, and at each bar most of the time goes into fetching them. Here is one array of the last bars
and one of sums; a sum takes the new bar, gives the mean, then gives up the oldest bar: in that order, as TA-Lib's do.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Self

import numpy as np

from ninefold.formula.kernels import INFINITY, NAN, Kernel, Series, Stateful, Values, finite
from ninefold.formula.talib_kernel import TaLib

FEW = 12  # fewer are quicker as streams: measured where other work came between two bars


class Means(Stateful):
    """slots: of the results; lengths: in bars, of each."""

    def __init__(self, inputs: tuple[int, ...], slots: Sequence[int], lengths: Sequence[int]) -> None:
        super().__init__(inputs, slots[0])
        self.outputs = len(slots)
        self._slots = tuple(slots)
        self._lengths = np.array(lengths)
        self._ages = 1 - self._lengths  # of the bar that leaves a sum, as a place in `kept` relative to the newest
        self._listed: list[int] = self._lengths.tolist()
        self._longest: int = max(self._listed)
        self._kept = np.zeros(self._longest)  # a ring of the newest bars
        self._sums = np.zeros(self.outputs)
        self._at: int = 0  # where the next bar goes
        self._many: int = 0  # bars so far

    @property
    def results(self) -> Sequence[int]:
        return self._slots

    def only(self, wanted: Container[int]) -> Kernel:
        places = [place for place, slot in enumerate(self._slots) if slot in wanted]
        return self._part(places)

    def step(self, values: Values) -> None:
        x = values[self.inputs[0]]
        if x != x:
            self._forget()
            for slot in self._slots:
                values[slot] = NAN
            return
        kept, sums, at = self._kept, self._sums, self._at
        kept[at] = x
        self._many += 1
        with np.errstate(over="ignore", invalid="ignore"):
            sums += x
            means = (sums / self._lengths).tolist()
            leaving = kept[at + self._ages]
            if self._many < self._longest:
                leaving[self._lengths > self._many] = 0.0
            sums -= leaving
        self._at = at + 1 if at + 1 < self._longest else 0
        if self._many >= self._longest and -INFINITY < sum(means) < INFINITY:
            for slot, mean in zip(self._slots, means, strict=True):
                values[slot] = mean
            return
        for slot, length, mean in zip(self._slots, self._listed, means, strict=True):
            values[slot] = mean if length <= self._many and -INFINITY < mean < INFINITY else NAN

    def copy(self) -> Self:
        return self._part(range(self.outputs))

    def held(self) -> int:
        return min(self._many, self._longest)

    def _part(self, places: Sequence[int]) -> Self:
        twin = type(self)(self.inputs, [self._slots[place] for place in places], self._lengths[list(places)].tolist())
        twin._keep(self._before(), self._many, self._sums[list(places)])
        return twin

    def _forget(self) -> None:
        self._keep(np.empty(0), 0, np.zeros(self.outputs))

    def _keep(self, before: np.ndarray, many: int, sums: np.ndarray) -> None:
        """before: bars, oldest first. many: how many there were."""
        last = before[-self._longest :]
        self._kept = np.zeros(self._longest)
        self._kept[: len(last)] = last
        self._at = len(last) % self._longest
        self._many, self._sums = many, sums

    def _before(self) -> np.ndarray:
        """The bars that a sum may still give up, oldest first."""
        if self._many < self._longest:
            return self._kept[: self._many].copy()
        return np.roll(self._kept, -self._at)

    def _extend(self, inputs: Series, results: np.ndarray) -> None:
        before, (x,) = self._before(), inputs
        sums = self._sums.copy()
        for place, length in enumerate(self._listed):
            results[place], sums[place] = _means(before, x, sums[place], length)
        self._keep(np.concatenate((before, x)), self._many + len(x), sums)

    def _ahead_known(self, inputs: Series) -> Series:
        before, (x,) = self._before(), inputs
        lengths = zip(self._sums, self._listed, strict=True)
        return [_means(before, x, float(total), length)[0] for total, length in lengths]


def gathered(kernels: Sequence[Kernel]) -> list[Kernel]:
    """The same, with plain means of one series in one kernel where there are many of them."""
    alike: dict[tuple[int, ...], list[TaLib]] = {}
    for kernel in kernels:
        if isinstance(kernel, TaLib) and kernel.name == "SMA":
            alike.setdefault(kernel.inputs, []).append(kernel)
    joined: dict[Kernel, Means] = {}
    for inputs, some in alike.items():
        if len(some) >= FEW:
            means = Means(inputs, [kernel.slot for kernel in some], [kernel.lookback + 1 for kernel in some])
            joined |= dict.fromkeys(some, means)
    return list(dict.fromkeys(joined.get(kernel, kernel) for kernel in kernels))


def _means(before: np.ndarray, x: np.ndarray, total: float, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Means at each of the bars x, shape (..., n), after those before; the sums behind the last one, shape (...)."""
    many, n = len(before), x.shape[-1]
    unknown = min(max(length - 1 - many, 0), n)
    bars = np.concatenate((np.broadcast_to(before, (*x.shape[:-1], many)), x), axis=-1)
    moves = np.zeros((*x.shape[:-1], 1 + 2 * n))
    moves[..., 0], moves[..., 1::2] = total, x
    moves[..., 2 + 2 * unknown :: 2] = -bars[..., many + unknown - length + 1 : many + n - length + 1]
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.add.accumulate(moves, axis=-1)
        means = finite(sums[..., 1::2] / length)
    means[..., :unknown] = NAN
    return means, sums[..., -1]
