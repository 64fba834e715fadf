"""Several instruments are one portfolio over time, never so many independent samples.

In:  the returns of one strategy on each instrument, with their times.
Out: one series of returns, and how many independent instruments it is worth. Judged one by one, ten coins that fall
     together would count as ten times the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ninefold.backtest.statistics.checked import Floats, Times, checked_returns, checked_times


def portfolio_returns(times_ns: Sequence[ArrayLike], returns: Sequence[ArrayLike]) -> tuple[Times, Floats]:
    """Equal money in every instrument that has a return at that time, evened out again after each period.

    times_ns: one array for each instrument, rising; they may begin and end at different times.
    returns:  fractions, of the same shapes, or of (trials, times) for many strategies at once.
    raises:   ValueError if there is no instrument, or an array is not in order.

    >>> portfolio_returns([[1, 2], [2, 3]], [[0.1, 0.2], [0.0, -0.3]])
    (array([1, 2, 3]), array([ 0.1,  0.1, -0.3]))
    """
    if not times_ns or len(times_ns) != len(returns):
        raise ValueError(
            f"{len(times_ns)} arrays of times and {len(returns)} of returns; give one of each, at least one"
        )
    series = [checked_returns(one) for one in returns]
    times = [checked_times(one, own.shape[-1]) for one, own in zip(times_ns, series, strict=True)]
    together, place = np.unique(np.concatenate(times), return_inverse=True)
    total = np.zeros((*series[0].shape[:-1], len(together)))
    ends = np.cumsum([len(one) for one in times])
    for at, own in zip(np.split(place, ends[:-1]), series, strict=True):
        total[..., at] += own
    return together, total / np.bincount(place, minlength=len(together))


def effective_instruments(returns: ArrayLike) -> float:
    """How many independent instruments would scatter as little as these do together: n / (1 + (n - 1) x mean correlation).

    returns: shape (instruments, periods), over the same periods; one that never changed is left out.
    gives:   from 1 to how many there are (what moves against the rest is no more evidence than what is independent of
             it); NaN if none changed.
    source:  Kish (1965), Survey Sampling, the design effect of clusters.

    >>> up_down, other = [0.1, -0.1, 0.1, -0.1], [0.1, 0.1, -0.1, -0.1]
    >>> effective_instruments([up_down, up_down]), effective_instruments([up_down, other])
    (1.0, 2.0)
    """
    found = checked_returns(returns)
    moved = found[found.max(axis=1) > found.min(axis=1)]
    count = len(moved)
    if count < 2:
        return float(count) if count else math.nan
    total = float(np.corrcoef(moved).sum())  # count + count x (count - 1) x mean correlation
    return min(max(count**2 / total, 1.0), float(count)) if total > 0 else float(count)
