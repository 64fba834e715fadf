"""A batch of their rows to rows of ours: the pure core of an import.

In:  a table under the source's names, which column is which field, what was carried over from the batch before.
Out: our rows in the order of theirs, each with its own seq; a reason for each row that is refused. Every row is in
     one of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.imports.mapping import ImportRefused, Mapping, Unit
from ninefold.imports.names import Names, Unnamed
from ninefold.imports.numbers import Reasons, text_of
from ninefold.imports.source import MALFORMED
from ninefold.imports.times import nanoseconds
from ninefold.market.arrays import empty
from ninefold.market.instruments import Instrument
from ninefold.market.time import width_of

Carried = dict[str, Any]  # plain values by instrument, kept as JSON between two runs


class Columns(NamedTuple):
    """The rows of one instrument (and timeframe) in a batch.

    rows:  their columns by our fields. times: int64 nanoseconds, shape (n,). places: which rows of the batch they are.
    seq:   the number each row has in the store, shape (n,).
    """

    instrument: Instrument
    width_ns: int
    rows: pa.Table
    times: np.ndarray
    places: np.ndarray
    seq: np.ndarray


Kind = Callable[[Columns, Mapping, Carried, int], tuple[np.ndarray, np.ndarray, np.ndarray, Reasons]]


class Turned(NamedTuple):
    """rows: of one kind. ordinals: how many equal rows came right before each, shape (n,). places: which row of the
    batch each comes from. refused: the others, and why. unit: of their times, once it is known.
    """

    rows: np.ndarray
    ordinals: np.ndarray
    places: np.ndarray
    refused: Reasons
    unit: Unit


class Turning(msgspec.Struct, frozen=True):
    """How the rows of one part are turned. known_ns: when we came to know them."""

    kind: Kind
    mapping: Mapping
    fields: dict[str, str]
    names: Names
    known_ns: int


def turn(
    how: Turning, table: pa.Table, first_seq: int, unit: Unit, carried: Carried, new: Callable[[Instrument], Instrument]
) -> Turned:
    """new: gives an instrument that is not listed yet its id.

    raises: ImportRefused if what was found makes the whole part doubtful.
    """
    rows = pa.table({field: table.column(name).combine_chunks() for field, name in how.fields.items()})
    times, refused, unit = nanoseconds(
        rows.column("time").combine_chunks(),
        unit or how.mapping.time_unit,
        how.mapping.time_zone,
        how.fields["time"],
    )
    groups, unnamed = _groups(how, rows, new)
    made, ordinals, places = [empty(how.mapping.what)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    refused = {**refused, **unnamed, **_malformed(table)}
    timed = np.ones(len(rows), bool)
    timed[list(refused)] = False
    for (instrument, width_ns), members in groups:
        mine = members[timed[members]]
        columns = Columns(
            instrument, width_ns, rows.take(pa.array(mine)), times[mine], mine, first_seq + mine.astype(np.int64)
        )
        part, numbers, where, reasons = how.kind(columns, how.mapping, carried, how.known_ns)
        refused.update({int(mine[row]): reason for row, reason in reasons.items()})
        made.append(part)
        ordinals.append(numbers)
        places.append(mine[where])
    place = np.concatenate(places)
    order = np.argsort(place, kind="stable")
    return Turned(np.concatenate(made)[order], np.concatenate(ordinals)[order], place[order], refused, unit)


def _groups(
    how: Turning, rows: pa.Table, new: Callable[[Instrument], Instrument]
) -> tuple[list[tuple[tuple[Instrument, int], np.ndarray]], Reasons]:
    """The rows of each instrument and width, in their order; and those that name none."""
    keys = [_texts(rows, name) for name in ("exchange", "symbol", "timeframe")]
    joined = pc.binary_join_element_wise(*keys, "\n")
    encoded = (
        joined.combine_chunks().dictionary_encode()
        if isinstance(joined, pa.ChunkedArray)
        else joined.dictionary_encode()
    )
    numbers = encoded.indices.to_numpy(zero_copy_only=False)
    groups: list[tuple[tuple[Instrument, int], np.ndarray]] = []
    refused: Reasons = {}
    for number, text in enumerate(encoded.dictionary.to_pylist()):
        members = np.flatnonzero(numbers == number)
        exchange, symbol, timeframe = text.split("\n")
        try:
            width_ns = width_of(timeframe or how.mapping.timeframe) if how.mapping.what == "bars" else 0
            instrument = how.names.find(exchange, symbol)
        except (Unnamed, ValueError) as unusable:
            refused.update(dict.fromkeys(members.tolist(), str(unusable)))
            continue
        if not instrument.id:
            instrument = new(instrument)
            how.names.learn(instrument)
        groups.append(((instrument, width_ns), members))
    return groups, refused


def _malformed(table: pa.Table) -> Reasons:
    if MALFORMED not in table.column_names:
        return {}
    rows = np.flatnonzero(table.column(MALFORMED).is_valid().to_numpy())
    return dict.fromkeys(rows.tolist(), "the row has another number of fields than there are columns")


def _texts(rows: pa.Table, name: str) -> pa.Array:
    """A column as text, "" where there is none or it says nothing."""
    if name not in rows.column_names:
        return pa.array([""] * len(rows), pa.string())
    column = text_of(rows.column(name).combine_chunks())
    if pc.any(pc.match_substring(column, "\n")).as_py():
        raise ImportRefused(f"a {name} holds a line break; these rows are not what the mapping says")
    return column.fill_null("")
