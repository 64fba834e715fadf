"""Certificates kept up to date while trades are stored.

In:  the trades and records that a write added, and the clock.
Out: new revisions of certificates, as rows: when an hour begins, when its state changes, when the clock closes it,
     when late trades change it.
What it knows is small (runs of ids of the latest hours, the latest certificates) and is read again from the tables
when needed,
so a restart at any moment goes on with what is stored. Ids of one instrument are of one kind.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.market.records import AnyRecord, Connection, Gap, Listed
from ninefold.market.time import DAY_NS, HOUR_NS
from ninefold.store.certificates import LET_GO, Certificate, Ids, certificates_table, certify, judged
from ninefold.store.delta import dataset, stored_files
from ninefold.store.ids import ids_by_hour, joined
from ninefold.store.layout import effective_ns, to_numpy
from ninefold.store.read import Reader
from ninefold.store.scan import in_range, may_hold_time, scan

KEEP_HOURS = 3  # hours of an instrument whose ids stay in memory; others are read again if they change
Key = tuple[int, int]  # instrument, hour_ns
Columns = Mapping[str, np.ndarray]


class _Facts(NamedTuple):
    """What `certify` judges an hour by."""

    ids: Ids | None
    before: Ids | None
    after: Ids | None
    gaps: Sequence[Gap]
    losses: int
    closed: bool


class Certifier:
    """Reads the data dir; writes nothing. position: what the certificates' table has."""

    def __init__(self, path: Path, position: int) -> None:
        self._folder = path / "tables"
        reader = Reader(path)
        self._latest: dict[Key, Certificate] = {}
        self._traded: dict[int, list[int]] = {}  # hours with trades, rising
        self._swept: dict[int, int] = {}  # hours of an instrument before this one are closed
        for one in reader.certificates():
            self._keep(one)
        self._ids: dict[Key, Ids] = {}
        self._gaps: dict[int, list[Gap]] = {}
        self._losses: dict[str, list[int]] = {}
        self._venues: dict[int, str] = {}
        self._clock_ns = max((one.to_ns for one in self._latest.values()), default=0)
        records = reader.records([Gap, Connection, Listed])
        self._note(record for record in records if record.seq <= position)
        self._pending = self._uncertified(position) | self._note(record for record in records if record.seq > position)

    def step(self, trades: np.ndarray | Columns, records: Sequence[AnyRecord], clock_ns: int, seq: int) -> pa.Table:
        """Fold what was just stored; returns the rows to append to the certificates.

        trades, records: only those that were not stored before; trades as rows or columns.
        clock_ns:        the venue's time as far as ticks told it, 0 if they did not.
        """
        touched = self._pending | self._fold(trades) | self._note(records)
        latest_ns = int(effective_ns("trades", trades).max(initial=0))
        self._clock_ns = max(self._clock_ns, clock_ns, latest_ns)
        touched |= {near for key in touched for near in self._around(key)} | self._closing()
        rows = self._revise(touched, seq, every_change=False)
        self._pending = set()
        return rows

    def open_hours(self, seq: int) -> pa.Table:
        """Rows that bring the open hours' certificates up to date."""
        return self._revise({key for key, one in self._latest.items() if not one.closed}, seq, every_change=True)

    def let_go(self, day_ns: int, seq: int) -> pa.Table:
        """Rows that say of the certified hours of a day that their trades were let go. Their ids stay known: the hours
        around them are judged by them.
        """
        gone = []
        for (_, hour), one in sorted(self._latest.items()):
            if day_ns <= hour < day_ns + DAY_NS and one.state != LET_GO:
                how = f"its trades were let go by retention; before that: {one.state}, {one.how}"
                gone.append(
                    msgspec.structs.replace(
                        one, state=LET_GO, missing=None, how=how, revision=one.revision + 1, seq=seq
                    )
                )
        for one in gone:
            self._keep(one)
        return certificates_table(gone)

    def _fold(self, trades: np.ndarray | Columns) -> set[Key]:
        """Add trades to the hours in memory, and hours that had none. Others are read from the table when needed, with
        these trades in it.
        """
        fresh = ids_by_hour(trades)
        for key, ids in fresh.items():
            if key in self._ids:
                self._ids[key] = joined(self._ids[key], ids)
            elif insert(self._traded.setdefault(key[0], []), key[1]):
                self._ids[key] = ids
        return set(fresh)

    def _note(self, records: Iterable[AnyRecord]) -> set[Key]:
        """Remember gaps, losses and venues; returns the certified hours that a gap touches."""
        touched: set[Key] = set()
        for record in records:
            if isinstance(record, Listed):
                self._venues[record.instrument.id] = record.instrument.venue
            elif isinstance(record, Connection) and record.state != "open":
                self._losses.setdefault(record.venue, []).append(record.known_ns)
            elif isinstance(record, Gap) and record.stream == "trades":
                self._gaps.setdefault(record.instrument, []).append(record)
                first, last = record.from_ns // HOUR_NS * HOUR_NS, record.to_ns
                touched |= {(record.instrument, hour) for hour in range(first, last + 1, HOUR_NS)} & self._latest.keys()
        return touched

    def _uncertified(self, position: int) -> set[Key]:
        """Hours of trades that were stored when the certificates were not: the writer died between the two."""
        files = [file for file in stored_files(self._folder, "trades") if file.may_hold("seq", position + 1, None)]
        stored = ids_by_hour(to_numpy("trades", scan("trades", files, pc.field("seq") > position)))
        for instrument, hour in stored:
            insert(self._traded.setdefault(instrument, []), hour)
        return set(stored)

    def _around(self, key: Key) -> set[Key]:
        """The certified hours whose certificate can depend on this one's trades: to the next hours with trades on
        both sides.
        """
        traded = self._traded.get(key[0], [])
        before, after = bisect_left(traded, key[1]) - 1, bisect_right(traded, key[1])
        first = traded[before] if before >= 0 else key[1]
        last = traded[after] if after < len(traded) else key[1]
        return {(key[0], hour) for hour in range(first, last + 1, HOUR_NS)} & self._latest.keys()

    def _closing(self) -> set[Key]:
        """Hours that the clock has closed since the last step, quiet ones too."""
        until = self._clock_ns // HOUR_NS * HOUR_NS
        closed: set[Key] = set()
        for instrument, traded in self._traded.items():
            start = self._swept.get(instrument, traded[0])
            closed |= {(instrument, hour) for hour in range(start, until, HOUR_NS)}
            self._swept[instrument] = max(start, until)
        return closed

    def _revise(self, keys: set[Key], seq: int, every_change: bool) -> pa.Table:
        """Rows of the certificates that differ from their latest revision. What was let go stays so."""
        keys = {key for key in keys if key not in self._latest or self._latest[key].state != LET_GO}
        near = {key: self._neighbours(key) for key in keys}
        self._load(
            keys
            | {other for pair in near.values() for other in pair if other is not None and not self._is_closed(other)}
        )
        revised = []
        for key in sorted(keys):
            old, facts = self._latest.get(key), self._facts(key, near[key])
            still_open = old is not None and not old.closed and not facts.closed and not every_change
            if still_open and old is not None and (old.state, old.missing, old.how) == judged(key[1], *facts):
                continue
            made = certify(key[0], key[1], *facts)
            new = msgspec.structs.replace(made, seq=seq, revision=0 if old is None else old.revision + 1)
            if old is None or _differ(old, new, every_change):
                revised.append(new)
                self._keep(new)
        self._forget()
        return certificates_table(revised)

    def _facts(self, key: Key, near: tuple[Key | None, Key | None]) -> _Facts:
        instrument, hour = key
        lost = self._losses.get(self._venues.get(instrument, ""), ())
        before, after = (None if other is None else self._known_ids(other) for other in near)
        losses = sum(hour <= at < hour + HOUR_NS for at in lost) if lost else 0
        gaps = self._gaps.get(instrument, ())
        return _Facts(self._ids.get(key), before, after, gaps, losses, closed=self._clock_ns >= hour + HOUR_NS)

    def _neighbours(self, key: Key) -> tuple[Key | None, Key | None]:
        traded = self._traded.get(key[0], [])
        before, after = bisect_left(traded, key[1]) - 1, bisect_right(traded, key[1])
        return (
            (key[0], traded[before]) if before >= 0 else None,
            (key[0], traded[after]) if after < len(traded) else None,
        )

    def _known_ids(self, key: Key) -> Ids:
        """Of a neighbour: from memory, or as its closed certificate says (what it misses inside is its own matter)."""
        if key in self._ids:
            return self._ids[key]
        one = self._latest[key]
        runs = () if one.first_id is None or one.last_id is None else ((one.first_id, one.last_id),)
        return Ids(runs, one.trades, one.from_ns, one.to_ns)

    def _is_closed(self, key: Key) -> bool:
        return key in self._latest and self._latest[key].closed

    def _load(self, keys: set[Key]) -> None:
        """Read the ids of hours with trades that are not in memory."""
        wanted = {key for key in keys if key not in self._ids and key[1] in self._traded.get(key[0], [])}
        for hour in sorted({hour for _, hour in wanted}):
            instruments = [instrument for instrument, at in wanted if at == hour]
            files = [
                file
                for file in stored_files(self._folder, "trades")
                if may_hold_time("trades", file, hour, hour + HOUR_NS)
            ]
            condition = pc.field("instrument").isin(instruments) & in_range("trades", hour, hour + HOUR_NS)
            for batch in dataset("trades", files).to_batches(filter=condition):
                for key, ids in ids_by_hour(to_numpy("trades", pa.Table.from_batches([batch]))).items():
                    self._ids[key] = joined(self._ids[key], ids) if key in self._ids else ids

    def _keep(self, certificate: Certificate) -> None:
        instrument, hour = certificate.instrument, certificate.hour_ns
        self._latest[(instrument, hour)] = certificate
        if certificate.trades:
            insert(self._traded.setdefault(instrument, []), hour)
        if instrument not in self._swept or self._swept[instrument] == hour:
            self._swept[instrument] = hour + HOUR_NS if certificate.closed else hour

    def _forget(self) -> None:
        kept = {(instrument, hour) for instrument, hours in self._traded.items() for hour in hours[-KEEP_HOURS:]}
        self._ids = {key: ids for key, ids in self._ids.items() if key in kept}


def insert(hours: list[int], hour: int) -> bool:
    """Put an hour into its place in a rising list, once; whether it is new there."""
    at = bisect_left(hours, hour)
    if at < len(hours) and hours[at] == hour:
        return False
    hours.insert(at, hour)
    return True


def _differ(old: Certificate, new: Certificate, every_change: bool) -> bool:
    if old.closed or new.closed or every_change:
        return msgspec.structs.replace(new, revision=old.revision, seq=old.seq) != old
    return (old.state, old.missing, old.how) != (new.state, new.missing, new.how)
