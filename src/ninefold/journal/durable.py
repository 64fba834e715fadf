"""What a crash must not undo: bytes and names on the disk, and one at a time in a folder."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def to_disk(file: int) -> None:
    """What was written to an open file is on the disk when this returns."""
    if sys.platform == "darwin":  # where fsync ends in the drive's cache, and there is no fdatasync
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(file)


def folder_to_disk(folder: Path) -> None:
    """The names in a folder are on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def out_of_cache(file: int) -> None:
    """What is read next comes from the disk, where the system can do that. The file must be on the disk."""
    if sys.platform == "linux":
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Waits for other processes and threads that change the same folder; ends with the process, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
