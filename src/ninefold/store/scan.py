"""Reading only the files that matter.

In:  a table's name, its live files, a condition, and perhaps a limit.
Out: the rows that meet the condition, in no order. With a limit files are read newest (or oldest) first, a few at a
     time,
     until no file left can hold a row that belongs to the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import and_

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.market.time import UNKNOWN_NS
from ninefold.store.delta import StoredFile, dataset, file_schema
from ninefold.store.layout import MARKET_KINDS, time_field

Times = Callable[[pa.Table], np.ndarray]


def scan(
    name: str, files: list[StoredFile], condition: pc.Expression | None, columns: list[str] | None = None
) -> pa.Table:
    """All rows of the files that meet the condition; all columns if none are named."""
    if files:
        return dataset(name, files).to_table(columns, condition)
    schema = file_schema(name)
    return (schema if columns is None else pa.schema([schema.field(column) for column in columns])).empty_table()


def scan_some(
    name: str,
    files: list[StoredFile],
    condition: pc.Expression | None,
    column: str,
    limit: int,
    newest: bool,
    times: Times,
) -> pa.Table:
    """Rows among which the first or last `limit` ones surely are.

    column: what the rows are ordered by; `times` gives its values for the rows that count, sorted.
    """
    table = file_schema(name).empty_table()
    parts = steps(files, column, newest)
    for number, step in enumerate(parts):
        table = pa.concat_tables([table, scan(name, step, condition)])
        found = times(table)
        left = [file.bounds[column] for later in parts[number + 1 :] for file in later]
        if left and len(found) >= limit:
            if newest and found[-limit] > max(high for _, high in left):
                break
            if not newest and found[limit - 1] < min(low for low, _ in left):
                break
    return table


def all_of(*conditions: pc.Expression | None) -> pc.Expression | None:
    """The condition that all of them hold; None asks for nothing."""
    given = [one for one in conditions if one is not None]
    return reduce(and_, given) if given else None


def in_range(kind: str, start_ns: int | None, end_ns: int | None) -> pc.Expression | None:
    """The condition that a row's time lies in [start_ns, end_ns); the receive time counts where the venue gave none."""
    field = time_field(kind)
    known = _between(field, start_ns, end_ns)
    if known is None or kind not in MARKET_KINDS:
        return known
    received = _between("receive_ns", start_ns, end_ns)
    return ((pc.field(field) != UNKNOWN_NS) & known) | ((pc.field(field) == UNKNOWN_NS) & received)


def may_hold_time(kind: str, file: StoredFile, start_ns: int | None, end_ns: int | None) -> bool:
    """Whether a file can have rows of that time, by its statistics."""
    field = time_field(kind)
    return file.bounds[field][0] == UNKNOWN_NS or file.may_hold(field, start_ns, end_ns)


def _between(field: str, start_ns: int | None, end_ns: int | None) -> pc.Expression | None:
    condition = None if start_ns is None else pc.field(field) >= start_ns
    if end_ns is None:
        return condition
    before = pc.field(field) < end_ns
    return before if condition is None else condition & before


def steps(files: list[StoredFile], column: str, newest: bool) -> list[list[StoredFile]]:
    """Files in the order of reading, in steps of 4, 8, 16, ...; a file with rows of unknown time has no honest bound
    and comes first.
    """
    unbounded = [file for file in files if file.bounds[column][0] == UNKNOWN_NS]
    bounded = [file for file in files if file.bounds[column][0] != UNKNOWN_NS]
    bounded.sort(key=lambda file: file.bounds[column][1 if newest else 0], reverse=newest)
    parts = [unbounded] if unbounded else []
    size = 4
    while bounded:
        parts.append(bounded[:size])
        bounded = bounded[size:]
        size *= 2
    return parts
