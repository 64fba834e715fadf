"""From when to when trades of an hour were missed.

In:  the hour's certificate, the certificates around it, the trades and the gaps that were reported.
Out: holes, between the times of the trades around the missing ids; where no ids count, as long as a connection was lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from ninefold.market.instruments import Instrument
from ninefold.market.records import Gap
from ninefold.market.time import HOUR_NS
from ninefold.store.beside_certificates import Parts, neighbours_of
from ninefold.store.certificates import COUNTING, Certificate, missing_ids, open_gaps
from ninefold.store.ids import ids_by_hour, runs_of
from ninefold.store.layout import effective_ns
from ninefold.store.read import Reader


class Hole(msgspec.Struct, frozen=True, gc=False):
    """Trades were missed between two moments; the first and last missing id, None where the venue gives none."""

    from_ns: int
    to_ns: int
    first_id: int | None
    last_id: int | None


def holes_of(
    reader: Reader, versions: Sequence[Instrument], one: Certificate, parts: Parts, gaps: Sequence[Gap]
) -> list[Hole]:
    """Of an hour in state "gap known", within the hour; the whole hour if nobody knows. gaps: those of these versions."""
    end = one.hour_ns + HOUR_NS
    if one.missing is None:
        found = [
            Hole(max(gap.from_ns, one.hour_ns), min(gap.to_ns, end), None, None) for gap in open_gaps(gaps, one.hour_ns)
        ]
    else:
        found = _by_ids(reader, versions, one.hour_ns, parts, gaps)
    return found or [Hole(one.hour_ns, end, None, None)]


def joined_holes(holes: Iterable[Hole]) -> list[Hole]:
    """By time; one that lies in two hours is one."""
    made: list[Hole] = []
    for hole in sorted(holes, key=lambda one: (one.from_ns, one.to_ns)):
        if made and (made[-1].first_id, made[-1].last_id, made[-1].to_ns) == (
            hole.first_id,
            hole.last_id,
            hole.from_ns,
        ):
            hole = msgspec.structs.replace(hole, from_ns=made.pop().from_ns)
        made.append(hole)
    return made


def _by_ids(reader: Reader, versions: Sequence[Instrument], hour: int, parts: Parts, gaps: Sequence[Gap]) -> list[Hole]:
    end = hour + HOUR_NS
    rows = np.concatenate([reader.trades(version.id, hour, end) for version in versions])
    ids = next(iter(ids_by_hour(_as_one(rows)).values()), None)
    rows = rows[np.isin(rows["id_kind"], COUNTING)]
    numbers, first = np.unique(rows["id_lo"], return_index=True)
    times = effective_ns("trades", rows)[first]
    before, after = neighbours_of(reader, versions, parts, hour, ids)
    low = before.last if before is not None and before.runs else (int(numbers[0]) if len(numbers) else None)
    high = after.first if after is not None and after.runs else (int(numbers[-1]) if len(numbers) else None)
    if low is None or high is None or low > high:
        return []
    runs = [(low, low), (high, high), *runs_of(numbers), *((gap.from_id, gap.to_id) for gap in gaps if gap.healed)]
    found = []
    for lost_from, lost_to in missing_ids(runs, low, high):
        left = int(np.searchsorted(numbers, np.uint64(lost_from))) - 1
        right = int(np.searchsorted(numbers, np.uint64(lost_to), "right"))
        bounds = (times[left] if left >= 0 else hour, times[right] if right < len(times) else end)
        found.append(Hole(int(min(bounds)), int(max(bounds)), lost_from, lost_to))
    return found


def _as_one(rows: np.ndarray) -> np.ndarray:
    """Versions of an instrument count together."""
    same = rows.copy()
    same["instrument"] = 0
    return same
