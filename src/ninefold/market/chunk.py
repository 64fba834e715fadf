"""A chunk: the piece of the ordered stream that services hand on.

In:  market rows first (trades, books, quotes: they change separate things, so their order among kinds does not
     matter), then
     records, oldest first. A market row that follows a record begins a new chunk. Each service adds what it made to
     the chunk it got
     and hands it on; no result may depend on where chunks are cut.
Out: bytes for the stream log and the bus, and back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np

from ninefold.market.arrays import KINDS, LAYOUT_VERSION, empty, stacked
from ninefold.market.records import AnyRecord


class WrongLayout(ValueError):
    """Bytes that another version of the array layouts wrote."""


_EMPTY = {kind: empty(kind) for kind in KINDS}


@dataclass(slots=True)
class Chunk:
    """first_seq, last_seq: the inputs it covers. arrays: kind to structured array. records: oldest first. coming: bars that the
    next tick finishes if nothing more comes, for whoever can get ready for them. read, wanted: its bars and targets as several
    read them (columns.py, wanted.py). These three are neither kept nor sent."""

    first_seq: int
    last_seq: int
    known_ns: int
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    records: list[AnyRecord] = field(default_factory=list)
    coming: np.ndarray = field(default_factory=lambda: _EMPTY["bars"])
    read: tuple[np.ndarray, np.ndarray, list[dict[str, float]]] | None = None
    wanted: tuple[np.ndarray, dict[int, dict[str, float]]] | None = None

    def rows(self, kind: str) -> np.ndarray:
        """The rows of one kind, shape (n,), n = 0 if there are none."""
        return self.arrays.get(kind, _EMPTY[kind])

    def add(self, kind: str, rows: np.ndarray) -> None:
        """Append rows of one kind."""
        if len(rows):
            mine = self.arrays.get(kind)
            self.arrays[kind] = rows if mine is None else stacked(kind, [mine, rows])


class _Wire(msgspec.Struct, array_like=True, gc=False):
    version: int
    first_seq: int
    last_seq: int
    known_ns: int
    arrays: dict[str, memoryview]  # of what is read: no copy of it
    records: list[AnyRecord]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Wire)


def encode(chunk: Chunk) -> bytes:
    arrays = {kind: np.ascontiguousarray(rows).view(np.uint8).data for kind, rows in chunk.arrays.items() if len(rows)}
    return _encoder.encode(
        _Wire(LAYOUT_VERSION, chunk.first_seq, chunk.last_seq, chunk.known_ns, arrays, chunk.records)
    )


def decode(payload: bytes) -> Chunk:
    """raises WrongLayout if another version wrote it."""
    wire = _decoder.decode(payload)
    if wire.version != LAYOUT_VERSION:
        raise WrongLayout(
            f"this chunk has array layout {wire.version}, this program reads {LAYOUT_VERSION}; run the version that wrote it or rebuild"
        )
    arrays = {kind: np.frombuffer(data, KINDS[kind]) for kind, data in wire.arrays.items()}
    return Chunk(wire.first_seq, wire.last_seq, wire.known_ns, arrays, wire.records)


def merged(chunks: list[Chunk]) -> list[Chunk]:
    """The same stream in fewer chunks: neighbours are joined as long as no records stand between their rows."""
    groups: list[list[Chunk]] = []
    for chunk in chunks:
        if groups and not groups[-1][-1].records:
            groups[-1].append(chunk)
        else:
            groups.append([chunk])
    return [_joined(group) for group in groups]


def _joined(group: list[Chunk]) -> Chunk:
    parts: dict[str, list[np.ndarray]] = {}
    for chunk in group:
        for kind, rows in chunk.arrays.items():
            parts.setdefault(kind, []).append(rows)
    arrays = {kind: some[0] if len(some) == 1 else stacked(kind, some) for kind, some in parts.items()}
    last = group[-1]
    return Chunk(group[0].first_seq, last.last_seq, last.known_ns, arrays, last.records)
