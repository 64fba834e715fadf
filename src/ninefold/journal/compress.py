"""Compress what is closed, in the background.

In:  the folder of a log that is being written.
Out: closed segments in compressed form, under the same name. The new file is written beside the old one, synced, read
     back and compared, and then takes its name in one step; so at any moment there is exactly one whole file of that
     name, and what a crash leaves is at most a temporary file, which the next start removes.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ninefold.journal.durable import folder_to_disk, one_at_a_time, out_of_cache, to_disk
from ninefold.journal.packed import BLOCK_BYTES, Packed, pack_into
from ninefold.journal.segment import MAGIC, Damaged, WrongVersion, segments

TEMPORARY = ".new"
NICE = 19  # what nobody else wants


class Compressor:
    """A thread of lowest priority; blocks are compressed and checked without Python's lock.

    problem: why a segment stayed plain the last time, "" if none did; it is tried again when the next one is closed.
    """

    def __init__(self, folder: Path) -> None:
        remove_left_over(folder)
        self.problem = ""
        self._folder = folder
        self._done: set[str] = set()
        self._closing = False
        self._wake = threading.Event()
        self._wake.set()  # what an earlier run left plain
        self._thread = threading.Thread(target=self._run, name=f"compress {folder.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """A segment was closed."""
        self._wake.set()

    def close(self) -> None:
        """What is not finished stays plain until the next start."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        if sys.platform == "linux":  # where threads have priorities of their own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            problem = ""
            for path in closed(self._folder):
                if path.name not in self._done and not self._closing:
                    problem = self._try(path) or problem
            self.problem = problem

    def _try(self, path: Path) -> str:
        """Compress one, if it is plain; returns what is wrong."""
        try:
            compress(path, lambda: self._closing)
        except (OSError, Damaged, WrongVersion) as error:
            return f"{path} stays as it is: {error}"
        if not self._closing:
            self._done.add(path.name)
        return ""


def compress_closed(folder: Path) -> int:
    """Compress all closed segments now, oldest first; returns how many. raises: OSError, Damaged."""
    return sum(compress(path) for path in closed(folder))


def compress(plain: Path, stopped: Callable[[], bool] = lambda: False) -> bool:
    """Compress a closed segment, if it is there and plain. False if there was nothing to do, or `stopped` said so.

    raises: OSError if the disk refuses, Damaged if it did not keep what was written; the plain one is there then.
    """
    temporary = plain.with_suffix(TEMPORARY)
    with one_at_a_time(plain.parent):  # neither compressed twice nor let go meanwhile
        if not plain.exists():
            return False
        try:
            with plain.open("rb") as source:
                if source.read(len(MAGIC)) != MAGIC:  # compressed already, or damaged: readers tell
                    return False
                if not write(source, temporary, stopped):
                    return False
                check(source, temporary)
            take_place(plain, temporary)
        finally:
            temporary.unlink(missing_ok=True)
    return True


def write(source: IO[bytes], temporary: Path, stopped: Callable[[], bool]) -> bool:
    """The compressed form in a file of its own, on the disk. False if it was stopped."""
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    if shutil.disk_usage(temporary.parent).free < 2 * size:
        raise OSError(errno.ENOSPC, "too little space is left to compress it beside the open segment")
    with temporary.open("wb") as target:
        if not pack_into(source, size, target, stopped):
            return False
        target.flush()
        to_disk(target.fileno())
        out_of_cache(target.fileno())
    return True


def check(source: IO[bytes], temporary: Path) -> None:
    """Read it back. raises: Damaged if it does not give the bytes of the plain one."""
    source.seek(0)
    at = checksum = 0
    with temporary.open("rb") as made:
        packed = Packed(temporary, made.fileno())
        while part := source.read(BLOCK_BYTES):  # one block: nothing is copied while Python's lock is held
            if packed.read(at, len(part)) != part:
                raise Damaged(f"{temporary} does not give back what was compressed, from byte {at} on")
            at += len(part)
            checksum = zlib.crc32(part, checksum)
    if (packed.size, packed.checksum) != (at, checksum):
        raise Damaged(
            f"{temporary} says {packed.size} bytes with checksum {packed.checksum}; these are {at}, {checksum}"
        )


def take_place(plain: Path, temporary: Path) -> None:
    """The compressed file gets the plain one's name, in one step."""
    temporary.replace(plain)
    folder_to_disk(plain.parent)


def closed(folder: Path) -> list[Path]:
    """All segments that have one behind them: nobody appends to them any more."""
    return segments(folder)[:-1]


def remove_left_over(folder: Path) -> None:
    """Temporary files of a compressor that was killed. Only for a log's writer, at its start."""
    with one_at_a_time(folder):
        for path in folder.glob(f"*{TEMPORARY}"):
            path.unlink()
