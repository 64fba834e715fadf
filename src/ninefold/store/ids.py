"""The ids of trades by instrument and hour, as runs of contiguous numbers.

In:  TRADES rows.
Out: for each (instrument, hour) what its trades say, for all at once as arrays (`Grouped`), or as an `Ids` each; two of
     these join, and joining the same trades again changes nothing where ids count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from ninefold.market.arrays import ID_AGGREGATE, ID_INTEGER
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Ids
from ninefold.store.layout import effective_ns


class Grouped(NamedTuple):
    """Trades by instrument and hour, rising; shape (groups,) each. Group i has the runs [places[i], places[i + 1]) of
    `firsts` and `lasts`, none if its ids do not count; trades: how many ids it has, or rows where ids do not count.
    """

    instrument: np.ndarray
    hour_ns: np.ndarray
    trades: np.ndarray
    from_ns: np.ndarray
    to_ns: np.ndarray
    places: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray

    def ids(self, groups: np.ndarray) -> dict[tuple[int, int], Ids]:
        """Some of the groups, by (instrument, hour_ns). groups: which, bool, shape (groups,)."""
        runs = list(zip(self.firsts.tolist(), self.lasts.tolist(), strict=True))
        starts, ends = self.places[:-1][groups].tolist(), self.places[1:][groups].tolist()
        columns = (self.trades, self.from_ns, self.to_ns)
        facts = zip(starts, ends, *(column[groups].tolist() for column in columns), strict=True)
        keys = zip(self.instrument[groups].tolist(), self.hour_ns[groups].tolist(), strict=True)
        return {
            key: Ids(tuple(runs[start:end]), trades, from_ns, to_ns)
            for key, (start, end, trades, from_ns, to_ns) in zip(keys, facts, strict=True)
        }


def ids_by_hour(trades: np.ndarray | Mapping[str, np.ndarray]) -> dict[tuple[int, int], Ids]:
    """(instrument, hour_ns) to what its trades say; trades as `grouped` takes them."""
    found = grouped(trades)
    return found.ids(np.ones(len(found.instrument), np.bool_))


def grouped(trades: np.ndarray | Mapping[str, np.ndarray]) -> Grouped:
    """What trades say by instrument and hour. Where an hour has integer ids, only these count, else aggregates.

    trades: TRADES rows or their columns, in any order; sorted as tables are they cost the least.
    """
    instrument, ids, kinds = (np.ascontiguousarray(trades[name]) for name in ("instrument", "id_lo", "id_kind"))
    times = effective_ns("trades", trades)
    hours = times // HOUR_NS
    if not _in_order(instrument, hours):
        order = np.lexsort((hours, instrument))
        instrument, hours, times, ids, kinds = (some.take(order) for some in (instrument, hours, times, ids, kinds))
    new = (instrument[1:] != instrument[:-1]) | (hours[1:] != hours[:-1])
    starts = np.flatnonzero(np.append(True, new)[: len(ids)])
    lengths = np.diff(np.append(starts, len(ids)))
    group = np.repeat(np.arange(len(starts)), lengths)
    if not (kinds == ID_INTEGER).all():
        single = np.bincount(group, kinds == ID_INTEGER, len(starts)) > 0
        counting = kinds == np.where(single, ID_INTEGER, ID_AGGREGATE)[group]
        ids, group = ids[counting], group[counting]
    firsts, lasts, of = _runs(ids, group)
    counts = np.zeros(len(starts), np.uint64)
    np.add.at(counts, of, lasts - firsts + np.uint64(1))
    places = np.searchsorted(of, np.arange(len(starts) + 1))
    return Grouped(
        instrument=instrument[starts].astype(np.int64),
        hour_ns=hours[starts] * HOUR_NS,
        trades=np.where(places[1:] > places[:-1], counts.astype(np.int64), lengths),
        from_ns=np.minimum.reduceat(times, starts) if len(starts) else times,
        to_ns=np.maximum.reduceat(times, starts) if len(starts) else times,
        places=places,
        firsts=firsts,
        lasts=lasts,
    )


def joined(one: Ids, other: Ids) -> Ids:
    """Both together."""
    if one.runs and other.runs and other.first == one.last + 1:  # the usual case
        runs = (*one.runs[:-1], (one.runs[-1][0], other.runs[0][1]), *other.runs[1:])
    else:
        runs = merged([*one.runs, *other.runs])
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
    firsts, lasts, _ = _runs(numbers, np.zeros(len(numbers), np.int64))
    return tuple(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _in_order(instrument: np.ndarray, hours: np.ndarray) -> bool:
    later = instrument[1:] > instrument[:-1]
    return bool((later | ((instrument[1:] == instrument[:-1]) & (hours[1:] >= hours[:-1]))).all())


def _runs(ids: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last id and the group of each run; group: of each id, rising."""
    same = group[1:] == group[:-1]
    falling = same & (ids[1:] < ids[:-1])
    if falling.any():  # groups with late trades: almost in order, and few of many trades or many of few
        late, ids = np.unique(group[1:][falling]), ids.copy()
        for start, end in zip(
            np.searchsorted(group, late).tolist(), np.searchsorted(group, late, "right").tolist(), strict=True
        ):
            ids[start:end].sort(kind="stable")
    begins = np.flatnonzero(np.append(True, ~same | ((ids[1:] != ids[:-1]) & (ids[1:] - ids[:-1] != 1)))[: len(ids)])
    ends = np.append(begins[1:], len(ids))[: len(begins)] - 1
    return ids[begins], ids[ends], group[begins]


def merged(runs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same runs (first, last), rising, none touching another.

    >>> merged([(5, 8), (1, 2), (3, 3), (6, 7)])
    ((1, 3), (5, 8))
    """
    made: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if made and first <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], last))
        else:
            made.append((first, last))
    return tuple(made)


def _count(runs: tuple[tuple[int, int], ...]) -> int:
    return sum(last - first + 1 for first, last in runs)
