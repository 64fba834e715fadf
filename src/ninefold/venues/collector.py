"""From numbered input records to chunks: the pure core of `collect`.

In:  the records of the journal in order, live or replayed; of one venue or of several at once.
Out: chunks. A chunk ends at every tick of the leading venue's clock, wherever else the caller takes it; a row after a
     record begins a new one.

A run says which venue leads (clocks.py). Which adapter a frame is for, its connection has told: so a journal is read without
knowing the config that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ninefold.journal import inputs
from ninefold.journal.plain import Frames
from ninefold.journal.segment import Record
from ninefold.market.chunk import Chunk
from ninefold.market.clock import OffsetEstimate
from ninefold.market.instruments import Registry
from ninefold.market.lag import LagWatch
from ninefold.market.records import AnyRecord, Connection, Headline, Started, Tick
from ninefold.market.time import SECOND_NS
from ninefold.venues.adapter import Adapter, Gathered, Question, Quickened, UnknownVenue, malformed
from ninefold.venues.clocks import Clocks
from ninefold.venues.commanded import commanded
from ninefold.venues.lags import Lags
from ninefold.venues.taking_over import forget_seen, take_over

if TYPE_CHECKING:
    from ninefold.venues.quick import Quick

LOOK_EVERY_NS = 10 * SECOND_NS
SILENT_NS = (
    60 * SECOND_NS
)  # a stream without a frame for so long is told as silent; quiet instruments are, now and then

MakeAdapter = Callable[[str, Registry], Adapter]
ParseHeadlines = Callable[[inputs.Headlines, int, int], list[Headline]]
ParseAccount = Callable[[inputs.AccountEvent, Registry, int, int], list[AnyRecord]]
MakeQuick = Callable[[Quickened], "Quick"]


class _State(msgspec.Struct):
    seq: int
    frames: int
    look_due_ns: int
    leading: str
    ticked_ns: int
    lines: dict[int, str]  # connection to line
    silent: set[tuple[str, str]]
    clocks: dict[str, bytes]
    watches: dict[str, LagWatch]
    adapters: dict[str, bytes]


class Collector:
    """Folds records into the chunk that is being made. make: the parser of a venue (raises: UnknownVenue)."""

    def __init__(
        self,
        make: MakeAdapter,
        parse_account: ParseAccount,
        parse_headlines: ParseHeadlines,
        venues: Iterable[str] = (),
    ) -> None:
        self.registry = Registry()
        self.gathered = Gathered()  # of all adapters, in the order of the inputs
        self.adapters: dict[str, Adapter] = {}  # by line: the first one of a venue is called like it
        self.last_seq = 0
        self.frames = 0
        self.silent: set[tuple[str, str]] = set()
        self._make = make
        self._parse_account = parse_account
        self._parse_headlines = parse_headlines
        self._clocks = Clocks()
        self._lags = Lags()
        self._lines: dict[int, str] = {}  # connection to line
        self._first_seq = 1
        self._known_ns = 0
        self._look_due_ns = 0
        self._records: list[AnyRecord] = []
        self._make_quick: MakeQuick | None = None
        self._quick: dict[str, Quick] = {}  # by line
        for venue in venues:
            self._adapter(venue)

    def feed(self, record: Record) -> list[Chunk]:
        """Take one record; the chunks that it finishes: what was before it if rows would follow records, and its own
        if the clock ticked.
        """
        done = self.take() if self._records else []
        kind, connection, seq, receive_ns, payload = record
        self.last_seq, self._known_ns = seq, receive_ns
        gathered = self.gathered
        if self._quick:
            self._settle_for(record)
        if kind == inputs.FRAME:
            self._frame(connection, seq, receive_ns, payload)
        elif kind != inputs.TICK:
            self._rare(record)
        if gathered.records:
            self._records.extend(gathered.records)
            gathered.records.clear()
        return done + self._end_of_input(seq, receive_ns)

    def feed_frames(self, frames: Frames) -> list[Chunk]:
        """The same as to feed each of its records, in large steps where that is possible."""
        done: list[Chunk] = []
        line = self._lines.get(frames.connection, "")
        quick, at = self._quick.get(line), 0
        while at < frames.end:
            goes_on = False
            if quick is not None and quick.is_due:
                at, goes_on = self._run(line, quick, frames, at, done)
            if at < frames.end and not goes_on:
                at, record = frames.record(at)
                done += self.feed(record)
        return done

    def quicken(self, make: MakeQuick) -> None:
        """From now on messages of known forms take the compiled short way."""
        if self._make_quick is not None:  # what the short way knows and has not told would be lost
            return
        self._make_quick = make
        for line, adapter in self.adapters.items():
            self._quicken(line, adapter)

    def _end_of_input(self, seq: int, receive_ns: int) -> list[Chunk]:
        """What follows each input: does the clock tick?"""
        mark = self._clocks.tick(receive_ns)
        if mark is None:
            return []
        if receive_ns >= self._look_due_ns:
            self._look_due_ns = receive_ns + LOOK_EVERY_NS
            self._records.extend(self._clocks.told_offsets(seq, receive_ns))
            self._tell_silence(seq, receive_ns)
            self._records.extend(self._clocks.told_lateness(seq, receive_ns))
        self._records.append(Tick(seq=seq, known_ns=receive_ns, exchange_ns=mark))
        return self.take()

    def take(self) -> list[Chunk]:
        """What was gathered so far, as one chunk; empty if there is nothing to hand on."""
        if self.last_seq < self._first_seq:
            return []
        chunk = Chunk(self._first_seq, self.last_seq, self._known_ns, self.gathered.arrays(), self._records)
        self._first_seq, self._records = self.last_seq + 1, []
        return [chunk]

    def take_outgoing(self, line: str) -> tuple[list[Question], list[bytes]]:
        """What a line's adapter wants to ask by REST and to say on its websocket."""
        adapter = self.adapters.get(line)
        if adapter is None:  # it was never open
            return [], []
        questions, adapter.questions = adapter.questions, []
        words, adapter.say = adapter.say, []
        return questions, words

    def drop_outgoing(self) -> None:
        """A replay asks nobody, nor does a start before its connections are open."""
        for line in self.adapters:
            self.take_outgoing(line)

    def seen(self, venue: str) -> dict[str, int]:
        """Of all lines of a venue: stream to the receive time of its last frame."""
        return {
            stream: last_ns
            for line, adapter in self.adapters.items()
            if inputs.venue_of_line(line) == venue
            for stream, last_ns in adapter.seen.items()
        }

    @property
    def lags(self) -> int:
        """How many take_lags would give."""
        return self._lags.count

    def take_lags(self) -> np.ndarray:
        """receive_ns - exchange_ns of the frames since the last call, shape (n,)."""
        return self._lags.take()

    def offsets(self) -> dict[int, OffsetEstimate]:
        """Of every connection: how far our clock is behind the venue's."""
        return self._clocks.offsets()

    def save(self) -> bytes:
        self._settle()
        return msgspec.msgpack.encode(
            _State(
                self.last_seq,
                self.frames,
                self._look_due_ns,
                self._clocks.leading,
                self._clocks.ticked_ns,
                self._lines,
                self.silent,
                {line: clock.save() for line, clock in self._clocks.of.items()},
                self._clocks.watches,
                {line: adapter.save() for line, adapter in self.adapters.items()},
            )
        )

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self.last_seq, self._first_seq = saved.seq, saved.seq + 1
        self.frames, self._look_due_ns, self.silent = saved.frames, saved.look_due_ns, saved.silent
        self._clocks.leading, self._clocks.ticked_ns, self._lines = saved.leading, saved.ticked_ns, saved.lines
        for line, adapter in saved.adapters.items():
            self._adapter(line).load(adapter)
            self._clocks.of[line].load(saved.clocks[line])
            self._clocks.watches[line] = saved.watches[line]

    def _frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        self.frames += 1
        line = self._lines.get(connection)
        if line is None:
            self._records.append(
                malformed("journal", seq, receive_ns, f"no venue opened connection {connection}", payload)
            )
            return
        self.adapters[line].frame(connection, seq, receive_ns, payload)
        stamps = self.gathered.stamps
        if stamps:
            self._clocks.stamp(line, stamps)
            self._lags.add(stamps)
            stamps.clear()

    def _run(self, line: str, quick: Quick, frames: Frames, at: int, done: list[Chunk]) -> tuple[int, bool]:
        """Take what the short way of a line takes; where it ended, and whether it may go on there. What it finishes is
        added to `done`.
        """
        clock, leading = self._clocks.of[line], self._clocks.leader()
        if leading is None or not clock.certain_of(frames.connection):
            return at, False
        offset = clock.offsets[frames.connection]
        tick_ns = self._clocks.next_tick_ns(leading)
        behind_ns = None if leading is clock else leading.behind_ns()
        until_ns = quick.until_ns()
        run = quick.run(frames, at, offset.window, offset.state, clock.now_ns, tick_ns, behind_ns, until_ns)
        if not run.count:
            return at, False
        if self._records:
            done += self.take()
        clock.now_ns = run.now_ns
        self._clocks.looked_ns = 0
        if len(run.lags):
            self._clocks.watches[line].see(run.least_lag_ns)
            self._lags.add_array(run.lags)
        self.gathered.add("trades", run.rows)
        self.gathered.add("quotes", run.quotes)
        self.frames += run.count
        self.last_seq, self._known_ns = run.last_seq, run.receive_ns
        done += self._end_of_input(run.last_seq, run.receive_ns)
        return run.at, run.goes_on

    def _settle_for(self, record: Record) -> None:
        """Tell the adapters what came the short way as far as they may look at it. A tick asks no adapter, and a frame only its
        own, which settles the symbol that the frame is about.
        """
        if record.kind == inputs.FRAME:
            quick = self._quick.get(self._lines.get(record.connection, ""))
            if quick is not None and record.receive_ns >= quick.until_ns():
                quick.settle()
        elif record.kind != inputs.TICK:
            self._settle()

    def _settle(self) -> None:
        """Tell the adapters what came the short way."""
        for quick in self._quick.values():
            quick.settle()

    def _quicken(self, line: str, adapter: Adapter) -> None:
        if self._make_quick is not None and isinstance(adapter, Quickened):
            adapter.quick = self._quick[line] = self._make_quick(adapter)

    def _adapter(self, line: str) -> Adapter:
        adapter = self.adapters.get(line)
        if adapter is None:
            adapter = self._make(inputs.venue_of_line(line), self.registry)
            adapter.gathered = self.gathered
            self.adapters[line] = adapter
            self._clocks.add(line)
            self._quicken(line, adapter)
        return adapter

    def _rare(self, record: Record) -> None:
        kind, number, seq, receive_ns, payload = record
        sender = "journal"
        try:
            if kind == inputs.ANSWER:
                answer = msgspec.msgpack.decode(payload, type=inputs.Answer)
                sender = answer.venue
                self._adapter(inputs.line_of(sender, answer.name)).answer(answer, seq, receive_ns)
            elif kind == inputs.CONNECTION:
                change = msgspec.msgpack.decode(payload, type=inputs.ConnectionChange)
                sender = change.venue
                self._connection(change, number, seq, receive_ns)
            elif kind == inputs.HEADLINES:
                sender = "a source of headlines"
                self._records.extend(
                    self._parse_headlines(msgspec.msgpack.decode(payload, type=inputs.Headlines), seq, receive_ns)
                )
            elif kind == inputs.ACCOUNT:
                event = msgspec.msgpack.decode(payload, type=inputs.AccountEvent)
                sender = event.venue
                self._records.extend(self._parse_account(event, self.registry, seq, receive_ns))
            elif kind == inputs.COMMAND:
                self._records.append(commanded(msgspec.msgpack.decode(payload, type=inputs.Command), seq, receive_ns))
            elif kind == inputs.STARTED:
                run = msgspec.msgpack.decode(payload, type=inputs.Run)
                self._clocks.lead(run.venue)
                self._records.append(Started(seq=seq, known_ns=receive_ns, run=run.run))
            else:
                self._records.append(malformed("journal", seq, receive_ns, f"unknown kind of input {kind}", payload))
        except (msgspec.DecodeError, UnknownVenue, ValueError) as error:
            self._records.append(malformed(sender, seq, receive_ns, str(error), payload))

    def _connection(self, change: inputs.ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        line = change.line
        adapter = self._adapter(line)
        others = {
            of: one for of, one in self.adapters.items() if of != line and inputs.venue_of_line(of) == change.venue
        }
        if change.state == "open":
            self._lines[number] = line
            take_over(adapter, others, change)
        elif change.state == "lost":
            self._clocks.of[line].lost(number)
        adapter.connection(change, number, seq, receive_ns)
        if change.state == "open":
            forget_seen(adapter, others, receive_ns)

    def _tell_silence(self, seq: int, known_ns: int) -> None:
        """Streams that fell silent or came back since the last look."""
        self._settle()
        silent = {
            (inputs.venue_of_line(line), stream)
            for line, adapter in self.adapters.items()
            for stream, last_ns in adapter.seen.items()
            if known_ns - last_ns > SILENT_NS
        }
        for venue, stream in sorted(silent ^ self.silent):
            state = "silent" if (venue, stream) in silent else "alive"
            reason = f"no frame for {SILENT_NS // SECOND_NS} s" if state == "silent" else ""
            told = Connection(seq=seq, known_ns=known_ns, venue=venue, name=stream, state=state, reason=reason)
            self._records.append(told)
        self.silent = silent
