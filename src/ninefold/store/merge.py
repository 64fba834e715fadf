"""Joining the files of a table: which ones, and how.

In:  the live files of a table. Out: groups of files to be replaced, each by few files with the same rows, sorted.

Files of about the same size are joined when there are FAN_IN of them, so every row is written again only a few times however
much comes, and the number of files grows with the logarithm of the rows. A day that is over becomes one sequence
of files sorted by instrument, then time, none of which has instruments of another.
Memory is bounded by CHUNK_ROWS and a piece of each file, whatever is joined: files are read side by side, a few instruments
at a time, and an instrument with more rows than that in stretches of time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ninefold.market.arrays import KINDS
from ninefold.market.time import DAY_NS, MINUTE_NS
from ninefold.store.layout import MARKET_KINDS, SCHEMAS, effective_ns, stats_columns, time_field
from ninefold.store.listing import StoredFile
from ninefold.store.order import sorted_order
from ninefold.store.parquet import GROUP_ROWS, RowsWriter, Runs, footer, forget, read_pieces, read_rows, runs_of

FAN_IN = 16  # so many files of about the same size are joined
SMALLEST_TIER_ROWS = 1 << 14  # below this all files count as of the same size
CHUNK_ROWS = 1 << 18  # sorted at once
FILE_ROWS = 1 << 25  # a file of a closed day gets no further instrument when it has so many
OVER_NS = 10 * MINUTE_NS  # a day is over when the table has rows of so long after its end
SMALL_PART = 20  # a closed day is not written again for less than a twentieth of it
SAMPLE_EVERY = 1 << 10  # of a sorted column's values so many stand for all
_PIECE_ROWS = 1 << 14  # of every file that is joined so many are in memory
_EPOCH = date(1970, 1, 1)


class Made(NamedTuple):
    """A file that was written and is in no log yet."""

    path: Path
    rows: int
    bytes: int
    day: date | None
    bounds: dict[str, tuple[int, int]]


class Stopped(Exception):
    """Joining was given up because the writer closes; nothing of it is left."""


def groups_to_join(name: str, files: Sequence[StoredFile]) -> list[list[StoredFile]]:
    """Groups of files of one day each, the smallest rows first; a file is in one group at most."""
    latest_ns = max((file.bounds[time_field(name)][1] for file in files), default=0) if name in KINDS else 0
    days: dict[date | None, list[StoredFile]] = defaultdict(list)
    for file in files:
        days[file.day].append(file)
    found = []
    for day, some in days.items():
        over = day is not None and ((day - _EPOCH).days + 1) * DAY_NS + OVER_NS <= latest_ns
        worth = [group for group in _overlapping(some) if _worth(group)] if over else []
        busy = {file.path for group in worth for file in group}
        rest = [file for file in some if file.path not in busy and not (over and file.rows >= FILE_ROWS)]
        found += worth + _of_a_size(rest)
    return sorted(found, key=lambda group: sum(file.rows for file in group))


def whole_days(name: str, files: Sequence[StoredFile]) -> list[list[StoredFile]]:
    """What is left to join if everything is to be as small and as sorted as it gets."""
    days: dict[date | None, list[StoredFile]] = defaultdict(list)
    for file in files:
        days[file.day].append(file)
    return [some for some in days.values() if len(some) > 1 and not (name in KINDS and _sorted_already(some))]


def write_joined(
    name: str, files: Sequence[StoredFile], new_path: Callable[[date | None], Path], stop: Callable[[], bool]
) -> list[Made]:
    """Files with the same rows. new_path: where the next one goes. raises: Stopped, OSError, pa.ArrowInvalid."""
    files = sorted(files, key=lambda file: file.bounds["seq"][0] if "seq" in file.bounds else 0)
    chunks = _sorted_chunks(name, files) if name in KINDS else _one_after_the_other(files)
    schema = SCHEMAS[name].remove(SCHEMAS[name].get_field_index("day")) if name in KINDS else SCHEMAS[name]
    made: list[Made] = []
    writer: RowsWriter | None = None
    last = -1  # instrument
    try:
        for rows, runs in chunks:
            if stop():
                raise Stopped
            if writer is not None and writer.rows >= FILE_ROWS and runs is not None and runs.instruments[0] != last:
                made.append(_closed(writer, files[0].day))
                writer = None
            if writer is None:
                writer = RowsWriter(new_path(files[0].day), schema, stats_columns(name))
            writer.write(rows.cast(schema), runs)
            last = -1 if runs is None else int(runs.instruments[-1])
        if writer is not None:
            made.append(_closed(writer, files[0].day))
        return made
    except BaseException:
        for one in made:
            one.path.unlink(missing_ok=True)
        if writer is not None:
            writer.drop()
        raise
    finally:
        forget(file.path for file in files)
        pa.default_memory_pool().release_unused()  # to the system: it is not needed again for a long time


def _closed(writer: RowsWriter, day: date | None) -> Made:
    size = writer.close()
    return Made(writer.path, writer.rows, size, day, writer.bounds)


def _of_a_size(files: list[StoredFile]) -> list[list[StoredFile]]:
    tiers: dict[int, list[StoredFile]] = defaultdict(list)
    for file in files:
        tiers[_tier(file.rows)].append(file)
    return [group for group in tiers.values() if len(group) >= FAN_IN]


def _tier(rows: int) -> int:
    tier, most = 0, SMALLEST_TIER_ROWS
    while rows >= most:
        tier, most = tier + 1, most * FAN_IN
    return tier


def _overlapping(files: list[StoredFile]) -> list[list[StoredFile]]:
    """Files that share instruments, as far as their bounds tell."""
    groups: list[list[StoredFile]] = []
    most = -1
    for file in sorted(files, key=lambda file: file.bounds["instrument"]):
        low, high = file.bounds["instrument"]
        if groups and low <= most:
            groups[-1].append(file)
        else:
            groups.append([file])
        most = max(most, high)
    return groups


def _sorted_already(files: list[StoredFile]) -> bool:
    return len(_overlapping(files)) == len(files) and sum(file.rows for file in files) > FILE_ROWS


def _worth(group: list[StoredFile]) -> bool:
    rows = [file.rows for file in group]
    return len(group) > 1 and (len(group) >= FAN_IN or (sum(rows) - max(rows)) * SMALL_PART >= sum(rows))


def _one_after_the_other(files: Sequence[StoredFile]) -> Iterator[tuple[pa.Table, Runs | None]]:
    for file in files:
        for batch in read_pieces(file.path, _PIECE_ROWS):
            yield pa.Table.from_batches([batch]), None


def _sorted_chunks(name: str, files: Sequence[StoredFile]) -> Iterator[tuple[pa.Table, Runs | None]]:
    """All rows of the files in order, some CHUNK_ROWS at a time."""
    sources = [_Source(name, file.path) for file in files]
    instruments = np.unique(np.concatenate([source.runs.instruments for source in sources]))
    counts = np.array([source.counts(instruments) for source in sources])  # shape (sources, instruments)
    for first, last in _stretches(counts.sum(axis=0)):
        left = counts[:, first:last].sum(axis=1).tolist()
        alone = first + 1 == last and sum(left) > 2 * CHUNK_ROWS
        edges = _edges([source.sampled_times(int(instruments[first])) for source in sources]) if alone else []
        for edge in [*edges, None]:
            parts = [source.take(count, edge) for source, count in zip(sources, left, strict=True)]
            left = [count - part.num_rows for count, part in zip(left, parts, strict=True)]
            if any(part.num_rows for part in parts):
                yield _in_order(name, pa.concat_tables(parts).combine_chunks())


def _stretches(counts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Neighbouring instruments that have at most CHUNK_ROWS together; one that has more is alone."""
    first = rows = 0
    for at, count in enumerate(counts.tolist()):
        if rows and rows + count > CHUNK_ROWS:
            yield first, at
            first, rows = at, 0
        rows += count
    if rows:
        yield first, len(counts)


def _edges(sampled: list[np.ndarray]) -> list[int]:
    """Times between which all sources have about CHUNK_ROWS rows; rising. sampled: every SAMPLE_EVERY-th of each source."""
    sample = np.sort(np.concatenate(sampled))
    every = CHUNK_ROWS // SAMPLE_EVERY
    found: list[int] = np.unique(sample[every::every]).tolist()
    return found


def _in_order(name: str, rows: pa.Table) -> tuple[pa.Table, Runs | None]:
    columns = {column: rows.column(column).to_numpy() for column in _key_columns(name)}
    times = effective_ns(name, columns)
    order = sorted_order(columns["instrument"], times, columns["seq"], columns["n"])
    if order is None:
        return rows, runs_of(columns["instrument"])
    return rows.take(pa.array(order)), runs_of(columns["instrument"].take(order))


def _key_columns(name: str) -> list[str]:
    return ["instrument", time_field(name), *(["receive_ns"] if name in MARKET_KINDS else []), "seq", "n"]


class _Source:
    """The rows of a file in order, taken from its beginning on."""

    def __init__(self, name: str, path: str) -> None:
        self._name, self._path = name, path
        runs = footer(path).runs
        self._pieces: Iterator[pa.Table] = (pa.Table.from_batches([batch]) for batch in read_pieces(path, _PIECE_ROWS))
        if runs is None:  # written by others, and of a size that fits into memory
            self._whole, runs = _in_order(name, pa.concat_tables(self._pieces).combine_chunks())
            self._pieces = iter([self._whole])
        assert runs is not None
        self.runs = runs
        self._waiting = next(self._pieces)

    def counts(self, instruments: np.ndarray) -> np.ndarray:
        found = np.zeros(len(instruments), np.int64)
        found[np.searchsorted(instruments, self.runs.instruments)] = self.runs.counts
        return found

    def sampled_times(self, instrument: int) -> np.ndarray:
        """When every SAMPLE_EVERY-th row of an instrument happened, rising."""
        start, end = self.runs.of(instrument)
        sampled = [np.empty(0, np.int64)]
        for first in range(start, end, GROUP_ROWS):
            sampled.append(self._times(first, min(first + GROUP_ROWS, end))[::SAMPLE_EVERY])
        return np.concatenate(sampled)

    def take(self, most: int, before_ns: int | None) -> pa.Table:
        """The next rows, of one instrument if they are to be before a time; at most so many, perhaps none."""
        parts = [self._waiting.slice(0, 0)]
        while most:
            if not self._waiting.num_rows:
                self._waiting = next(self._pieces)
            part = self._waiting.slice(0, most)
            wanted = part.num_rows if before_ns is None else int(np.searchsorted(self._times_of(part), before_ns))
            parts.append(part.slice(0, wanted))
            self._waiting = self._waiting.slice(wanted)
            most -= wanted
            if wanted < part.num_rows:
                break
        return pa.concat_tables(parts)

    def _times(self, start: int, end: int) -> np.ndarray:
        if footer(self._path).runs is None:
            return self._times_of(self._whole.slice(start, end - start))
        return self._times_of(read_rows(self._path, _key_columns(self._name)[1:-2], start, end))

    def _times_of(self, rows: pa.Table) -> np.ndarray:
        """Rising, for rows of one instrument."""
        columns = _key_columns(self._name)[1:-2]
        return effective_ns(self._name, {name: rows.column(name).to_numpy() for name in columns})
