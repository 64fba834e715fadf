"""Everything that comes from outside a pipeline, on one loop: the venues' sockets, our clock, the switches, what people ask
for; and the journal behind the door.

In:  a config. Out: chunks to whoever is behind (`hand_on`).
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from ninefold.bus.status import Meter
from ninefold.config import Config, Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import Begun, Command, Run, encode
from ninefold.journal.reader import read
from ninefold.journal.writer import Cut, LogWriter
from ninefold.market.chunk import Chunk
from ninefold.market.records import Flatten, Halted
from ninefold.market.time import SECOND_NS, TICK_NS
from ninefold.services import asking, halt
from ninefold.services.ccxt_exchange import SHARING, exchange_of
from ninefold.services.ccxt_feed import CcxtFeed
from ninefold.services.collect import MarketFeed
from ninefold.services.disk import GUARD, disk_halt
from ninefold.services.intake import Intake
from ninefold.services.parsers import collector_of
from ninefold.services.quicken import compiled
from ninefold.venues.ccxt_names import is_name
from ninefold.venues.collector import Collector
from ninefold.venues.limiter import Limiter

BUSY = 200  # frames between two ticks, 2,000 a second, from which on what reads them is compiled


class Door:
    """saved: the collector's state at a snapshot, or None. Nothing is handed on before `recover`. limiters: by venue, for
    whoever calls it from this process."""

    def __init__(
        self,
        config: Config,
        data_dir: Path,
        clock: Callable[[], int],
        hand_on: Callable[[Chunk], None],
        saved: bytes | None,
    ) -> None:
        self._config = config
        self._data_dir = data_dir
        self._clock = clock
        self._journal = LogWriter(data_dir / "journal")
        self._halted: halt.Halt | None = None
        self._asked: tuple[halt.Ask, ...] = ()
        self.collector = collector_of(config)
        if saved is not None:
            self.collector.load(saved)
        self.meter = Meter("collect", clock())
        if self._journal.cut is not None:
            self.meter.detail = told(self._journal.cut)
        self._intake = Intake(self._journal, self.collector, hand_on, self.meter)
        numbers = count(1)
        self.limiters = {venue.name: Limiter(()) for venue in config.venues}
        self._feeds = [
            feed_of(
                venue, self._intake, clock, self.collector, numbers, self.limiters[venue.name], _callers(config, venue)
            )
            for venue in config.venues
        ]

    def recover(self, written_seq: int) -> None:
        """Hand on again what the journal has behind the snapshot. written_seq: up to where the stage behind has
        written its own
        chunks; one ended there, so one must end there again."""
        waiting = []
        for record in read(self._data_dir / "journal", self.collector.last_seq):
            waiting.append(record)
            if record.seq == written_seq:
                self._intake.feed(waiting)
                waiting = []
        self._intake.feed(waiting)
        self._intake.forget()
        self.collector.drop_outgoing()

    def remember(self, halted: Halted | None, flattened: Iterable[Flatten]) -> None:
        """What the books say is in force, so that a resume while nothing ran is heard."""
        self._halted = halt.Halt(halted.by, halted.reason, halted.known_ns) if halted is not None else None
        self._asked = tuple(halt.Ask(one.by, one.instrument, one.known_ns) for one in flattened)

    @property
    def journal_seq(self) -> int:
        """The last input that is in the journal."""
        return self._journal.last_seq

    def open(self, begun: Begun | None = None) -> None:
        """Note in the journal that a new run begins."""
        run = Run(uuid.uuid4().hex[:12], False, self._config.venue.name, begun)
        self.put(inputs.STARTED, 0, self._clock(), encode(run))

    def put(self, kind: int, connection: int, receive_ns: int, payload: bytes) -> None:
        """An input of another edge, acted on at once."""
        self._intake.put(kind, connection, receive_ns, payload)
        self._intake.flush()

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run: the connection of each venue, and our clock."""
        return [*(feed.run() for feed in self._feeds), self._tick()]

    async def quicken(self) -> None:
        """Read messages of known forms by compiled loops from now on; where they cannot be compiled, say so and go on
        without.
        """
        try:
            quick, packing = await asyncio.to_thread(compiled)
        except (ImportError, OSError, RuntimeError) as error:
            self.meter.detail = (
                f"busy markets cannot be read by compiled loops, and take more of the processor: {error}"
            )
            print(f"ninefold: {self.meter.detail}", file=sys.stderr, flush=True)
            return
        self.collector.quicken(quick)
        self._intake.quicken(packing)

    def status(self) -> Meter:
        self._intake.tell_meter()
        self.meter.counters["reconnects"] = sum(feed.reconnects for feed in self._feeds)
        self.meter.gauges["streams"] = sum(len(adapter.seen) for adapter in self.collector.adapters.values())
        self.meter.gauges["streams_silent"] = len(self.collector.silent)
        if self._journal.compressor.problem:
            self.meter.detail = self._journal.compressor.problem
        self.meter.healthy = all(feed.connected for feed in self._feeds)
        return self.meter

    def flush(self) -> None:
        """Hand on what is waiting. raises: DiskFull."""
        self._intake.flush()

    def close(self) -> None:
        self._intake.flush()
        self._journal.close()

    async def _tick(self) -> None:
        """Our clock, on the 100 ms grid, and the switches."""
        frames = self.collector.frames
        quickening: asyncio.Future[None] | None = None
        while True:
            if quickening is None and self.collector.frames - frames > BUSY:
                quickening = asyncio.ensure_future(self.quicken())
            frames = self.collector.frames
            now = self._clock()
            await asyncio.sleep((TICK_NS - now % TICK_NS) / SECOND_NS)
            now = self._clock()
            self._look_at_switches(now)
            self._take_asked(now)
            self._intake.put(inputs.TICK, 0, now, b"")
            self._intake.flush()

    def _look_at_switches(self, now: int) -> None:
        """Journal what was switched since the last look. A resume lifts all, so what still holds is said again behind it."""
        guarded = self._halted is not None and self._halted.by == GUARD
        halted, asked = halt.read(self._data_dir) or disk_halt(self._data_dir, guarded), halt.asked(self._data_dir)
        if (self._halted and not halted) or (self._asked and not asked):
            self._command(now, Command("resume", "halt switch"))
            self._halted, self._asked = None, ()
        if halted is not None and halted != self._halted:
            self._command(now, Command("halt", halted.by, halted.reason))
        for one in asked:
            if one not in self._asked:
                self._command(now, Command("flatten", one.by, "", one.instrument))
        self._halted, self._asked = halted, asked

    def _take_asked(self, now: int) -> None:
        """Journal what people asked for, then remove it: after a crash between the two it is the same request again."""
        asked = asking.take(self._data_dir)
        for _, command in asked:
            self._command(now, command)
        if asked:
            self._intake.flush()
        for path, _ in asked:
            path.unlink()

    def _command(self, now: int, command: Command) -> None:
        self._intake.put(inputs.COMMAND, 0, now, encode(command))


def _callers(config: Config, venue: Venue) -> int:
    """Where orders are sent, CcxtClient calls too."""
    return SHARING if venue is config.venue and config.account.orders == "exchange" else 1


def feed_of(
    venue: Venue,
    intake: Intake,
    clock: Callable[[], int],
    collector: Collector,
    numbers: Iterator[int],
    limiter: Limiter | None = None,
    callers: int = 1,
) -> MarketFeed | CcxtFeed:
    """The edge of a venue. callers: of ccxt, who share its pace. raises: BadConfig for one that needs ccxt and cannot have it."""
    if is_name(venue.name):
        return CcxtFeed(venue, intake, clock, collector, numbers, partial(exchange_of, sharing=callers))
    return MarketFeed(venue, intake, clock, collector, numbers, limiter)


def told(cut: Cut) -> str:
    """Say what a crash left torn, for the log and the page."""
    text = f"the torn end of {cut.path} was cut: {cut.bytes} bytes behind seq {cut.last_seq}, kept in {cut.kept.name}"
    print(f"ninefold: {text}", file=sys.stderr, flush=True)
    return text
