"""The door: everything from outside gets its number and is journalled before anything acts on it.

In:  frames, answers, ticks, headlines, commands, account events, in the order in which they came.
Out: chunks, in the order of the numbers.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence

import numpy as np

from ninefold.bus.status import Meter
from ninefold.journal import inputs
from ninefold.journal.plain import Frames, plain_messages
from ninefold.journal.segment import Record
from ninefold.journal.writer import DiskFull, LogWriter
from ninefold.market.chunk import Chunk
from ninefold.market.records import Gap, Malformed
from ninefold.venues.collector import Collector

LAGS_MOST = 8_192  # kept for the meter; to tell it of 100,000 took 20 ms

Hand = Callable[[Chunk], None]
PackFrames = Callable[[np.ndarray, int, int, int, int, int], tuple[Frames | None, int]]


class Intake:
    """put() what came, flush() as soon as nothing more is waiting. Not for several threads."""

    def __init__(self, journal: LogWriter, collector: Collector, hand_on: Hand, meter: Meter) -> None:
        self._journal = journal
        self._collector = collector
        self._hand_on = hand_on
        self._meter = meter
        self._waiting: list[Record | Frames] = []
        self._pack_frames: PackFrames | None = None
        self._broken = False
        self._frames_before = collector.frames
        self._seq = max(journal.last_seq, collector.last_seq)

    def put(self, kind: int, connection: int, receive_ns: int, payload: bytes) -> None:
        """Give one input its number; it acts with the next flush."""
        self._seq += 1
        self._waiting.append(Record(kind, connection, self._seq, receive_ns, payload))

    def put_plain(self, connection: int, receive_ns: int, data: np.ndarray, start: int, end: int) -> int:
        """Give the plain websocket messages in data[start:end] their numbers; where they stop."""
        if self._pack_frames is None:
            messages = list(plain_messages(data.data, start, end))
            for _, payload in messages:
                self.put(inputs.FRAME, connection, receive_ns, payload)
            return messages[-1][0] if messages else start
        while start < end:
            frames, start = self._pack_frames(data, start, end, connection, self._seq + 1, receive_ns)
            if frames is None:
                break
            self._seq = frames.last_seq
            self._waiting.append(frames)
        return start

    def quicken(self, pack_frames: PackFrames) -> None:
        """From now on many frames are packed at once."""
        self._pack_frames = pack_frames

    def flush(self) -> None:
        """Journal what is waiting, then hand on the chunks it gives. raises DiskFull: nothing acted then."""
        if not self._waiting:
            return
        if self._broken:
            raise DiskFull(errno.EIO, "the journal could not be written before; nothing is taken any more")
        waiting, self._waiting = self._waiting, []
        self._broken = True
        for one in waiting:
            if isinstance(one, Frames):
                self._journal.append_packed(one.packed(), one.last_seq)
            else:
                self._journal.append(*one)
        self._journal.flush()
        self._broken = False
        self.feed(waiting)

    def feed(self, records: Sequence[Record | Frames]) -> None:
        """Hand on what is in the journal already."""
        started = time.perf_counter_ns()
        for one in records:
            made = self._collector.feed_frames(one) if isinstance(one, Frames) else self._collector.feed(one)
            for chunk in made:
                self._finish(chunk, started)
                started = time.perf_counter_ns()
        for chunk in self._collector.take():
            self._finish(chunk, started)

    def forget(self) -> None:
        """Count from here on: what was handed on again after a start was counted before it."""
        self._collector.take_lags()
        self._frames_before = self._collector.frames
        self._meter.forget()

    def tell_meter(self) -> None:
        """Have the meter say what has come up to now; it is told of latencies now and then, and whenever it is asked."""
        self._meter.counters["frames"] = self._collector.frames - self._frames_before
        self._meter.counters["duplicates"] = self._collector.gathered.duplicates
        self._meter.observe("exchange_to_receive", self._collector.take_lags())

    def _finish(self, chunk: Chunk, started: int) -> None:
        meter = self._meter
        if self._collector.lags > LAGS_MOST:
            self.tell_meter()
        for kind, name in (("trades", "trades"), ("books", "book_changes"), ("quotes", "quotes")):
            meter.count(name, len(chunk.rows(kind)))
        for record in chunk.records:
            if isinstance(record, Malformed):
                meter.count("malformed")
                meter.detail = f"{record.reason}: {record.excerpt[:60]}"
            elif isinstance(record, Gap) and not record.healed:
                meter.count("gaps")
        meter.last_seq = chunk.last_seq
        meter.elapsed("step", time.perf_counter_ns() - started)
        self._hand_on(chunk)
