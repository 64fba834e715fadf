"""Connect to a venue for a little while as `collect` does, and say what came.

In:  a venue as a config names it. Out: a `Report`; nothing is kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from ninefold.bus.status import Meter
from ninefold.config import Config, Venue
from ninefold.journal import inputs
from ninefold.journal.reader import read
from ninefold.journal.writer import LogWriter
from ninefold.market.book import Book
from ninefold.market.chunk import Chunk
from ninefold.market.records import Gap, Malformed
from ninefold.market.time import SECOND_NS
from ninefold.services.door import feed_of
from ninefold.services.intake import Intake
from ninefold.services.parsers import collector_of
from ninefold.venues.collector import Collector


class Shown(msgspec.Struct):
    """Of one instrument. bid, ask: of the rebuilt book, as text; empty: none."""

    instrument: str
    rules_known: bool
    trades: int = 0
    book_changes: int = 0
    quotes: int = 0
    bid: str = ""
    ask: str = ""
    crossed: int = 0  # how often the book's bid reached its ask at the end of a chunk


class Report(msgspec.Struct):
    """streams: name to seconds since its last frame, None: none came. problems: what is wrong, worst first."""

    venue: str
    seconds: float
    connected: bool
    frames: int
    duplicates: int
    clock_offset_s: float | None
    streams: dict[str, float | None]
    instruments: list[Shown]
    problems: list[str]


async def check(venue: Venue, seconds: float, clock: Callable[[], int] = time.time_ns) -> Report:
    """Listen for so many seconds. raises: Refused if the venue does not know a pair."""
    collector = collector_of(Config(venue=venue))
    heard = _Heard(collector)
    with TemporaryDirectory(prefix="ninefold-check-") as folder:
        path = Path(folder) / "journal"
        with closing(LogWriter(path)) as journal:
            intake = Intake(journal, collector, heard.take, Meter("collect", clock()))
            feed = feed_of(venue, intake, clock, collector, count(1))
            listening = asyncio.ensure_future(feed.run())
            await asyncio.wait({listening}, timeout=seconds)
            connected = feed.connected
            if listening.done():
                listening.result()
            listening.cancel()
            await asyncio.wait({listening})
            intake.flush()
        opened_ns, failures = _of_the_line(path)
    return heard.report(venue.name, seconds, connected, clock(), opened_ns, failures)


class _Heard:
    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._shown: dict[int, Shown] = {}
        self._books: dict[int, Book] = {}
        self._problems: list[str] = []

    def take(self, chunk: Chunk) -> None:
        for kind, name in (("trades", "trades"), ("books", "book_changes"), ("quotes", "quotes")):
            rows = chunk.rows(kind)
            for instrument in set(rows["instrument"].tolist()):
                mine = rows[rows["instrument"] == instrument]
                shown = self._of(instrument)
                setattr(shown, name, getattr(shown, name) + len(mine))
                if kind == "books":
                    self._books.setdefault(instrument, Book()).apply(mine)
                    self._look(instrument)
        for record in chunk.records:
            if isinstance(record, Malformed):
                self._problems.append(f"not understood: {record.reason}: {record.excerpt}")
            elif isinstance(record, Gap) and not record.healed:
                name = self._collector.registry[record.instrument].name
                self._problems.append(f"{record.stream} {record.from_id} to {record.to_id} of {name} were missed")

    def report(
        self, venue: str, seconds: float, connected: bool, now_ns: int, opened_ns: int | None, failures: list[str]
    ) -> Report:
        streams = {
            stream: round((now_ns - last_ns) / SECOND_NS, 3) if last_ns > (opened_ns or 0) else None
            for stream, last_ns in sorted(self._collector.seen(venue).items())
        }
        for instrument in self._collector.registry.current():
            self._of(instrument.id)
        crossed = [f"the book of {one.instrument} was crossed" for one in self._shown.values() if one.crossed]
        unknown = [f"{one.instrument}: no rules came" for one in self._shown.values() if not one.rules_known]
        lost = [] if connected else ["not connected at the end", *failures]
        nothing = [] if self._collector.frames else ["no frame came"]
        offset = max(self._collector.offsets().values(), key=lambda one: one.frames, default=None)
        return Report(
            venue,
            seconds,
            connected,
            self._collector.frames,
            self._collector.gathered.duplicates,
            None if offset is None else round(offset.median_ns / SECOND_NS, 6),
            streams,
            sorted(self._shown.values(), key=lambda one: one.instrument),
            [*lost, *nothing, *crossed, *unknown, *self._problems],
        )

    def _of(self, instrument: int) -> Shown:
        if instrument not in self._shown:
            of = self._collector.registry[instrument]
            self._shown[instrument] = Shown(of.name, of.rules_known)
        return self._shown[instrument]

    def _look(self, instrument: int) -> None:
        bids, asks = self._books[instrument].top()
        of, shown = self._collector.registry[instrument], self._of(instrument)
        shown.bid = of.price_text(bids[0][0]) if bids else ""
        shown.ask = of.price_text(asks[0][0]) if asks else ""
        shown.crossed += bool(bids and asks and bids[0][0] >= asks[0][0])


def _of_the_line(journal: Path) -> tuple[int | None, list[str]]:
    """When the connection was opened last, and why it or a question failed, each reason once."""
    opened_ns = None
    failures: dict[str, None] = {}
    for record in read(journal):
        if record.kind == inputs.CONNECTION:
            change = msgspec.msgpack.decode(record.payload, type=inputs.ConnectionChange)
            if change.state == "open":
                opened_ns = record.receive_ns
            elif change.reason:
                failures[f"connection {change.state}: {change.reason}"] = None
        elif record.kind == inputs.ANSWER:
            answer = msgspec.msgpack.decode(record.payload, type=inputs.Answer)
            if answer.status != 200:
                said = answer.body[:160].decode("utf-8", "replace")
                failures[f"{answer.url}: {answer.status or 'no answer'}: {said}"] = None
    return opened_ns, list(failures)
