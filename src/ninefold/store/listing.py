"""Which files a table has now, as its log says.

In:  the folder of tables, and a table's name.
Out: its live files and the last seq it covers; none if it was never written. The answer is kept and asked for again only when
     the log has gone on: two looks at the disk tell whether it has.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from ninefold.store.log_read import APP as APP
from ninefold.store.log_read import StoredFile as StoredFile
from ninefold.store.log_read import commit_path, last_checkpoint, read_commit

LOG = "_delta_log"
_KEPT = 64  # tables


def stored_files(folder: Path, name: str) -> list[StoredFile]:
    """The live files of a table as its log says now; none if it was never written."""
    listing = _listing(f"{folder}/{name}")
    return [] if listing is None else list(listing.now().files)


def committed_seq(folder: Path, name: str) -> int:
    """The last seq that was committed to a table, 0 if there is none."""
    listing = _listing(f"{folder}/{name}")
    return 0 if listing is None else listing.now().last_seq


def live(folder: Path, name: str) -> Live | None:
    """What a table is now; None if it was never written. Files come in the order in which they were committed."""
    listing = _listing(f"{folder}/{name}")
    return None if listing is None else listing.now()


class Live(NamedTuple):
    """What a table is now. As long as nothing is committed it is the same object."""

    version: int
    commit: tuple[int, int]  # which file the newest commit is: another one of that number is another table's
    files: tuple[StoredFile, ...]
    last_seq: int
    columns: tuple[str, ...]


_NOTHING = Live(-1, (0, 0), (), 0, ())


class _Listing:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path / LOG
        self._lock = threading.Lock()
        self._live = _NOTHING

    def now(self) -> Live:
        with self._lock:
            if not self._is_newest(self._live):
                self._live = self._read_on() or self._by_the_library()
            return self._live

    def _is_newest(self, live: Live) -> bool:
        return self._is_there(live) and not os.path.exists(commit_path(self._log, live.version + 1))

    def _is_there(self, live: Live) -> bool:
        return live.version >= 0 and _file_at(commit_path(self._log, live.version)) == live.commit

    def _read_on(self) -> Live | None:
        """What the commits say behind what is known, or all of them; None if some were tidied up before they were read."""
        known = self._live if self._is_there(self._live) else _NOTHING
        version, columns, seq = known.version, known.columns, known.last_seq
        files = {file.path: file for file in known.files}
        while (commit := read_commit(self._log, version + 1)) is not None:
            version += 1
            for path in commit.gone:
                files.pop(path, None)
            files.update(commit.added)
            seq = seq if commit.last_seq is None else commit.last_seq
            columns = commit.columns or columns
        if version < max(0, last_checkpoint(self._log)):
            return None
        return Live(version, _file_at(commit_path(self._log, version)), tuple(files.values()), seq, columns)

    def _by_the_library(self) -> Live:
        delta = DeltaTable(str(self._path))
        version, seq = delta.version(), delta.transaction_version(APP) or 0
        listed = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
        files = tuple(_stored_file(action, self._path) for action in listed)
        columns = tuple(field.name for field in delta.schema().fields)
        return Live(version, _file_at(commit_path(self._log, version)), files, seq, columns)


_lock = threading.Lock()
_listings: OrderedDict[str, _Listing] = OrderedDict()


def _listing(path: str) -> _Listing | None:
    """By its path as text: most answers need nothing else, and text is compared faster."""
    if not os.path.exists(f"{path}/{LOG}") or (path not in _listings and not DeltaTable.is_deltatable(path)):
        return None
    with _lock:
        found = _listings.get(path) or _listings.setdefault(path, _Listing(Path(path)))
        _listings.move_to_end(path)
        while len(_listings) > _KEPT:
            _listings.popitem(last=False)
    return found


def _file_at(path: str) -> tuple[int, int]:
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
