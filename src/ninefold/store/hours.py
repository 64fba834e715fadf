"""The hours in which instruments traded, and their ids as far as certificates still need them.

In:  trades grouped by instrument and hour; the table of trades for what is not in memory.
Out: the ids of hours; which hours changed by trades that do not only go on (growing.py takes in those that do). Where all
     that trades do is to end an hour and begin the next one, it is told as a turn: no other hour can change by it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Ids
from ninefold.store.delta import StoredFile, batches, stored_files
from ninefold.store.growing import Growing, Key
from ninefold.store.ids import Grouped, ids_by_hour, joined
from ninefold.store.layout import market_columns, to_numpy
from ninefold.store.scan import in_range, may_hold_time, scan

JUDGED = ["instrument", "id_kind", "id_lo", "exchange_ns", "receive_ns", "seq"]  # what certificates are made of
KEEP_HOURS = 3  # hours of an instrument whose ids stay in memory; others are read again if they change


def ids_stored(files: list[StoredFile], condition: pc.Expression | None) -> tuple[dict[Key, Ids], int]:
    """What stored trades say by instrument and hour, and the last seq of them; a part after the other, so that any number
    fits into memory.
    """
    found: dict[Key, Ids] = {}
    last_seq = 0
    for batch in batches("trades", files, condition, JUDGED):
        columns = market_columns("trades", pa.Table.from_batches([batch]))
        last_seq = max(last_seq, int(columns["seq"].max(initial=0)))
        for key, ids in ids_by_hour(columns).items():
            found[key] = joined(found[key], ids) if key in found else ids
    return found, last_seq


class Turn(NamedTuple):
    """An hour of an instrument that ends with `ids`, and the next one that begins with `after`, whose ids lie behind them."""

    instrument: int
    hour_ns: int
    before: Key | None  # the hour with trades before it
    ids: Ids
    after: Ids


class Hours:
    """folder: of the tables. traded: hours with trades by instrument, rising."""

    def __init__(self, folder: Path) -> None:
        self.traded: dict[int, list[int]] = {}
        self._folder = folder
        self._ids: dict[int, dict[int, Ids]] = {}  # by instrument and hour; without what `_growing` took in since
        self._growing = Growing()

    def add(self, instrument: int, hour: int) -> bool:
        """An hour has trades; whether that is new."""
        hours = self.traded.setdefault(instrument, [])
        at = bisect_left(hours, hour)
        if at < len(hours) and hours[at] == hour:
            return False
        hours.insert(at, hour)
        return True

    def add_stored(self, behind_seq: int) -> set[Key]:
        """The hours of trades that are stored behind a seq."""
        files = [file for file in stored_files(self._folder, "trades") if file.may_hold("seq", behind_seq + 1, None)]
        stored = ids_by_hour(to_numpy("trades", scan("trades", files, pc.field("seq") > behind_seq)))
        for instrument, hour in stored:
            self.add(instrument, hour)
        return set(stored)

    def fold(self, groups: Grouped, clock_ns: int, apart: Container[int]) -> tuple[dict[Key, bool], list[Turn]]:
        """Add trades to the hours in memory, and hours that had none. Others are read from the table when needed, with
        these trades in it. Returns the hours whose certificate may change by them, and whether their first id is another one
        now: only then those before them may change too; and the turns, none of the instruments apart.
        """
        fresh = groups.ids(~self._growing.extend(groups, clock_ns))
        grew = self.recall({instrument for instrument, _ in fresh})
        hour_ns = clock_ns // HOUR_NS * HOUR_NS
        several = Counter(instrument for instrument, _ in fresh)
        turns = []
        for (instrument, ended_ns), known in grew.items():
            ends, begins = (instrument, ended_ns), (instrument, hour_ns)
            after, more = fresh.get(begins), fresh.get(ends)
            if (
                ended_ns + HOUR_NS == hour_ns
                and after is not None
                and several[instrument] == (1 if more is None else 2)
                and instrument not in apart
                and (turn := self._turn(ends, known, more, after)) is not None
            ):
                turns.append(turn)
                fresh.pop(ends, None)
                del fresh[begins]
        return self._changed(fresh), turns

    def _turn(self, ends: Key, known: Ids, more: Ids | None, after: Ids) -> Turn | None:
        """Add the last trades of an hour and the first ones of the next, if they follow each other."""
        ids = known if more is None else joined(known, more)
        if not known.runs or not after.runs or ids.first != known.first or after.first <= ids.last:
            return None
        instrument, ended_ns = ends
        before = self.neighbours(ends)[0]
        self._ids[instrument][ended_ns] = ids
        self._ids[instrument][ended_ns + HOUR_NS] = after
        self.add(instrument, ended_ns + HOUR_NS)
        return Turn(instrument, ended_ns, before, ids, after)

    def _changed(self, fresh: Mapping[Key, Ids]) -> dict[Key, bool]:
        begun = {}
        for (instrument, hour), ids in fresh.items():
            known = self._ids.setdefault(instrument, {})
            before = known.get(hour)
            if before is not None:
                known[hour] = joined(before, ids)
            elif self.add(instrument, hour):
                known[hour] = ids
            begun[instrument, hour] = before is None or not before.runs or known[hour].first != before.first
        return begun

    def let_grow(self, hours: Mapping[Key, Ids]) -> None:
        """These need not be judged again while they are open and their ids go on."""
        self._growing.put(hours)

    def recall(self, instruments: Collection[int]) -> dict[Key, Ids]:
        """The next trades of these instruments are judged again, whatever they are. Returns their hours that grew."""
        grew = self._growing.take(instruments, self._ids) if instruments else {}
        for (instrument, hour), ids in grew.items():
            self._ids[instrument][hour] = ids
        return grew

    def ids(self, key: Key) -> Ids | None:
        """Those in memory, of an instrument that was recalled."""
        return self._ids.get(key[0], {}).get(key[1])

    def neighbours(self, key: Key) -> tuple[Key | None, Key | None]:
        """The next hours with trades before and after."""
        instrument, hour = key
        traded = self.traded.get(instrument, [])
        before, after = bisect_left(traded, hour) - 1, bisect_right(traded, hour)
        return (
            (instrument, traded[before]) if before >= 0 else None,
            (instrument, traded[after]) if after < len(traded) else None,
        )

    def load(self, keys: Iterable[Key], stored: Callable[[], object]) -> None:
        """Read the ids of hours with trades that are not in memory. stored: waits until the table has the latest trades."""
        wanted = {key for key in keys if self.ids(key) is None and key[1] in self.traded.get(key[0], [])}
        if wanted:
            stored()
        for hour in sorted({hour for _, hour in wanted}):
            instruments = [instrument for instrument, at in wanted if at == hour]
            files = [
                file
                for file in stored_files(self._folder, "trades")
                if may_hold_time("trades", file, hour, hour + HOUR_NS)
            ]
            condition = pc.field("instrument").isin(instruments) & in_range("trades", hour, hour + HOUR_NS)
            for batch in batches("trades", files, condition):
                for (instrument, at), ids in ids_by_hour(to_numpy("trades", pa.Table.from_batches([batch]))).items():
                    known = self._ids.setdefault(instrument, {})
                    known[at] = joined(known[at], ids) if at in known else ids

    def forget(self, instruments: Iterable[int]) -> None:
        """The ids of all but the latest hours."""
        for instrument in instruments:
            kept, known = self.traded.get(instrument, [])[-KEEP_HOURS:], self._ids.get(instrument, {})
            for hour in [hour for hour in known if hour not in kept]:
                del known[hour]
