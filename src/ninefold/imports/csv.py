"""CSV files, plain or .gz, with a header or with one that the mapping gives.

In:  a file or a folder. Out: a part for each file. It goes on at a byte of the (unpacked) file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ninefold.imports.files import files_of, identity_of, opened
from ninefold.imports.lines import LONGEST_ROW, header_of, table_of, whole_rows
from ninefold.imports.mapping import Mapping
from ninefold.imports.source import BLOCK_BYTES, Batch, Part, Place, Position

ENDINGS = (".csv", ".csv.gz")


def parts(place: Place) -> Iterator[Part]:
    for path in files_of(place.place, ENDINGS):
        yield part_of(path, place.mapping.header, Mapping())


def part_of(path: Path, header: Sequence[str], known: Mapping) -> Part:
    """raises: ImportRefused if the file does not name its columns."""
    with opened(path) as (file, _):
        first = file.readline(LONGEST_ROW)
    names, delimiter = header_of((",".join(header)).encode() if header else first, str(path))
    if header:
        delimiter = max(",;\t", key=first.decode("utf-8", "replace").count)
    read = partial(_read, path, tuple(names), delimiter, 0 if header else len(first))
    return Part(str(path), identity_of(path), tuple(names), frozenset(), read, path.stat().st_size, known)


def _read(
    path: Path, names: Sequence[str], delimiter: str, begin: int, position: Position | None, wanted: Sequence[str]
) -> Iterator[Batch]:
    offset, row = (position["offset"], position["row"]) if position else (begin, 0)
    with opened(path) as (file, done):
        file.seek(offset)
        for block in whole_rows(iter(lambda: file.read(BLOCK_BYTES), b"")):
            table = table_of(block, names, wanted, delimiter, str(path))
            offset += len(block)
            yield Batch(table, row, {"offset": offset, "row": row + len(table)}, done())
            row += len(table)
