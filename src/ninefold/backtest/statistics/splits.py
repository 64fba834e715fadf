"""Which rows teach and which judge, when labels overlap: walk-forward, purged and combinatorial cross-validation.

In:  when each row's information begins and when its label ends. Rows of several instruments may stand together.
Out: row numbers. A row teaches only if its span touches no span that is judged (purge) and does not begin within the
     embargo after one, because what was judged still shows in the features that follow.

Borders are moments, so no instrument teaches from a time in which another is judged. `forecast/splits.py` cuts the one
way in three that training takes; this is for judging strategies, in which labels have spans of their own.

source: Lopez de Prado (2018), Advances in Financial Machine Learning, chapters 7 and 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = NDArray[np.intp]
Times = NDArray[np.int64]


class Fold(NamedTuple):
    """Row numbers, rising; `judged` names the groups of time that the judging rows are of."""

    teach: Rows
    judge: Rows
    judged: tuple[int, ...]


def walk_forward(
    starts_ns: ArrayLike, ends_ns: ArrayLike, teach_ns: int, judge_ns: int, anchored: bool = False
) -> Iterator[Fold]:
    """Teach on what was over before, judge on what comes, go on by what was judged; a last part that is not whole too.

    starts_ns, ends_ns: shape (rows,), each row's span; a label that ends at a border is known there.
    teach_ns:           how far back teaching goes; with `anchored` to the first row, and never less than this.
    judge_ns:           how long each judging part is.

    >>> [(fold.teach.tolist(), fold.judge.tolist()) for fold in walk_forward(range(6), range(1, 7), 2, 2)]
    [([0, 1], [2, 3]), ([2, 3], [4, 5])]
    """
    starts, ends = _checked(starts_ns, ends_ns)
    if teach_ns < 1 or judge_ns < 1:
        raise ValueError(
            f"teaching for {teach_ns} ns and judging for {judge_ns} ns is not possible; both must be above 0"
        )
    if not len(starts):
        return
    border, number = int(starts.min()) + teach_ns, 0
    while border <= starts.max():
        first = int(starts.min()) if anchored else border - teach_ns
        teach = np.flatnonzero((starts >= first) & (ends <= border))
        judge = np.flatnonzero((starts >= border) & (starts < border + judge_ns))
        if len(judge):
            yield Fold(teach, judge, (number,))
        border, number = border + judge_ns, number + 1


def purged_folds(starts_ns: ArrayLike, ends_ns: ArrayLike, groups: int, embargo_ns: int) -> Iterator[Fold]:
    """Cross-validation over `groups` parts of time, each judged once; see `combinatorial_folds`."""
    return combinatorial_folds(starts_ns, ends_ns, groups, 1, embargo_ns)


def combinatorial_folds(
    starts_ns: ArrayLike, ends_ns: ArrayLike, groups: int, judged: int, embargo_ns: int
) -> Iterator[Fold]:
    """Every way to judge `judged` of `groups` parts of time of about equally many rows, by the rest.

    >>> [fold.judged for fold in combinatorial_folds(range(6), range(1, 7), 3, 2, 0)]
    [(0, 1), (0, 2), (1, 2)]
    """
    starts, ends = _checked(starts_ns, ends_ns)
    if not 1 <= judged < groups:
        raise ValueError(f"cannot judge {judged} of {groups} groups; judge at least 1 and leave at least 1 to teach")
    moments = np.unique(starts)
    if len(moments) < groups:
        raise ValueError(f"{len(moments)} moments cannot be cut into {groups} groups; take fewer groups or more rows")
    if embargo_ns < 0:
        raise ValueError(f"embargo is {embargo_ns} ns; it must be 0 or more")
    borders = [int(part[0]) for part in np.array_split(moments, groups)]
    group = np.searchsorted(borders, starts, side="right") - 1
    for chosen in combinations(range(groups), judged):
        judge = np.isin(group, chosen)
        teach = ~judge
        for one in chosen:
            inside = group == one
            first, last = starts[inside].min(), ends[inside].max()
            teach &= (ends <= first) | (starts >= last + embargo_ns)
        yield Fold(np.flatnonzero(teach), np.flatnonzero(judge), chosen)


def paths(groups: int, judged: int) -> list[tuple[int, ...]]:
    """Whole histories put together of the folds: for each path, which fold judges each group of time.

    >>> paths(3, 2)
    [(0, 0, 1), (1, 2, 2)]
    """
    ways = list(combinations(range(groups), judged))
    by_group = [[number for number, way in enumerate(ways) if group in way] for group in range(groups)]
    return [tuple(column) for column in zip(*by_group, strict=True)]


def _checked(starts_ns: ArrayLike, ends_ns: ArrayLike) -> tuple[Times, Times]:
    starts, ends = np.asarray(starts_ns, dtype=np.int64), np.asarray(ends_ns, dtype=np.int64)
    if starts.shape != ends.shape or starts.ndim != 1:
        raise ValueError(f"spans have {starts.shape} starts and {ends.shape} ends; give one of each a row")
    backwards = np.flatnonzero(ends < starts)
    if len(backwards):
        at = int(backwards[0])
        raise ValueError(f"span of row {at} ends at {ends[at]}, before it starts at {starts[at]}")
    return starts, ends
