"""The part of a program that remembers nothing: many instruments' bars of one moment go through it in one call.

In:  kernels, inputs before what reads them. Out: which of them something with a memory waits for, and which follow those; the
     latter as steps over arrays, all of one function that wait for nothing of each other in one step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ninefold.formula.kernels import Elementwise, Kernel


class Step(NamedTuple):
    """array: the function. inputs: of each argument the slots, shape (k,); results: where they go, likewise."""

    array: Callable[..., np.ndarray]
    inputs: tuple[np.ndarray, ...]
    results: np.ndarray


def split(kernels: Sequence[Kernel]) -> tuple[list[int], list[int]]:
    """Places of those that have a memory or that one with a memory reads, and of the others; each in their order."""
    awaited: set[int] = set()
    early, late = [], []
    for place in reversed(range(len(kernels))):
        kernel = kernels[place]
        if isinstance(kernel, Elementwise) and kernel.slot not in awaited:
            late.append(place)
        else:
            awaited.update(kernel.inputs)
            early.append(place)
    return early[::-1], late[::-1]


def steps(kernels: Sequence[Kernel]) -> list[Step]:
    """Of kernels without a memory, for `take`."""
    levels: dict[int, int] = {}
    groups: dict[tuple[int, Callable[..., np.ndarray], int], list[Elementwise]] = {}
    for kernel in kernels:
        assert isinstance(kernel, Elementwise)
        level = 1 + max((levels.get(slot, 0) for slot in kernel.inputs), default=0)
        levels[kernel.slot] = level
        groups.setdefault((level, kernel.array, len(kernel.inputs)), []).append(kernel)
    return [
        Step(array, tuple(np.array(slots) for slots in zip(*[one.inputs for one in alike], strict=True)), _slots(alike))
        for (_, array, _), alike in sorted(groups.items(), key=lambda group: group[0][0])
    ]


def take(program: Sequence[Step], values: np.ndarray) -> None:
    """values: by slot and instrument, shape (slots, n); the results are put into it."""
    for step in program:
        values[step.results] = step.array(*[values[slots] for slots in step.inputs])


def _slots(kernels: Sequence[Kernel]) -> np.ndarray:
    return np.array([kernel.slot for kernel in kernels])
