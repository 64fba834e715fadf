"""Parquet and Feather (Arrow IPC) files.

In:  a file or a folder. Out: a part for each file. It goes on at a row; groups of rows before it are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.imports.files import files_of, identity_of
from ninefold.imports.mapping import ImportRefused, Mapping
from ninefold.imports.source import BATCH_ROWS, Batch, Part, Place, Position

ENDINGS = (".parquet", ".feather", ".arrow")


def parts(place: Place) -> Iterator[Part]:
    for path in files_of(place.place, ENDINGS):
        yield part_of(path, Mapping())


def part_of(path: Path, known: Mapping) -> Part:
    """raises: ImportRefused if the file cannot be read."""
    parquet = path.name.lower().endswith(".parquet")
    try:
        if parquet:
            with pq.ParquetFile(path) as opened:
                schema, total = opened.schema_arrow, opened.metadata.num_rows
        else:
            with pa.memory_map(str(path)) as file:
                reader = pa.ipc.open_file(file)
                schema = reader.schema
                total = sum(reader.get_batch(number).num_rows for number in range(reader.num_record_batches))
    except (pa.ArrowInvalid, OSError) as error:
        raise ImportRefused(f"{path} cannot be read: {error}") from error
    floats = frozenset(field.name for field in schema if pa.types.is_floating(field.type))
    read = partial(_read_parquet if parquet else _read_feather, path)
    return Part(str(path), identity_of(path), tuple(schema.names), floats, read, total, known)


def _read_parquet(path: Path, position: Position | None, wanted: Sequence[str]) -> Iterator[Batch]:
    row = position["row"] if position else 0
    with pq.ParquetFile(path) as file:
        start = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if start + count > row:
                batches = file.iter_batches(BATCH_ROWS, row_groups=[group], columns=list(wanted), use_threads=False)
                yield from _from_row(batches, start, row)
                row = start + count
            start += count


def _read_feather(path: Path, position: Position | None, wanted: Sequence[str]) -> Iterator[Batch]:
    row = position["row"] if position else 0
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        yield from _from_row(
            (pa.RecordBatch.from_arrays([one.column(name) for name in wanted], list(wanted)) for one in batches), 0, row
        )


def _from_row(batches: Iterator[pa.RecordBatch], start: int, row: int) -> Iterator[Batch]:
    """The rows from `row` on; the first batch begins at row `start`."""
    for batch in batches:
        end = start + batch.num_rows
        while row < end:
            part = batch.slice(row - start, BATCH_ROWS)
            stop = row + part.num_rows
            yield Batch(pa.Table.from_batches([part]), row, {"row": stop}, stop)
            row = stop
        start = end
