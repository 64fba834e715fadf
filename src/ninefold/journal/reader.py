"""Read a log: once from a position to its end, or on and on as it grows.

A record that is cut short at the very end is not there yet; a damaged one before the end of a closed segment is an
error. Plain and compressed segments read alike, also while the one becomes the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ninefold.journal.content import READ_BYTES, Content, open_segment
from ninefold.journal.letgo import LetGo, refuse_before
from ninefold.journal.packed import Packed
from ninefold.journal.segment import HEADER, Damaged, Record, all_there, check_header, first_seq_of, scan, segments


def read(folder: Path, after_seq: int = 0) -> Iterator[Record]:
    """All whole records with seq > after_seq, oldest first; with 0 those that there are.

    raises: Damaged if a closed segment is broken before its end; LetGo if records behind after_seq were let go.
    """
    files = segments(folder)
    if after_seq and files and first_seq_of(files[0]) > after_seq + 1:
        refuse_before(folder, after_seq)
    for number, path in enumerate(files):
        if number + 1 < len(files) and first_seq_of(files[number + 1]) <= after_seq:
            continue
        try:
            yield from read_segment(path, after_seq, last=number + 1 == len(files))
        except FileNotFoundError as error:
            if number + 1 == len(files):  # nothing whole was in it, and its writer removed it
                return
            raise LetGo(
                f"{path} went while the log was read: let go by retention, or moved away. Read the log again"
            ) from error


def read_segment(path: Path, after_seq: int = 0, last: bool = True) -> Iterator[Record]:
    """The whole records of one segment; `last`: it may still grow, so a torn end is no damage."""
    with open_segment(path) as content:
        if not check_header(content.read(0, HEADER.size), path):
            return
        end = HEADER.size
        for record_end, record in _records(content, HEADER.size):
            end = record_end
            if record.seq > after_seq:
                yield record
        size, closed = content.size, not last or isinstance(content, Packed)
        if closed and end < size:
            raise Damaged(
                f"{path} is damaged at byte {end} of {size}: a record's checksum differs; records behind it cannot be trusted"
            )


def _records(content: Content, at: int) -> Iterator[tuple[int, Record]]:
    """(end, record) from byte `at` on, as far as they are whole; a piece of the segment is in memory, never all."""
    data = b""
    while not all_there(data) and (part := content.read(at + len(data), READ_BYTES)):
        data += part
        end = 0
        for end, record in scan(memoryview(data), 0):
            yield at + end, record
        at += end
        data = data[end:]


class Follower:
    """Reads a log that somebody else writes; `poll` gives what has come since. bytes_read: of all records that it gave."""

    def __init__(self, folder: Path, after_seq: int = 0) -> None:
        self._folder = folder
        self._after_seq = after_seq
        self._path: Path | None = None
        self._offset = HEADER.size
        self.bytes_read = 0

    def poll(self, limit_bytes: int = 16 * 1024 * 1024) -> list[Record]:
        """New whole records, oldest first; empty if there are none yet. raises: Damaged, LetGo."""
        found: list[Record] = []
        while not found:
            if self._path is None and not self._open_first():
                break
            assert self._path is not None
            # Looked for first: then what is read below is all of a segment that has one behind it.
            later = self._later()
            try:
                with open_segment(self._path) as content:
                    data = content.read(self._offset, limit_bytes)
                    closed = later or isinstance(content, Packed)
            except FileNotFoundError:
                self._path = None  # let go; or nothing whole was in it when its writer died, and the next removed it
                continue
            end = 0
            for record_end, record in scan(memoryview(data), 0):
                end = record_end
                if record.seq > self._after_seq:
                    found.append(record)
            self._offset += end
            self.bytes_read += end
            if found:
                self._after_seq = found[-1].seq
            elif not end and len(data) == limit_bytes:
                limit_bytes *= 4  # a record larger than what was read
            elif data and not end and closed:
                raise self._damaged(len(data))
            elif not end:
                if not later:
                    break
                self._go(later[0])
        return found

    def _damaged(self, whole_bytes: int) -> Damaged:
        assert self._path is not None
        with open_segment(self._path) as content:
            content.read(self._offset + whole_bytes, 1)  # of a compressed one the block that could not be read
        return Damaged(f"{self._path} is damaged at byte {self._offset}; records behind it cannot be trusted")

    def _open_first(self) -> bool:
        files = [path for path in segments(self._folder) if _begun(path)]
        if not files:
            return False
        earlier = [path for path in files if first_seq_of(path) <= self._after_seq + 1]
        if not earlier:
            refuse_before(self._folder, self._after_seq)
        self._go(earlier[-1] if earlier else files[0])
        return True

    def _later(self) -> list[Path]:
        assert self._path is not None
        return [path for path in segments(self._folder) if path.name > self._path.name and _begun(path)]

    def _go(self, path: Path) -> None:
        with open_segment(path) as content:
            check_header(content.read(0, HEADER.size), path)
        self._path, self._offset = path, HEADER.size


def _begun(path: Path) -> bool:
    """Whether its header is written; a writer that starts removes a segment with nothing whole in it."""
    try:
        return path.stat().st_size >= HEADER.size
    except FileNotFoundError:
        return False
