"""What the exchange must not forget: one SQLite file in WAL mode, written by one connection.

In:  trades, closed minutes, own orders, fills, balances, reserved update ids; `commit` ends a group.
Out: all of it again after a kill -9 at any moment. Nothing may be published or answered before its commit.
`synchronous=NORMAL`: a commit survives the end of the process at once, and a power loss from the last checkpoint on;
checkpoints run in their own thread, because their fsync would stall the market. What cannot be written (a full disk)
ends the process on the spot with exit code 3: it must not go on with a state that nobody could recover.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.simulator.candles import Candle

log = logging.getLogger("ninefold.simulator")
SCHEMA_VERSION = "1"
CANNOT_WRITE = 3
CHECKPOINT_SECONDS = 5.0
UPDATE_IDS_AHEAD = 1_000_000  # reserved per symbol; a restart skips what was left of them

SCHEMA = """
create table if not exists meta (key text primary key, value text not null) without rowid;
create table if not exists symbols (symbol_id integer primary key, symbol text unique not null,
    reserved_update_id integer not null default 0);
create table if not exists trades (symbol_id integer, trade_id integer, first_id integer, agg_id integer,
    price_ticks integer, lots integer, value_e8 integer, time_ms integer, buyer_is_maker integer,
    primary key (symbol_id, trade_id)) without rowid;
create table if not exists minutes (symbol_id integer, open_ms integer, open integer, high integer, low integer,
    close integer, lots integer, value_e8 integer, count integer, taker_lots integer, taker_value_e8 integer,
    first_id integer, last_id integer, primary key (symbol_id, open_ms)) without rowid;
create table if not exists balances (asset text primary key, free_e8 integer not null, locked_e8 integer not null)
    without rowid;
create table if not exists orders (order_id integer primary key, symbol text, client_id text, side integer, type text,
    tif text, price_ticks integer, lots integer, filled_lots integer, filled_value_e8 integer, status text,
    time_ms integer, update_ms integer);
create index if not exists orders_by_client on orders (client_id);
create table if not exists fills (order_id integer, trade_id integer, symbol text, price_ticks integer, lots integer,
    value_e8 integer, fee_e8 integer, fee_asset text, time_ms integer, is_buyer integer, is_maker integer,
    primary key (order_id, trade_id)) without rowid;
"""


class TradeRow(NamedTuple):
    """A public trade; `first_id` differs from `trade_id` only for an aggregate of a tape."""

    symbol_id: int
    trade_id: int
    first_id: int
    agg_id: int
    price_ticks: int
    lots: int
    value_e8: int
    time_ms: int
    buyer_is_maker: int


class OtherDirectory(Exception):
    """The data directory belongs to something else."""


class Store:
    """The writer. Methods that write only add to the open transaction; `commit` ends it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=normal")
        self.db.execute("pragma wal_autocheckpoint=0")
        self.db.executescript(SCHEMA)
        self._open = False
        self._trades: list[TradeRow] = []  # of this group; written together, which takes half the time
        self._stop = threading.Event()
        self._checkpoints = threading.Thread(target=self._checkpoint_loop, name="checkpoint", daemon=True)
        self._checkpoints.start()

    def write(self, statement: str, values: Sequence[object] = ()) -> None:
        """Add to the open transaction, opening one if there is none."""
        self._begin()
        self._run(self.db.execute, statement, values)

    def commit(self) -> None:
        """End the group: what was written since the last commit is now kept."""
        if self._trades:
            self._begin()
            rows, self._trades = self._trades, []
            self._run(self.db.executemany, "insert into trades values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        if self._open:
            self._run(self.db.execute, "commit", ())
            self._open = False

    def close(self) -> None:
        self.commit()
        self._stop.set()
        self._checkpoints.join(timeout=1.0)
        self.db.close()

    def meta(self, key: str) -> str | None:
        row = self.db.execute("select value from meta where key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        self.write("insert into meta values (?, ?) on conflict do update set value = excluded.value", (key, value))

    def claim(self, market: str) -> None:
        """Bind the directory to one market (generated, or one tape). raises: OtherDirectory if it holds another."""
        known = self.meta("market")
        version = self.meta("schema")
        if version not in (None, SCHEMA_VERSION):
            raise OtherDirectory(
                f"{self.path} has schema version {version}; this simulator reads version {SCHEMA_VERSION}. "
                "Use another --data-dir."
            )
        if known not in (None, market):
            raise OtherDirectory(
                f"{self.path} holds the market {known!r}, not {market!r}; trade ids of two markets would clash. "
                "Use another --data-dir, or start with the same market."
            )
        self.set_meta("schema", SCHEMA_VERSION)
        self.set_meta("market", market)
        self.commit()

    def symbols(self) -> list[str]:
        return [str(row[0]) for row in self.db.execute("select symbol from symbols order by symbol_id")]

    def symbol_id(self, symbol: str) -> int:
        self.db.execute("insert or ignore into symbols (symbol) values (?)", (symbol,))
        return int(self.db.execute("select symbol_id from symbols where symbol = ?", (symbol,)).fetchone()[0])

    def reserve_update_ids(self, symbol_id: int, used: int) -> int:
        """Reserve update ids ahead of `used`, at once; returns the last reserved one."""
        ceiling = used + UPDATE_IDS_AHEAD
        self.write("update symbols set reserved_update_id = ? where symbol_id = ?", (ceiling, symbol_id))
        return ceiling

    def reserved_update_id(self, symbol_id: int) -> int:
        row = self.db.execute("select reserved_update_id from symbols where symbol_id = ?", (symbol_id,)).fetchone()
        return int(row[0])

    def add_trade(self, row: TradeRow) -> None:
        self._trades.append(row)

    def add_minute(self, symbol_id: int, candle: Candle) -> None:
        self.write(
            "insert or replace into minutes values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (symbol_id, candle.open_ms, candle.open, candle.high, candle.low, candle.close, candle.lots,
             candle.value_e8, candle.count, candle.taker_lots, candle.taker_value_e8, candle.first_id, candle.last_id),
        )  # fmt: skip

    def _begin(self) -> None:
        if not self._open:
            self._run(self.db.execute, "begin immediate", ())
            self._open = True

    def _run(self, execute: Callable[[str, Sequence[Any]], object], statement: str, values: Sequence[object]) -> None:
        try:
            execute(statement, values)
        except sqlite3.IntegrityError:
            raise  # a mistake of ours, not of the disk
        except sqlite3.Error as error:
            log.critical("%s cannot be written (%s); the exchange stops. Make room, start it again.", self.path, error)
            logging.shutdown()
            os._exit(CANNOT_WRITE)

    def _checkpoint_loop(self) -> None:
        """Copy the log into the file while the market goes on, then, for a moment, what came meanwhile: only a log that
        is copied to its end starts again from its beginning instead of growing for ever."""
        db = sqlite3.connect(self.path)
        while not self._stop.wait(CHECKPOINT_SECONDS):
            db.execute("pragma wal_checkpoint(passive)")
            db.execute("pragma wal_checkpoint(restart)")
        db.close()
