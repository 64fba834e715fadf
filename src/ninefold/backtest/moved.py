"""A target at other times: later, turned around in a circle, or within a part of the bars.

In:  the changes of a target. Out: the changes of the moved one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ninefold.backtest.target import Changes


def later_changes(changes: Changes, bars: int, by: int = 1) -> Changes:
    """Decided `by` bars later. bars: how many there are; what falls off the end is lost.

    >>> later_changes(Changes(np.array([0, 3]), np.array([5, 0])), bars=4).at
    array([1])
    """
    kept = changes.at + by < bars
    return Changes(changes.at[kept] + by, changes.to[kept])


def rolled(changes: Changes, bars: int, by: int) -> Changes:
    """The end goes to the front, as `np.roll` does it with the target itself. by: in [1, bars - 1].

    >>> found = rolled(Changes(np.array([1, 3]), np.array([5, 0])), bars=4, by=2)  # 0 5 5 0 becomes 5 0 0 5
    >>> found.at.tolist(), found.to.tolist()
    ([0, 1, 3], [5, 0, 5])
    """
    front = within(changes, bars - by, bars)
    back = within(changes, 0, bars - by)
    at, to = back.at + by, back.to
    if len(front.to) and front.to[-1] != 0 and not (len(at) and at[0] == by):
        at, to = np.append(by, at), np.append(0, to)
    return Changes(np.concatenate([front.at, at]), np.concatenate([front.to, to]))


def within(changes: Changes, start: int, stop: int) -> Changes:
    """As a back-test of the bars from row `start` up to row `stop` takes them: what is wanted before holds at its first close.

    >>> within(Changes(np.array([1, 6]), np.array([5, 0])), 3, 6).at
    array([0])
    """
    first, last = np.searchsorted(changes.at, [start, stop])
    at, to = changes.at[first:last] - start, changes.to[first:last]
    before = changes.to[first - 1] if first else 0
    if before != 0 and not (len(at) and at[0] == 0):
        at, to = np.append(0, at), np.append(before, to)
    return Changes(at, to)


def stitched(parts: Sequence[tuple[int, int, Changes]]) -> Changes:
    """One target out of several: from row `start` up to row `stop` that of the changes beside them; rows are of one series
    and follow one another, the first begins the series that is made.

    A change that a part makes in its first row is one even where it repeats what is wanted already, since it may enter again what an
    exit has left; what is only taken over from before is none.

    >>> always = Changes(np.array([0, 4]), np.array([5, 5]))
    >>> stitched([(0, 2, always), (2, 4, always), (4, 6, always)]).at
    array([0, 4])
    """
    origin = parts[0][0]
    at, to, now = [], [], 0
    for start, stop, changes in parts:
        part = within(changes, start, stop)
        begins = len(part.at) > 0 and part.at[0] == 0
        if not begins and now != 0:
            part = Changes(np.append(0, part.at), np.append(0, part.to))
        elif begins and part.to[0] == now and start not in changes.at:
            part = Changes(part.at[1:], part.to[1:])
        at.append(part.at + start - origin)
        to.append(part.to)
        now = int(part.to[-1]) if len(part.to) else now
    return Changes(np.concatenate(at), np.concatenate(to))
