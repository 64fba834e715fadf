"""Which files a table has now, as its log says.

In:  the folder of tables, and a table's name.
Out: its live files and the last seq it covers; none if it was never written. The answer is kept and asked for again only when
     the log has gone on: two looks at the disk tell whether it has.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from datetime import date
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

APP = "ninefold"
LOG = "_delta_log"
_KEPT = 64  # tables


class StoredFile(NamedTuple):
    """One live file: its path, rows, size, day, and the bounds of the columns that have statistics."""

    path: str
    rows: int
    bytes: int
    day: date | None
    bounds: dict[str, tuple[int, int]]

    def may_hold(self, column: str, low: int | None, high: int | None) -> bool:
        """Whether a value in [low, high) may be in it."""
        smallest, largest = self.bounds[column]
        return (low is None or largest >= low) and (high is None or smallest < high)


def stored_files(folder: Path, name: str) -> list[StoredFile]:
    """The live files of a table as its log says now; none if it was never written."""
    listing = _listing(folder / name)
    return [] if listing is None else list(listing.now().files)


def committed_seq(folder: Path, name: str) -> int:
    """The last seq that was committed to a table, 0 if there is none."""
    listing = _listing(folder / name)
    return 0 if listing is None else listing.now().last_seq


def live(folder: Path, name: str) -> Live | None:
    """What a table is now; None if it was never written."""
    listing = _listing(folder / name)
    return None if listing is None else listing.now()


def files_of(delta: DeltaTable, path: Path) -> tuple[StoredFile, ...]:
    """The live files of a table that is open."""
    listed = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    return tuple(_stored_file(action, path) for action in listed)


class Live(NamedTuple):
    """What a table is now. As long as nothing is committed it is the same object."""

    version: int
    commit: tuple[int, int]  # which file the newest commit is: another one of that number is another table's
    files: tuple[StoredFile, ...]
    last_seq: int


class _Listing:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._delta: DeltaTable | None = None
        self._live: Live | None = None

    def now(self) -> Live:
        with self._lock:
            if self._live is None or not self._newest(self._live):
                self._live = self._read()
            return self._live

    def _newest(self, live: Live) -> bool:
        return _file_at(self._commit(live.version)) == live.commit and not self._commit(live.version + 1).exists()

    def _read(self) -> Live:
        if self._delta is None or self._live is None or _file_at(self._commit(self._live.version)) != self._live.commit:
            self._delta = DeltaTable(str(self._path))
        else:
            try:
                self._delta.update_incremental()
            except DeltaError:  # its log was tidied up between where we are and where it is
                self._delta = DeltaTable(str(self._path))
        version = self._delta.version()
        seq = self._delta.transaction_version(APP) or 0
        return Live(version, _file_at(self._commit(version)), files_of(self._delta, self._path), seq)

    def _commit(self, version: int) -> Path:
        return self._path / LOG / f"{version:020d}.json"


_lock = threading.Lock()
_listings: OrderedDict[Path, _Listing] = OrderedDict()


def _listing(path: Path) -> _Listing | None:
    if not (path / LOG).exists() or (path not in _listings and not DeltaTable.is_deltatable(str(path))):
        return None
    with _lock:
        found = _listings.setdefault(path, _Listing(path))
        _listings.move_to_end(path)
        while len(_listings) > _KEPT:
            _listings.popitem(last=False)
    return found


def _file_at(path: Path) -> tuple[int, int]:
    """Which file lies there; (0, 0) if there is none."""
    try:
        about = os.stat(path)
    except FileNotFoundError:
        return 0, 0
    return about.st_ino, about.st_mtime_ns


def _stored_file(action: dict[str, object], path: Path) -> StoredFile:
    bounds = {
        key[4:]: (value, action["max." + key[4:]])
        for key, value in action.items()
        if key.startswith("min.") and value is not None
    }
    return StoredFile(
        path=str(path / unquote(str(action["path"]))),
        rows=action["num_records"],  # type: ignore[arg-type]
        bytes=action["size_bytes"],  # type: ignore[arg-type]
        day=action.get("partition.day"),  # type: ignore[arg-type]
        bounds=bounds,  # type: ignore[arg-type]
    )
