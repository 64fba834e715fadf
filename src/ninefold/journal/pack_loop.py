"""Plain websocket messages straight from a socket's bytes into the journal's form, compiled.

In:  bytes as they came from a server (RFC 6455).
Out: one record a message, packed as segment.py does it. What is not a whole, unfragmented, uncompressed message of text or
     bytes ends the run: controls, fragments and what has not come whole are for somebody who knows the protocol.

The checksum is zlib's CRC-32, eight bytes at a time by tables.
"""

from __future__ import annotations

import numpy as np

from ninefold.journal import inputs
from ninefold.journal.plain import Frames
from ninefold.journal.segment import OVERHEAD
from ninefold.market.compiled import compiled, load_byte, load_word, store_word

MESSAGES_MOST = 8192  # packed at once
PADDING = 64  # bytes that must be there behind the end of what is read and of what is written
_HEAD = 8  # length and checksum
_BODY = OVERHEAD - _HEAD
_TEXT, _BYTES = 0x81, 0x82  # whole messages
_SHORT_MOST, _LENGTH_16, _LENGTH_64 = 125, 126, 127
_SMALL = np.uint64(0xFFFF_FFFF)
_BYTE = np.uint64(0xFF)


def _tables() -> np.ndarray:
    """uint64 (8 * 256): what a byte does to the checksum, n places before the end of a word."""
    made = np.zeros((8, 256), np.uint64)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB8_8320 if value & 1 else 0)
        made[0, byte] = value
    for place in range(1, 8):
        before = made[place - 1]
        made[place] = before >> np.uint64(8) ^ made[0][(before & _BYTE).astype(np.intp)]
    return made.ravel()


TABLES = _tables()


def packed(
    data: np.ndarray, start: int, end: int, connection: int, first_seq: int, receive_ns: int
) -> tuple[Frames | None, int]:
    """The plain messages of data[start:end] (uint8, PADDING bytes longer) as records from first_seq on, and where they stop;
    None if there is not one.
    """
    most = min(2 * (end - start) + OVERHEAD, end - start + MESSAGES_MOST * OVERHEAD)
    out = np.empty(most + PADDING, np.uint8)
    stop, written, count = pack_frames(
        data, start, end, out, most, TABLES, inputs.FRAME, connection, first_seq, receive_ns
    )
    if not count:
        return None, stop
    return Frames(out, written, count, connection, first_seq + count - 1, receive_ns), stop


def warm() -> None:
    """Compile, or load what was compiled before."""
    packed(np.zeros(PADDING, np.uint8), 0, 0, 0, 1, 0)


@compiled
def pack_frames(
    data: np.ndarray,
    start: int,
    end: int,
    out: np.ndarray,
    most: int,
    tables: np.ndarray,
    kind: int,
    connection: int,
    seq: int,
    receive_ns: int,
) -> tuple[int, int, int]:
    """Messages from byte `start` to `end` of `data` as records numbered from `seq` on, into the first `most` bytes of `out`.

    Returns (where it stopped, bytes written, records). data, out: uint8, PADDING bytes longer than is said.
    """
    at, written, count = start, 0, 0
    while at + 2 <= end:
        first, second = np.int64(load_byte(data, at)), np.int64(load_byte(data, at + 1))
        if (first != _TEXT and first != _BYTES) or second > _LENGTH_16:
            break
        length, payload = second, at + 2
        if second == _LENGTH_16:
            length = np.int64(load_byte(data, at + 2)) << 8 | np.int64(load_byte(data, at + 3))
            payload = at + 4
        stop = payload + length
        size = _HEAD + _BODY + length
        if stop > end or written + size > most:
            break
        _pack(data, payload, length, out, written, tables, kind, connection, seq + count, receive_ns)
        written += size
        count += 1
        at = stop
    return at, written, count


@compiled
def _pack(
    data: np.ndarray,
    payload: int,
    length: int,
    out: np.ndarray,
    at: int,
    tables: np.ndarray,
    kind: int,
    connection: int,
    seq: int,
    receive_ns: int,
) -> None:
    body = at + _HEAD
    store_word(out, body, np.uint64(kind | connection << 8))
    store_word(out, body + 3, np.uint64(seq))
    store_word(out, body + 11, np.uint64(receive_ns))
    for place in range(0, length, 8):  # the last word may write past the end, where the next record or nothing is
        store_word(out, body + _BODY + place, load_word(data, payload + place))
    checksum = checksum_of(out, body, _BODY + length, tables)
    store_word(out, at, np.uint64(_BODY + length) | checksum << np.uint64(32))


@compiled
def checksum_of(data: np.ndarray, at: int, length: int, tables: np.ndarray) -> int:
    """zlib.crc32 of `length` bytes."""
    crc = _SMALL
    whole = length & ~7
    for place in range(at, at + whole, 8):
        word = load_word(data, place) ^ crc
        crc = (
            tables[np.int64(word & _BYTE) + 1792]
            ^ tables[np.int64(word >> np.uint64(8) & _BYTE) + 1536]
            ^ tables[np.int64(word >> np.uint64(16) & _BYTE) + 1280]
            ^ tables[np.int64(word >> np.uint64(24) & _BYTE) + 1024]
            ^ tables[np.int64(word >> np.uint64(32) & _BYTE) + 768]
            ^ tables[np.int64(word >> np.uint64(40) & _BYTE) + 512]
            ^ tables[np.int64(word >> np.uint64(48) & _BYTE) + 256]
            ^ tables[np.int64(word >> np.uint64(56))]
        )
    for place in range(at + whole, at + length):
        crc = crc >> np.uint64(8) ^ tables[np.int64((crc ^ np.uint64(load_byte(data, place))) & _BYTE)]
    return crc ^ _SMALL
