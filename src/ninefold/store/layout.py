"""How the tables look: Arrow schemas of market arrays, records and certificates, and the way there and back.

In:  structured arrays of market/arrays.py. Out: Arrow tables sorted for the store, and structured arrays again.
`n` counts the rows of one input (`seq`) in one table, so (seq, n) names a row. Delta has no unsigned types: uint64
ids are stored as int64 bit patterns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ninefold.market.arrays import KINDS
from ninefold.market.time import DAY_NS, UNKNOWN_NS
from ninefold.store.order import sorted_order

MARKET_KINDS = ("trades", "books", "quotes")
_ARROW = {"i1": pa.int8(), "u1": pa.int8(), "i4": pa.int32(), "i8": pa.int64(), "u8": pa.int64(), "f8": pa.float64()}

_AT_ONCE = 8192  # rows, half a MB of trades


def time_field(kind: str) -> str:
    """The field by which a table is ordered and partitioned."""
    return "exchange_ns" if kind in MARKET_KINDS else "close_ns"


def _type_of(dtype: np.dtype[Any]) -> pa.DataType:
    return pa.string() if dtype.kind == "S" else _ARROW[dtype.str[1:]]


def _market_schema(kind: str) -> pa.Schema:
    fields = [pa.field(name, _type_of(KINDS[kind][name]), nullable=False) for name in KINDS[kind].names or ()]
    return pa.schema([*fields, pa.field("n", pa.int32(), nullable=False), pa.field("day", pa.date32(), nullable=False)])


RECORDS = pa.schema(
    [
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("n", pa.int32(), nullable=False),
        pa.field("known_ns", pa.int64(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("instrument", pa.int32()),
        pa.field("payload", pa.string(), nullable=False),
    ]
)
CERTIFICATES = pa.schema(
    [
        pa.field("instrument", pa.int32(), nullable=False),
        pa.field("hour_ns", pa.int64(), nullable=False),
        pa.field("revision", pa.int32(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("first_id", pa.int64()),
        pa.field("last_id", pa.int64()),
        pa.field("trades", pa.int64(), nullable=False),
        pa.field("missing", pa.int64()),
        pa.field("from_ns", pa.int64(), nullable=False),
        pa.field("to_ns", pa.int64(), nullable=False),
        pa.field("how", pa.string(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
    ]
)
SCHEMAS: dict[str, pa.Schema] = {
    "records": RECORDS,
    **{kind: _market_schema(kind) for kind in KINDS},
    "certificates": CERTIFICATES,
}


def stats_columns(name: str) -> list[str]:
    """Columns whose smallest and largest value the log keeps for every file."""
    if name == "records":
        return ["seq", "known_ns"]
    if name == "certificates":
        return ["instrument", "hour_ns"]
    times = ["exchange_ns", "receive_ns"] if name in MARKET_KINDS else ["close_ns", "width_ns"]
    return [*times, "instrument", "seq"]


def effective_ns(kind: str, rows: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
    """When a row happened, shape (n,): the venue's time, or ours where the venue gave none."""
    times: np.ndarray = rows[time_field(kind)]
    if kind in MARKET_KINDS and len(times) and times.min() == UNKNOWN_NS:
        times = np.where(times == UNKNOWN_NS, rows["receive_ns"], times)
    return times


def number_within_seq(seq: np.ndarray) -> np.ndarray:
    """Counts 0, 1, 2, ... among equal values of seq, in the order of rows; shape (n,), int32.

    >>> number_within_seq(np.array([5, 5, 6, 5])).tolist()
    [0, 1, 0, 2]
    """
    if (seq[1:] > seq[:-1]).all():  # the usual case: every input one row
        return np.zeros(len(seq), np.int32)
    order = np.argsort(seq, kind="stable")
    ordered = seq[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    lengths = np.diff(np.append(starts, len(seq)))
    numbers = np.empty(len(seq), np.int32)
    numbers[order] = np.arange(len(seq)) - np.repeat(starts, lengths)
    return numbers


def to_arrow(kind: str, rows: np.ndarray, n: np.ndarray) -> pa.Table:
    """An Arrow table of one kind, sorted by (instrument, time, seq, n)."""
    room = Room()
    return columns_to_arrow(kind, taken_apart(kind, [rows], room), n, room)


class Room:
    """Memory for the columns of one commit, and again for those of the next: the system takes longer to hand out that much
    than it takes to fill it. What was made of it is lost when it is asked for again.
    """

    def __init__(self) -> None:
        self._held: dict[str, np.ndarray] = {}

    def of(self, use: str, dtype: np.dtype[Any], count: int) -> np.ndarray:
        held = self._held.get(use)
        if held is None or len(held) < count:
            held = self._held[use] = np.empty(count, dtype)
        return held[:count]


def columns_to_arrow(kind: str, columns: Mapping[str, np.ndarray], n: np.ndarray, room: Room) -> pa.Table:
    """The same of rows that are taken apart. It is made of the room, if need be."""
    times = effective_ns(kind, columns)
    order = sorted_order(columns["instrument"], times, columns["seq"], n)
    days = (times // DAY_NS).astype(np.int32) if len(times) else np.empty(0, np.int32)
    made = {**columns, "n": n, "day": days}
    if order is not None:
        for name, values in made.items():
            if values[0] == values[-1] and (values == values[0]).all():  # in any order the same
                continue
            ordered = room.of(f"{kind} {name} in order", values.dtype, len(values))
            made[name] = values.take(order, out=ordered, mode="clip")  # it clips nothing, but writes there at once
    arrays = [_column(values) for values in made.values()]
    return pa.table([*arrays[:-1], arrays[-1].cast(pa.date32())], schema=SCHEMAS[kind])


def taken_apart(kind: str, parts: Sequence[np.ndarray], room: Room) -> dict[str, np.ndarray]:
    """The fields of rows, one part after the other, each field by itself. Some rows after the other, so that they are in the
    processor's cache while they are taken apart. Fields are brought into order one by one after that: whole rows, which lie
    wide apart, take half as long again.
    """
    dtype, count = KINDS[kind], sum(map(len, parts))
    columns = {name: room.of(f"{kind} {name}", dtype[name], count) for name in dtype.names or ()}
    end = 0
    for part in parts:
        for first in range(0, len(part), _AT_ONCE):
            some = part[first : first + _AT_ONCE]
            start, end = end, end + len(some)
            for name, values in columns.items():
                values[start:end] = some[name]
    return columns


def _column(values: np.ndarray) -> pa.Array:
    if values.dtype.kind == "S":
        return pa.array(np.char.decode(values, "utf-8", "replace"), pa.string())
    if values.dtype == np.uint64:
        return pa.array(values.view(np.int64))
    if values.dtype == np.uint8:
        return pa.array(values.view(np.int8))
    return pa.array(values)


def market_columns(kind: str, table: pa.Table) -> dict[str, np.ndarray]:
    """The number columns of a stored table that are fields of its kind, with their types there; shape (n,) each."""
    fields: Mapping[str, Any] = KINDS[kind].fields or {}
    return {
        name: _signed_as(fields[name][0], values.to_numpy())
        for name, values in zip(table.column_names, table.columns, strict=True)
        if name in fields and fields[name][0].kind != "S"
    }


def _signed_as(dtype: np.dtype[Any], values: np.ndarray) -> np.ndarray:
    """Unsigned numbers are stored as the signed ones of the same bits."""
    return values.view(dtype) if dtype.kind == "u" else values


def to_numpy(kind: str, table: pa.Table) -> np.ndarray:
    """The structured array of a stored table, rows as they come; shape (n,)."""
    rows = np.empty(table.num_rows, KINDS[kind])
    for name in KINDS[kind].names or ():
        values = table.column(name).to_numpy()
        dtype = rows.dtype[name]
        if dtype.kind == "S":
            rows[name] = np.char.encode(values.astype(str), "utf-8")
        else:
            rows[name] = _signed_as(dtype, values)
    return rows
