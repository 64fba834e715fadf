"""Rows of one instrument out of a table's files, in order.

In:  a kind, the live files of its table, an instrument, a range of time, perhaps a limit.
Out: structured arrays by (time, seq, place within seq), or columns in the same order.

A file says which of its rows are of which instrument, and within these they are sorted by time: only the row groups that hold
wanted rows are read. Files that do not say so (others wrote them) are filtered row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.market.arrays import KINDS
from ninefold.market.time import UNKNOWN_NS
from ninefold.store.blocks import read_block_rows
from ninefold.store.delta import file_schema
from ninefold.store.layout import MARKET_KINDS, effective_ns, market_columns, time_field, to_numpy
from ninefold.store.listing import StoredFile
from ninefold.store.order import time_order
from ninefold.store.parquet import Footer, footer
from ninefold.store.scan import all_of, in_range, may_hold_time, scan, steps

TIME = "time_ns"
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
    columns = file_schema(kind).names
    some = _files_of(kind, files, instrument_id, start_ns, end_ns)
    most = limit if condition is None and pick is None else None

    def read(step: list[StoredFile]) -> pa.Table:
        parts = [_part(kind, file, instrument_id, start_ns, end_ns, columns, most, newest) for file in step]
        rows = pa.concat_tables([file_schema(kind).empty_table(), *parts])
        return rows if condition is None else rows.filter(condition)

    def picked(table: pa.Table) -> np.ndarray:
        rows = _ordered(kind, table)
        return rows if pick is None else pick(rows)

    if limit is None:
        return picked(read(some))
    table = file_schema(kind).empty_table()
    column, found = time_field(kind), picked(table)
    parts = steps(some, column, newest)
    for number, step in enumerate(parts):
        table = pa.concat_tables([table, read(step)])
        found = picked(table)
        if _are_all(effective_ns(kind, found), column, parts[number + 1 :], limit, newest):
            break
    return found[_kept(len(found), limit, newest)]


def columns_of(
    kind: str,
    files: Sequence[StoredFile],
    instrument_id: int,
    names: Sequence[str],
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
    newest: bool = False,
) -> dict[str, np.ndarray]:
    """Number columns of the rows whose time lies in [start_ns, end_ns), shape (n,) each; nothing else is read but what
    puts them in order. The name `time_ns` asks for the time by which they are ordered.
    """
    some = _files_of(kind, files, instrument_id, start_ns, end_ns)
    wanted = list(dict.fromkeys([*(name for name in names if name != TIME), *_time_columns(kind, some)]))

    def read(columns: list[str]) -> list[pa.Table]:
        parts: list[pa.Table] = []
        for of in _parts(kind, some, instrument_id, start_ns, end_ns, columns, limit, newest):
            parts += [part for part in of if part.num_rows]
        return parts

    found = [(effective_ns(kind, part), part) for part in (market_columns(kind, one) for one in read(wanted))]
    found.sort(key=lambda pair: (pair[0][0], pair[0][-1]))
    if all(later[0][0] > earlier[0][-1] for earlier, later in pairwise(found)):
        columns = {name: _joined(kind, name, [part[name] for _, part in found]) for name in wanted}
    else:  # late rows: files overlap in time
        keyed = list(dict.fromkeys([*wanted, "seq", "n"]))
        table = pa.concat_tables(read(keyed))
        columns = market_columns(kind, table)
        order = time_order(effective_ns(kind, columns), columns["seq"], table.column("n").to_numpy())
        if order is not None:
            columns = {name: values.take(order) for name, values in columns.items()}
    cut = slice(None) if limit is None else _kept(len(columns[wanted[0]]), limit, newest)
    return {name: (effective_ns(kind, columns) if name == TIME else columns[name])[cut] for name in names}


def count_of(kind: str, files: Sequence[StoredFile]) -> dict[int, int]:
    """How many rows each instrument has, from what files say of themselves."""
    instruments, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for file in files:
        runs = footer(file.path).runs
        if runs is None:
            found, numbers = np.unique(
                scan(kind, [file], None, ["instrument"]).column(0).to_numpy(), return_counts=True
            )
        else:
            found, numbers = runs.instruments, runs.counts
        instruments.append(found)
        counts.append(numbers)
    all_instruments, places = np.unique(np.concatenate(instruments), return_inverse=True)
    totals = np.zeros(len(all_instruments), np.int64)
    np.add.at(totals, places, np.concatenate(counts))
    return dict(zip(all_instruments.tolist(), totals.tolist(), strict=True))


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


def _joined(kind: str, name: str, parts: list[np.ndarray]) -> np.ndarray:
    """One after the other, and the caller's own: what is kept in memory for the next question is not handed out."""
    if len(parts) == 1:
        return np.require(parts[0], requirements="W")
    return np.concatenate([np.empty(0, KINDS[kind][name]), *parts])


def _ordered(kind: str, table: pa.Table) -> np.ndarray:
    rows = to_numpy(kind, table)
    order = time_order(effective_ns(kind, rows), rows["seq"], table.column("n").to_numpy())
    return rows if order is None else rows[order]


def _parts(
    kind: str,
    files: list[StoredFile],
    instrument_id: int,
    start_ns: int | None,
    end_ns: int | None,
    columns: list[str],
    limit: int | None,
    newest: bool,
) -> Iterator[list[pa.Table]]:
    """The wanted rows, of some files each time, until these are as many as wanted. columns: those of time among them."""
    column, times = time_field(kind), np.empty(0, np.int64)
    parts = [files] if limit is None else steps(files, column, newest)
    for number, step in enumerate(parts):
        found = [_part(kind, file, instrument_id, start_ns, end_ns, columns, limit, newest) for file in step]
        yield found
        if limit is not None and number + 1 < len(parts):
            times = np.sort(
                np.concatenate([times, *(effective_ns(kind, market_columns(kind, part)) for part in found)])
            )
            if _are_all(times, column, parts[number + 1 :], limit, newest):
                return


def _are_all(times: np.ndarray, column: str, later: list[list[StoredFile]], limit: int, newest: bool) -> bool:
    """Whether files that are left hold none of the first or last rows. times: of the rows found so far, rising."""
    left = [file.bounds[column] for step in later for file in step]
    if not left or not len(times) >= limit > 0:
        return False
    if newest:
        return bool(times[-limit] > max(high for _, high in left))
    return bool(times[limit - 1] < min(low for low, _ in left))


def _kept(count: int, limit: int, newest: bool) -> slice:
    """Which of so many rows the first or last ones are."""
    return slice(max(count - limit, 0), None) if newest else slice(0, limit)


def _files_of(
    kind: str, files: Sequence[StoredFile], instrument_id: int, start_ns: int | None, end_ns: int | None
) -> list[StoredFile]:
    """Those that may hold such rows, by their statistics."""
    return [
        file
        for file in files
        if file.may_hold("instrument", instrument_id, instrument_id + 1) and may_hold_time(kind, file, start_ns, end_ns)
    ]


def _part(
    kind: str,
    file: StoredFile,
    instrument_id: int,
    start_ns: int | None,
    end_ns: int | None,
    columns: list[str],
    most: int | None,
    newest: bool,
) -> pa.Table:
    """The wanted rows of one file; only the last or first `most` of them, if that is given."""
    about = footer(file.path)
    if about.runs is None:
        condition = all_of(pc.field("instrument") == instrument_id, in_range(kind, start_ns, end_ns))
        return scan(kind, [file], condition, columns)
    start, end = about.runs.of(instrument_id)
    if start_ns is not None or end_ns is not None:
        start, end = _within(kind, file, about, start, end, start_ns, end_ns)
    if most is not None:
        start, end = (max(start, end - most), end) if newest else (start, min(end, start + most))
    if start == end:
        schema = file_schema(kind)
        return pa.schema([schema.field(name) for name in columns]).empty_table()
    return read_block_rows(file.path, columns, start, end)


def _within(
    kind: str, file: StoredFile, about: Footer, start: int, end: int, start_ns: int | None, end_ns: int | None
) -> tuple[int, int]:
    """Those of the rows [start, end), which are sorted by time, that lie in a range of time."""
    field = time_field(kind)
    bounds = about.bounds(field)
    groups = about.group_starts
    untold = bool((bounds == UNKNOWN_NS).any())
    for low_side, moment in ((True, start_ns), (False, end_ns)):
        low, high = file.bounds[field]
        if moment is None or start == end or (not untold and (low >= moment if low_side else high < moment)):
            continue
        first, last = start, end
        if not untold:  # whole row groups that lie before the moment, or behind it
            before, after = groups[1:][bounds[:, 1] < moment], groups[:-1][bounds[:, 0] >= moment]
            first = max(start, int(before[before <= end].max(initial=start)))
            last = min(end, int(after[after >= first].min(initial=end)))
        if first < last:
            names = _time_columns(kind, [file])
            times = effective_ns(kind, market_columns(kind, read_block_rows(file.path, names, first, last)))
            first += int(np.searchsorted(times, moment))
        start, end = (first, end) if low_side else (start, first)
    return start, end


def _time_columns(kind: str, files: Sequence[StoredFile]) -> list[str]:
    field = time_field(kind)
    untold = kind in MARKET_KINDS and any(file.bounds[field][0] == UNKNOWN_NS for file in files)
    return [field, "receive_ns"] if untold else [field]
