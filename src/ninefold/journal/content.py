"""The bytes of a segment, at the places where they were written, whether the file is plain or compressed by now.

A file that was replaced or removed after it was opened goes on to be read as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ninefold.journal.packed import Packed, is_packed

READ_BYTES = 1024 * 1024


class Plain:
    """A segment as its writer left it; it may still grow."""

    def __init__(self, file: int) -> None:
        self._file = file

    @property
    def size(self) -> int:
        return os.fstat(self._file).st_size

    @property
    def stored_bytes(self) -> int:
        return self.size

    def read(self, offset: int, count: int) -> bytes:
        return os.pread(self._file, count, offset)


Content = Plain | Packed


@contextmanager
def open_segment(path: Path) -> Iterator[Content]:
    """raises: FileNotFoundError; Damaged and WrongVersion for a compressed one, here or when it is read."""
    file = os.open(path, os.O_RDONLY)
    try:
        yield Packed(path, file) if is_packed(file) else Plain(file)
    finally:
        os.close(file)


def bytes_of(path: Path) -> Iterator[bytes]:
    """A segment's bytes as they were written: the same before and after it was compressed. raises: as open_segment."""
    with open_segment(path) as content:
        at = 0
        while part := content.read(at, READ_BYTES):
            at += len(part)
            yield part
