"""How many equal rows came right before each: what tells two equal trades from one that was written twice.

In:  times and keys of one instrument's rows in the order of the source; what is carried over from the batch before.
Out: 0 for the first of equal rows within a stretch of one time, 1 for the second. However the source is cut into
     batches, the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ninefold.imports.turn import Carried


def ordinals(name: str, times: np.ndarray, keys: Sequence[np.ndarray], carried: Carried) -> np.ndarray:
    """Numbers of shape (n,), int64; changes `carried`.

    >>> carried = {}
    >>> ordinals("x", np.array([1, 1, 2]), [np.array([7, 7, 7])], carried).tolist()
    [0, 1, 0]
    >>> ordinals("x", np.array([2, 2, 1]), [np.array([7, 8, 7])], carried).tolist()
    [1, 0, 0]
    """
    if not len(times):
        return np.empty(0, np.int64)
    stretch = np.concatenate([[0], np.cumsum(times[1:] != times[:-1])])
    order = np.lexsort((*keys, stretch))
    columns = [stretch[order], *(key[order] for key in keys)]
    new = np.concatenate([[True], np.any([column[1:] != column[:-1] for column in columns], axis=0)])
    starts = np.flatnonzero(new)
    numbers = np.empty(len(times), np.int64)
    numbers[order] = np.arange(len(times)) - np.repeat(starts, np.diff(np.append(starts, len(times))))
    before = carried.get(name)
    held: dict[tuple[int, ...], int] = {}
    if before is not None and before[0] == int(times[0]):
        held = {tuple(key): count for key, count in before[1]}
        for row in np.flatnonzero(stretch == 0).tolist():
            numbers[row] += held.get(tuple(int(key[row]) for key in keys), 0)
    last = np.flatnonzero(stretch == stretch[-1]).tolist()
    counts = dict(held) if stretch[-1] == 0 else {}
    for row in last:
        counts[tuple(int(key[row]) for key in keys)] = int(numbers[row]) + 1
    carried[name] = [int(times[-1]), [[list(key), count] for key, count in counts.items()]]
    return numbers
