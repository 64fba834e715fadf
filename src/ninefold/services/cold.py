"""The cold process: record, notify, serve, and a live copy where one is wanted, following the stream log that the hot process writes.

In:  the stream log, the hot process's statuses. Out: the tables, Slack messages, the API. It may stop and start again
     at any time; nothing waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.config import Config
from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import Follower
from ninefold.market.chunk import Chunk, decode, merged
from ninefold.services.jobs import end
from ninefold.services.lazily import lazily
from ninefold.services.notify import Notify
from ninefold.services.record import Record
from ninefold.services.serve import Serve
from ninefold.services.statuses import read_statuses, write_statuses
from ninefold.store.data_dir import open_data_dir

if TYPE_CHECKING:
    from ninefold.services import influx
else:
    influx = lazily("ninefold.services.influx")  # most have no such copy

POLL_S = 0.05  # websocket clients are told as often
POLL_BYTES = 1 << 20


class Cold:
    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        self._data_dir = open_data_dir(Path(config.data_dir))
        self._clock = clock
        self._record = Record(self._data_dir, clock, retention=config.retention)
        self._notify = Notify(config.notify, clock)
        self._serve = Serve(config, clock)
        self._influx = influx.Influx(config.influx, self._data_dir, clock) if config.influx.url else None
        self._follower = Follower(self._data_dir / "stream", self._record.position)

    async def run(self, stop: asyncio.Event, on_ready: Callable[[int], None]) -> None:
        """Follow until `stop`, then store all that the stream log has."""
        jobs = [self._follow(), self._tell(), self._record.run(stop), self._notify.run(stop), self._serve.run(on_ready)]
        if self._influx is not None:
            jobs.append(self._influx.run(stop, influx.followed(self._data_dir / "stream", self._influx.after_seq)))
        tasks = [asyncio.ensure_future(job) for job in jobs]
        stopping = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        tasks[0].cancel()
        if stopping in done:
            self._take(self._poll())
            await asyncio.wait({*tasks[2:4], *tasks[5:]}, timeout=3.0)
        await end(*tasks, stopping)
        while chunks := self._poll():
            self._record.take(chunks)
        await self._record.close()
        self._write_status()
        for task in tasks:
            if task in done and (error := task.exception()) is not None:
                raise error

    async def _follow(self) -> None:
        """Take what came since the last look, all at once; where there is much more, go on at once."""
        while True:
            before = self._follower.bytes_read
            if not self._record.full and (chunks := self._poll()):
                self._take(chunks)
            is_behind = self._follower.bytes_read - before > POLL_BYTES // 2
            await asyncio.sleep(0 if is_behind else POLL_S)

    def _poll(self) -> list[Chunk]:
        """What has come, in as few chunks as it can be."""
        return merged([decode(record.payload) for record in self._follower.poll(POLL_BYTES) if record.kind == CHUNK])

    def _take(self, chunks: list[Chunk]) -> None:
        self._record.take(chunks)
        self._notify.take(chunks)
        self._serve.take(chunks)

    async def _tell(self) -> None:
        while True:
            self._write_status()
            self._serve.hear(list(read_statuses(self._data_dir).values()))
            await asyncio.sleep(1.0)

    def _write_status(self) -> None:
        now = self._clock()
        statuses = [self._record.status(now), self._notify.status(now)]
        if self._influx is not None:
            statuses.append(self._influx.status(now))
        write_statuses(self._data_dir, "cold", statuses)
