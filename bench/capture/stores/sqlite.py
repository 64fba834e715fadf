"""SQLite: write-ahead log, full sync, an index by instrument and time. One transaction a batch."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

from bench.capture.stores.store import COLUMNS, KEY, MINUTE_NS, columns, folder_size

ORDERED = "FROM trades WHERE instrument = ? {} ORDER BY exchange_ns {order}, id {order}"


class Sqlite:
    durable = "synchronous = FULL: the log is synced at each commit"
    at_once = 1_000_000

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._db = sqlite3.connect(folder / "trades.sqlite", isolation_level=None)
        for said in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -1000000", "mmap_size = 8589934592"):
            self._db.execute(f"PRAGMA {said}")
        self._db.execute(f"CREATE TABLE trades ({', '.join(f'{name} INTEGER' for name in COLUMNS)})")
        self._db.execute("CREATE INDEX by_time ON trades (instrument, exchange_ns, id)")
        self._insert = f"INSERT INTO trades VALUES ({', '.join('?' * len(COLUMNS))})"

    def prepare(self, rows: np.ndarray) -> Any:
        return list(zip(*(column.tolist() for column in columns(rows).values()), strict=True))

    def insert(self, prepared: Any) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(self._insert, prepared)
        self._db.execute("COMMIT")

    def settle(self) -> None:
        pass

    def finish(self) -> None:
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def size(self) -> int:
        return folder_size(self._folder)

    def candles(self, instrument: int) -> np.ndarray:
        """Two passes: a bare column beside one min() or max() is of the row that has it."""
        of = f"FROM trades WHERE instrument = ? GROUP BY exchange_ns / {MINUTE_NS} ORDER BY 1"
        minute = f"exchange_ns / {MINUTE_NS} * {MINUTE_NS}"
        opened = self._rows(f"SELECT {minute}, price, sum(size), min({KEY}) {of}", instrument)
        closed = self._rows(f"SELECT {minute}, price, max({KEY}) {of}", instrument)
        ranged = self._rows(f"SELECT {minute}, max(price), min(price) {of}", instrument)
        return np.column_stack([opened[:, :2], ranged[:, 1:], closed[:, 1], opened[:, 2]])

    def last(self, instrument: int, count: int) -> np.ndarray:
        of = ORDERED.format("", order="DESC")
        return self._rows(f"SELECT exchange_ns, id, price, size {of} LIMIT {count}", instrument)[::-1]

    def between(self, instrument: int, start_ns: int, end_ns: int) -> np.ndarray:
        of = ORDERED.format("AND exchange_ns >= ? AND exchange_ns < ?", order="")
        return self._rows(f"SELECT exchange_ns, id, price, size {of}", instrument, start_ns, end_ns)

    def counts(self) -> np.ndarray:
        return self._rows("SELECT instrument, count(*) FROM trades GROUP BY 1 ORDER BY 1")

    def close(self) -> None:
        self._db.close()

    def _rows(self, query: str, *values: int) -> np.ndarray:
        return np.array(self._db.execute(query, values).fetchall(), np.int64)
