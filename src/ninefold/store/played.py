"""What a search has played so far, beside the ledger, so that one that was interrupted goes on without playing it again.

In:  rows of one dtype by the number of their point. Out: the same rows after any end of the process.

`D/cache/searches/` may be deleted at any time: what is missing is played again. A row that is not whole is as good as none.
"""

from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

import numpy as np

from ninefold.store.data_dir import failed_write


class PlayedRows:
    """path: the data dir. name: of the search, by its content too: ledgers begin anew."""

    def __init__(self, path: Path, name: str, dtype: np.dtype) -> None:
        self._file = path / "cache" / "searches" / name
        self._dtype = np.dtype([("check", "<u4"), ("point", "<i8"), ("row", dtype)])

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Put what is there into rows, shape (points,); returns where something was, bool."""
        found = np.zeros(len(rows), bool)
        kept = self._kept()
        if not self._file.exists():
            return found
        for one in np.frombuffer(self._file.read_bytes()[:kept], self._dtype):
            if one["check"] == _check(one) and 0 <= one["point"] < len(rows):
                rows[one["point"]] = one["row"]
                found[one["point"]] = True
        return found

    def append(self, first: int, rows: np.ndarray) -> None:
        """rows: of point `first` and following. raises: StoreWriteFailed."""
        made = np.zeros(len(rows), self._dtype)
        made["point"], made["row"] = np.arange(first, first + len(rows)), rows
        made["check"] = [_check(one) for one in made]
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                os.truncate(file.fileno(), self._kept())
                file.write(made.tobytes())
        except OSError as refused:
            raise failed_write(self._file, refused) from refused

    def _kept(self) -> int:
        """Bytes of whole rows: a process that died may have left a part of one."""
        size = self._file.stat().st_size if self._file.exists() else 0
        return size // self._dtype.itemsize * self._dtype.itemsize


def _check(one: np.void) -> int:
    return crc32(one.tobytes()[4:])
