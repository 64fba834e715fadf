"""PostgreSQL: binary COPY, one transaction a batch, an index by instrument and time. A server of its own on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from bench.capture.stores.store import COLUMNS, KEY, MINUTE_NS, columns, table

USER = "postgres"  # the server refuses to run as root
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "max_parallel_workers_per_gather": "2",
}
START_S = 30.0
_TYPES = {"instrument": ("integer", ">i4"), "side": ("smallint", ">i2")}
_FIELDS = [(name, _TYPES.get(name, ("bigint", ">i8"))[1]) for name in COLUMNS]
_ROW = np.dtype(
    [("fields", ">i2"), *(pair for name, kind in _FIELDS for pair in ((f"len_{name}", ">i4"), (name, kind)))]
)
_HEAD, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


class Postgres:
    durable = "fsync and synchronous_commit on: its log is synced at each commit"
    at_once = 20_000_000

    def __init__(self, folder: Path) -> None:
        account = pwd.getpwnam(USER)
        data = folder / "data"
        data.mkdir()
        os.chown(data, account.pw_uid, account.pw_gid)
        bin = Path(os.path.realpath(str(shutil.which("postgres")))).parent
        as_user: dict[str, Any] = {
            "user": account.pw_uid,
            "group": account.pw_gid,
            "cwd": str(data),
            "stdout": subprocess.DEVNULL,
        }
        subprocess.run([bin / "initdb", "-D", data, "-A", "trust", "-U", USER, "--no-sync"], check=True, **as_user)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [str(bin / "postgres"), "-D", str(data), "-k", str(data), *settings]
        self._server = subprocess.Popen(command, stderr=subprocess.DEVNULL, **as_user)
        self._db = _connected(str(data))
        columns_ = ", ".join(f"{name} {_TYPES.get(name, ('bigint', ''))[0]} NOT NULL" for name in COLUMNS)
        self._db.execute(f"CREATE TABLE trades ({columns_})")
        self._db.execute("CREATE INDEX ON trades (instrument, exchange_ns, id)")

    def prepare(self, rows: np.ndarray) -> Any:
        made = np.empty(len(rows), _ROW)
        made["fields"] = len(COLUMNS)
        for name, values in columns(rows).items():
            made[f"len_{name}"] = made.dtype[name].itemsize
            made[name] = values
        return _HEAD + made.tobytes() + _END

    def insert(self, prepared: Any) -> None:
        with self._db.cursor().copy("COPY trades FROM STDIN BINARY") as copy:
            copy.write(prepared)

    def settle(self) -> None:
        pass

    def finish(self) -> None:
        self._db.execute("VACUUM (FREEZE, ANALYZE) trades")
        self._db.execute("CHECKPOINT")

    def size(self) -> int:
        return int(self._db.execute("SELECT pg_total_relation_size('trades')").fetchone()[0])

    def candles(self, instrument: int) -> np.ndarray:
        key = f"ARRAY[{KEY}, price]"
        return self._rows(
            f"SELECT exchange_ns / {MINUTE_NS} * {MINUTE_NS}, (min({key}))[2], max(price), min(price), (max({key}))[2],"
            f" sum(size)::bigint FROM trades WHERE instrument = {instrument} GROUP BY 1 ORDER BY 1"
        )

    def last(self, instrument: int, count: int) -> np.ndarray:
        of = f"FROM trades WHERE instrument = {instrument} ORDER BY exchange_ns DESC, id DESC LIMIT {count}"
        return self._rows(f"SELECT exchange_ns, id, price, size {of}")[::-1]

    def between(self, instrument: int, start_ns: int, end_ns: int) -> np.ndarray:
        of = f"instrument = {instrument} AND exchange_ns >= {start_ns} AND exchange_ns < {end_ns}"
        return self._rows(f"SELECT exchange_ns, id, price, size FROM trades WHERE {of} ORDER BY exchange_ns, id")

    def counts(self) -> np.ndarray:
        return self._rows("SELECT instrument, count(*) FROM trades GROUP BY 1 ORDER BY 1")

    def close(self) -> None:
        self._db.close()
        self._server.terminate()  # a smart shutdown
        self._server.wait()

    def _rows(self, query: str) -> np.ndarray:
        """In binary, column by column: what psycopg does fastest."""
        with self._db.cursor(binary=True) as cursor:
            return table(*np.array(cursor.execute(query).fetchall(), np.int64).T)


def _connected(folder: str) -> psycopg.Connection:
    until = time.monotonic() + START_S
    while True:
        try:
            return psycopg.connect(host=folder, user=USER, dbname="postgres", autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
