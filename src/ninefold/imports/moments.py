"""Rows in the order of time to batches that never cut a moment in two, so that reading can go on at a time.

In:  tables by rising time, as a server sends them; where the server does not say in which order rows of one time come,
     they are put in the order of their other columns.
Out: batches; the position behind one is the first time that is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from ninefold.imports.source import Batch, Position


def by_moments(tables: Iterator[pa.Table], time: str, position: Position | None, ordered: bool) -> Iterator[Batch]:
    """tables: of text columns, rows from position["time"] on. ordered: rows of one time always come in the same order."""
    row = position["row"] if position else 0
    held: pa.Table | None = None
    for table in tables:
        held = table if held is None else pa.concat_tables([held, table], promote_options="default")
        rank = _rank(held, time)
        whole = int((rank < rank[-1]).sum()) if len(rank) else 0
        if whole:
            ready = _sorted(held.slice(0, whole), rank[:whole], ordered)
            held = held.slice(whole)
            yield Batch(
                ready, row, {"row": row + whole, "time": held.column(time)[0].as_py(), "ended": False}, row + whole
            )
            row += whole
    if held is not None and len(held):
        ready = _sorted(held, _rank(held, time), ordered)
        yield Batch(ready, row, {"row": row + len(held), "time": None, "ended": True}, row + len(held))


def _rank(table: pa.Table, time: str) -> np.ndarray:
    """Which moment each row is of, counted from 0."""
    texts = table.column(time).combine_chunks().fill_null("").to_numpy(zero_copy_only=False)
    changed = texts[1:] != texts[:-1]
    rank: np.ndarray = np.concatenate([np.zeros(min(len(texts), 1), np.int64), np.cumsum(changed, dtype=np.int64)])
    return rank


def _sorted(table: pa.Table, rank: np.ndarray, ordered: bool) -> pa.Table:
    if ordered:
        return table
    keys = [("(moment)", "ascending"), *((name, "ascending") for name in table.column_names)]
    return table.append_column("(moment)", pa.array(rank)).sort_by(keys).drop_columns("(moment)")
