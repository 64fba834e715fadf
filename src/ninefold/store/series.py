"""The bars of one series of days that are over, in one file that is mapped into memory: a year of minutes in milliseconds.

In:  a folder for such files; the table files that the bars come from; a way to read the bars from them.
Out: columns of the latest revisions, shape (n,) each, by close, read-only.
Only a copy, made when somebody asks and named after the table files it was made from: when these change (a late revision, a
day that was let go or joined) it is made again. Deleting the folder is always safe.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa

from ninefold.market.arrays import LAYOUT_VERSION
from ninefold.store.listing import StoredFile

COLUMNS = ("open_ns", "close_ns", "open", "high", "low", "close", "volume", "buy_volume", "trades", "state", "revision")
KEPT_BYTES = 2**30  # of all such files; those made first go first
_FORMAT = 1
_ENDING = ".arrow"


def series_columns(
    folder: Path, series: str, sources: Sequence[StoredFile], read: Callable[[], np.ndarray]
) -> dict[str, np.ndarray]:
    """COLUMNS of a series. series: a name for it, of letters, digits and dots. read: BARS rows from the sources."""
    path = folder / f"{series}-{_digest(sources)}{_ENDING}"
    found = _mapped(path)
    if found is None:
        rows = read()
        found = {name: np.ascontiguousarray(rows[name]) for name in COLUMNS}
        with suppress(OSError):  # a full or read-only disk: the next one who asks makes it again
            _write(path, series, found)
    return found


def _digest(sources: Sequence[StoredFile]) -> str:
    """Which files; each has a name of its own for ever."""
    said = "\n".join(sorted(f"{file.path} {file.rows}" for file in sources))
    return blake2b(f"{_FORMAT} {LAYOUT_VERSION} {said}".encode(), digest_size=10).hexdigest()


def _mapped(path: Path) -> dict[str, np.ndarray] | None:
    """None if there is none, or no whole one."""
    try:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
    except (OSError, pa.ArrowInvalid):
        return None
    return {name: table.column(name).to_numpy() for name in COLUMNS}


def _write(path: Path, series: str, columns: dict[str, np.ndarray]) -> None:
    """On the disk before its name says so; older copies of the series go, and what is beyond KEPT_BYTES."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    temporary = path.with_name(f".{uuid4()}.new")
    try:
        with temporary.open("wb") as file:
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)  # one batch, so that columns are mapped as they are
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    old = [other for other in path.parent.glob(f"{series}-*{_ENDING}") if other != path]
    rest = sorted(
        (one for one in path.parent.glob(f"*{_ENDING}") if one not in old), key=lambda one: one.stat().st_mtime
    )
    size = sum(one.stat().st_size for one in rest)
    while size > KEPT_BYTES and rest[0] != path:
        size -= rest[0].stat().st_size
        old.append(rest.pop(0))
    for one in old:
        one.unlink(missing_ok=True)
