"""What is still to be asked: arithmetic of half-open runs of trade ids or of times.

In:  what is wanted and what is stored, as runs [first, end).
Out: what is missing, cut into questions and into files of an archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from ninefold.market.time import DAY_NS, SECOND_NS

Run = tuple[int, int]


def runs_of(numbers: np.ndarray, step: int = 1) -> list[Run]:
    """The runs that numbers form, shape (n,), in any order; neighbours are `step` apart.

    >>> runs_of(np.array([7, 3, 4, 8, 4]))
    [(3, 5), (7, 9)]
    """
    found = np.unique(numbers)
    if not len(found):
        return []
    breaks = np.flatnonzero(np.diff(found) != step)
    firsts, lasts = found[np.append(0, breaks + 1)], found[np.append(breaks, len(found) - 1)]
    return [(first, last + step) for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)]


def joined(runs: Iterable[Run]) -> list[Run]:
    """The same runs, rising, none touching another.

    >>> joined([(5, 9), (1, 3), (3, 4), (6, 7)])
    [(1, 4), (5, 9)]
    """
    made: list[Run] = []
    for first, end in sorted(runs):
        if made and first <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        elif end > first:
            made.append((first, end))
    return made


def without(wanted: Run, held: Sequence[Run]) -> list[Run]:
    """What of `wanted` no run of `held` has; `held` is joined.

    >>> without((0, 10), [(2, 4), (8, 20)])
    [(0, 2), (4, 8)]
    """
    left: list[Run] = []
    at, end = wanted
    for first, last in held:
        if last <= at or first >= end:
            continue
        if first > at:
            left.append((at, first))
        at = max(at, last)
    if at < end:
        left.append((at, end))
    return left


def total(runs: Iterable[Run]) -> int:
    return sum(end - first for first, end in runs)


def overlap(run: Run, runs: Iterable[Run]) -> list[Run]:
    """The parts of `runs` inside `run`.

    >>> overlap((2, 6), [(0, 3), (5, 9)])
    [(2, 3), (5, 6)]
    """
    cut = [(max(first, run[0]), min(end, run[1])) for first, end in runs]
    return [(first, end) for first, end in cut if first < end]


def pieces(runs: Iterable[Run], most: int) -> Iterator[Run]:
    """Runs cut so that none is longer than `most`.

    >>> list(pieces([(0, 5), (9, 10)], 2))
    [(0, 2), (2, 4), (4, 5), (9, 10)]
    """
    for first, end in runs:
        yield from ((at, min(at + most, end)) for at in range(first, end, most))


def covering(runs: Iterable[Run], most: int) -> Iterator[Run]:
    """The fewest spans, none longer than `most`, that hold joined runs; what lies between near ones comes along.

    >>> list(covering([(0, 1), (3, 4), (9, 25)], 10))
    [(0, 10), (10, 20), (20, 25)]
    """
    start = end = 0
    for first, last in runs:
        while first < last:
            if end == start or first >= start + most:
                if end > start:
                    yield start, end
                start = first
            end = min(last, start + most)
            first = end
    if end > start:
        yield start, end


def holds(numbers: np.ndarray, runs: Sequence[Run]) -> np.ndarray:
    """Which of the numbers lie in joined runs, bool, shape (n,).

    >>> holds(np.array([1, 3, 9]), [(0, 2), (3, 4)]).tolist()
    [True, True, False]
    """
    if not runs:
        return np.zeros(len(numbers), bool)
    bounds = np.array(runs, np.int64)
    place = np.searchsorted(bounds[:, 0], numbers, "right") - 1
    inside: np.ndarray = (place >= 0) & (numbers < bounds[np.maximum(place, 0), 1])
    return inside


def days(start_ns: int, end_ns: int) -> list[Run]:
    """The whole days (UTC) inside a range."""
    first = -(-start_ns // DAY_NS)
    return [(day * DAY_NS, (day + 1) * DAY_NS) for day in range(first, end_ns // DAY_NS)]


def months(start_ns: int, end_ns: int) -> list[Run]:
    """The whole months (UTC) inside a range.

    >>> january = 1_704_067_200 * SECOND_NS
    >>> months(january - 1, january + 59 * DAY_NS) == [(january, january + 31 * DAY_NS)]
    True
    """
    return [one for one in months_touched(start_ns, end_ns) if start_ns <= one[0] and one[1] <= end_ns]


def months_touched(start_ns: int, end_ns: int) -> list[Run]:
    """The months (UTC) that a range has a part of.

    >>> january = 1_704_067_200 * SECOND_NS
    >>> months_touched(january + 1, january + 2) == [(january, january + 31 * DAY_NS)]
    True
    """
    found: list[Run] = []
    moment = datetime.fromtimestamp(start_ns // SECOND_NS, UTC)
    year, month = moment.year, moment.month
    while (first := _month_ns(year, month)) < end_ns:
        year, month = year + month // 12, month % 12 + 1
        found.append((first, _month_ns(year, month)))
    return found


def moved(runs: Iterable[Run], by_ns: int) -> list[Run]:
    return [(first + by_ns, end + by_ns) for first, end in runs]


def _month_ns(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * SECOND_NS
