"""Very many rows of a structured array, kept packed: compressed column by column, and in a temporary file once they are many.

In:  rows with whole numbers or doubles of 8 bytes. Out: the same, part by part.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from weakref import finalize

import numpy as np
import zstandard

from ninefold.store.data_dir import failed_write

PART = 8192  # rows that are packed at once
IN_MEMORY = 2**24  # bytes; more lie in a file


class PackedRows:
    """lengths: of the parts, each at least 1."""

    def __init__(self, of: np.dtype) -> None:
        self._of = of
        self.lengths: list[int] = []
        self._file, self._ends = SpooledTemporaryFile(IN_MEMORY), [0]  # noqa: SIM115  (held as long as this)
        finalize(self, self._file.close)

    def add(self, rows: np.ndarray) -> None:
        """Behind all before. raises: StoreWriteFailed if the disk of temporary files refuses."""
        try:
            self._add(rows)
        except OSError as refused:
            raise failed_write(Path(gettempdir()), refused) from refused

    def _add(self, rows: np.ndarray) -> None:
        self._file.seek(self._ends[-1])
        for first in range(0, len(rows), PART):
            some = np.ascontiguousarray(rows[first : first + PART])
            columns = some.view(np.int64).reshape(len(some), -1).T
            self._ends.append(self._ends[-1] + self._file.write(zstandard.compress(columns.tobytes())))
            self.lengths.append(len(some))

    def part(self, number: int) -> np.ndarray:
        self._file.seek(self._ends[number])
        packed = self._file.read(self._ends[number + 1] - self._ends[number])
        columns = np.frombuffer(zstandard.decompress(packed), np.int64)
        rows: np.ndarray = np.ascontiguousarray(columns.reshape(-1, self.lengths[number]).T)
        return rows.view(self._of).reshape(-1)

    def __len__(self) -> int:
        return sum(self.lengths)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Part by part."""
        return map(self.part, range(len(self.lengths)))
