"""The ids of trades by instrument and hour, as runs of contiguous numbers.

In:  TRADES rows.
Out: for each (instrument, hour) an `Ids`; two of them join, and joining the same trades again changes nothing where
     ids count.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from ninefold.market.arrays import ID_AGGREGATE, ID_INTEGER
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Ids
from ninefold.store.layout import effective_ns


def ids_by_hour(trades: np.ndarray | Mapping[str, np.ndarray]) -> dict[tuple[int, int], Ids]:
    """(instrument, hour_ns) to what its trades say. Where an hour has integer ids, only these count, else
    aggregates.

    trades: TRADES rows or their columns, in any order; sorted as tables are they cost the least.
    """
    instrument, ids, kinds = (np.ascontiguousarray(trades[name]) for name in ("instrument", "id_lo", "id_kind"))
    if not len(ids):
        return {}
    times = effective_ns("trades", trades)
    hours = times // HOUR_NS
    if not _in_order(instrument, hours):
        order = np.lexsort((hours, instrument))
        instrument, hours, times, ids, kinds = (some.take(order) for some in (instrument, hours, times, ids, kinds))
    new = np.append(True, (instrument[1:] != instrument[:-1]) | (hours[1:] != hours[:-1]))
    starts = np.flatnonzero(new)
    edges = np.append(starts, len(ids)).tolist()
    if (kinds == ID_INTEGER).all():
        runs = _runs_by_group(ids, starts)
    else:
        runs = [_counted_runs(ids[start:end], kinds[start:end]) for start, end in pairwise(edges)]
    keys = zip(instrument[starts].tolist(), (hours[starts] * HOUR_NS).tolist(), strict=True)
    first_ns, last_ns = np.minimum.reduceat(times, starts).tolist(), np.maximum.reduceat(times, starts).tolist()
    lengths = np.diff(edges).tolist()
    return {
        key: Ids(some, _count(some) if some else length, from_ns, to_ns)
        for key, some, length, from_ns, to_ns in zip(keys, runs, lengths, first_ns, last_ns, strict=True)
    }


def joined(one: Ids, other: Ids) -> Ids:
    """Both together."""
    runs = _merged([*one.runs, *other.runs])
    return Ids(
        runs=runs,
        trades=_count(runs) if runs else one.trades + other.trades,
        from_ns=min(one.from_ns, other.from_ns),
        to_ns=max(one.to_ns, other.to_ns),
    )


def runs_of(numbers: np.ndarray) -> tuple[tuple[int, int], ...]:
    """(first, last) of contiguous ids; numbers: rising, each once, shape (n,).

    >>> runs_of(np.array([5, 6, 9], np.uint64))
    ((5, 6), (9, 9))
    """
    breaks = np.flatnonzero(numbers[1:] - numbers[:-1] > 1)
    firsts = numbers[np.append(0, breaks + 1)] if len(numbers) else numbers
    lasts = numbers[np.append(breaks, len(numbers) - 1)] if len(numbers) else numbers
    return tuple(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _in_order(instrument: np.ndarray, hours: np.ndarray) -> bool:
    later = instrument[1:] > instrument[:-1]
    return bool((later | ((instrument[1:] == instrument[:-1]) & (hours[1:] >= hours[:-1]))).all())


def _runs_by_group(ids: np.ndarray, starts: np.ndarray) -> list[tuple[tuple[int, int], ...]]:
    """The runs of each group of ids, which lie together. starts: where groups begin."""
    edges = np.append(starts, len(ids))
    falling = np.flatnonzero(ids[1:] < ids[:-1]) + 1
    unsorted = np.unique(np.searchsorted(starts, np.setdiff1d(falling, starts), "right") - 1)
    if len(unsorted):  # those with late trades
        ids = ids.copy()
        for start, end in zip(edges[unsorted].tolist(), edges[unsorted + 1].tolist(), strict=True):
            ids[start:end].sort(kind="stable")
    begins = np.append(True, (ids[1:] != ids[:-1]) & (ids[1:] - ids[:-1] != 1))
    begins[starts] = True
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(ids)) - 1
    runs = list(zip(ids[first].tolist(), ids[last].tolist(), strict=True))
    places = np.append(np.searchsorted(first, starts), len(first)).tolist()
    return [tuple(runs[start:end]) for start, end in pairwise(places)]


def _counted_runs(ids: np.ndarray, kinds: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Of one instrument and hour, by id."""
    kind = ID_INTEGER if (kinds == ID_INTEGER).any() else ID_AGGREGATE
    return runs_of(np.unique(ids[kinds == kind]))


def _merged(runs: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _count(runs: tuple[tuple[int, int], ...]) -> int:
    return sum(last - first + 1 for first, last in runs)
