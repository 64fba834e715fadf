"""Several instruments are one portfolio over time, never so many independent samples.

In:  the returns of one strategy on each instrument, with their times.
Out: one series of returns. Judged one by one, ten coins that fall together would count as ten times the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ninefold.backtest.statistics.checked import Floats, Times, checked_returns, checked_times


def portfolio_returns(times_ns: Sequence[ArrayLike], returns: Sequence[ArrayLike]) -> tuple[Times, Floats]:
    """Equal money in every instrument that has a return at that time, evened out again after each period.

    times_ns: one array for each instrument, rising; they may begin and end at different times.
    returns:  of the same shapes, fractions.
    raises:   ValueError if there is no instrument, or an array is not in order.

    >>> portfolio_returns([[1, 2], [2, 3]], [[0.1, 0.2], [0.0, -0.3]])
    (array([1, 2, 3]), array([ 0.1,  0.1, -0.3]))
    """
    if not times_ns or len(times_ns) != len(returns):
        raise ValueError(
            f"{len(times_ns)} arrays of times and {len(returns)} of returns; give one of each, at least one"
        )
    series = [checked_returns(one) for one in returns]
    times = [checked_times(one, len(own)) for one, own in zip(times_ns, series, strict=True)]
    together, place = np.unique(np.concatenate(times), return_inverse=True)
    total = np.bincount(place, weights=np.concatenate(series), minlength=len(together))
    return together, total / np.bincount(place, minlength=len(together))
