"""Our own terms over the last bars: each a function of its window alone, which rebuilds its value exactly.

Two passes in the order of time, not running sums: those remember their start and give other last bits after a restart.
The items of a window are floats for one bar and arrays for many; + - * / and the routines of `arithmetic` take both.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ninefold.formula.arithmetic import divide, logarithm, root
from ninefold.formula.function import Function, Numbers, Parameter, UnitRule, combined_units, same_units
from ninefold.formula.kernels import Windowed
from ninefold.formula.units import BOOL, RATIO

Window = Sequence[Any]
LONGEST = 5_000  # bars: bounds what a formula typed by a user can make a service keep
LONGEST_PASS = 500  # the same where every bar costs a pass over the window


def zscore(window: Window) -> Any:
    """How many standard deviations (population) the last value lies above the mean; NaN where nothing moved.

    >>> round(zscore([1.0, 2.0, 3.0]), 4)
    1.2247
    """
    mean = _total(window) / len(window)
    deviation = root(_total((x - mean) * (x - mean) for x in window) / len(window))
    return divide(window[-1] - mean, deviation)


def realized_volatility(window: Window) -> Any:
    """Root of the summed squared log returns; not annualized.

    source: Andersen and Bollerslev (1998), International Economic Review 39(4).

    >>> round(realized_volatility([100.0, 110.0, 99.0]), 4)
    0.1421
    """
    logs = itertools.pairwise(logarithm(x) for x in window)
    return root(_total((later - sooner) * (later - sooner) for sooner, later in logs))


def crosses_above(a: Window, b: Window) -> Any:
    """1 on the bar on which a rose above b: at or below it before, above it now.

    >>> crosses_above([1.0, 3.0], [2.0, 2.0]), crosses_above([3.0, 3.0], [2.0, 2.0])
    (1.0, 0.0)
    """
    return _truth((a[0] <= b[0]) & (a[1] > b[1]))


def crosses_below(a: Window, b: Window) -> Any:
    """1 on the bar on which a fell below b: at or above it before, below it now."""
    return _truth((a[0] >= b[0]) & (a[1] < b[1]))


def _total(items: Iterable[Any]) -> Any:
    """Their sum, in order; one at a time, for an item may be an array of a million bars."""
    return functools.reduce(operator.add, items)


def _truth(found: Any) -> Any:
    return np.where(found, 1.0, 0.0) if isinstance(found, np.ndarray) else float(found)


def _windowed(
    name: str,
    series: str,
    units: UnitRule,
    function: Callable[..., Any],
    lookback: Callable[[Numbers], int],
    description: str,
    *parameters: Parameter,
) -> Function:
    def kernel(inputs: tuple[int, ...], slot: int, numbers: Numbers) -> Windowed:
        return Windowed(inputs, slot, function, lookback(numbers) + 1)

    return Function(
        name=name,
        series=tuple(series.split()),
        units=units,
        kernel=kernel,
        lookback=lookback,
        description=description,
        parameters=parameters,
        family=name,
    )


def _one(numbers: Numbers) -> int:
    return 1


_ANY_TO_RATIO = combined_units(lambda units: RATIO)

WINDOWS: tuple[Function, ...] = (
    _windowed(
        "lag",
        "x",
        same_units(truth=True),
        lambda x: x[0],
        lambda n: int(n[0]),
        "x as it was some bars ago",
        Parameter("bars", 1, 1, LONGEST),
    ),
    _windowed("crosses_above", "a b", same_units(BOOL), crosses_above, _one, "a has just risen above b"),
    _windowed("crosses_below", "a b", same_units(BOOL), crosses_below, _one, "a has just fallen below b"),
    _windowed(
        "zscore",
        "x",
        _ANY_TO_RATIO,
        zscore,
        lambda n: int(n[0]) - 1,
        "deviations from the mean",
        Parameter("window", 20, 2, LONGEST_PASS),
    ),
    _windowed(
        "realized_volatility",
        "x",
        _ANY_TO_RATIO,
        realized_volatility,
        lambda n: int(n[0]),
        "root of summed squared log returns",
        Parameter("window", 20, 1, LONGEST_PASS),
    ),
)
