"""Rows of one instrument out of a table's files, in order.

In:  a kind, the live files of its table, an instrument, a range of time, perhaps a limit.
Out: structured arrays by (time, seq, place within seq).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.store.delta import StoredFile
from ninefold.store.layout import effective_ns, time_field, to_numpy
from ninefold.store.scan import all_of, in_range, may_hold_time, scan, scan_some

Pick = Callable[[np.ndarray], np.ndarray]


def rows_of(
    kind: str,
    files: list[StoredFile],
    instrument_id: int,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
    newest: bool = False,
    condition: pc.Expression | None = None,
    pick: Pick | None = None,
) -> np.ndarray:
    """Rows whose time lies in [start_ns, end_ns), shape (n,). `pick` thins them before the limit counts."""
    files = [
        file
        for file in files
        if file.may_hold("instrument", instrument_id, instrument_id + 1) and may_hold_time(kind, file, start_ns, end_ns)
    ]
    wanted = all_of(pc.field("instrument") == instrument_id, in_range(kind, start_ns, end_ns), condition)

    def picked(table: pa.Table) -> np.ndarray:
        rows = _ordered(kind, table)
        return rows if pick is None else pick(rows)

    if limit is None:
        return picked(scan(kind, files, wanted))
    table = scan_some(
        kind, files, wanted, time_field(kind), limit, newest, lambda some: effective_ns(kind, picked(some))
    )
    found = picked(table)
    return found[max(len(found) - limit, 0) :] if newest else found[:limit]


def latest_revisions(bars: np.ndarray) -> np.ndarray:
    """The last revision of every bar of one instrument, by (close, width)."""
    bars, new = _by_bar(bars)
    latest: np.ndarray = bars[np.append(new[1:], True)[: len(bars)]]
    return latest


def first_revisions(bars: np.ndarray) -> np.ndarray:
    """The first revision of every bar of one instrument, by (close, width)."""
    bars, new = _by_bar(bars)
    first: np.ndarray = bars[new]
    return first


def _by_bar(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bars = bars[np.lexsort((bars["seq"], bars["revision"], bars["width_ns"], bars["close_ns"]))]
    same = (bars["close_ns"][1:] == bars["close_ns"][:-1]) & (bars["width_ns"][1:] == bars["width_ns"][:-1])
    return bars, np.append(True, ~same)[: len(bars)]


def _ordered(kind: str, table: pa.Table) -> np.ndarray:
    rows = to_numpy(kind, table)
    return rows[np.lexsort((table.column("n").to_numpy(), rows["seq"], effective_ns(kind, rows)))]
