"""Read a log: once from a position to its end, or on and on as it grows.

A record that is cut short at the very end is not there yet; a damaged one before the end of a closed segment is an
error.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from ninefold.journal.segment import HEADER, SUFFIX, Damaged, Record, check_header, scan, segments


def first_seq_of(path: Path) -> int:
    return int(path.name.removesuffix(SUFFIX))


def read(folder: Path, after_seq: int = 0) -> Iterator[Record]:
    """All whole records with seq > after_seq, oldest first.

    raises: Damaged if a closed segment is broken before its end.
    """
    files = segments(folder)
    for number, path in enumerate(files):
        if number + 1 < len(files) and first_seq_of(files[number + 1]) <= after_seq:
            continue
        yield from read_segment(path, after_seq, last=number + 1 == len(files))


def read_segment(path: Path, after_seq: int = 0, last: bool = True) -> Iterator[Record]:
    """The whole records of one segment; `last`: it may still grow, so a torn end is no damage."""
    with path.open("rb") as file:
        if path.stat().st_size < HEADER.size:
            return
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        check_header(data[: HEADER.size], path)
        end = HEADER.size
        view = memoryview(data)
        try:
            for record_end, record in scan(view, HEADER.size):
                end = record_end
                if record.seq > after_seq:
                    yield record
        finally:
            size = len(view)
            view.release()
        if end < size and not last:
            raise Damaged(
                f"{path} is damaged at byte {end} of {size}: a record's checksum differs; records behind it cannot be trusted"
            )


class Follower:
    """Reads a log that somebody else writes; `poll` gives what has come since."""

    def __init__(self, folder: Path, after_seq: int = 0) -> None:
        self._folder = folder
        self._after_seq = after_seq
        self._path: Path | None = None
        self._offset = HEADER.size

    def poll(self, limit_bytes: int = 16 * 1024 * 1024) -> list[Record]:
        """New whole records, oldest first; empty if there are none yet."""
        found: list[Record] = []
        while not found:
            if self._path is None and not self._open_first():
                break
            assert self._path is not None
            later = self._later()  # looked for first: then what is read below is all of a segment that has one behind it
            try:
                with self._path.open("rb") as file:
                    file.seek(self._offset)
                    data = file.read(limit_bytes)
            except FileNotFoundError:  # it held nothing whole when its writer died, and the next writer removed it
                self._path = None
                continue
            end = 0
            for record_end, record in scan(memoryview(data), 0):
                end = record_end
                if record.seq > self._after_seq:
                    found.append(record)
            self._offset += end
            if found:
                self._after_seq = found[-1].seq
            elif not end and len(data) == limit_bytes:
                limit_bytes *= 4  # a record larger than what was read
            elif not end:
                if not later:
                    break
                if data:
                    raise Damaged(f"{self._path} is damaged at byte {self._offset}; records behind it cannot be trusted")
                self._go(later[0])
        return found

    def _open_first(self) -> bool:
        files = [path for path in segments(self._folder) if _begun(path)]
        if not files:
            return False
        earlier = [path for path in files if first_seq_of(path) <= self._after_seq + 1]
        self._go(earlier[-1] if earlier else files[0])
        return True

    def _later(self) -> list[Path]:
        assert self._path is not None
        return [path for path in segments(self._folder) if path.name > self._path.name and _begun(path)]

    def _go(self, path: Path) -> None:
        with path.open("rb") as file:
            check_header(file.read(HEADER.size), path)
        self._path, self._offset = path, HEADER.size


def _begun(path: Path) -> bool:
    """Whether its header is written; a writer that starts removes a segment with nothing whole in it."""
    try:
        return path.stat().st_size >= HEADER.size
    except FileNotFoundError:
        return False
