"""Columns as text: exact decimals, CSV and JSON lines, made whole columns at a time.

In:  int64 units with their decimals; Arrow tables of strings, int64, float64 and bool.
Out: Arrow string columns; bytes of CSV (RFC 4180 quoting, "\\n") or JSON lines. The same table always gives the same
     bytes.
     In JSON, times (columns named *_ns) are strings: nanoseconds exceed 2^53. Unknown is an empty CSV field and a
     JSON null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_CSV_SPECIAL = '[",\r\n]'
_JSON_SPECIAL = r'["\\\x00-\x1f]'


def decimal_text(units: np.ndarray, decimals: int) -> pa.Array:
    """Exact decimal text of int64 units of 10**-decimals, with exactly that many decimals; shape (n,).

    >>> decimal_text(np.array([6120310, -12]), 2).to_pylist()
    ['61203.10', '-0.12']
    """
    if decimals == 0:
        return pa.array(units).cast(pa.string())
    sizes = np.abs(units)
    whole = pa.array(sizes // 10**decimals).cast(pa.string())
    fraction = pc.utf8_lpad(pa.array(sizes % 10**decimals).cast(pa.string()), decimals, "0")
    sign = pa.array(np.where(units < 0, "-", ""))
    return pc.binary_join_element_wise(pc.binary_join_element_wise(sign, whole, ""), fraction, ".")


def csv_header(schema: pa.Schema) -> bytes:
    return (",".join(schema.names) + "\n").encode()


def csv_lines(table: pa.Table) -> bytes:
    """The rows of a table as CSV, without a header."""
    cells = [_csv_cells(column) for column in table.columns]
    return _lines(pc.binary_join_element_wise(*cells, ",")) if table.num_rows else b""


def json_lines(table: pa.Table) -> bytes:
    """The rows of a table as one JSON object a line, keys in the order of the columns."""
    if not table.num_rows:
        return b""
    pieces: list[pa.ChunkedArray | pa.Scalar] = []
    for number, name in enumerate(table.column_names):
        opening = ("{" if number == 0 else ",") + json.dumps(name) + ":"
        pieces += [pa.scalar(opening), _json_cells(name, table.column(name))]
    return _lines(pc.binary_join_element_wise(*pieces, pa.scalar("}"), ""))


def _lines(rows: pa.ChunkedArray) -> bytes:
    ended = pc.binary_join_element_wise(rows, pa.scalar("\n"), "")
    return b"".join(_text_of(chunk) for chunk in ended.chunks)


def _text_of(strings: pa.StringArray) -> bytes:
    """The strings of an array without nulls, one behind the other: they lie so in its buffer."""
    if not len(strings):
        return b""
    _, offsets, data = strings.buffers()
    places = np.frombuffer(offsets, np.int32)
    return data.to_pybytes()[places[strings.offset] : places[strings.offset + len(strings)]]  # type: ignore[no-any-return]


def _csv_cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        return pc.fill_null(_escaped(column, _CSV_SPECIAL, lambda text: '"' + text.replace('"', '""') + '"'), "")
    return pc.fill_null(_plain(column).cast(pa.string()), "")


def _json_cells(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        text = _escaped(column, _JSON_SPECIAL, lambda text: json.dumps(text, ensure_ascii=False)[1:-1])
    else:
        text = _plain(column).cast(pa.string())
    if pa.types.is_string(column.type) or name.endswith("_ns"):
        text = pc.binary_join_element_wise(pa.scalar('"'), text, pa.scalar('"'), "")
    return pc.fill_null(text, "null")


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """NaN is unknown: null."""
    return pc.if_else(pc.is_nan(column), None, column) if pa.types.is_floating(column.type) else column


def _escaped(column: pa.ChunkedArray, special: str, escape: Callable[[str], str]) -> pa.ChunkedArray:
    if not pc.any(pc.match_substring_regex(column, special)).as_py():
        return column
    return pa.chunked_array(
        [[None if text is None else escape(text) if re.search(special, text) else text for text in column.to_pylist()]]
    )
