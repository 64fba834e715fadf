"""Several collectors' chunks as one ordered stream: the pure core of a recorder.

In:  the chunks of each collector in its own order, also again from an earlier place, also cut otherwise.
Out: the same rows and records, each once, under numbers and instrument ids of the recorder, in the order in which they
     came to it; a state that goes on from there.

Each collector numbers its own inputs without a hole, so what it sent is known by one number, and what is missing is seen.
The recorder gives as many numbers as there were inputs: the log of what it made says by itself how far each collector
is. An instrument is the same if venue, symbol and rules are; two collectors must not capture it at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import AnyRecord, Listed, Tick

CAPTURED = ("trades", "books", "quotes")


class CannotMerge(RuntimeError):
    """What a collector sent does not fit to what is there; nothing of the chunk was taken."""


class _Source(msgspec.Struct):
    """number: in the stream log. ids: of its instruments here, by its own."""

    number: int
    last_seq: int = 0
    ids: dict[int, int] = {}


class _Span(msgspec.Struct):
    """When a collector captured an instrument, on its own clock."""

    number: int
    first_ns: int
    last_ns: int


class _State(msgspec.Struct):
    seq: int = 0
    ticked_ns: int = 0
    sources: dict[str, _Source] = {}
    instruments: list[Instrument] = []
    spans: dict[int, list[_Span]] = {}


class Merger:
    """last_seq: of the recorder's numbers."""

    def __init__(self, names: Sequence[str]) -> None:
        self._state = _State()
        self._registry = Registry()
        self._know(names)

    @property
    def last_seq(self) -> int:
        return self._state.seq

    def position(self, name: str) -> int:
        """The last of a collector's own numbers that is in the stream."""
        return self._state.sources[name].last_seq

    def number(self, name: str) -> int:
        """By which a collector is known in the stream log."""
        return self._state.sources[name].number

    def learn(self, name: str, chunk: Chunk) -> bool:
        """Know the instruments that a chunk lists; whether there are any. To be kept before the chunk is taken."""
        found = [record for record in chunk.records if isinstance(record, Listed)]
        for record in found:
            mine = self._registry.add(msgspec.structs.replace(record.instrument, id=0))
            self._state.sources[name].ids[record.instrument.id] = mine.id
        return bool(found)

    def take(self, name: str, chunk: Chunk) -> Chunk | None:
        """A collector's chunk in the recorder's numbers; None if all of it is there already. `learn` comes first.

        raises: CannotMerge if something before it is missing, or another collector captures the same instrument.
        """
        source = self._state.sources[name]
        known = source.last_seq
        if chunk.last_seq <= known:
            return None
        if chunk.first_seq > known + 1:
            raise CannotMerge(
                f"collector {name!r} sent its inputs from {chunk.first_seq} on, and those from {known + 1} on are missing; "
                "its stream log must still have them: let it publish again (docs/operations.md)"
            )
        shift = self._state.seq - known
        rows = {kind: _cut(rows, known) for kind, rows in chunk.arrays.items()}
        ids = _lookup(source.ids)
        moved = {kind: _moved(kind, found, ids, shift, name) for kind, found in rows.items() if len(found)}
        self._span(name, moved)
        records = self._records([one for one in chunk.records if one.seq > known], source, shift)
        first, self._state.seq = self._state.seq + 1, self._state.seq + chunk.last_seq - known
        source.last_seq = chunk.last_seq
        return Chunk(first, self._state.seq, chunk.known_ns, moved, records)

    def again(self, number: int, chunk: Chunk) -> None:
        """A chunk that `take` made, as the stream log has it: go on behind it."""
        name, source = next((name, one) for name, one in self._state.sources.items() if one.number == number)
        source.last_seq += chunk.last_seq - chunk.first_seq + 1
        self._state.seq = chunk.last_seq
        self._span(name, chunk.arrays)
        ticks = [one.exchange_ns for one in chunk.records if isinstance(one, Tick)]
        self._state.ticked_ns = max([self._state.ticked_ns, *ticks])

    def save(self) -> bytes:
        self._state.instruments = list(self._registry)
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        """State of an earlier merger; collectors that are new stay known."""
        names = list(self._state.sources)
        self._state = msgspec.msgpack.decode(state, type=_State)
        self._registry = Registry(self._state.instruments)
        self._know(names)

    def _know(self, names: Sequence[str]) -> None:
        for name in names:
            number = max((one.number for one in self._state.sources.values()), default=0) + 1
            self._state.sources.setdefault(name, _Source(number))

    def _records(self, records: Sequence[AnyRecord], source: _Source, shift: int) -> list[AnyRecord]:
        made = []
        for record in records:
            if isinstance(record, Tick):  # one clock, that never goes back: the collector leads that is ahead
                if record.exchange_ns <= self._state.ticked_ns:
                    continue
                self._state.ticked_ns = record.exchange_ns
            made.append(_renumbered(record, source, self._registry, shift))
        return made

    def _span(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Note who captured an instrument when. raises: CannotMerge if two did at once."""
        number = self.number(name)
        for kind in CAPTURED:
            for instrument, first_ns, last_ns in _received(arrays.get(kind)):
                spans = self._state.spans.setdefault(instrument, [])
                other = _other(spans, number, first_ns, last_ns)
                if other is not None:
                    raise CannotMerge(self._both(instrument, name, other))
                _extend(spans, number, first_ns, last_ns)

    def _both(self, instrument: int, name: str, other: int) -> str:
        second = next(name for name, one in self._state.sources.items() if one.number == other)
        return (
            f"{self._registry[instrument].name} is captured by the collectors {second!r} and {name!r} at the same time, so its "
            f"trades would be stored twice; leave the pair to one of them. Nothing of {name!r} is taken until then"
        )


def _received(rows: np.ndarray | None) -> list[tuple[int, int, int]]:
    """(instrument, first, last) of when rows were received, ns."""
    if rows is None or not len(rows):
        return []
    order = np.argsort(rows["instrument"], kind="stable")
    instruments, received = rows["instrument"][order], rows["receive_ns"][order]
    starts = np.flatnonzero(np.append(True, instruments[1:] != instruments[:-1]))
    first, last = np.minimum.reduceat(received, starts), np.maximum.reduceat(received, starts)
    return list(zip(instruments[starts].tolist(), first.tolist(), last.tolist(), strict=True))


def _other(spans: Sequence[_Span], number: int, first_ns: int, last_ns: int) -> int | None:
    """Who else captured something between two moments."""
    return next(
        (one.number for one in spans if one.number != number and one.first_ns <= last_ns and first_ns <= one.last_ns),
        None,
    )


def _extend(spans: list[_Span], number: int, first_ns: int, last_ns: int) -> None:
    """Widen the newest span of a collector, or begin one if another collector's lies between."""
    for span in reversed(spans):
        if span.number == number:
            first, last = min(span.first_ns, first_ns), max(span.last_ns, last_ns)
            if _other(spans, number, first, last) is None:
                span.first_ns, span.last_ns = first, last
                return
    spans.append(_Span(number, first_ns, last_ns))


def _cut(rows: np.ndarray, known: int) -> np.ndarray:
    return rows if not len(rows) or rows["seq"][0] > known else rows[rows["seq"] > known]


def _lookup(ids: dict[int, int]) -> np.ndarray:
    table = np.zeros(max(ids, default=0) + 1, np.int32)
    for theirs, mine in ids.items():
        table[theirs] = mine
    return table


def _moved(kind: str, rows: np.ndarray, ids: np.ndarray, shift: int, name: str) -> np.ndarray:
    made = rows.copy()
    theirs = rows["instrument"]
    if theirs.max() >= len(ids) or not ids[theirs].all():
        raise CannotMerge(f"collector {name!r} sent {kind} of an instrument that it never listed: {int(theirs.max())}")
    made["instrument"] = ids[theirs]
    made["seq"] += shift
    return made


def _renumbered(record: AnyRecord, source: _Source, registry: Registry, shift: int) -> AnyRecord:
    changes: dict[str, object] = {"seq": record.seq + shift}
    instrument = getattr(record, "instrument", None)
    if isinstance(instrument, Instrument):
        changes["instrument"] = registry[source.ids[instrument.id]]
    elif isinstance(instrument, int):
        changes["instrument"] = source.ids[instrument]
    return msgspec.structs.replace(record, **changes)
