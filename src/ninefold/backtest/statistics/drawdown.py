"""What it was like to hold: how deep below the best so far, and for how long.

In:  equity after each period, above zero.
Out: depth as a fraction of the peak, the worst fall with its rows, the longest time under water, Calmar's ratio.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ninefold.backtest.statistics.checked import Floats, checked_equity
from ninefold.backtest.statistics.sharpe import YEAR_NS

_MOST = 700.0  # of a logarithm whose number a double holds


class Fall(NamedTuple):
    """Rows of the equity; `recovered` is None if the peak was not reached again."""

    depth: float  # a fraction of the peak, 0 if equity never fell
    peak: int
    trough: int
    recovered: int | None


class Falls(NamedTuple):
    """All that a report tells of them, each as the function of its name has it."""

    deepest: float  # `worst_fall`
    longest: int  # `longest_under_water`
    calmar: float


def falls_of(equity: ArrayLike, width_ns: int) -> Falls:
    """What is told of them, out of one pass through the equity.

    >>> falls_of([100.0, 80.0, 110.0], width_ns=365 * 86_400 * 10**9 // 2)[:2]
    (0.2, 2)
    """
    found = checked_equity(equity)
    below = _below(found)
    deepest = _worst(below).depth
    return Falls(deepest, _longest(below), _calmar(found, deepest, width_ns))


def drawdown(equity: ArrayLike) -> Floats:
    """How far below the best so far, as a fraction of it: 0 at a peak.

    equity: shape (n,).

    >>> drawdown([100.0, 110.0, 99.0, 120.0]).round(3)
    array([0. , 0. , 0.1, 0. ])
    """
    return _below(checked_equity(equity))


def _below(equity: Floats) -> Floats:
    below: Floats = 1 - equity / np.maximum.accumulate(equity)
    return below


def worst_fall(equity: ArrayLike) -> Fall:
    """The deepest drawdown, the first of equals.

    >>> worst_fall([100.0, 110.0, 99.0, 88.0, 120.0])
    Fall(depth=0.2, peak=1, trough=3, recovered=4)
    """
    return _worst(drawdown(equity))


def _worst(below: Floats) -> Fall:
    if not len(below):
        return Fall(0.0, 0, 0, None)
    trough = int(below.argmax())
    peak = int(np.flatnonzero(below[: trough + 1] == 0)[-1])
    after = np.flatnonzero(below[trough:] == 0)
    return Fall(round(float(below[trough]), 15), peak, trough, trough + int(after[0]) if len(after) else None)


def longest_under_water(equity: ArrayLike) -> int:
    """The most periods from a peak until it was reached again, or until the end if it was not.

    >>> longest_under_water([100.0, 90.0, 100.0, 99.0, 98.0, 97.0])
    3
    """
    return _longest(drawdown(equity))


def _longest(below: Floats) -> int:
    at_peak = np.flatnonzero(below == 0)
    if not len(at_peak):
        return 0
    waits = np.diff(np.append(at_peak, len(below)))
    waits[-1] -= 1  # the last one ends at the last row, not after it
    falling = np.append(waits[:-1] > 1, waits[-1] > 0)
    return int(waits[falling].max()) if falling.any() else 0


def calmar(equity: ArrayLike, width_ns: int) -> float:
    """Compound return a year over the deepest drawdown; NaN if there was none.

    source: Young (1991), Calmar ratio: a smoother tool, Futures 20(1).

    >>> round(calmar([100.0, 80.0, 110.0], width_ns=365 * 86_400 * 10**9 // 2), 3)
    0.5
    """
    found = checked_equity(equity)
    return _calmar(found, worst_fall(found).depth, width_ns)


def _calmar(equity: Floats, depth: float, width_ns: int) -> float:
    if len(equity) < 2 or depth == 0:
        return math.nan
    years = (len(equity) - 1) * width_ns / YEAR_NS
    grown = math.log(float(equity[-1] / equity[0])) / years
    return math.expm1(grown) / depth if grown < _MOST else math.inf
