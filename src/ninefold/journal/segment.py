"""The format of one segment file.

A segment is a header and records. Header: magic, version, creation time. Record: length, crc32 (of the rest of the
record), kind, connection,
seq, receive_ns, payload; little endian. A record that is cut short or whose checksum differs ends what can be read.
Once closed, the file may be compressed (packed.py); its name and the bytes that it gives stay the same.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MAGIC = b"NINEFOLD"
VERSION = 1
HEADER = struct.Struct("<8sIq")
_LENGTH = struct.Struct("<II")
_FIXED = struct.Struct("<BHqq")
OVERHEAD = _LENGTH.size + _FIXED.size
SUFFIX = ".nfj"


class WrongVersion(ValueError):
    """A segment that another version of the format wrote."""


class Damaged(ValueError):
    """A segment that is broken before its end."""


class Record(NamedTuple):
    """kind: one of the kinds of the log; connection: number of the connection it came over, 0 for none."""

    kind: int
    connection: int
    seq: int
    receive_ns: int
    payload: bytes


def path_of(folder: Path, first_seq: int) -> Path:
    return folder / f"{first_seq:020d}{SUFFIX}"


def segments(folder: Path) -> list[Path]:
    """All segments of a log, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def first_seq_of(path: Path) -> int:
    """The seq of a segment's first record, which its name says."""
    return int(path.name.removesuffix(SUFFIX))


def header(created_ns: int) -> bytes:
    return HEADER.pack(MAGIC, VERSION, created_ns)


def pack(kind: int, connection: int, seq: int, receive_ns: int, payload: bytes) -> bytes:
    fixed = _FIXED.pack(kind, connection, seq, receive_ns)
    length = _LENGTH.pack(len(fixed) + len(payload), zlib.crc32(payload, zlib.crc32(fixed)))
    return b"".join((length, fixed, payload))


def check_header(data: bytes, path: Path) -> bool:
    """False if the header itself is cut short. raises WrongVersion."""
    if len(data) < HEADER.size:
        return False
    magic, version, _ = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise Damaged(
            f"{path} does not begin like a journal segment (found {magic!r}); it was not written by ninefold or is damaged"
        )
    if version != VERSION:
        raise WrongVersion(
            f"{path} has journal format {version}, this program reads {VERSION}; "
            "install the ninefold that wrote it, or use another data dir"
        )
    return True


def scan(data: bytes | memoryview, start: int) -> Iterator[tuple[int, Record]]:
    """Whole records from byte `start` on: (end offset, record). Stops at the first that is cut short or damaged."""
    size = len(data)
    while start + OVERHEAD <= size:
        length, checksum = _LENGTH.unpack_from(data, start)
        end = start + _LENGTH.size + length
        if length < _FIXED.size or end > size:
            return
        body = data[start + _LENGTH.size : end]
        if zlib.crc32(body) != checksum:
            return
        kind, connection, seq, receive_ns = _FIXED.unpack_from(body)
        yield end, Record(kind, connection, seq, receive_ns, bytes(body[_FIXED.size :]))
        start = end


def packed_record(data: memoryview, start: int) -> tuple[int, Record]:
    """The record at byte `start` of what this program has just packed, and where it ends; no checksum is looked at."""
    (length, _), body = _LENGTH.unpack_from(data, start), start + _LENGTH.size
    end = body + length
    kind, connection, seq, receive_ns = _FIXED.unpack_from(data, body)
    return end, Record(kind, connection, seq, receive_ns, bytes(data[body + _FIXED.size : end]))


def all_there(data: bytes) -> bool:
    """Whether nothing of the record that `data` begins with is missing; if it cannot be read, it is damaged then."""
    return len(data) >= _LENGTH.size and len(data) >= _LENGTH.size + _LENGTH.unpack_from(data)[0]


def goes_on(data: bytes, broken: int) -> bool:
    """Whether a whole record follows the broken one at byte `broken`: then it was damaged later, no crash tore it."""
    if broken + _LENGTH.size > len(data):
        return False
    length, _ = _LENGTH.unpack_from(data, broken)
    return next(scan(data, broken + _LENGTH.size + length), None) is not None
