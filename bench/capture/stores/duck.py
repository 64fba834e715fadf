"""DuckDB: its own file, one transaction a batch of Arrow columns. And DuckDB over plain Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from bench.capture.stores.store import COLUMNS, KEY, MINUTE_NS, columns, table

SIDE = "exchange_ns, id, price, size"
KEYED = KEY.replace("/", "//")


class Duck:
    durable = "its log is synced at each commit"
    at_once = 1_000_000
    source = "trades"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "trades.duckdb"
        self._db = duckdb.connect(str(self._file))
        types = dict.fromkeys(COLUMNS, "BIGINT") | {"instrument": "INTEGER", "side": "TINYINT"}
        named = ", ".join(f"{name} {kind}" for name, kind in types.items())
        self._db.execute(f"CREATE TABLE trades ({named})")

    def prepare(self, rows: np.ndarray) -> Any:
        return pa.table(columns(rows))

    def insert(self, prepared: Any) -> None:
        self._db.register("batch", prepared)
        self._db.execute("INSERT INTO trades SELECT * FROM batch")

    def settle(self) -> None:
        pass

    def finish(self) -> None:
        self._db.execute("CHECKPOINT")

    def size(self) -> int:
        return self._file.stat().st_size

    def candles(self, instrument: int) -> np.ndarray:
        minute = f"exchange_ns // {MINUTE_NS}"
        return self._rows(
            f"SELECT {minute} * {MINUTE_NS} AS m, arg_min(price, {KEYED}), max(price), min(price), arg_max(price, {KEYED}),"
            f" sum(size)::BIGINT FROM {self.source} WHERE instrument = {instrument} GROUP BY {minute} ORDER BY m"
        )

    def last(self, instrument: int, count: int) -> np.ndarray:
        of = f"FROM {self.source} WHERE instrument = {instrument} ORDER BY exchange_ns DESC, id DESC LIMIT {count}"
        return self._rows(f"SELECT {SIDE} {of}")[::-1]

    def between(self, instrument: int, start_ns: int, end_ns: int) -> np.ndarray:
        of = f"instrument = {instrument} AND exchange_ns >= {start_ns} AND exchange_ns < {end_ns}"
        return self._rows(f"SELECT {SIDE} FROM {self.source} WHERE {of} ORDER BY exchange_ns, id")

    def counts(self) -> np.ndarray:
        return self._rows(f"SELECT instrument, count(*) FROM {self.source} GROUP BY 1 ORDER BY 1")

    def close(self) -> None:
        self._db.close()

    def _rows(self, query: str) -> np.ndarray:
        return table(*self._db.execute(query).fetchnumpy().values())


class DuckOnParquet(Duck):
    """parquet: a folder of files; it inserts nothing."""

    def __init__(self, parquet: Path) -> None:
        self._db = duckdb.connect()
        self.source = f"read_parquet('{parquet}/*.parquet')"
