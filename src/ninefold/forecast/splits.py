"""Which bars teach, which choose, which judge: in the order of time, with a distance between them.

In:  the times of the bars, the share of each part, the horizon of the labels.
Out: index ranges. No label of one part reaches into the next (purge), and each part begins a horizon late (embargo),
     because neighbouring labels share most of their bars and features look back over the border.

The borders are moments, not counts, so that with several instruments none teaches from a time another is judged in.
source: Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 7.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TEACH, CHOOSE = 0.60, 0.15  # shares of the time; the rest judges


class Split(NamedTuple):
    """Index ranges of one series; each may be empty."""

    teach: range
    choose: range
    judge: range


def borders(times: Sequence[NDArray[np.int64]]) -> tuple[int, int]:
    """The two moments (ns) that cut the bars of all series together into teaching, choosing and judging.

    >>> borders([np.arange(100), np.arange(100)])
    (60, 75)
    """
    together = np.sort(np.concatenate(list(times)))
    return int(together[int(len(together) * TEACH)]), int(together[int(len(together) * (TEACH + CHOOSE))])


def split(times_ns: NDArray[np.int64], cuts_ns: tuple[int, int], horizon: int) -> Split:
    """Cut one series at the two moments, `horizon` bars purged before and embargoed after each.

    times_ns: shape (n,), ends of the bars, rising.

    >>> split(np.arange(100), (60, 75), 5)
    Split(teach=range(0, 55), choose=range(65, 70), judge=range(80, 95))
    """
    first, second = (int(at) for at in np.searchsorted(times_ns, cuts_ns))
    return Split(
        teach=range(0, first - horizon),
        choose=range(first + horizon, second - horizon),
        judge=range(second + horizon, len(times_ns) - horizon),
    )
