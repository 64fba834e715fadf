"""How complete an hour of trades is: the rule.

In:  the trade ids of an hour and of the hours with trades before and after it, and the gaps that were reported.
Out: a certificate. Ids that count (integers, aggregates) prove completeness: an hour is complete when no id is
     missing from the last trade
     before it to the first one after it. A stretch of missing ids counts in every hour it touches, because no one
     knows in which they fell.
States: "complete"; "healed" (a reported gap was filled); "gap known" (ids are missing); "cannot tell" (why is said in
        `how`); "let go" (the trades were here and were removed on purpose: it is never another one after that).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from ninefold.market.arrays import ID_AGGREGATE, ID_INTEGER
from ninefold.market.numbers import INT64_MAX
from ninefold.market.records import Gap
from ninefold.market.time import HOUR_NS
from ninefold.store.layout import CERTIFICATES

COUNTING = (ID_INTEGER, ID_AGGREGATE)
LET_GO = "let go"
NOT_CLOSED = "the hour is still open"


class Certificate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One hour [hour_ns, hour_ns + 1 h) of one instrument; it speaks for [from_ns, to_ns).

    first_id, last_id: None in an hour without trades or without ids that count; missing: None where nobody can count.
    """

    instrument: int
    hour_ns: int
    state: str
    first_id: int | None
    last_id: int | None
    trades: int
    missing: int | None
    from_ns: int
    to_ns: int
    how: str
    revision: int = 0
    seq: int = 0

    @property
    def closed(self) -> bool:
        return self.to_ns == self.hour_ns + HOUR_NS


class Ids(msgspec.Struct, frozen=True, gc=False):
    """What an hour's trades say. runs: (first, last) of contiguous ids, rising; empty if the ids do not count."""

    runs: tuple[tuple[int, int], ...]
    trades: int
    from_ns: int
    to_ns: int

    @property
    def first(self) -> int:
        return self.runs[0][0]

    @property
    def last(self) -> int:
        return self.runs[-1][1]


def certify(
    instrument: int,
    hour_ns: int,
    ids: Ids | None,
    before: Ids | None,
    after: Ids | None,
    gaps: Sequence[Gap],
    losses: int,
    closed: bool,
    revision: int = 0,
    seq: int = 0,
) -> Certificate:
    """The certificate of one hour.

    ids, before, after: this hour, the nearest hour with trades before it and after it; None if there is none.
    gaps:   those of the instrument's trades; from_id and to_id are the first and last missing id, 0 if unknown.
    losses: how often a connection of the venue was lost in the hour; it matters only where ids prove nothing.
    closed: the clock has passed the hour's end.
    """
    state, missing, how = judged(hour_ns, ids, before, after, gaps, losses, closed)
    counts = ids is not None and bool(ids.runs)
    last_ns = ids.to_ns if ids else hour_ns
    return Certificate(
        instrument=instrument,
        hour_ns=hour_ns,
        state=state,
        first_id=ids.first if ids and counts else None,
        last_id=ids.last if ids and counts else None,
        trades=ids.trades if ids else 0,
        missing=missing,
        from_ns=ids.from_ns if ids and before is None else hour_ns,
        to_ns=hour_ns + HOUR_NS if closed else last_ns,
        how=how,
        revision=revision,
        seq=seq,
    )


def judged(
    hour_ns: int,
    ids: Ids | None,
    before: Ids | None,
    after: Ids | None,
    gaps: Sequence[Gap],
    losses: int,
    closed: bool,
) -> tuple[str, int | None, str]:
    """The state of an hour, how many trades are missing, and how that is known; as `certify` puts it into words."""
    here = [gap for gap in gaps if _touches(gap, hour_ns)] if gaps else []
    if any(one is not None and one.runs for one in (ids, before, after)):
        return _by_ids(ids, before, after, gaps, bool(here), closed)
    return _without_ids(here, losses)


def _by_ids(
    ids: Ids | None, before: Ids | None, after: Ids | None, gaps: Sequence[Gap], reported: bool, closed: bool
) -> tuple[str, int | None, str]:
    known = [one for one in (before, ids, after) if one is not None and one.runs]
    holes: list[tuple[int, int]] = []
    if not _in_one(known):
        low, high = _span(ids, before, after)
        healed = [(gap.from_id, gap.to_id) for gap in gaps if gap.healed and gap.from_id > 0]
        holes = missing_ids([*(run for one in known for run in one.runs), *healed], low, high)
    if holes:
        first, last = holes[0]
        more = f" and {len(holes) - 1} more stretches" if len(holes) > 1 else ""
        return "gap known", sum(last - first + 1 for first, last in holes), f"ids {first} to {last}{more} are missing"
    if before is None:
        return "cannot tell", 0, "our first trade lies in this hour; what came before it is unknown"
    if after is None:
        return "cannot tell", 0, "no trade came after this hour yet" if closed else NOT_CLOSED
    if reported:
        return "healed", 0, "a gap was reported; the ids are contiguous now"
    return "complete", 0, "ids are contiguous from the trade before this hour to the one after it"


def _in_one(known: Sequence[Ids]) -> bool:
    """Whether each has one run, and each begins where the one before it ends: the usual case, in which none can miss."""
    next_id = None
    for one in known:
        if len(one.runs) != 1 or next_id not in (None, one.runs[0][0]):
            return False
        next_id = one.runs[0][1] + 1
    return True


def _span(ids: Ids | None, before: Ids | None, after: Ids | None) -> tuple[int, int]:
    """The ids that must all be there: from the last one before the hour to the first one after it, as far as these
    are known.
    """
    own = [ids] if ids is not None and ids.runs else []
    lows = [one.first for one in own] + ([before.last] if before is not None and before.runs else [])
    highs = [one.last for one in own] + ([after.first] if after is not None and after.runs else [])
    low = min(lows or highs)
    return low, max([low, *highs])


def _without_ids(gaps: Sequence[Gap], losses: int) -> tuple[str, int | None, str]:
    if open_gaps(gaps):
        return "gap known", None, "a gap was reported and not healed; the venue gives no ids to count by"
    connection = f"connections lost: {losses}" if losses else "the connection held"
    return "cannot tell", None, f"the venue gives no ids to count by; {connection}"


def missing_ids(runs: Sequence[tuple[int, int]], low: int, high: int) -> list[tuple[int, int]]:
    """The stretches of [low, high] that no run covers; runs may overlap and come in any order.

    >>> missing_ids([(1, 3), (7, 9), (2, 4)], 2, 12)
    [(5, 6), (10, 12)]
    """
    holes = []
    next_id = low
    for first, last in sorted(runs):
        if first > next_id:
            holes.append((next_id, min(first - 1, high)))
        next_id = max(next_id, last + 1)
        if next_id > high:
            return holes
    return [*holes, (next_id, high)]


def open_gaps(gaps: Sequence[Gap], hour_ns: int | None = None) -> list[Gap]:
    """Those that were not healed, of one hour or of all."""
    return [
        gap
        for gap in gaps
        if not gap.healed and not _healed_later(gap, gaps) and (hour_ns is None or _touches(gap, hour_ns))
    ]


def _touches(gap: Gap, hour_ns: int) -> bool:
    return gap.from_ns < hour_ns + HOUR_NS and gap.to_ns >= hour_ns


def _healed_later(gap: Gap, gaps: Sequence[Gap]) -> bool:
    return any(
        other.healed and other.seq >= gap.seq and other.from_ns <= gap.from_ns and other.to_ns >= gap.to_ns
        for other in gaps
    )


def certificates_of(table: pa.Table) -> list[Certificate]:
    """The latest revision of every (instrument, hour) of the stored table, in that order."""
    if not table.num_rows:
        return []
    keys = [table.column(name).to_numpy() for name in ("revision", "hour_ns", "instrument")]
    order = np.lexsort(keys)
    instrument, hour = keys[2][order], keys[1][order]
    last = np.append((instrument[1:] != instrument[:-1]) | (hour[1:] != hour[:-1]), True)
    return [_from_row(row) for row in table.take(pa.array(order[last])).to_pylist()]


def certificates_table(certificates: Sequence[Certificate]) -> pa.Table:
    """Rows to append to the certificates table."""
    if not certificates:
        return CERTIFICATES.empty_table()
    values = zip(*map(msgspec.structs.astuple, certificates), strict=True)
    columns: dict[str, Sequence[Any]] = dict(zip(Certificate.__struct_fields__, values, strict=True))
    for name in ("first_id", "last_id"):
        columns[name] = [_signed(id) for id in columns[name]]
    columns["missing"] = [None if missing is None else min(missing, INT64_MAX) for missing in columns["missing"]]
    return pa.table([pa.array(columns[field.name], field.type) for field in CERTIFICATES], schema=CERTIFICATES)


def _signed(id: int | None) -> int | None:
    """A uint64 as its int64 bit pattern."""
    return id if id is None or id < 2**63 else id - 2**64


def _from_row(row: dict[str, Any]) -> Certificate:
    for name in ("first_id", "last_id"):
        row[name] = None if row[name] is None else row[name] % 2**64
    return Certificate(**row)
