"""Returns, equity and times as the statistics want them, or an error that names the row; and their median.

In:  what a caller hands over.
Out: the same as float64 or int64 arrays. Nothing is dropped, filled or sorted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def checked_returns(returns: ArrayLike) -> Floats:
    """Shape (periods,) or (trials, periods), every value finite.

    raises: ValueError naming the first value that is not.

    >>> checked_returns([0.01, float("nan")])
    Traceback (most recent call last):
    ValueError: return at row 1 is nan; returns must be finite numbers: cut unknown periods out or count them as 0
    """
    found = np.asarray(returns, dtype=np.float64)
    bad = ~np.isfinite(found)
    if bad.any():
        where = tuple(int(at) for at in np.argwhere(bad)[0])
        name = f"row {where[0]}" if len(where) == 1 else f"trial {where[0]}, period {where[1]}"
        raise ValueError(
            f"return at {name} is {found[where]}; returns must be finite numbers: "
            "cut unknown periods out or count them as 0"
        )
    return found


def checked_equity(equity: ArrayLike) -> Floats:
    """Shape (periods,), finite and above zero: an account at zero or below is ruined and has no returns after it.

    raises: ValueError naming the first value that is not.
    """
    found = np.asarray(equity, dtype=np.float64)
    bad = np.flatnonzero(~(np.isfinite(found) & (found > 0)))
    if len(bad):
        raise ValueError(
            f"equity at row {bad[0]} is {found[bad[0]]}; it must be a number above 0: "
            "a ruined or unknown account has no returns, end the series before that row"
        )
    return found


def checked_times(times_ns: ArrayLike, rows: int) -> Times:
    """Shape (rows,), rising.

    raises: ValueError naming the first row that is not later than the one before it.
    """
    found = np.asarray(times_ns, dtype=np.int64)
    if found.shape != (rows,):
        raise ValueError(f"there are {found.size} times for {rows} rows; give one time a row")
    late = np.flatnonzero(np.diff(found) <= 0)
    if len(late):
        at = int(late[0]) + 1
        raise ValueError(f"time at row {at} is {found[at]}, not after {found[at - 1]}; sort the rows and drop repeats")
    return found


def median(values: NDArray[Any]) -> float:
    """The middle value; of an even number the mean of the two. NaN must not be among them.

    As `np.median`, which loads numpy's masked arrays first: a twentieth of a second.

    >>> median(np.array([3.0, 1.0, 2.0])), median(np.array([4, 1, 3, 2]))
    (2.0, 2.5)
    """
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1].tolist()
    return float((low + high) / 2)
