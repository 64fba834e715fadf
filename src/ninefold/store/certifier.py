"""Certificates kept up to date while trades are stored.

In:  the trades and records that a write added, and the clock.
Out: new revisions of certificates, as rows: when an hour begins, when its state changes, when the clock closes it,
     when late trades change it.
What it knows is small (runs of ids of the latest hours, the latest certificates) and is read again from the tables
when needed, so a restart at any moment goes on with what is stored. Ids of one instrument are of one kind.
Most trades only go on where those before them ended and change no certificate: growing.py takes them in for all
instruments at once, and here is judged what remains. When the clock turns, thousands of hours end and begin at once: of each
just these two are judged, by the same rule, without a look at the hours around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa

from ninefold.market.records import AnyRecord, Connection, Gap, Listed
from ninefold.market.time import DAY_NS, HOUR_NS
from ninefold.store.certificates import LET_GO, Certificate, Ids, certificates_table, certify, judged
from ninefold.store.growing import Key
from ninefold.store.hours import Hours, Turn
from ninefold.store.ids import Grouped
from ninefold.store.read import Reader


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
        reader = Reader(path)
        self._latest: dict[Key, Certificate] = {}
        self._hours = Hours(path / "tables")
        self._swept: dict[int, int] = {}  # hours of an instrument before this one are closed
        self._swept_ns: int | None = None  # of all instruments with trades
        for one in reader.certificates():
            self._keep(one)
        self._gaps: dict[int, list[Gap]] = {}
        self._losses: dict[str, list[Connection]] = {}
        self._venues: dict[int, str] = {}
        self._clock_ns = max((one.to_ns for one in self._latest.values()), default=0)
        records = reader.records([Gap, Connection, Listed])
        self._note(record for record in records if record.seq <= position)
        fresh = self._note(record for record in records if record.seq > position)
        self._pending = fresh | self._hours.add_stored(position)  # the writer died before it certified these

    def step(
        self,
        groups: Grouped,
        records: Sequence[AnyRecord],
        clock_ns: int,
        seq: int,
        stored: Callable[[], object],
    ) -> pa.Table:
        """Fold what was just stored; returns the rows to append to the certificates.

        groups, records: only of trades, and those records, that were not stored before. stored: waits until the trades
                         are; they are read from the table only after that.
        clock_ns:        the venue's time as far as ticks told it, 0 if they did not.
        """
        self._clock_ns = max(self._clock_ns, clock_ns, int(groups.to_ns.max(initial=0)))
        noted = self._pending | self._note(records)
        apart = self._gaps.keys() | {instrument for instrument, _ in noted}
        traded, turns = self._hours.fold(groups, self._clock_ns, apart)
        turned = self._turned(turns, seq)
        told = noted | traded.keys()
        around = (self._around(key, key in noted or traded[key]) for key in told)
        touched = told.union(*around, self._closing({instrument for instrument, _ in told}))
        revised = self._revise(touched, seq, every_change=False, stored=stored)
        self._pending = set()
        self._let_grow(told)
        self._hours.let_grow({(one.instrument, one.hour_ns + HOUR_NS): one.after for one in turns})
        return certificates_table(sorted([*turned, *revised], key=_place) if turned else revised)

    def _turned(self, turns: Sequence[Turn], seq: int) -> list[Certificate]:
        """The two certificates of each turn: the clock has passed the hour that ended, the other one is open."""
        made = []
        for instrument, hour, near, ids, after in turns:
            before = None if near is None else self._known_ids(near)
            revision = self._latest[instrument, hour].revision + 1
            made.append(certify(instrument, hour, ids, before, after, (), 0, True, revision, seq))
            made.append(certify(instrument, hour + HOUR_NS, after, ids, None, (), 0, False, 0, seq))
        for one in made:
            self._keep(one)
        self._hours.forget([turn.instrument for turn in turns])
        return made

    def open_hours(self, seq: int) -> pa.Table:
        """Rows that bring the open hours' certificates up to date."""
        open_ = {key for key, one in self._latest.items() if not one.closed}
        return certificates_table(self._revise(open_, seq, every_change=True))

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

    def _let_grow(self, told: set[Key]) -> None:
        """Latest hours that were just judged, with all hours around them, need not be judged again while they are open and
        their ids go on, if these lie behind all that the hours before them can want.
        """
        growing = {}
        for key in told:
            hours, ids, one = self._hours.traded.get(key[0], [])[-3:], self._hours.ids(key), self._latest[key]
            if ids is None or key[1] != hours[-1] or one.closed or one.state == LET_GO:
                continue
            before = [self._known_ids((key[0], hour)).runs for hour in hours[:-1]] if ids.runs else []
            if all(ids.last > runs[-1][1] for runs in before if runs):
                growing[key] = ids
        self._hours.let_grow(growing)

    def _note(self, records: Iterable[AnyRecord]) -> set[Key]:
        """Remember gaps, losses and venues; returns the certified hours that a gap touches. Hours that these can change
        are judged again when their next trades come.
        """
        touched: set[Key] = set()
        changed: set[int] = set()
        lost = False
        for record in records:
            if isinstance(record, Listed):
                self._venues[record.instrument.id] = record.instrument.venue
                changed.add(record.instrument.id)
            elif isinstance(record, Connection) and record.trades and record.state != "open":
                self._losses.setdefault(record.venue, []).append(record)
                lost = True
            elif isinstance(record, Gap) and record.stream == "trades":
                self._gaps.setdefault(record.instrument, []).append(record)
                changed.add(record.instrument)
                first, last = record.from_ns // HOUR_NS * HOUR_NS, record.to_ns
                touched |= {(record.instrument, hour) for hour in range(first, last + 1, HOUR_NS)} & self._latest.keys()
        self._hours.recall(self._hours.traded if lost else changed)
        return touched

    def _around(self, key: Key, begun: bool) -> list[Key]:
        """The certified hours whose certificate can depend on this one's trades: to the next hours with trades on
        both sides. begun: its first trade may be another one than before; if not, nothing changes for those before it.
        """
        before, after = self._hours.neighbours(key)
        first, last = ((before if begun else None) or key)[1], (after or key)[1]
        around = [(key[0], hour) for hour in range(first, last + 1, HOUR_NS)]
        return [near for near in around if near in self._latest]

    def _closing(self, changed: set[int]) -> set[Key]:
        """Hours that the clock has closed since the last step, quiet ones too. changed: instruments with new hours; the
        others are looked at when the clock has passed another hour.
        """
        until, traded = self._clock_ns // HOUR_NS * HOUR_NS, self._hours.traded
        closed: set[Key] = set()
        for instrument in traded if until != self._swept_ns else changed & traded.keys():
            start = self._swept.get(instrument, traded[instrument][0])
            closed.update((instrument, hour) for hour in range(start, until, HOUR_NS))
            self._swept[instrument] = max(start, until)
        self._swept_ns = until
        return closed

    def _revise(
        self, keys: set[Key], seq: int, every_change: bool, stored: Callable[[], object] = lambda: None
    ) -> list[Certificate]:
        """The certificates that differ from their latest revision, by place. What was let go stays so."""
        keys = {key for key in keys if key not in self._latest or self._latest[key].state != LET_GO}
        near = {key: self._hours.neighbours(key) for key in keys}
        instruments = {instrument for instrument, _ in keys}
        self._hours.recall(instruments)
        self._hours.load(
            keys
            | {other for pair in near.values() for other in pair if other is not None and not self._is_closed(other)},
            stored,
        )
        revised = []
        for key in sorted(keys):
            old, facts = self._latest.get(key), self._facts(key, near[key])
            still_open = old is not None and not old.closed and not facts.closed and not every_change
            if still_open and old is not None and (old.state, old.missing, old.how) == judged(key[1], *facts):
                continue
            new = certify(key[0], key[1], *facts, 0 if old is None else old.revision + 1, seq)
            if old is None or _differ(old, new, every_change):
                revised.append(new)
                self._keep(new)
        self._hours.forget(instruments)
        return revised

    def _facts(self, key: Key, near: tuple[Key | None, Key | None]) -> _Facts:
        instrument, hour = key
        lost = self._losses.get(self._venues.get(instrument, ""), ())
        before, after = (None if other is None else self._known_ids(other) for other in near)
        losses = sum(hour <= one.known_ns < hour + HOUR_NS and _over(one, instrument) for one in lost)
        ids, gaps = self._hours.ids(key), self._gaps.get(instrument, ())
        return _Facts(ids, before, after, gaps, losses, closed=self._clock_ns >= hour + HOUR_NS)

    def _known_ids(self, key: Key) -> Ids:
        """Of a neighbour: from memory, or as its closed certificate says (what it misses inside is its own matter)."""
        ids = self._hours.ids(key)
        if ids is not None:
            return ids
        one = self._latest[key]
        runs = () if one.first_id is None or one.last_id is None else ((one.first_id, one.last_id),)
        return Ids(runs, one.trades, one.from_ns, one.to_ns)

    def _is_closed(self, key: Key) -> bool:
        return key in self._latest and self._latest[key].closed

    def _keep(self, certificate: Certificate) -> None:
        instrument, hour = certificate.instrument, certificate.hour_ns
        self._latest[(instrument, hour)] = certificate
        if certificate.trades:
            self._hours.add(instrument, hour)
        if instrument not in self._swept or self._swept[instrument] == hour:
            self._swept[instrument] = hour + HOUR_NS if certificate.closed else hour


def _place(one: Certificate) -> Key:
    return one.instrument, one.hour_ns


def _differ(old: Certificate, new: Certificate, every_change: bool) -> bool:
    if (old.state, old.missing, old.how) != (new.state, new.missing, new.how):
        return True
    if old.closed or new.closed or every_change:
        return msgspec.structs.replace(new, revision=old.revision, seq=old.seq) != old
    return False


def _over(connection: Connection, instrument: int) -> bool:
    """Whether trades of an instrument come over a connection."""
    return connection.instruments is None or instrument in connection.instruments
