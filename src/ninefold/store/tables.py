"""The writer of the tables: chunks in, rows stored once each, whatever is sent again.

In:  chunks in the order of the stream, cut anywhere, also again from an earlier place (after a crash, or because a
     bus delivers twice).
Out: one commit a table and write, carrying the last seq; `certificates` is committed last and every time, so its
     number is what all tables have.
     A table skips rows up to its own number. Rows of exactly that number can be either known or the rest of an input
     that was cut in two:
     they are compared with what is stored (a repeated identical row of one input counts once).
An append syncs nothing to disk: the journal is what acknowledges.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import DeltaError

from ninefold.market.arrays import KINDS, empty, stacked
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Balance, Decision, Fill, Gap, Has, Listed, May, Order, Tick
from ninefold.market.time import DAY_NS
from ninefold.store.certifier import Certifier
from ninefold.store.data_dir import WriterLock, failed_write, open_data_dir
from ninefold.store.delta import Table
from ninefold.store.ids import grouped
from ninefold.store.layout import (
    RECORDS,
    SCHEMAS,
    Room,
    columns_to_arrow,
    market_columns,
    number_within_seq,
    taken_apart,
    to_arrow,
    to_numpy,
)
from ninefold.store.let_go import note_let_go
from ninefold.store.read import Reader
from ninefold.store.retention import Day
from ninefold.store.scan import scan
from ninefold.store.upkeep import Upkeep

NOT_STORED = (Tick, Order, Fill, Balance, Decision)  # ticks are in the journal, the account is in the ledger
_EPOCH = date(1970, 1, 1)
_encode = msgspec.json.Encoder().encode


class Written(NamedTuple):
    rows: int
    trades: int


class Tables:
    """The one writer of a data dir's tables.

    path:   the data dir; created if there is none.
    raises: AlreadyWritten if another process writes it, WrongFormat.
    """

    def __init__(self, path: Path) -> None:
        self._path = open_data_dir(path)
        folder = self._path / "tables"
        folder.mkdir(exist_ok=True)
        self._lock = WriterLock(folder)
        try:
            self._tables = {name: Table(folder, name) for name in SCHEMAS}
        except BaseException:
            self._lock.release()
            raise
        self._certifier: Certifier | None = None
        self._upkeep = Upkeep(list(self._tables.values()))
        self._beside = ThreadPoolExecutor(1, "write trades")
        self._room = Room()

    def position(self) -> int:
        """The last seq that all tables have, 0 if none. Go on with the chunks whose last_seq is not below it."""
        return self._tables["certificates"].last_seq

    def registry(self) -> Registry:
        return Reader(self._path).captured()

    def write(self, chunks: Sequence[Chunk]) -> Written:
        """Store what is not stored yet; counts what this call added.

        raises: StoreWriteFailed if the disk refuses; the same chunks may be written again then.
        """
        rows = trades = 0
        with self._refused():
            for group in _ordered_groups([chunk for chunk in chunks if chunk.last_seq >= self.position()]):
                written = self._write_group(group)
                rows += written.rows
                trades += written.trades
        return Written(rows, trades)

    def maintain(self) -> None:
        """Join small files, and those of days that are over. What is little is done at once, the rest goes on beside the
        commits that follow; a later call makes it count.

        raises: StoreWriteFailed if the disk refuses; nothing is lost then.
        """
        with self._refused():
            self._upkeep.step()

    def settle(self) -> None:
        """Join all that can be joined, the day that still grows too: the smallest and most sorted form there is.

        raises: StoreWriteFailed.
        """
        with self._refused():
            self._upkeep.settle()

    def let_go(self, kind: str, days: Sequence[Day], at_ns: int) -> None:
        """Take whole days of a kind out of its table. It is noted first, and certificates say so before trades go; killed
        on the way, the next call goes on.

        at_ns: when, on our clock. raises: StoreWriteFailed if the disk refuses.
        """
        with self._refused():
            if kind == "trades":
                self._let_certificates_go(days)
            note_let_go(self._path / "tables", kind, [one.day for one in days], at_ns)
            self._tables[kind].let_go([one.day for one in days])

    def sweep(self) -> int:
        """Delete files that nobody needs any more; returns the bytes that this gave back. raises: StoreWriteFailed."""
        with self._refused():
            return sum(table.sweep() for table in self._tables.values())

    def _let_certificates_go(self, days: Sequence[Day]) -> None:
        if self._certifier is None:
            self._certifier = Certifier(self._path, self.position())
        table = self._tables["certificates"]
        for one in days:
            gone = self._certifier.let_go((one.day - _EPOCH).days * DAY_NS, table.last_seq)
            if gone.num_rows:
                table.commit(gone, table.last_seq)

    def close(self) -> None:
        """Certify the open hours as far as they are, and let another writer in. raises: StoreWriteFailed."""
        self._upkeep.close()
        self._beside.shutdown()
        if self._certifier is not None:
            last = self._tables["certificates"].last_seq
            revised = self._certifier.open_hours(last)
            try:
                if revised.num_rows:
                    self._tables["certificates"].commit(revised, last)
            except (OSError, DeltaError) as refused:
                raise failed_write(self._path / "tables", refused) from refused
            finally:
                self._lock.release()
        else:
            self._lock.release()

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """What the disk or the log refuses is told as StoreWriteFailed, and everything is read again."""
        try:
            yield
        except (OSError, DeltaError, pa.ArrowInvalid) as refused:
            self._certifier = None  # it may know more than the tables
            for table in self._tables.values():
                table.reopen()
            raise failed_write(self._path / "tables", refused) from refused

    def _write_group(self, chunks: list[Chunk]) -> Written:
        if self._certifier is None:
            self._certifier = Certifier(self._path, self.position())
        last_seq = chunks[-1].last_seq
        records = [record for chunk in chunks for record in chunk.records]
        fresh = self._store_records(records, last_seq)
        clock_ns = max((record.exchange_ns for record in records if isinstance(record, Tick)), default=0)
        count, new = len(fresh), self._new_rows("trades", chunks)
        with self._written_beside("trades", new, last_seq) as stored:  # on the other core, while this one certifies
            for kind in KINDS:
                others = self._new_rows(kind, chunks) if kind != "trades" else None
                if others is not None:
                    self._commit(kind, others, last_seq)
                    count += others.num_rows
            groups = grouped(empty("trades") if new is None else market_columns("trades", new))
            revised = self._certifier.step(groups, fresh, clock_ns, last_seq, stored)
        self._tables["certificates"].commit(revised, last_seq)
        trades = 0 if new is None else new.num_rows
        return Written(count + trades, trades)

    @contextmanager
    def _written_beside(self, kind: str, rows: pa.Table | None, last_seq: int) -> Iterator[Callable[[], object]]:
        """Commit rows in another thread; gives what waits until it is done. At the end it is, or its failure is raised."""
        done = threading.Event()
        if rows is None:
            yield lambda: None
            return
        written = self._beside.submit(self._commit, kind, rows, last_seq, done)
        try:
            yield done.wait
        finally:
            done.wait()  # nothing else may happen to the tables meanwhile
        try:
            written.result()
        finally:
            del written  # it holds what was raised, and that this frame: files of a failed write would stay open

    def _commit(self, kind: str, rows: pa.Table, last_seq: int, done: threading.Event | None = None) -> None:
        try:
            self._tables[kind].commit(rows, max(last_seq, self._tables[kind].last_seq))
        finally:
            if done is not None:
                done.set()

    def _new_rows(self, kind: str, chunks: Sequence[Chunk]) -> pa.Table | None:
        """The rows of a kind that are not stored yet, sorted, if there are any."""
        parts = [chunk.arrays[kind] for chunk in chunks if len(chunk.rows(kind))]
        if not parts:
            return None
        table = self._tables[kind]
        known = table.last_seq
        columns = taken_apart(kind, parts, self._room)
        if columns["seq"].min() > known:  # the usual case
            return columns_to_arrow(kind, columns, number_within_seq(columns["seq"]), self._room)
        rows = stacked(kind, parts)
        rows = rows[rows["seq"] >= known]
        edge: list[str] = []
        if (at_edge := rows["seq"] == known).any():
            edge = _as_text(to_numpy(kind, _rows_of_seq(table, known)))
        keep, numbers = _fresh(rows["seq"], known, _as_text(rows[at_edge]), edge)
        return to_arrow(kind, rows[keep], numbers[keep]) if keep.any() else None

    def _store_records(self, records: list[AnyRecord], last_seq: int) -> list[AnyRecord]:
        """Commit the records that are not stored yet; returns them."""
        table = self._tables["records"]
        known = table.last_seq
        records = [record for record in records if record.seq >= known and not isinstance(record, NOT_STORED)]
        payloads = [_encode(record).decode() for record in records]
        at_edge = [payload for record, payload in zip(records, payloads, strict=True) if record.seq == known]
        edge = _rows_of_seq(table, known).column("payload").to_pylist() if at_edge else []
        seq = np.array([record.seq for record in records], np.int64)
        keep, numbers = _fresh(seq, known, at_edge, edge)
        fresh = [record for record, kept in zip(records, keep.tolist(), strict=True) if kept]
        if fresh:
            kept_payloads = [payload for payload, kept in zip(payloads, keep.tolist(), strict=True) if kept]
            table.commit(_records_table(fresh, kept_payloads, numbers[keep]), max(last_seq, known))
        return fresh


def _ordered_groups(chunks: list[Chunk]) -> list[list[Chunk]]:
    """Cut where a chunk does not lie wholly behind the one before it: each group is stored before the next is
    judged.
    """
    groups: list[list[Chunk]] = []
    for chunk in chunks:
        if groups and chunk.first_seq > groups[-1][-1].last_seq:
            groups[-1].append(chunk)
        else:
            groups.append([chunk])
    return groups


def _rows_of_seq(table: Table, seq: int) -> pa.Table:
    files = [file for file in table.files() if file.may_hold("seq", seq, seq + 1)]
    return scan(table.name, files, pc.field("seq") == seq)


def _fresh(seq: np.ndarray, known: int, at_edge: list[str], stored: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are not stored yet (bool), and each row's number within its seq; both of shape (n,).

    seq:     of the rows, none below `known`. at_edge: the rows whose seq is `known`, as text; stored: those that the
             table has.
    """
    keep = np.ones(len(seq), bool)
    left = Counter(stored)
    for index, row in zip(np.flatnonzero(seq == known).tolist(), at_edge, strict=True):
        if left[row]:
            left[row] -= 1
            keep[index] = False
    numbers = np.zeros(len(seq), np.int32)
    numbers[keep] = number_within_seq(seq[keep])
    numbers[keep & (seq == known)] += len(stored)
    return keep, numbers


def _as_text(rows: np.ndarray) -> list[str]:
    """Rows to compare: as text NaN equals NaN."""
    return [repr(row) for row in rows.tolist()]


def _records_table(records: list[AnyRecord], payloads: list[str], numbers: np.ndarray) -> pa.Table:
    columns = [
        [record.seq for record in records],
        numbers,
        [record.known_ns for record in records],
        [str(record.__struct_config__.tag) for record in records],
        [_instrument_of(record) for record in records],
        payloads,
    ]
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, RECORDS, strict=True)], schema=RECORDS
    )


def _instrument_of(record: AnyRecord) -> int | None:
    if isinstance(record, Listed):
        return record.instrument.id
    return record.instrument if isinstance(record, (Gap, May, Has)) else None
