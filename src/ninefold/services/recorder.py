"""The recorder of several collectors: their streams become one stream log, which the cold process follows as ever.

In:  the JetStream stream of each collector. Out: a stream log in the recorder's own numbers; behind it tables, messages, the
     API. What is safe on the recorder's disk goes out of NATS; only the last message of each collector stays.
A collector whose stream cannot be taken is told, and the others go on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from ninefold.bus.failed import BusFailed
from ninefold.bus.nats import CutOff, NatsBus
from ninefold.bus.parcel import BadParcel, unpack
from ninefold.bus.permissions import collector_stage
from ninefold.bus.status import Meter, Status
from ninefold.config import BadConfig, Config
from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import read
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk, WrongLayout, decode, encode
from ninefold.services import snapshot
from ninefold.services.cold import Cold
from ninefold.services.door import told
from ninefold.services.jobs import until
from ninefold.services.merge import CannotMerge, Merger
from ninefold.services.statuses import hear, write_statuses
from ninefold.store.data_dir import WriterLock, open_data_dir

NAME = "merge"
SNAPSHOT_S = 30.0
FORGET_S = 5.0
AGAIN_S = 5.0


class Recorder:
    """Built ready: it knows how far each collector is in its stream log."""

    def __init__(self, config: Config, bus: NatsBus, clock: Callable[[], int]) -> None:
        self._config = config
        self._bus = bus
        self._clock = clock
        self._data_dir = open_data_dir(Path(config.data_dir))
        self._lock = WriterLock(self._data_dir / "journal")  # no pipeline may run in this data dir
        self._stream = LogWriter(self._data_dir / "stream")
        if self._stream.cut is not None:
            told(self._stream.cut)
        self._names = config.bus.collectors
        self._merger = Merger(self._names)
        self._meter = Meter(NAME, clock())
        self._problems: dict[str, str] = {}
        self._heard: dict[str, Status] = {}
        self._restore()

    async def run(self, stop: asyncio.Event, on_ready: Callable[[int], None]) -> None:
        """Record until `stop`; on_ready: with the port of the API."""
        cold, finished = Cold(self._config, self._clock), asyncio.Event()
        await hear(self._bus, lambda statuses: self._heard.update({one.service: one for one in statuses}))
        recording = asyncio.ensure_future(cold.run(finished, on_ready))
        jobs = [
            *(self._follow(name) for name in self._names),
            self._keep(),
            self._forget(),
            self._tell(),
            _done(recording),
        ]
        try:
            await until(stop, jobs)
        finally:
            self._stream.flush()
            self._save()
            finished.set()
            await asyncio.wait({recording})
            self._stream.close()
            self._lock.release()
        await recording

    def _restore(self) -> None:
        saved = snapshot.read(self._data_dir, NAME)
        if saved is None and self._stream.last_seq:
            raise BadConfig(
                f"{self._data_dir} holds what a pipeline of its own recorded; a recorder of several collectors needs a "
                "data_dir for itself"
            )
        if saved is not None:
            self._merger.load(saved.states[NAME])
        for record in read(self._data_dir / "stream", saved.seq if saved else 0):
            if record.kind == CHUNK:
                self._merger.again(record.connection, decode(record.payload))
        self._save()

    async def _follow(self, name: str) -> None:
        while True:
            try:
                following = self._bus.follow(collector_stage(name), self._merger.position(name), keep_unread=True)
                async for parcel in following:
                    for payload in unpack(parcel):
                        self._take(name, decode(payload))
                    self._problems.pop(name, None)
            except (BusFailed, CannotMerge, BadParcel, WrongLayout) as error:
                self._failed(name, str(error))
            await asyncio.sleep(AGAIN_S)

    def _take(self, name: str, chunk: Chunk) -> None:
        if self._merger.learn(name, chunk):
            self._save()
        merged = self._merger.take(name, chunk)
        if merged is None:
            self._meter.count("repeated")
            return
        self._stream.append(CHUNK, self._merger.number(name), merged.last_seq, merged.known_ns, encode(merged))
        self._stream.flush()
        self._meter.count("chunks")
        self._meter.last_seq = merged.last_seq

    def _failed(self, name: str, why: str) -> None:
        if self._problems.get(name) != why:
            self._problems[name] = why
            print(f"ninefold: {why}", file=sys.stderr, flush=True)

    def _save(self) -> None:
        """What the snapshot says is on disk before it is."""
        self._stream.sync()
        snapshot.write(self._data_dir, NAME, self._merger.last_seq, {NAME: self._merger.save()})

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_S)
            self._save()

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_S)
            reached = {name: self._merger.position(name) for name in self._names}
            self._stream.sync()
            for name, seq in reached.items():
                try:
                    await self._bus.forget(collector_stage(name), seq)
                except CutOff:
                    continue
                except BusFailed as error:
                    self._failed(name, str(error))

    async def _tell(self) -> None:
        while True:
            self._meter.healthy = not self._problems
            self._meter.detail = next(iter(self._problems.values()), "")
            for name in self._names:
                self._meter.gauges[f"seq {name}"] = float(self._merger.position(name))
            statuses = [self._meter.status(self._clock()), *self._heard.values()]
            write_statuses(self._data_dir, NAME, statuses)
            await asyncio.sleep(1.0)


async def _done(recording: asyncio.Future[None]) -> None:
    """Ends, or fails, when the recording does."""
    await asyncio.shield(recording)
