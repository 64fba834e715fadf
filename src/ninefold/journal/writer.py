"""Append to a log: group commit, segments of 64 MiB that are compressed once they are closed, a torn tail cut on opening.

In:  records in the order in which they became known.
Out: files that survive kill -9 once `flush` returned, and a power loss once the sync after it ran (at most `SYNC_S`
     later).
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ninefold.journal.compress import Compressor
from ninefold.journal.durable import folder_to_disk, to_disk
from ninefold.journal.letgo import let_go_of
from ninefold.journal.packed import is_packed
from ninefold.journal.reader import read_segment
from ninefold.journal.segment import HEADER, Damaged, check_header, goes_on, header, pack, path_of, scan, segments

SEGMENT_BYTES = 64 * 1024 * 1024
SYNC_S = 0.05  # 3,500 synced writes a second is all a disk does: one group each 50 ms costs nothing and loses little


class DiskFull(OSError):
    """The log could not be written; nothing after the last flush is kept."""


@dataclass(frozen=True)
class Cut:
    """What was cut from the end of a segment that a crash left torn. kept: the file that has those bytes now."""

    path: Path
    bytes: int
    last_seq: int
    kept: Path


class LogWriter:
    """One writer per folder. Not for several threads, but for its own: one syncs, one compresses."""

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.cut: Cut | None = None
        self.last_seq = 0
        self._segment_bytes = segment_bytes
        self._buffer: list[bytes | memoryview] = []
        self._file: int | None = None
        self._size = 0
        self._dirty = threading.Event()
        self._closing = False
        self._lock = threading.Lock()
        self._failure: OSError | None = None
        if (gone := let_go_of(folder)) is not None:
            self.last_seq = gone.seq  # numbers go on, even if a power loss leaves nothing behind what was let go
        self._open_last()
        self.compressor = Compressor(folder)
        self._syncer = threading.Thread(target=self._sync_often, name=f"sync {folder.name}", daemon=True)
        self._syncer.start()

    def append(self, kind: int, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        """Queue one record; nothing is acknowledged before `flush`. seq must not go back."""
        if seq < self.last_seq:
            raise ValueError(f"seq {seq} after {self.last_seq} in {self.folder}: records must be appended in order")
        self.last_seq = seq
        self._buffer.append(pack(kind, connection, seq, receive_ns, payload))

    def append_packed(self, records: bytes | memoryview, last_seq: int) -> None:
        """Queue records that are packed already, one after the other; the last of them is last_seq."""
        if last_seq < self.last_seq:
            raise ValueError(
                f"seq {last_seq} after {self.last_seq} in {self.folder}: records must be appended in order"
            )
        self.last_seq = last_seq
        self._buffer.append(records)

    def flush(self) -> None:
        """Hand all queued records to the operating system (survives kill -9). raises DiskFull."""
        if not self._buffer:
            return
        if self._failure is not None:
            raise DiskFull(self._failure.errno, f"{self.folder} cannot be synced: {self._failure.strerror}")
        data = self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)
        if self._file is None or self._size + len(data) > self._segment_bytes + HEADER.size:
            self._next_segment(data)
        self._write(data)
        self._buffer.clear()
        if not self._dirty.is_set():
            self._dirty.set()

    def sync(self) -> None:
        """Force what was flushed to the disk now."""
        with self._lock:
            if self._file is not None:
                to_disk(self._file)

    def close(self) -> None:
        self.flush()
        self.compressor.close()
        self._closing = True
        self._dirty.set()
        self._syncer.join()
        self.sync()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, data: bytes | memoryview) -> None:
        assert self._file is not None
        view = memoryview(data)
        start = self._size
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            os.ftruncate(self._file, start)  # leave no half of a group behind
            raise DiskFull(
                error.errno,
                f"could not write {len(data)} bytes to {self.folder}: {error.strerror}. Nothing of them was kept. "
                "Free space on this disk, then start again; what was stored before is whole",
            ) from error
        self._size += len(data)

    def _next_segment(self, data: bytes | memoryview) -> None:
        _, first = next(scan(data, 0))
        with self._lock:
            if self._file is not None:
                to_disk(self._file)
                os.close(self._file)
                self._file = None
            path = path_of(self.folder, first.seq)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._size = 0
        try:
            self._write(header(time.time_ns()))
        except DiskFull:
            os.close(self._file)
            self._file = None  # without a header nothing may follow: the next flush begins the segment again
            raise
        folder_to_disk(self.folder)
        self.compressor.wake()

    def _open_last(self) -> None:
        while files := segments(self.folder):
            path = files[-1]
            if _closed_already(path):
                for record in read_segment(path, last=False):
                    self.last_seq = record.seq
                return
            data = path.read_bytes()
            end = 0
            if any(data) and check_header(data, path):  # only zeros: what a power loss leaves of a file never synced
                end = HEADER.size
                for record_end, record in scan(memoryview(data), HEADER.size):
                    end, self.last_seq = record_end, record.seq
            if goes_on(data, end):
                raise Damaged(
                    f"{path} is damaged at byte {end} of {len(data)}, with whole records behind it: no crash does that. "
                    "Restore the file from a copy, or move it away to go on without its records"
                )
            if end < len(data):
                self.cut = Cut(path, len(data) - end, self.last_seq, _put_aside(path, data[end:]))
            if end <= HEADER.size:  # nothing whole in it: the segment before goes on
                path.unlink()
                continue
            self._file = os.open(path, os.O_RDWR | os.O_APPEND)
            os.ftruncate(self._file, end)
            self._size = end
            return

    def _sync_often(self) -> None:
        while not self._closing:
            self._dirty.wait()
            self._dirty.clear()
            try:
                self.sync()
            except OSError as error:
                self._failure = error
            time.sleep(SYNC_S)


def _closed_already(path: Path) -> bool:
    """Whether the newest one is compressed: the one behind it had nothing whole in it, and the next flush begins another."""
    with path.open("rb") as file:
        return is_packed(file.fileno())


def _put_aside(path: Path, torn: bytes) -> Path:
    """Nobody reads them, but what a crash did can be looked at, and a damage that looks like one can be mended."""
    kept = path.with_suffix(".torn")
    with kept.open("ab") as file:
        file.write(torn)
    return kept
