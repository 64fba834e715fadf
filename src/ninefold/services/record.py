"""record: the store's one writer.

In:  finished chunks, in order, again after a crash from wherever the tables stand.
Out: rows in the tables, a commit a second, and earlier when much waits, from one thread of its own with a low priority,
     because it must never slow the hot path, nor those who ask the API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ninefold.bus.status import Meter, Status
from ninefold.config import Retention
from ninefold.market.chunk import Chunk
from ninefold.services.retain import KEEP_ALL, Retainer
from ninefold.store.read import Reader
from ninefold.store.tables import Tables, Written
from ninefold.store.upkeep import lower_priority

COMMIT_S = 1.0  # from the beginning of a commit to that of the next one
ENOUGH_ROWS = 400_000  # when so many wait, a commit begins at once
UPKEEP_S = 5.0  # without rows the tables are looked after so often
LOWER_PRIORITY = 10  # at 19 a machine with other work starves it, and it falls behind by minutes
MOST_WAITING = (
    1_000_000  # rows, those being written too, some 60 MB, and as much again for these; whoever feeds us waits then
)


class Record:
    """take() chunks as they come; run() commits them, and lets go what is beyond the limits. replayed: receive times are
    of the past, so no latency is measured.
    """

    def __init__(
        self, data_dir: Path, clock: Callable[[], int], replayed: bool = False, retention: Retention = KEEP_ALL
    ) -> None:
        self._replayed = replayed
        self._tables = Tables(data_dir)
        self._retainer = Retainer(data_dir, retention)
        self._clock = clock
        self._waiting: list[Chunk] = []
        self._rows = self._taken = 0  # all that wait, and those of them that are being written
        self._thread = ThreadPoolExecutor(1, "record", initializer=lower_priority, initargs=(LOWER_PRIORITY,))
        self._enough = asyncio.Event()
        self._committing: asyncio.Future[None] | None = None
        self.meter = Meter("record", clock())
        self.meter.last_seq = self._tables.position()
        self.meter.counters["trades_stored"] = Reader(data_dir).counts().get("trades", 0)

    @property
    def position(self) -> int:
        """The last input whose rows are all in the tables."""
        return self._tables.position()

    @property
    def full(self) -> bool:
        """Whether so much waits that no more should be taken now."""
        return self._rows > MOST_WAITING

    def take(self, chunks: list[Chunk]) -> None:
        self._waiting.extend(chunks)
        self._rows += _count(chunks)
        self._wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Commit once a second until `stop`, earlier when much waits, then commit the rest. raises StoreWriteFailed."""
        loop = asyncio.get_running_loop()
        stopping = asyncio.ensure_future(stop.wait())
        begun = looked_after = loop.time()
        try:
            while not stopping.done():
                enough = asyncio.ensure_future(self._enough.wait())
                wait_s = max(0.0, begun + COMMIT_S - loop.time())
                await asyncio.wait({stopping, enough}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                enough.cancel()
                begun = loop.time()
                if self._waiting or begun - looked_after > UPKEEP_S:
                    await self._commit()
                    looked_after = begun
        finally:
            stopping.cancel()

    async def close(self) -> None:
        if self._committing is not None and not self._committing.done():
            await self._committing
        if self._waiting:
            await self._commit()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._tables.close)
        self._thread.shutdown()

    def status(self, at_ns: int) -> Status:
        return self.meter.status(at_ns)

    async def _commit(self) -> None:
        """Commit what waits. It goes on when whoever waits for it is cancelled."""
        self._committing = asyncio.ensure_future(self._write_waiting())
        await asyncio.shield(self._committing)

    async def _write_waiting(self) -> None:
        """What is counted and what waits changes only on the loop, and only once it is written."""
        chunks = list(self._waiting)
        self._taken = _count(chunks)
        self._wake()
        written, now = await asyncio.get_running_loop().run_in_executor(self._thread, self._write, chunks)
        del self._waiting[: len(chunks)]
        self._rows -= self._taken
        self._taken = 0
        if not chunks:
            return
        received = [chunk.rows(kind)["receive_ns"] for chunk in chunks for kind in ("trades", "books", "quotes")]
        if not self._replayed:
            self.meter.observe("receive_to_store", now - np.concatenate(received))
        self.meter.count("commits")
        self.meter.count("rows_stored", written.rows)
        self.meter.count("trades_stored", written.trades)
        self.meter.last_seq = chunks[-1].last_seq

    def _wake(self) -> None:
        """Begin a commit at once, or not before its time, as many rows as wait and are not being written."""
        if self._rows - self._taken >= ENOUGH_ROWS:
            self._enough.set()
        else:
            self._enough.clear()

    def _write(self, chunks: list[Chunk]) -> tuple[Written, int]:
        """Returns also when the rows were stored, ns."""
        written = self._tables.write(chunks)
        now = self._clock()
        self._tables.maintain()
        self._retainer.now_and_then(self._tables, now)
        self.meter.detail = self._retainer.problem
        return written, now


def _count(chunks: list[Chunk]) -> int:
    return sum(len(rows) for chunk in chunks for rows in chunk.arrays.values())
