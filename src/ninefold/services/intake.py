"""The door: everything from outside gets its number and is journalled before anything acts on it.

In:  frames, answers, ticks, headlines, commands, account events, in the order in which they came.
Out: chunks, in the order of the numbers.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

from ninefold.bus.status import Meter
from ninefold.journal.segment import Record
from ninefold.journal.writer import DiskFull, LogWriter
from ninefold.market.chunk import Chunk
from ninefold.market.records import Gap, Malformed
from ninefold.venues.collector import Collector

Hand = Callable[[Chunk], None]


class Intake:
    """put() what came, flush() as soon as nothing more is waiting. Not for several threads."""

    def __init__(self, journal: LogWriter, collector: Collector, hand_on: Hand, meter: Meter) -> None:
        self._journal = journal
        self._collector = collector
        self._hand_on = hand_on
        self._meter = meter
        self._waiting: list[Record] = []
        self._broken = False
        self._frames_before = collector.frames
        self._seq = max(journal.last_seq, collector.last_seq)

    def put(self, kind: int, connection: int, receive_ns: int, payload: bytes) -> None:
        """Give one input its number; it acts with the next flush."""
        self._seq += 1
        self._waiting.append(Record(kind, connection, self._seq, receive_ns, payload))

    def flush(self) -> None:
        """Journal what is waiting, then hand on the chunks it gives. raises DiskFull: nothing acted then."""
        if not self._waiting:
            return
        if self._broken:
            raise DiskFull(errno.EIO, "the journal could not be written before; nothing is taken any more")
        waiting, self._waiting = self._waiting, []
        self._broken = True
        for record in waiting:
            self._journal.append(*record)
        self._journal.flush()
        self._broken = False
        self.feed(waiting)

    def feed(self, records: list[Record]) -> None:
        """Hand on what is in the journal already."""
        started = time.perf_counter_ns()
        for record in records:
            for chunk in self._collector.feed(record):
                self._finish(chunk, started)
                started = time.perf_counter_ns()
        for chunk in self._collector.take():
            self._finish(chunk, started)

    def forget(self) -> None:
        """Count from here on: what was handed on again after a start was counted before it."""
        self._frames_before = self._collector.frames
        self._meter.forget()

    def _finish(self, chunk: Chunk, started: int) -> None:
        meter = self._meter
        meter.counters["frames"] = self._collector.frames - self._frames_before
        meter.counters["duplicates"] = self._collector.gathered.duplicates
        for kind, name in (("trades", "trades"), ("books", "book_changes"), ("quotes", "quotes")):
            meter.count(name, len(chunk.rows(kind)))
        for record in chunk.records:
            if isinstance(record, Malformed):
                meter.count("malformed")
                meter.detail = f"{record.reason}: {record.excerpt[:60]}"
            elif isinstance(record, Gap) and not record.healed:
                meter.count("gaps")
        meter.last_seq = chunk.last_seq
        meter.observe("exchange_to_receive", self._collector.take_lags())
        meter.elapsed("step", time.perf_counter_ns() - started)
        self._hand_on(chunk)
