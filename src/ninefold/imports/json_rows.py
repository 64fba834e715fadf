"""A JSON array of rows, each an array or an object, without reading it whole.

In:  bytes as they come. Out: rows as lists or dicts, numbers as the text they were written with; how far it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ninefold.imports.mapping import ImportRefused

_ROW = re.compile(rb'\[(?:[^\[\]"{}]|"(?:[^"\\]|\\.)*")*\]|\{(?:[^\[\]"{}]|"(?:[^"\\]|\\.)*")*\}')
_BETWEEN = re.compile(rb"[\s,]*")


def rows_of(pieces: Iterable[bytes], place: str) -> Iterator[list[list[Any] | dict[str, Any]]]:
    """The rows of each piece, in order; a row that is cut waits for the next piece.

    raises: ImportRefused if it is no array of flat rows.
    """
    held, begun, ended = b"", False, False
    for piece in pieces:
        held += piece
        if not begun:
            held, begun = _begin(held, place), True
        rows, at = [], _BETWEEN.match(held).end()  # type: ignore[union-attr]
        while row := _ROW.match(held, at):
            rows.append(_row(row[0], place))
            at = _BETWEEN.match(held, row.end()).end()  # type: ignore[union-attr]
        held = held[at:]
        ended = held.strip() == b"]"
        if rows:
            yield rows
    if not ended:
        raise ImportRefused(f"{place} is no JSON array of flat rows: it goes on with {held[:60]!r}")


def _row(text: bytes, place: str) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except ValueError as error:
        raise ImportRefused(f"{place} has a row that is no JSON in UTF-8: {text[:60]!r} ({error})") from error


def _begin(held: bytes, place: str) -> bytes:
    text = held.lstrip()
    if not text.startswith(b"["):
        raise ImportRefused(f"{place} is no JSON array of rows: it begins with {text[:60]!r}")
    return text[1:]
