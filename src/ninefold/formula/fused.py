"""One function for all the steps of a plan: to call each, and to look up what it needs, took more than half of a bar's time.

In:  kernels, inputs before what reads them. Out: what does the same as their steps one after the other.

It is written as text, which holds slots and nothing else, so plans that are alike share its code. TA-Lib's functions of the same
inputs stand together, where the first of them has its place: what they read is looked at once, their handles are called in a
row, and what they answer is looked at once. Where one has no handle yet or something is unknown, each takes its own step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from ninefold.formula.kernels import INFINITY, NAN, Elementwise, Kernel, Values
from ninefold.formula.talib_kernel import TaLib

Step = Callable[[Values], None]
PLANS = 256  # whose code is kept


def fused(kernels: Sequence[Kernel]) -> Step:
    names: dict[str, Any] = {"INFINITY": INFINITY}
    text = "\n    ".join(("def step(values):", "pass", *_lines(kernels, names)))
    return FunctionType(_compiled(text), names)


@lru_cache(PLANS)
def _compiled(text: str) -> CodeType:
    return next(part for part in compile(text, "<fused>", "exec").co_consts if isinstance(part, CodeType))


def _lines(kernels: Sequence[Kernel], names: dict[str, Any]) -> Iterator[str]:
    """names: gets what the lines call."""
    alike: dict[tuple[int, ...], list[TaLib]] = {}
    for kernel in kernels:
        if isinstance(kernel, TaLib):
            alike.setdefault(kernel.inputs, []).append(kernel)
    for kernel in kernels:
        if isinstance(kernel, TaLib):
            yield from _lines_of_alike(alike.pop(kernel.inputs, ()), names)
        elif isinstance(kernel, Elementwise):
            names[f"scalar{kernel.slot}"] = kernel.scalar
            yield f"values[{kernel.slot}] = scalar{kernel.slot}({', '.join(f'values[{x}]' for x in kernel.inputs)})"
        else:
            names[f"step{kernel.slot}"] = kernel.step
            yield f"step{kernel.slot}(values)"


def _lines_of_alike(kernels: Sequence[TaLib], names: dict[str, Any]) -> Iterator[str]:
    if not kernels:
        return
    inputs, first = kernels[0].inputs, kernels[0].slot
    answers = [[kernel.slot + output for output in range(kernel.outputs)] for kernel in kernels]
    slots = [slot for some in answers for slot in some]
    names[f"ready{first}"], names[f"slowly{first}"], names[f"put{first}"] = _ways_of_alike(kernels, slots)
    read = ", ".join(f"x{slot}" for slot in inputs)
    found = "".join(f"y{slot}, " for slot in slots)
    yield from (f"x{slot} = values[{slot}]" for slot in inputs)
    yield f"total = {' + '.join(f'x{slot}' for slot in inputs)}"
    yield f"if ready{first} and total == total:"
    yield f"    {''.join(f'update{kernel.slot}, ' for kernel in kernels)} = ready{first}"
    yield from (f"    {', '.join(f'y{slot}' for slot in some)} = update{some[0]}({read})" for some in answers)
    yield f"    if -INFINITY < sum(({found})) < INFINITY:"
    yield from (f"        values[{slot}] = y{slot} * 1.0" for slot in slots)  # some answer whole numbers
    yield "    else:"
    yield f"        put{first}(values, ({found}))"
    yield "else:"
    yield f"    slowly{first}(values)"


def _ways_of_alike(
    kernels: Sequence[TaLib], slots: Sequence[int]
) -> tuple[list[Callable[..., Any]], Step, Callable[[Values, Sequence[float]], None]]:
    """The updates of all handles, empty while one is missing; the own step of each; what puts answers of which one is infinite."""
    ready: list[Callable[..., Any]] = []
    for kernel in kernels:
        kernel.ready = ready

    def slowly(values: Values) -> None:
        for kernel in kernels:
            kernel.step(values)
        updates = [kernel.update for kernel in kernels if kernel.update is not None]
        if len(updates) == len(kernels):
            ready[:] = updates

    def put(values: Values, found: Sequence[float]) -> None:
        for slot, x in zip(slots, found, strict=True):
            values[slot] = x * 1.0 if -INFINITY < x < INFINITY else NAN

    return ready, slowly, put
