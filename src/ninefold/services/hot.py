"""The hot process: collect to execute in one asyncio loop, nothing slow in it.

In:  the venue, the sources of headlines, the halt switch, our clock.
Out: the journal (what came), the stream log (what was made of it), signed orders; its state once a second for whoever
     asks.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

from ninefold.bus.status import CHAIN, Meter
from ninefold.config import Config
from ninefold.journal.inputs import Begun
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.services import headlines, snapshot
from ninefold.services.books import Books
from ninefold.services.build import history, loadable, stage_of
from ninefold.services.chain import Chain
from ninefold.services.door import Door, told
from ninefold.services.execute import Execute
from ninefold.services.identity import encode_identity, identity_of
from ninefold.services.jobs import until
from ninefold.services.leases import Leases
from ninefold.services.stage import TimedStage, Warmed
from ninefold.services.statuses import write_statuses
from ninefold.services.stopped import say
from ninefold.services.trading import Trading, is_strict
from ninefold.store.data_dir import WriterLock, open_data_dir

SNAPSHOT_S = 30.0  # a start replays at most this much of the journal
NAME = "hot"


class Hot:
    """Built ready: logs opened, state restored, what was journalled but not handed on before a crash handed on now."""

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        self._config = config
        self._clock = clock
        self._data_dir = open_data_dir(Path(config.data_dir))
        self._lock = WriterLock(self._data_dir / "journal")
        self._lease = Leases(config, self._data_dir)
        self._stream = LogWriter(self._data_dir / "stream")
        if self._stream.cut is not None:
            told(self._stream.cut)
        saved = snapshot.read(self._data_dir, NAME)
        if not loadable(config, saved) or (saved and saved.seq > self._stream.last_seq):
            saved = None  # also when a power loss took the end of the stream log, but not the snapshot: begin at the journal's beginning
        self.door = Door(config, self._data_dir, clock, self._hand_on, saved.states["collect"] if saved else None)
        registry = list(self.door.collector.registry)
        made = [stage_of(name, config, self._data_dir, Registry(registry), ahead=True) for name in CHAIN]
        self.stages = [TimedStage(stage, Meter(stage.name, clock()), clock) for stage in made]
        self.execute = next(stage for stage in made if isinstance(stage, Execute))
        self.execute.go_back(self.door.journal_seq)
        self._chain = Chain(self.stages, self._stream, self._after)
        limiter = self.door.limiters[config.venue.name]
        self._trading = Trading(config, self.execute, self.door.put, clock, self._lease.check, limiter)
        self._books = Books(self.execute, self._trading.send, is_strict(config))
        self._live = False
        self._begun = Begun(
            self.door.journal_seq,
            saved.seq if saved else 0,
            self.execute.ledger_seq,
            self._stream.last_seq,
            encode_identity(identity_of(config, self._data_dir)),
        )
        if saved is not None:
            self._restore(saved)
        self.door.recover(self._stream.last_seq)
        core = self.execute.core
        self.door.remember(core.halts.in_force, core.flattened.values())
        for stage in self.stages:
            stage.meter.forget()

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set; then leave everything written."""
        self._live = True
        self.door.open(self._begun)
        jobs = [*self.door.jobs(), self._books.run(), self._tell(), self._keep(), self._lease.keep()]
        jobs += [headlines.watch(source, self.door.put, self._clock) for source in self._config.sentiment]
        if self._config.account.orders == "exchange":
            jobs.append(self._trading.run())
        gc.freeze()
        try:
            await until(stop, jobs)
        finally:
            try:
                await self._finish()
            finally:
                await self._trading.close()
                self.close()

    async def _finish(self) -> None:
        """What came before the stop is acted on; answers to orders under way are waited for, and kept."""
        self.door.flush()
        await self._books.written()
        await self._trading.close()
        await self._books.written()

    def close(self) -> None:
        self.door.close()
        self._books.close()
        if self._books.whole:  # else the next start makes again, from an earlier snapshot, what the ledger lacks
            snapshot.write(self._data_dir, NAME, *self._states())
        self._write_status()
        self._stream.close()
        self._lease.release()
        self._lock.release()

    def _hand_on(self, chunk: Chunk) -> None:
        self._chain.hand_on(chunk)

    def _after(self, chunk: Chunk) -> None:
        say(chunk)
        if self._live:
            self._books.put(chunk)
        else:
            self.execute.write(chunk)
            self.execute.take_orders()  # decided before the crash: whether they were sent, the venue is asked

    def _restore(self, saved: snapshot.Snapshot) -> None:
        self._chain.load(saved.states)
        bars, values = history(self._data_dir, saved.seq)
        instruments = list(self.door.collector.registry)
        for stage in self.stages:
            if isinstance(stage.stage, Warmed):
                stage.stage.warm(instruments, bars, values)

    async def _keep(self) -> None:
        """Write a snapshot now and then; the state is taken between two inputs, the disk is waited for elsewhere."""
        while True:
            await asyncio.sleep(SNAPSHOT_S)
            seq, states = self._states()
            await self._books.written()
            await asyncio.to_thread(snapshot.write, self._data_dir, NAME, seq, states)

    def _states(self) -> tuple[int, dict[str, bytes]]:
        return self.door.collector.last_seq, {**self._chain.states(), "collect": self.door.collector.save()}

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._write_status()

    def _write_status(self) -> None:
        """For the cold process: one small file, replaced whole."""
        self.execute.gauge(self.stages[-1].meter)
        meters = [self.door.status(), *(stage.meter for stage in self.stages)]
        write_statuses(self._data_dir, NAME, [meter.status(self._clock()) for meter in meters])
