"""collect on a host of its own, one of several that send to one recorder: the door and the bars, and the way to NATS.

In:  the venues of this host. Out: its journal and its stream log, as a whole pipeline on one machine has them; the stream log
     is published as far and as soon as NATS can be reached.
Bars are made here: this host knows when its own connections were lost, and its clock does not wait for a link.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from ninefold.bus.nats import CutOff, NatsBus
from ninefold.bus.permissions import collector_stage
from ninefold.bus.status import Meter
from ninefold.config import Config
from ninefold.journal.writer import LogWriter
from ninefold.market.bars import BarMaker
from ninefold.market.chunk import Chunk
from ninefold.services import snapshot
from ninefold.services.build import loadable
from ninefold.services.chain import Chain
from ninefold.services.door import Door, told
from ninefold.services.host_logs import let_logs_go
from ninefold.services.jobs import end, until
from ninefold.services.stage import TimedStage
from ninefold.services.statuses import tell, write_statuses
from ninefold.services.uplink import Uplink
from ninefold.store.data_dir import WriterLock, open_data_dir

NAME = "collect"
SNAPSHOT_S = 30.0
LET_GO_S = 600.0
FLUSH_S = 2.0  # what came last is published before the end, if NATS can be reached


class CollectHost:
    """connect: a new connection to NATS. Built ready: what was journalled before a crash is in the stream log."""

    def __init__(self, config: Config, connect: Callable[[], Awaitable[NatsBus]], clock: Callable[[], int]) -> None:
        self._clock = clock
        self._data_dir = open_data_dir(Path(config.data_dir))
        self._lock = WriterLock(self._data_dir / "journal")
        self._stream = LogWriter(self._data_dir / "stream")
        if self._stream.cut is not None:
            told(self._stream.cut)
        self._retention = config.retention
        self._stage = stage = collector_stage(config.bus.name)
        self._uplink = Uplink(self._data_dir, stage, connect, self._beside, lambda: self._stream.last_seq)
        saved = snapshot.read(self._data_dir, NAME)
        if not loadable(config, saved) or (saved and saved.seq > self._stream.last_seq):
            saved = None
        self._door = Door(config, self._data_dir, clock, self._hand_on, saved.states[NAME] if saved else None)
        self._bars = TimedStage(BarMaker(), Meter(stage.replace(NAME, "bars"), clock()), clock)
        self._chain = Chain([self._bars], self._stream, self._after)
        if saved is not None:
            self._chain.load(saved.states)
        self._door.recover(self._stream.last_seq)
        self._door.meter.service = stage
        self._held = ""  # why not all went that retention lets go
        self._shown = ""  # what was last told of that, or of the way to NATS

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until `stop`. raises: BusFailed if this collector may not publish there."""
        self._door.open()
        linked = asyncio.ensure_future(self._uplink.run())
        try:
            await until(stop, [*self._door.jobs(), self._keep(), self._write_often(), _done(linked)])
        finally:
            self._door.close()
            await self._uplink.flush(FLUSH_S)
            await end(linked)
            snapshot.write(self._data_dir, NAME, *self._states())
            self._write_status()
            self._stream.close()
            self._lock.release()

    def _hand_on(self, chunk: Chunk) -> None:
        self._chain.hand_on(chunk)

    def _after(self, chunk: Chunk) -> None:
        self._uplink.wake()

    def _states(self) -> tuple[int, dict[str, bytes]]:
        return self._door.collector.last_seq, {**self._chain.states(), NAME: self._door.collector.save()}

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_S)
            await asyncio.to_thread(snapshot.write, self._data_dir, NAME, *self._states())

    def _meters(self) -> list[Meter]:
        meter = self._door.status()
        meter.gauges["unpublished_inputs"] = self._stream.last_seq - self._uplink.published_seq
        meter.gauges["recorder_reached"] = float(self._uplink.connected)
        problem = self._uplink.problem or self._held
        if problem or meter.detail == self._shown:
            meter.detail = self._shown = problem
        return [meter, self._bars.meter]

    async def _beside(self, bus: NatsBus) -> None:
        """While NATS can be reached."""
        await asyncio.gather(tell(bus, self._meters, self._clock), self._let_go(bus))

    async def _let_go(self, bus: NatsBus) -> None:
        while True:
            with contextlib.suppress(CutOff):
                seq = await bus.read_seq(self._stage)
                limits = (self._data_dir, self._retention, self._clock(), seq, NAME)
                self._held = await asyncio.to_thread(let_logs_go, *limits)
            await asyncio.sleep(LET_GO_S)

    async def _write_often(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._write_status()

    def _write_status(self) -> None:
        write_statuses(self._data_dir, NAME, [meter.status(self._clock()) for meter in self._meters()])


async def _done(linked: asyncio.Future[None]) -> None:
    """Ends, or fails, when publishing does."""
    await asyncio.shield(linked)
