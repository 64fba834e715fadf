"""Lines of CSV to tables of text, block by block, so that memory does not grow with the file.

In:  bytes as they come. Out: blocks that end at the end of a row; tables in which every column is text, null where a field
     is empty. Rows with another number of fields are kept as they were written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.csv as pacsv

from ninefold.imports.mapping import ImportRefused
from ninefold.imports.source import MALFORMED

LONGEST_ROW = 2**20


def whole_rows(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes cut behind line breaks that end a row; a break inside quotes does not.

    >>> list(whole_rows([b"1,2\\n3,", b"4\\n5,6"]))
    [b'1,2\\n', b'3,4\\n', b'5,6\\n']
    """
    held = b""
    for piece in pieces:
        held += piece
        end = _end_of_rows(held)
        if end:
            yield held[:end]
            held = held[end:]
    if held.strip():
        yield held if held.endswith(b"\n") else held + b"\n"


def table_of(block: bytes, names: Sequence[str], wanted: Sequence[str], delimiter: str, place: str) -> pa.Table:
    """One block of whole rows as a table of the wanted columns.

    raises: ImportRefused if it is no CSV, or no UTF-8.
    """
    odd: list[object] = []
    read = pacsv.ReadOptions(column_names=list(names), block_size=len(block) + 1, use_threads=False)
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        include_columns=list(wanted),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )

    def keep(row: object) -> str:
        odd.append(row)
        return "skip"

    parse = pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=keep, newlines_in_values=b'"' in block)
    try:
        pa.array([block], pa.binary()).cast(pa.string())  # rows handed to `keep` would only print that they are not
        table = pacsv.read_csv(io.BytesIO(block), read_options=read, parse_options=parse, convert_options=convert)
        return _one_by_one(block, names, wanted, delimiter) if odd else table
    except (pa.ArrowInvalid, csv.Error) as error:
        raise ImportRefused(f"{place} cannot be read as CSV in UTF-8: {error}") from error


def header_of(line: bytes, place: str) -> tuple[list[str], str]:
    """The names of the columns and the delimiter: comma, semicolon or tab. raises: ImportRefused."""
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
        delimiter = max(",;\t", key=text.count)
        names = next(csv.reader([text], delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise ImportRefused(f"{place} is no CSV in UTF-8: {error}") from error
    if len(set(names)) < len(names) or not all(names):
        raise ImportRefused(
            f"{place} begins with {text[:100]!r}, which does not name its columns; a mapping may: header = [...]"
        )
    return names, delimiter


def _one_by_one(block: bytes, names: Sequence[str], wanted: Sequence[str], delimiter: str) -> pa.Table:
    rows = [row for row in csv.reader(io.StringIO(block.decode()), delimiter=delimiter) if row]
    good = [row if len(row) == len(names) else [""] * len(names) for row in rows]
    columns = dict(zip(names, zip(*good, strict=True), strict=True))
    table = {name: pa.array([text or None for text in columns[name]], pa.string()) for name in wanted}
    malformed = [None if len(row) == len(names) else delimiter.join(row) for row in rows]
    return pa.table({**table, MALFORMED: pa.array(malformed, pa.string())})


def _end_of_rows(held: bytes) -> int:
    """Where the last whole row ends, 0 if none does yet."""
    end = held.rfind(b"\n") + 1
    if held.count(b'"', 0, end) % 2 == 0:
        return end
    end = held.rfind(b"\n", 0, held.rfind(b'"', 0, end)) + 1
    while end and held.count(b'"', 0, end) % 2:
        end = held.rfind(b"\n", 0, end - 1) + 1
    if not end and len(held) > 64 * LONGEST_ROW:
        raise ImportRefused("a row is longer than 64 MB: a quote is opened and never closed")
    return end
