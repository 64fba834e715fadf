"""The compressed form of a closed segment: the same bytes, in blocks that can be read alone.

It is a file that `zstd -dc` turns into the segment again: a skippable frame with our head, then one frame for each
512 KiB. Head: magic, version, size of a block, the segment's length and CRC-32; for each block where it ends in the
file and the CRC-32 of its bytes there; the CRC-32 of the head. So whatever byte flips, it is noticed before anything
is unpacked. In every later version the head stays such a frame, with magic and version first and its checksum last.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

from ninefold.journal.segment import MAGIC, Damaged, WrongVersion

VERSION = 1
LEVEL = 3  # 450 MB/s and a sixth of the size on a core; 6 takes three times as long for a tenth less
BLOCK_BYTES = 512 * 1024  # as small a file as with one frame for all, within 1 %
SKIPPABLE = struct.pack("<I", 0x184D2A50)  # RFC 8878, 3.1.2
_FRAME = struct.Struct("<4sI")
_FIXED = struct.Struct("<8sIIQI")
_BLOCK = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_LEAST = _FIXED.size + _CHECKSUM.size  # of a head, behind the frame's own eight bytes


class Block(NamedTuple):
    """Where it ends in the file, and the CRC-32 of its bytes there."""

    end: int
    checksum: int


class Packed:
    """The bytes of a compressed segment, at the places that they had in the plain one.

    size: of the segment. stored_bytes: of this file. checksum: the segment's CRC-32.
    """

    def __init__(self, path: Path, file: int) -> None:
        """file: open for reading, for as long as this is used. raises: Damaged, WrongVersion."""
        self._path, self._file = path, file
        self.stored_bytes = os.fstat(file).st_size
        self.size, self.checksum, self._block_bytes, self._begin, self._blocks = self._head()
        self._held = (-1, b"")  # the block that was read last

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes of the segment from `offset` on, fewer before its end and before a damaged block.

        raises: Damaged if the byte at `offset` is in a damaged block.
        """
        end = min(offset + count, self.size)
        if offset >= end:
            return b""
        first = offset // self._block_bytes
        parts = [self._block(first)]
        for number in range(first + 1, (end - 1) // self._block_bytes + 1):
            try:
                parts.append(self._block(number))
            except Damaged:
                break  # told when it is asked for itself: what lies before it is whole
        begin = first * self._block_bytes
        return b"".join(parts)[offset - begin : end - begin]

    def _block(self, number: int) -> bytes:
        if self._held[0] == number:
            return self._held[1]
        begin = self._blocks[number - 1].end if number else self._begin
        end, checksum = self._blocks[number]
        raw = number * self._block_bytes
        due = min(self._block_bytes, self.size - raw)
        stored = os.pread(self._file, end - begin, begin)
        if zlib.crc32(stored) != checksum:
            raise self._damaged(begin, end, f"a block's checksum differs; it held the bytes from {raw} on")
        try:
            block = zstandard.ZstdDecompressor().decompress(stored, max_output_size=due)
        except zstandard.ZstdError as error:
            raise self._damaged(begin, end, f"a block cannot be unpacked ({error})") from error
        if len(block) != due:
            raise self._damaged(begin, end, f"a block has {len(block)} bytes and should have {due}")
        if number + 1 == len(self._blocks) and self.stored_bytes > end:
            raise self._damaged(end, self.stored_bytes, "there is more than its head says")
        self._held = number, block
        return block

    def _head(self) -> tuple[int, int, int, int, Sequence[Block]]:
        frame = os.pread(self._file, _FRAME.size, 0)
        length = _FRAME.unpack(frame)[1] if len(frame) == _FRAME.size else 0
        end = _FRAME.size + length
        head = os.pread(self._file, end, 0) if _LEAST <= length <= self.stored_bytes else b""
        if len(head) < end or zlib.crc32(head[: -_CHECKSUM.size]) != _CHECKSUM.unpack(head[-_CHECKSUM.size :])[0]:
            raise self._damaged(0, min(end, self.stored_bytes), "the checksum of its head differs")
        magic, version, block_bytes, size, checksum = _FIXED.unpack_from(head, _FRAME.size)
        if magic != MAGIC:
            raise self._damaged(0, end, f"it is no journal segment (found {magic!r}), but another zstd file")
        if version != VERSION:
            raise WrongVersion(
                f"{self._path} has compressed journal format {version}, this program reads {VERSION}; "
                "install the ninefold that wrote it or a newer one, or use another data dir"
            )
        blocks = [Block(*one) for one in _BLOCK.iter_unpack(head[_FRAME.size + _FIXED.size : -_CHECKSUM.size])]
        if not block_bytes or len(blocks) != -(-size // block_bytes):
            raise self._damaged(0, end, f"its head lists {len(blocks)} blocks of {block_bytes} bytes for {size} bytes")
        return size, checksum, block_bytes, end, blocks

    def _damaged(self, begin: int, end: int, why: str) -> Damaged:
        return Damaged(
            f"{self._path} is damaged at byte {begin} to {end} of {self.stored_bytes}: {why}. "
            "Records from there on cannot be read: put the file back from a copy"
        )


def is_packed(file: int) -> bool:
    return os.pread(file, len(SKIPPABLE), 0) == SKIPPABLE


def pack_into(source: IO[bytes], size: int, target: IO[bytes], stopped: Callable[[], bool]) -> bool:
    """Write the compressed form of a segment of `size` bytes, block by block. False if it was stopped on the way."""
    number_of_blocks = -(-size // BLOCK_BYTES)
    at = _FRAME.size + _LEAST + number_of_blocks * _BLOCK.size
    target.seek(at)  # the head comes last, when it is known
    blocks: list[Block] = []
    checksum = 0
    for raw, stored in _compressed(source):
        if stopped():
            return False
        target.write(stored)
        at += len(stored)
        checksum = zlib.crc32(raw, checksum)
        blocks.append(Block(at, zlib.crc32(stored)))
    target.seek(0)
    target.write(_head_of(size, checksum, blocks))
    return True


def _compressed(source: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    while raw := source.read(BLOCK_BYTES):
        yield raw, compressor.compress(raw)


def _head_of(size: int, checksum: int, blocks: Sequence[Block]) -> bytes:
    length = _LEAST + len(blocks) * _BLOCK.size
    head = _FRAME.pack(SKIPPABLE, length) + _FIXED.pack(MAGIC, VERSION, BLOCK_BYTES, size, checksum)
    head += b"".join(_BLOCK.pack(*block) for block in blocks)
    return head + _CHECKSUM.pack(zlib.crc32(head))
