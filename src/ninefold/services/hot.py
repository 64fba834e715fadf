"""The hot process: collect to execute in one asyncio loop, nothing slow in it.

In:  the venue, the sources of headlines, the halt switch, our clock.
Out: the journal (what came), the stream log (what was made of it), signed orders; its state once a second for whoever asks.
"""

from __future__ import annotations

import asyncio
import gc
import uuid
from collections.abc import Callable
from pathlib import Path

from ninefold.bus.status import Meter, Status
from ninefold.config import Config, keys_of
from ninefold.journal import inputs
from ninefold.journal.inputs import AccountEvent, Command, Run, encode
from ninefold.journal.reader import read
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.time import SECOND_NS, TICK_NS
from ninefold.services import halt, headlines, snapshot
from ninefold.services.build import CHAIN, collector_of, history, stage_of
from ninefold.services.chain import Chain
from ninefold.services.collect import MarketFeed
from ninefold.services.execute import Execute
from ninefold.services.intake import Intake
from ninefold.services.stage import TimedStage, Warmed
from ninefold.services.statuses import write_statuses
from ninefold.store.data_dir import WriterLock, open_data_dir
from ninefold.venues.binance import BinanceSpot
from ninefold.venues.binance_gateway import BinanceGateway
from ninefold.venues.table import VENUES

SNAPSHOT_NS = 30 * SECOND_NS  # a start replays at most this much of the journal
ANSWERS_S = 1.0  # at a stop, answers to orders under way are waited for this long; later ones are asked for at the next start


class Hot:
    """Built ready: logs opened, state restored, what was journalled but not handed on before a crash handed on now."""

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        self.config = config
        self.clock = clock
        self.data_dir = open_data_dir(Path(config.data_dir))
        self._journal = LogWriter(self.data_dir / "journal")
        self._lock = WriterLock(self.data_dir / "journal")
        self._stream = LogWriter(self.data_dir / "stream")
        self.collector = collector_of(config)
        saved = snapshot.read(self.data_dir)
        if saved is not None and saved.seq > self._stream.last_seq:
            saved = None  # a power loss took the end of the stream log, but not the snapshot: begin at the journal's beginning
        if saved is not None:
            self.collector.load(saved.states["collect"])
        started_ns = clock()
        registry = self.collector.adapter.registry
        made = [stage_of(name, config, self.data_dir, Registry(list(registry))) for name in CHAIN]
        self.stages = [TimedStage(stage, Meter(stage.name, started_ns), clock) for stage in made]
        self.execute = next(stage for stage in made if isinstance(stage, Execute))
        self.chain = Chain(self.stages, self._stream, self._after)
        self.meter = Meter("collect", started_ns)
        self.intake = Intake(self._journal, self.collector, self.chain.hand_on, self.meter)
        self._gateway: BinanceGateway | None = None
        self._sending: set[asyncio.Future[None]] = set()
        self._live = False
        self._halted: halt.Halt | None = None
        self._snapshot_due_ns = 0
        self._recover(saved)

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set; then leave everything written."""
        self.intake.put(inputs.STARTED, 0, self.clock(), encode(Run(uuid.uuid4().hex[:12], False, self.config.venue.name)))
        self.intake.flush()
        self._live = True
        feed = MarketFeed(self.config.venue, self.intake, self.clock, self.collector.take_questions)
        first = self.collector.adapter.start_questions() if isinstance(self.collector.adapter, BinanceSpot) else []
        jobs = [feed.run(first), self._tick(), self._tell(feed)]
        jobs += [headlines.watch(source, self.intake.put, self.intake.flush, self.clock) for source in self.config.sentiment]
        if self.config.account.orders == "exchange":
            jobs.append(self._trade())
        gc.freeze()
        tasks = [asyncio.ensure_future(job) for job in jobs]
        stopping = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, stopping):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        if self._sending:
            await asyncio.wait(self._sending, timeout=ANSWERS_S)
        if self._gateway is not None:
            await self._gateway.close()
        self.close()
        for task, result in zip(tasks, results, strict=True):
            if task in done and isinstance(result, Exception):
                raise result

    def close(self) -> None:
        self.intake.flush()
        snapshot.write(self.data_dir, *self._states())
        self._write_status()
        self._journal.close()
        self._stream.close()
        self._lock.release()

    def _recover(self, saved: snapshot.Snapshot | None) -> None:
        """Restore the stages, then hand on again what the journal has behind the snapshot."""
        seq = 0
        if saved is not None:
            seq = saved.seq
            self.chain.load(saved.states)
            bars, values = history(self.data_dir, seq)
            instruments = list(self.collector.adapter.registry)
            for stage in self.stages:
                if isinstance(stage.stage, Warmed):
                    stage.stage.warm(instruments, bars, values)
        written_seq = self._stream.last_seq
        waiting = []
        for record in read(self.data_dir / "journal", seq):
            waiting.append(record)
            if record.seq == written_seq:  # a chunk ended here, so one must end here again
                self.intake.feed(waiting)
                waiting = []
        self.intake.feed(waiting)
        self.collector.take_questions()

    def _after(self, chunk: Chunk) -> None:
        self.execute.write(chunk)
        orders, self.execute.to_send = self.execute.to_send, []
        if not self._live or self._gateway is None:
            return
        for approved in orders:
            if halt.read(self.data_dir) is None:
                sending = asyncio.ensure_future(self._gateway.send(approved, self.execute.registry[approved.order.instrument]))
                self._sending.add(sending)
                sending.add_done_callback(self._sending.discard)

    async def _trade(self) -> None:
        """The account: user data, and the answers to our orders; everything comes in through the door."""
        key, secret = keys_of(self.config.account)
        entry = VENUES[self.config.venue.name]
        gateway = BinanceGateway(
            self.config.venue.rest_url or entry.rest_url,
            self.config.venue.ws_api_url or entry.ws_api_url,
            key,
            secret,
            self._account,
            self.clock,
        )
        self._gateway = gateway
        await gateway.start()
        await gateway.subscribed.wait()
        registry = self.execute.registry
        await gateway.reconcile([(order, registry[order.instrument]) for order in self.execute.core.open_orders()])
        await asyncio.Event().wait()  # the gateway works until it is closed

    def _account(self, kind: str, body: bytes) -> None:
        self.intake.put(inputs.ACCOUNT, 0, self.clock(), encode(AccountEvent(self.config.venue.name, kind, body)))
        self.intake.flush()

    async def _tick(self) -> None:
        """Our clock, on the 100 ms grid, and the halt switch."""
        while True:
            now = self.clock()
            await asyncio.sleep((TICK_NS - now % TICK_NS) / SECOND_NS)
            now = self.clock()
            self._look_for_halt(now)
            self.intake.put(inputs.TICK, 0, now, b"")
            self.intake.flush()
            if now >= self._snapshot_due_ns:
                self._snapshot_due_ns = now + SNAPSHOT_NS
                await asyncio.to_thread(snapshot.write, self.data_dir, *self._states())

    def _look_for_halt(self, now: int) -> None:
        found = halt.read(self.data_dir)
        if found == self._halted:
            return
        self._halted = found
        command = Command("halt", found.by, found.reason) if found else Command("resume", "halt switch")
        self.intake.put(inputs.COMMAND, 0, now, encode(command))

    def _states(self) -> tuple[int, dict[str, bytes]]:
        return self.collector.last_seq, {**self.chain.states(), "collect": self.collector.save()}

    async def _tell(self, feed: MarketFeed) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.meter.counters["reconnects"] = feed.reconnects
            self.meter.healthy = feed.connected
            self._write_status()

    def _write_status(self) -> None:
        """For the cold process: one small file, replaced whole."""
        now = self.clock()
        equity = self.execute.core.equity()
        meter = self.stages[-1].meter
        if equity is not None:
            meter.gauges["equity"] = equity / 1e8
        statuses: list[Status] = [self.meter.status(now), *(stage.meter.status(now) for stage in self.stages)]
        write_statuses(self.data_dir, "hot", statuses)
