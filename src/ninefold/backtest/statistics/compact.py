"""Returns of many trials in few bytes: enough to tell which of them are alike.

In:  the returns of all trials of one back-test or sweep, over the same bars.
Out: at most 256 sums over equal stretches of time, two bytes each and a scale a trial; 10,000 trials are 5 MB. The
     stretches begin at multiples of their width since 1970, so trials of different runs over the same time fit together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ninefold.backtest.statistics.checked import Floats, checked_returns, checked_times

MOST = 256
_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS
WIDTHS_NS = tuple(
    [seconds * _SECOND_NS for seconds in (1, 5, 15, 60, 300, 900, 3600, 14_400)]
    + [_DAY_NS * 2**power for power in range(14)]
)


class Compact(NamedTuple):
    first_ns: int  # beginning of the first stretch
    width_ns: int
    scale: NDArray[np.float32]  # shape (trials,): what one step is
    steps: NDArray[np.int16]  # shape (trials, stretches)

    def returns(self) -> Floats:
        """Shape (trials, stretches); each is off by at most half a step, 1/65,000 of the trial's largest."""
        found: Floats = self.steps * self.scale.astype(np.float64)[:, None]
        return found


def compact_returns(times_ns: ArrayLike, returns: ArrayLike) -> Compact:
    """Sum the returns over the shortest stretches of which 256 are enough.

    times_ns: shape (bars,), rising: the closes of the bars.
    returns:  shape (trials, bars).

    >>> compact_returns([10**9, 2 * 10**9], [[0.5, -0.25]]).steps
    array([[ 32767, -16384]], dtype=int16)
    """
    found = checked_returns(returns)
    times = checked_times(times_ns, found.shape[1])
    if not len(times):
        return Compact(0, WIDTHS_NS[0], np.zeros(len(found), np.float32), np.zeros((len(found), 0), np.int16))
    opens = times - 1  # a bar that closes at the end of a stretch is of that stretch
    width = next(one for one in WIDTHS_NS if opens[-1] // one - opens[0] // one < MOST)
    stretch = opens // width - opens[0] // width
    begins = np.flatnonzero(np.append(True, np.diff(stretch) > 0))
    sums = np.zeros((len(found), int(stretch[-1]) + 1))
    sums[:, stretch[begins]] = np.add.reduceat(found, begins, axis=1)
    scale = (np.abs(sums).max(axis=1) / 32_767).astype(np.float32)
    steps = np.rint(sums / np.where(scale > 0, scale, 1.0).astype(np.float64)[:, None])
    return Compact(int(opens[0] // width * width), width, scale, np.clip(steps, -32_767, 32_767).astype(np.int16))
