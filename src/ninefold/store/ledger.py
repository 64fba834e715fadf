"""The ledger: orders, fills, balances and equity, in SQLite. What was noted outlives the process, what was synced a power loss.

In:  records of the account, in the order of the stream, also again after a crash.
Out: append-only events; orders, fills and positions are derived from them. An event is known by (seq, type, its id, a digest
     of its content), so a repeated one is stored once, and two states of one order under one seq are two events.
"""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Sequence
from contextlib import ExitStack, closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from ninefold.execution.lease import TakenOver
from ninefold.journal.durable import folder_to_disk, to_disk
from ninefold.market.records import AnyRecord, Balance, Decision, Equity, Fill, Found, Order
from ninefold.store.data_dir import AlreadyWritten, WrongFormat, check_data_dir, failed_write, open_data_dir

VERSION = 3  # 2: orders by hand, shares of strategies, decisions, and the count of writers; 3: content
FIRST_WITH_CONTENT = 3  # one that was begun before goes on without: its index holds the payloads themselves
_SCHEMA = """
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, content BLOB NOT NULL,
    UNIQUE (seq, type, id, content)
);
CREATE INDEX events_by_type ON events (type, id, number);
CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), last_seq INTEGER NOT NULL);
INSERT INTO position VALUES (1, 0);
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
"""
_EPOCH = """
CREATE TABLE IF NOT EXISTS epoch (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL);
INSERT OR IGNORE INTO epoch VALUES (1, 0);
UPDATE epoch SET number = number + 1;
"""
_KNOWN = "(?1 IS NULL OR json_extract(payload, '$.known_ns') <= ?1)"  # ?1: the moment, or NULL
_FIRST = (
    "SELECT payload FROM events WHERE number IN"
    f" (SELECT min(number) FROM events WHERE type = '{{type}}' AND {_KNOWN} GROUP BY id) ORDER BY number"
)
LOG_MOST_BYTES = 16 * 1024 * 1024  # of the write-ahead log, before what it holds is moved into the file
_ADD = "INSERT OR IGNORE INTO events (seq, type, id, payload) VALUES (?, ?, ?, ?)"
_ADD_WITH_CONTENT = "INSERT OR IGNORE INTO events (seq, type, id, payload, content) VALUES (?, ?, ?, ?, ?)"
_DIGEST_BYTES = 16
Values = tuple[int | str | bytes | None, ...]
_encode = msgspec.json.Encoder().encode
_record = msgspec.json.Decoder(AnyRecord)


class LedgerReader:
    """Read-only; opens while another process writes. Each call sees what was committed by then, and leaves nothing open.

    path:   the data dir. A ledger that was never written is empty.
    raises: NoDataDir, WrongFormat.
    """

    def __init__(self, path: Path) -> None:
        self._file = check_data_dir(path) / "ledger.db"

    def events(self, since: int = 0) -> list[AnyRecord]:
        """Every event with a greater seq, in the order of appending."""
        return self._records("SELECT payload FROM events WHERE seq > ? ORDER BY number", (since,))

    def orders(self, as_of_ns: int | None = None) -> list[Order]:
        """The latest state of every order, oldest order first; as it was known at a moment, if one is given."""
        found = self._records(
            "SELECT payload FROM events JOIN (SELECT min(number) AS born, max(number) AS latest FROM events"
            f" WHERE type = 'order' AND {_KNOWN} GROUP BY id) ON number = latest ORDER BY born",
            (as_of_ns,),
        )
        return [record for record in found if isinstance(record, Order)]

    def created_ns(self, as_of_ns: int | None = None) -> dict[str, int]:
        """known_ns of each order's first event, by client order id."""
        found = self._records(_FIRST.format(type="order"), (as_of_ns,))
        return {record.client_order_id: record.known_ns for record in found if isinstance(record, Order)}

    def fills(self, as_of_ns: int | None = None) -> list[Fill]:
        """All fills, in the order in which they became known; one told twice (answer, event stream) counts once.

        as_of_ns: only those known by then.
        """
        found = self._records(_FIRST.format(type="fill"), (as_of_ns,))
        return [record for record in found if isinstance(record, Fill)]

    def of_order(self, client_order_id: str) -> list[AnyRecord]:
        """What is known of one order, in the order in which it became known: its decision, its states, its fills."""
        return self._records(
            "SELECT payload FROM events WHERE (type IN ('order', 'decision') AND id = ?1)"
            " OR (type = 'fill' AND id >= ?1 || '/' AND id < ?1 || '0') ORDER BY number",  # '0' follows '/'
            (client_order_id,),
        )

    def order_ids(self, beginning: str) -> list[str]:
        """Client order ids that begin so, oldest order first."""
        rows = self._query(
            "SELECT id FROM events WHERE type = 'order' AND substr(id, 1, length(?1)) = ?1 GROUP BY id ORDER BY min(number)",
            (beginning,),
        )
        return [str(row[0]) for row in rows]

    def positions(self) -> dict[int, int]:
        """Instrument id to signed size: the sum of the fills, fees apart."""
        held: dict[int, int] = {}
        for fill in self.fills():
            held[fill.instrument] = held.get(fill.instrument, 0) + fill.side * fill.size
        return held

    def last_seq(self) -> int:
        """The last seq that was appended, 0 if none."""
        rows = self._query("SELECT last_seq FROM position")
        return int(rows[0][0]) if rows else 0

    def _records(self, query: str, values: Values = ()) -> list[AnyRecord]:
        return [_record.decode(row[0]) for row in self._query(query, values)]

    def _query(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        if not self._file.exists():
            return []
        address = f"{self._file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as db:
            return db.execute(query, values).fetchall() if _version(_checked(db, self._file)) else []


class Ledger(LedgerReader):
    """The writer. Use it from one thread at a time; `sync` and `shorten` may run beside that. One that is dropped closes its
    file. To open it takes it over: who opened it before can append nothing more.

    path:   the data dir; created if there is none. epoch: how often it was opened.
    raises: WrongFormat, StoreWriteFailed, AlreadyWritten.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(open_data_dir(path))
        try:
            with ExitStack() as opened:  # what is refused leaves nothing open
                self._writer = opened.enter_context(closing(_connected(self._file)))
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.execute("PRAGMA wal_autocheckpoint = 0")
                if not _version(self._writer):
                    self._writer.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
                _checked(self._writer, self._file)
                version = max(_version(self._writer), FIRST_WITH_CONTENT - 1)
                self._writer.executescript(f"BEGIN IMMEDIATE; {_EPOCH} PRAGMA user_version = {version}; COMMIT;")
                self._has_content = version >= FIRST_WITH_CONTENT
                self.epoch = self._last_epoch()
                self._log = os.open(f"{self._file}-wal", os.O_RDWR)
                opened.pop_all()
            self._finish = weakref.finalize(self, _close, self._writer, self._log)
            self.sync()
            folder_to_disk(path)
        except sqlite3.OperationalError as refused:
            if refused.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise AlreadyWritten(
                    f"{self._file} is locked by another process that stays inside a write; if it was stopped there, end it "
                    "(kill -9), and start again"
                ) from None
            raise failed_write(self._file, refused) from refused

    def append(self, records: Sequence[AnyRecord], last_seq: int) -> int:
        """`note`, and on the disk when this returns."""
        added = self.note(records, last_seq)
        self.sync()
        return added

    def note(self, records: Sequence[AnyRecord], last_seq: int) -> int:
        """Add events in one transaction and return how many were new. The end of the process cannot undo it, a power loss can
        until the next `sync`.

        last_seq: the input up to which everything is in now.
        raises:   StoreWriteFailed, TakenOver; nothing was added then.
        """
        encoded = [(record, _encode(record)) for record in records]
        rows: list[Values] = [
            (record.seq, str(record.__struct_config__.tag), _id_of(record), payload.decode())
            for record, payload in encoded
        ]
        if self._has_content:
            rows = [(*row, _digest(payload)) for row, (_, payload) in zip(rows, encoded, strict=True)]
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                if self._last_epoch() != self.epoch:
                    raise TakenOver(f"{self._file} was opened by a later writer; what this one appends does not count")
                before = self._writer.total_changes
                self._writer.executemany(_ADD_WITH_CONTENT if self._has_content else _ADD, rows)
                added = self._writer.total_changes - before
                self._writer.execute("UPDATE position SET last_seq = max(last_seq, ?)", (last_seq,))
                self._writer.execute("COMMIT")
            except (sqlite3.Error, TakenOver):
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as refused:
            raise failed_write(self._file, refused) from refused
        return added

    def sync(self) -> None:
        """All that was noted before the call is on the disk when this returns: it is whole in the write-ahead log, from which
        SQLite takes up to the first part that is not. raises: StoreWriteFailed."""
        try:
            to_disk(self._log)
        except OSError as refused:
            raise failed_write(self._file, refused) from refused

    def shorten(self) -> None:
        """Move what the write-ahead log holds into the file, if it has become long. Done beside the writer, which never waits
        for it; SQLite syncs what it moves. raises: StoreWriteFailed."""
        if os.fstat(self._log).st_size < LOG_MOST_BYTES:
            return
        try:
            with closing(_connected(self._file)) as db:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.OperationalError as refused:
            raise failed_write(self._file, refused) from refused

    def go_back(self, seq: int) -> None:
        """Be done up to this input at most: a power loss took what the journal had behind it, and its numbers come again."""
        self._writer.execute("UPDATE position SET last_seq = min(last_seq, ?)", (seq,))
        self.sync()

    def close(self) -> None:
        self._finish()

    def _last_epoch(self) -> int:
        return int(self._writer.execute("SELECT number FROM epoch").fetchone()[0])

    def _query(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        return self._writer.execute(query, values).fetchall()


def _digest(payload: bytes) -> bytes:
    """Stands for the payload in the index, which would else hold it a second time: most of what a write costs."""
    return blake2b(payload, digest_size=_DIGEST_BYTES).digest()


def _connected(file: Path) -> sqlite3.Connection:
    """For writing; a commit is written and not synced, but the order in which the parts of a checkpoint reach the disk is kept."""
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _close(writer: sqlite3.Connection, log: int) -> None:
    writer.close()
    os.close(log)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _checked(db: sqlite3.Connection, file: Path) -> sqlite3.Connection:
    version = _version(db)
    if version > VERSION:
        db.close()
        raise WrongFormat(
            f"{file} has ledger version {version}, this program reads up to {VERSION}; "
            "upgrade ninefold or use another --data-dir"
        )
    return db


def _id_of(record: AnyRecord) -> str:
    if isinstance(record, Order | Decision | Found):
        return record.client_order_id
    if isinstance(record, Fill):
        return f"{record.client_order_id}/{record.trade_id}"
    if isinstance(record, Balance):
        return record.asset
    return record.quote if isinstance(record, Equity) else ""
