"""What a source of rows is, for those who import from it.

In:  a place (file, folder, address). Out: parts, each with its columns; a part gives its rows in batches, from its
     beginning or from the position behind a batch it gave before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from ninefold.imports.mapping import Mapping

Position = dict[str, Any]  # plain values, kept as JSON between two runs
BATCH_ROWS = 200_000
BLOCK_BYTES = 8 * 2**20
MALFORMED = "(malformed)"  # a column with the text of rows that cannot be taken apart, null in all others


class Batch(NamedTuple):
    """rows: under the source's own names. first: the number of the first row in its part, from 0.

    position: where to go on behind these rows. done: how much of `Part.total` is read with them.
    """

    rows: pa.Table
    first: int
    position: Position
    done: int


Read = Callable[[Position | None, Sequence[str]], Iterator[Batch]]


@dataclass(frozen=True)
class Part:
    """One file or one table. Reading it again in the same state gives the same rows in the same order.

    name:     for people. identity: what it is, without secrets; another state of a file is another identity.
    columns:  what it has, and which of them hold floats.
    read:     (position or None, wanted columns) to batches.
    total:    how much there is to read, in bytes or rows; None if nobody can tell.
    known:    what the source knows of its own columns; the user's mapping goes before it.
    """

    name: str
    identity: str
    columns: tuple[str, ...]
    floats: frozenset[str]
    read: Read
    total: int | None
    known: Mapping


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where to read, as the command was told. table: a table, collection or measurement."""

    place: str
    table: str = ""
    mapping: Mapping = Mapping()


Open = Callable[[Place], Iterator[Part]]
