"""ninefold: chunks into the stream log, synced at each batch; the recorder, a process of its own, puts them into the tables.

As in production, but for the sync: there the log is flushed at once and synced every 50 ms, here a batch is acknowledged
when it is on the disk.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.capture.market import INSTRUMENTS, PRICE_DECIMALS, SIZE_DECIMALS, base
from bench.capture.run import OURS, Child, Failed, Said, module
from bench.capture.stores.store import MINUTE_NS, folder_size, table
from ninefold.journal.durable import one_at_a_time
from ninefold.journal.inputs import CHUNK
from ninefold.journal.segment import first_seq_of, segments
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk, encode
from ninefold.market.instruments import Instrument
from ninefold.market.records import AnyRecord, Listed
from ninefold.services.process import PARENT
from ninefold.store.data_dir import open_data_dir
from ninefold.store.delta import stored_files
from ninefold.store.read import Reader
from ninefold.store.sql import sql
from ninefold.store.tables import Tables

LOOK_S = 0.005
ANSWER = ("exchange_ns", "id_lo", "price", "size")


class Ninefold:
    durable = "fdatasync of the log at each batch; tables follow from it"
    at_once = 20_000_000

    def __init__(self, folder: Path) -> None:
        self.path = open_data_dir(folder / "ninefold")
        self._log = LogWriter(self.path / "stream")
        self._seq = self._log.last_seq
        self.told: Said = {"seq": 0}  # the recorder's last words
        self._start_recorder()
        if not self._seq:
            self._append(_listed())
        self.settle()

    def prepare(self, rows: np.ndarray) -> Any:
        return rows

    def insert(self, prepared: Any) -> None:
        first, self._seq = self._seq + 1, self._seq + len(prepared)
        prepared["seq"] = np.arange(first, self._seq + 1)
        self._append(Chunk(first, self._seq, int(prepared["receive_ns"][-1]), {"trades": prepared}))

    def insert_now(self, rows: np.ndarray) -> None:
        """The same, received now: then the recorder's own measure says how long rows took to be queryable."""
        rows["receive_ns"] = time.time_ns()
        self.insert(rows)

    def settle(self) -> None:
        while self.told["seq"] < self._seq:
            if not self._listener.is_alive():
                raise Failed("the recorder ended before it had stored all")
            time.sleep(LOOK_S)

    def finish(self) -> None:
        """What the recorder does by itself when the day is over. It starts again with the next rows."""
        self.end_recorder()
        with Tables(self.path) as tables:
            tables.settle()
        self.told = {"seq": 0}
        self._start_recorder()
        self.settle()

    def size(self) -> int:
        return sum(Path(file.path).stat().st_size for file in self.files())

    def log_size(self) -> int:
        return folder_size(self.path / "stream")

    def files(self) -> list[Any]:
        """The live files of the table of trades."""
        return stored_files(self.path / "tables", "trades")

    def forget_log(self, seq: int) -> None:
        """Delete what of the log is in the tables: a long run would fill the disk."""
        with one_at_a_time(self.path / "stream"):  # none that is being compressed
            for file, after in pairwise(segments(self.path / "stream")):
                if first_seq_of(after) <= seq:
                    file.unlink()

    def candles(self, instrument: int) -> np.ndarray:
        made = Reader(self.path).candles(instrument, MINUTE_NS)  # of trades by time, then seq: here as by id
        return table(*(made[name] for name in ("open_ns", "open", "high", "low", "close", "volume")))

    def last(self, instrument: int, count: int) -> np.ndarray:
        return table(*Reader(self.path).columns("trades", instrument, ANSWER, limit=count, newest=True).values())

    def between(self, instrument: int, start_ns: int, end_ns: int) -> np.ndarray:
        return table(*Reader(self.path).columns("trades", instrument, ANSWER, start_ns, end_ns).values())

    def counts(self) -> np.ndarray:
        counts = Reader(self.path).count_by_instrument("trades")
        return table(list(counts), list(counts.values()))

    def end_recorder(self) -> None:
        """What it said of itself at the end is in `told` then."""
        if self._listener.is_alive():
            os.kill(self._recorder.pid, signal.SIGTERM)
            self._listener.join()
        self._recorder.end()

    def close(self) -> None:
        self.end_recorder()
        self._log.close()

    def _start_recorder(self) -> None:
        self._recorder = Child(module(OURS, "recorder", self.path), environment={PARENT: "stdin"})
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        while True:
            try:
                self.told = self.told | self._recorder.said()
            except Failed:  # it has ended
                return

    def _append(self, chunk: Chunk) -> None:
        self._seq = chunk.last_seq
        self._log.append(CHUNK, 0, chunk.last_seq, chunk.known_ns, encode(chunk))
        self._log.flush()
        self._log.sync()


class NinefoldSql(Ninefold):
    """The same data dir, asked by `ninefold sql`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def candles(self, instrument: int) -> np.ndarray:
        key = f"(exchange_ns % {MINUTE_NS}) // 1000000 * 1099511627776 + id_lo"
        minute = f"exchange_ns // {MINUTE_NS}"
        return self._rows(
            f"SELECT {minute} * {MINUTE_NS} AS m, arg_min(price, {key}) AS o, max(price) AS h, min(price) AS l,"
            f" arg_max(price, {key}) AS c, sum(size)::BIGINT AS v FROM trades WHERE instrument = {instrument}"
            f" GROUP BY {minute} ORDER BY m"
        )

    def last(self, instrument: int, count: int) -> np.ndarray:
        of = f"FROM trades WHERE instrument = {instrument} ORDER BY exchange_ns DESC, id_lo DESC LIMIT {count}"
        return self._rows(f"SELECT exchange_ns, id_lo, price, size {of}")[::-1]

    def between(self, instrument: int, start_ns: int, end_ns: int) -> np.ndarray:
        of = f"instrument = {instrument} AND exchange_ns >= {start_ns} AND exchange_ns < {end_ns}"
        return self._rows(f"SELECT exchange_ns, id_lo, price, size FROM trades WHERE {of} ORDER BY exchange_ns, id_lo")

    def close(self) -> None:
        pass

    def counts(self) -> np.ndarray:
        return self._rows("SELECT instrument, count(*) AS trades FROM trades GROUP BY 1 ORDER BY 1")

    def _rows(self, query: str) -> np.ndarray:
        return table(*(column.to_numpy() for column in sql(self.path, query).columns))


def _listed() -> Chunk:
    records: list[AnyRecord] = [
        Listed(
            seq=1,
            known_ns=1,
            instrument=Instrument(
                id=of,
                venue="binance",
                venue_symbol=base(of) + "USDT",
                symbol=base(of) + "/USDT",
                base=base(of),
                quote="USDT",
                price_decimals=PRICE_DECIMALS,
                size_decimals=SIZE_DECIMALS,
            ),
        )
        for of in range(1, INSTRUMENTS + 1)
    ]
    return Chunk(1, 1, 1, {}, records)
