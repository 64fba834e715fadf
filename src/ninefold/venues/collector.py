"""From numbered input records to chunks: the pure core of `collect`.

In:  the records of the journal in order, live or replayed.
Out: chunks. A chunk ends at every tick of the venue's clock, wherever else the caller takes it; a row after a record
     begins a new one.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from ninefold.journal import inputs
from ninefold.journal.segment import Record
from ninefold.market.chunk import Chunk
from ninefold.market.clock import VenueClock
from ninefold.market.records import AnyRecord, Connection, Halted, Headline, Offset, Resumed, Started, Tick
from ninefold.market.time import SECOND_NS
from ninefold.venues.adapter import Adapter, Question, malformed

LOOK_EVERY_NS = 10 * SECOND_NS
SILENT_NS = (
    60 * SECOND_NS
)  # a stream without a frame for so long is told as silent; quiet instruments are, now and then

ParseHeadlines = Callable[[inputs.Headlines, int, int], list[Headline]]
ParseAccount = Callable[[inputs.AccountEvent, int, int], list[AnyRecord]]


class _State(msgspec.Struct):
    seq: int
    frames: int
    look_due_ns: int
    silent: set[str]
    clock: bytes
    adapter: bytes


class Collector:
    """Folds records into the chunk that is being made. adapter: the venue's parser."""

    def __init__(
        self,
        adapter: Adapter,
        parse_account: ParseAccount,
        parse_headlines: ParseHeadlines,
    ) -> None:
        self.adapter = adapter
        self.clock = VenueClock()
        self.last_seq = 0
        self.frames = 0
        self._parse_account = parse_account
        self._parse_headlines = parse_headlines
        self._first_seq = 1
        self._known_ns = 0
        self._look_due_ns = 0
        self.silent: set[str] = set()
        self._records: list[AnyRecord] = []
        self._lags: list[int] = []

    def feed(self, record: Record) -> list[Chunk]:
        """Take one record; the chunks that it finishes: what was before it if rows would follow records, and its own
        if the clock ticked.
        """
        done = self.take() if self._records else []
        kind, connection, seq, receive_ns, payload = record
        self.last_seq, self._known_ns = seq, receive_ns
        gathered = self.adapter.gathered
        if kind == inputs.FRAME:
            self.frames += 1
            self.adapter.frame(connection, seq, receive_ns, payload)
        elif kind != inputs.TICK:
            self._rare(record)
        for stamped, exchange_ns, received_ns in gathered.stamps:
            self.clock.stamp(stamped, exchange_ns, received_ns)
            self._lags.append(received_ns - exchange_ns)
        gathered.stamps.clear()
        self.clock.own(receive_ns)
        if gathered.records:
            self._records.extend(gathered.records)
            gathered.records.clear()
        mark = self.clock.tick()
        if mark is None:
            return done
        if receive_ns >= self._look_due_ns:
            self._look_due_ns = receive_ns + LOOK_EVERY_NS
            self._tell_offsets(seq, receive_ns)
            self._tell_silence(seq, receive_ns)
        self._records.append(Tick(seq=seq, known_ns=receive_ns, exchange_ns=mark))
        return done + self.take()

    def take(self) -> list[Chunk]:
        """What was gathered so far, as one chunk; empty if there is nothing to hand on."""
        if self.last_seq < self._first_seq:
            return []
        chunk = Chunk(self._first_seq, self.last_seq, self._known_ns, self.adapter.gathered.arrays(), self._records)
        self._first_seq, self._records = self.last_seq + 1, []
        return [chunk]

    def take_outgoing(self) -> tuple[list[Question], list[bytes]]:
        """What the adapter wants to ask by REST and to say on the websocket; a replay and a start drop it."""
        questions, self.adapter.questions = self.adapter.questions, []
        words, self.adapter.say = self.adapter.say, []
        return questions, words

    def take_lags(self) -> np.ndarray:
        """receive_ns - exchange_ns of the frames since the last call, shape (n,)."""
        lags, self._lags = np.array(self._lags, np.int64), []
        return lags

    def save(self) -> bytes:
        clock, adapter = self.clock.save(), self.adapter.save()
        return msgspec.msgpack.encode(
            _State(self.last_seq, self.frames, self._look_due_ns, self.silent, clock, adapter)
        )

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self.last_seq, self._first_seq = saved.seq, saved.seq + 1
        self.frames, self._look_due_ns, self.silent = saved.frames, saved.look_due_ns, saved.silent
        self.clock.load(saved.clock)
        self.adapter.load(saved.adapter)

    def _rare(self, record: Record) -> None:
        kind, number, seq, receive_ns, payload = record
        try:
            if kind == inputs.ANSWER:
                self.adapter.answer(msgspec.msgpack.decode(payload, type=inputs.Answer), seq, receive_ns)
            elif kind == inputs.CONNECTION:
                change = msgspec.msgpack.decode(payload, type=inputs.ConnectionChange)
                self.adapter.connection(change, number, seq, receive_ns)
                if change.state == "lost":
                    self.clock.lost(number)
            elif kind == inputs.HEADLINES:
                self._records.extend(
                    self._parse_headlines(msgspec.msgpack.decode(payload, type=inputs.Headlines), seq, receive_ns)
                )
            elif kind == inputs.ACCOUNT:
                event = msgspec.msgpack.decode(payload, type=inputs.AccountEvent)
                self._records.extend(self._parse_account(event, seq, receive_ns))
            elif kind == inputs.COMMAND:
                self._records.append(_command(msgspec.msgpack.decode(payload, type=inputs.Command), seq, receive_ns))
            elif kind == inputs.STARTED:
                run = msgspec.msgpack.decode(payload, type=inputs.Run)
                self._records.append(Started(seq=seq, known_ns=receive_ns, run=run.run))
            else:
                self._records.append(malformed("journal", seq, receive_ns, f"unknown kind of input {kind}", payload))
        except (msgspec.DecodeError, ValueError) as error:
            sender = "a source of headlines" if kind == inputs.HEADLINES else self.adapter.venue
            self._records.append(malformed(sender, seq, receive_ns, str(error), payload))

    def _tell_offsets(self, seq: int, known_ns: int) -> None:
        for number, offset in sorted(self.clock.offsets.items()):
            self._records.append(
                Offset(
                    seq=seq,
                    known_ns=known_ns,
                    venue=self.adapter.venue,
                    name=str(number),
                    median_ns=offset.median_ns,
                    frames=offset.frames,
                )
            )

    def _tell_silence(self, seq: int, known_ns: int) -> None:
        """Streams that fell silent or came back since the last look."""
        seen = self.adapter.seen
        silent = {stream for stream, last_ns in seen.items() if known_ns - last_ns > SILENT_NS}
        for stream in sorted(silent ^ self.silent):
            state = "silent" if stream in silent else "alive"
            reason = f"no frame for {SILENT_NS // SECOND_NS} s" if stream in silent else ""
            told = Connection(
                seq=seq, known_ns=known_ns, venue=self.adapter.venue, name=stream, state=state, reason=reason
            )
            self._records.append(told)
        self.silent = silent


def _command(command: inputs.Command, seq: int, known_ns: int) -> AnyRecord:
    if command.name == "resume":
        return Resumed(seq=seq, known_ns=known_ns, by=command.by)
    return Halted(seq=seq, known_ns=known_ns, by=command.by, reason=command.reason)
