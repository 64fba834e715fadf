"""Whether two sets of rows are the same, without holding either: sums that do not depend on the order of rows.

In:  rows of one kind, from a log or from a table, in any order and cut anywhere.
Out: count and checksum for each day and block of inputs; where two of these differ, a row is missing, added, doubled
     or changed. Rows count as they are stored: with their number within their input, text as UTF-8, any NaN as NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.market.arrays import KINDS
from ninefold.market.records import AnyRecord
from ninefold.market.time import DAY_NS
from ninefold.store.delta import dataset, stored_files
from ninefold.store.layout import effective_ns, number_within_seq, to_numpy

BLOCK_SEQS = 65_536  # inputs whose rows are summed together; few enough to be looked at row by row
RECORDS = "records"
COMPARED = (*KINDS, RECORDS)
BATCH_ROWS = 65_536
RECORD = np.dtype([("seq", "<i8"), ("known_ns", "<i8"), ("type", "S16"), ("digest", "<u8")])
_BLOCK_BITS = 40
_SEED = np.uint64(0x9E3779B97F4A7C15)  # odd constants of splitmix64
_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_encode = msgspec.json.Encoder().encode
_record = msgspec.json.Decoder(AnyRecord)


class Part(NamedTuple):
    """day: days since 1970, by the time of the rows; block: seq // BLOCK_SEQS."""

    day: int
    block: int


class Sums:
    """Counts and checksums of the rows of one kind. add() rows of whole inputs, or fold() rows with their numbers."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[Part, tuple[int, int]] = {}
        self._waiting: list[np.ndarray] = []
        self._count = 0

    def add(self, rows: np.ndarray) -> None:
        """Rows in their order; all rows of an input in one call."""
        self._waiting.append(rows)
        self._count += len(rows)
        if self._count >= BATCH_ROWS:
            self._fold_waiting()

    def fold(self, rows: np.ndarray, n: np.ndarray) -> None:
        """n: each row's number within its input, shape (n,)."""
        hashes = row_hashes(rows, n)
        parts = (days_of(self.kind, rows) << _BLOCK_BITS) + rows["seq"] // BLOCK_SEQS
        found, places = np.unique(parts, return_inverse=True)
        sums = np.zeros(len(found), np.uint64)
        np.add.at(sums, places, hashes)
        counts = np.bincount(places, minlength=len(found))
        for number, count, added in zip(found.tolist(), counts.tolist(), sums.tolist(), strict=True):
            part = Part(number >> _BLOCK_BITS, number % (1 << _BLOCK_BITS))
            known, before = self._parts.get(part, (0, 0))
            self._parts[part] = (known + count, (before + added) % 2**64)

    def parts(self) -> dict[Part, tuple[int, int]]:
        """Count and checksum of every part that has rows."""
        self._fold_waiting()
        return self._parts

    def rows(self, day: int | None = None) -> int:
        """How many rows there are, of one day or of all."""
        return sum(count for part, (count, _) in self.parts().items() if day in (None, part.day))

    def _fold_waiting(self) -> None:
        if self._count:
            rows = np.concatenate(self._waiting)
            self.fold(rows, number_within_seq(rows["seq"]))
        self._waiting, self._count = [], 0


def differing(one: Sums, other: Sums, without: Set[int] = frozenset()) -> list[Part]:
    """The parts in which the rows are not the same, oldest day first.

    without: days (since 1970) that are not compared, because their rows were let go.
    """
    mine, theirs = one.parts(), other.parts()
    return sorted(
        part for part in mine.keys() | theirs.keys() if part.day not in without and mine.get(part) != theirs.get(part)
    )


def row_hashes(rows: np.ndarray, n: np.ndarray) -> np.ndarray:
    """One number for each row and its number within its input, shape (n,), uint64."""
    rows = _as_stored(rows)
    width = rows.dtype.itemsize
    padded = np.zeros((len(rows), -(-width // 8) * 8), np.uint8)
    padded[:, :width] = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), width)
    words = padded.view(np.uint64)
    hashes = n.astype(np.uint64) + _SEED
    for place in range(words.shape[1]):
        hashes = (hashes ^ words[:, place]) * _FACTOR
        hashes ^= hashes >> np.uint64(29)
    return hashes


def days_of(kind: str, rows: np.ndarray) -> np.ndarray:
    """The day of each row, days since 1970, shape (n,)."""
    days: np.ndarray = (rows["known_ns"] if kind == RECORDS else effective_ns(kind, rows)) // DAY_NS
    return days


def without_days(kind: str, rows: np.ndarray, n: np.ndarray, days: Set[int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and their numbers within their inputs, without those of some days (since 1970)."""
    left = ~np.isin(days_of(kind, rows), list(days))
    return rows[left], n[left]


def record_rows(records: Sequence[AnyRecord]) -> np.ndarray:
    """Records as rows that can be compared, shape (n,)."""
    values = [
        (one.seq, one.known_ns, str(one.__struct_config__.tag).encode(), int.from_bytes(_digest(one)))
        for one in records
    ]
    return np.array(values, RECORD)


def stored(folder: Path, kind: str, low_seq: int, high_seq: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of a table with seq in [low_seq, high_seq), and their numbers within their inputs, in no order.

    folder: of the tables. raises: OSError, DeltaError, ValueError if something of it cannot be read.
    """
    files = [
        file
        for file in stored_files(folder, kind)
        if "seq" not in file.bounds or file.may_hold("seq", low_seq, high_seq)
    ]
    if not files:
        return
    condition = (pc.field("seq") >= low_seq) & (pc.field("seq") < high_seq)
    batches = dataset(kind, files).to_batches(
        filter=condition, batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1
    )
    for batch in batches:
        if batch.num_rows:
            table = pa.Table.from_batches([batch])
            yield _rows_of(kind, table), table.column("n").to_numpy()


def only_in_one(one: Rows, other: Rows) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The first row (by seq) that `one` has more often than `other`, and the first one the other way round; shape (1,)
    each, None if there is none. Both are held in memory.
    """
    mine, theirs = _hashed(one), _hashed(other)
    return _first_more(mine, theirs), _first_more(theirs, mine)


Rows = Sequence[tuple[np.ndarray, np.ndarray]]
_Hashed = tuple[np.ndarray, np.ndarray] | None  # rows by hash, and the hashes


def _hashed(batches: Rows) -> _Hashed:
    if not batches:
        return None
    rows, n = np.concatenate([rows for rows, _ in batches]), np.concatenate([n for _, n in batches])
    hashes = row_hashes(rows, n)
    order = np.argsort(hashes, kind="stable")
    return rows[order], hashes[order]


def _first_more(one: _Hashed, other: _Hashed) -> np.ndarray | None:
    if one is None:
        return None
    rows, hashes = one
    place = np.arange(len(hashes)) - np.searchsorted(hashes, hashes)  # 0 for the first of equal rows, 1 for the second
    theirs = np.empty(0, np.uint64) if other is None else other[1]
    known = np.searchsorted(theirs, hashes, "right") - np.searchsorted(theirs, hashes, "left")
    more = rows[place >= known]
    return more[np.argsort(more["seq"], kind="stable")[:1]] if len(more) else None


def _rows_of(kind: str, table: pa.Table) -> np.ndarray:
    if kind != RECORDS:
        return to_numpy(kind, table)
    return record_rows([_record.decode(payload) for payload in table.column("payload").to_pylist()])


def _digest(record: AnyRecord) -> bytes:
    return blake2b(_encode(record), digest_size=8).digest()


def _as_stored(rows: np.ndarray) -> np.ndarray:
    """What a table gives back of rows: text that is no UTF-8 is replaced there; all NaNs are one."""
    changed = rows.copy()
    for name in rows.dtype.names or ():
        if rows.dtype[name].kind == "S":
            changed[name] = np.char.encode(np.char.decode(rows[name], "utf-8", "replace"), "utf-8")
        elif rows.dtype[name].kind == "f":
            changed[name] = np.where(np.isnan(rows[name]), np.nan, rows[name])
    return changed
