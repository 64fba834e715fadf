"""The ids of trades by instrument and hour, as runs of contiguous numbers.

In:  TRADES rows.
Out: for each (instrument, hour) an `Ids`; two of them join, and joining the same trades again changes nothing where
     ids count.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ninefold.market.arrays import ID_AGGREGATE, ID_INTEGER
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Ids
from ninefold.store.layout import effective_ns


def ids_by_hour(trades: np.ndarray) -> dict[tuple[int, int], Ids]:
    """(instrument, hour_ns) to what its trades say. Where an hour has integer ids, only these count, else
    aggregates.
    """
    times = effective_ns("trades", trades)
    hours = times // HOUR_NS * HOUR_NS
    order = np.lexsort((trades["id_lo"], hours, trades["instrument"]))
    instrument, hour = trades["instrument"][order], hours[order]
    new = np.append(True, (instrument[1:] != instrument[:-1]) | (hour[1:] != hour[:-1]))[: len(trades)]
    starts = [*np.flatnonzero(new).tolist(), len(trades)]
    found = {}
    for start, end in pairwise(starts):
        rows = order[start:end]
        found[(int(instrument[start]), int(hour[start]))] = _ids_of(trades[rows], times[rows])
    return found


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


def _ids_of(trades: np.ndarray, times: np.ndarray) -> Ids:
    """trades: of one instrument and hour, by id."""
    kinds = trades["id_kind"]
    kind = ID_INTEGER if (kinds == ID_INTEGER).any() else ID_AGGREGATE
    numbers = np.unique(trades["id_lo"][kinds == kind])
    runs = runs_of(numbers)
    return Ids(
        runs=runs,
        trades=_count(runs) if runs else len(trades),
        from_ns=int(times.min()),
        to_ns=int(times.max()),
    )


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
