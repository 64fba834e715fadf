"""Run all points of a search, each a counted trial, so that it can be interrupted at any moment and goes on.

In:  a search with its points, and what plays some of them. Out: a row for each point, and how many were there already.

The search is counted before it runs. The same search again (data, code, configuration, points) is the same trials: what was
played is read, what is missing is played. Results go into the ledger part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

import msgspec
import numpy as np

from ninefold.services.backtest_outcome import PLAYED, Played
from ninefold.store.played import PlayedRows
from ninefold.store.trials import Search, Trials

CELLS = 8_000_000  # equity at so many closes is held at once
MOST_AT_ONCE = 256  # points

Play = Callable[[range], Played]  # points that follow one another
Progress = Callable[[str, int, int], None]  # of what, how many are done, how many there are


class Searched(NamedTuple):
    """rows: PLAYED, one a point. resumed: how many points had been played before."""

    first: int
    rows: np.ndarray
    resumed: int


def search_through(
    trials: Trials,
    search: Search,
    parts: Iterable[range],
    play: Play,
    progress: Progress,
    now_ns: int,
    look: str | None = None,
) -> Searched:
    """parts: all points, in parts that are played together. look: why each point looks behind the holdout's wall.

    raises: what `play` raises; NoLooksLeft; DifferentResult; StoreWriteFailed.
    """
    first = trials.begun(search) or trials.begin(search, now_ns)
    if look is not None:
        for trial in sorted(set(range(first, first + search.count)) - trials.looked(first, search.count)):
            trials.look(trial, look, now_ns)
    rows = np.zeros(search.count, PLAYED)
    digest = blake2b(msgspec.json.encode(search), digest_size=8).hexdigest()
    kept = PlayedRows(trials.path, f"{first}-{digest}.rows", PLAYED)
    done = trials.digests(first)
    there = kept.read(rows) & np.isin(np.arange(first, first + search.count), list(done))
    resumed = int(there.sum())
    for part in parts:
        for points in _missing(part, there, done, first):
            found = play(points)
            trials.finish(first + points[0], found.outcome)
            rows[points.start : points.stop] = found.rows
            there[points.start : points.stop] = True
            kept.append(points[0], found.rows)
            progress("points", int(there.sum()), search.count)
    return Searched(first, rows, resumed)


def looks_needed(trials: Trials, search: Search) -> int:
    """How many more looks behind the holdout's wall it takes: one for each trial that has not taken its own."""
    first = trials.begun(search)
    return search.count - (0 if first is None else len(trials.looked(first, search.count)))


def parts_of(points: range, bars: int) -> Iterator[range]:
    """As many points at once as the equity of all their bars leaves room for."""
    step = max(2, min(MOST_AT_ONCE, CELLS // bars))
    for start in range(points.start, points.stop, step):
        yield range(start, min(start + step, points.stop))


def _missing(part: range, there: np.ndarray, done: dict[int, bytes], first: int) -> Iterator[range]:
    """What of a part is still to be played: stretches that are all in the ledger, or all not."""
    for (played, _), group in groupby(part, lambda point: (bool(there[point]), first + point in done)):
        points = list(group)
        if not played:
            yield range(points[0], points[-1] + 1)
