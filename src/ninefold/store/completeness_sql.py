"""How complete the stored trades are, for SQL: what readers are told, of everything captured, downloaded and imported together.

In:  a reader. Out: the tables `completeness` (spans of one state) and `known_gaps` by name. Certificates are read and joined for
     it, so only a query that names one of the two has them.
"""

from __future__ import annotations

import re

import msgspec
import pyarrow as pa

from ninefold.store.completeness import Hole, Span, completeness_of
from ninefold.store.forms import instruments_wanted
from ninefold.store.read import Reader

SPANS, GAPS = "completeness", "known_gaps"
_TYPES = {
    SPANS: {
        "from_ns": pa.int64(),
        "to_ns": pa.int64(),
        "state": pa.string(),
        "how": pa.string(),
        "missing": pa.int64(),
    },
    GAPS: {"from_ns": pa.int64(), "to_ns": pa.int64(), "first_id": pa.uint64(), "last_id": pa.uint64()},
}


def completeness_tables(reader: Reader, query: str) -> dict[str, pa.Table]:
    """Those that the query names; nothing is read if it names none."""
    named = {SPANS, GAPS} & set(re.findall(r"\w+", query.lower()))
    if not named:
        return {}
    rows: dict[str, list[tuple[str, Span | Hole]]] = {SPANS: [], GAPS: []}
    for one in completeness_of(reader, instruments_wanted(reader.registry(), None), None, None):
        rows[SPANS] += [(one.instrument, span) for span in one.spans]
        rows[GAPS] += [(one.instrument, hole) for hole in one.holes]
    return {name: _table(rows[name], _TYPES[name]) for name in named}


def _table(rows: list[tuple[str, Span | Hole]], types: dict[str, pa.DataType]) -> pa.Table:
    columns = {"instrument": pa.array([instrument for instrument, _ in rows], pa.string())}
    told = [msgspec.structs.asdict(one) for _, one in rows]
    return pa.table({**columns, **{name: pa.array([one[name] for one in told], of) for name, of in types.items()}})
