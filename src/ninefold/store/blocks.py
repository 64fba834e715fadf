"""What was read last stays decoded for a while: a chart asks for the same rows again and again.

In:  a file, columns, a stretch of rows. Out: these rows; columns of whole row groups are kept, those used last, KEPT_BYTES in
     all. Files never change, so nothing kept is ever wrong. What takes many row groups is read past all this.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.store.parquet import footer, read_rows

KEPT_BYTES = 32 * 2**20
FEW_GROUPS = 4


def read_block_rows(path: str, columns: list[str], start: int, end: int) -> pa.Table:
    """Some columns of rows [start, end) of a file, at least one row. raises: OSError, pa.ArrowInvalid."""
    starts = footer(path).group_starts
    first = int(np.searchsorted(starts, start, "right")) - 1
    last = int(np.searchsorted(starts, end, "left"))
    if last - first > FEW_GROUPS:
        return read_rows(path, columns, start, end)
    parts = [_group(path, group, columns) for group in range(first, last)]
    rows = parts[0] if len(parts) == 1 else pa.concat_tables(parts)
    return rows.slice(start - int(starts[first]), end - start)


_Block = tuple[str, int, str]
_lock = threading.Lock()
_blocks: OrderedDict[_Block, pa.ChunkedArray] = OrderedDict()
_bytes = 0


def _group(path: str, group: int, columns: list[str]) -> pa.Table:
    with _lock:
        found = {name: _blocks[path, group, name] for name in columns if (path, group, name) in _blocks}
        for name in found:
            _blocks.move_to_end((path, group, name))
    missing = [name for name in columns if name not in found]
    if missing:
        with pq.ParquetFile(path, metadata=footer(path).metadata) as file:
            read = file.read_row_group(group, columns=missing)
        found |= {name: read.column(name) for name in missing}
        for name in missing:
            _keep((path, group, name), found[name])
    schema = footer(path).schema
    return pa.table([found[name] for name in columns], schema=pa.schema([schema.field(name) for name in columns]))


def _keep(block: _Block, values: pa.ChunkedArray) -> None:
    global _bytes
    with _lock:
        if block not in _blocks:
            _blocks[block] = values
            _bytes += values.nbytes
        while _bytes > KEPT_BYTES:
            _bytes -= _blocks.popitem(last=False)[1].nbytes
