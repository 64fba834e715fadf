"""Plain websocket messages straight from a socket's bytes into the journal's form, compiled.

In:  bytes as they came from a server (RFC 6455).
Out: one record a message, packed as segment.py does it. What is not a whole, unfragmented, uncompressed message of text or
     bytes ends the run: controls, fragments and what has not come whole are for somebody who knows the protocol.

The checksum is zlib's CRC-32: folded where the processor can multiply polynomials, else sixteen bytes at a time by tables.
"""

from __future__ import annotations

import numpy as np

from ninefold.journal import inputs
from ninefold.journal.plain import Frames
from ninefold.journal.segment import OVERHEAD
from ninefold.market.compiled import FOLDS, address_of, compiled, fold, load_byte, load_word, store_word

MESSAGES_MOST = 8192  # packed at once
PADDING = 64  # bytes that must be there behind the end of what is read and of what is written
_HEAD = 8  # length and checksum
_BODY = OVERHEAD - _HEAD
_TEXT, _BYTES = 0x81, 0x82  # whole messages
_SHORT_MOST, _LENGTH_16, _LENGTH_64 = 125, 126, 127
TAKEN = 16  # bytes at once
_SMALL = np.uint64(0xFFFF_FFFF)
_BYTE = np.uint64(0xFF)


def _tables() -> np.ndarray:
    """uint32 (16 * 256): what a byte does to the checksum, n places before the end of what is taken at once."""
    made = np.zeros((TAKEN, 256), np.uint32)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB8_8320 if value & 1 else 0)
        made[0, byte] = value
    for place in range(1, TAKEN):
        before = made[place - 1]
        made[place] = before >> np.uint32(8) ^ made[0][before & np.uint32(0xFF)]
    return made.ravel()


def _power(n: int) -> np.uint64:
    """x**n modulo the checksum's polynomial, its bits turned round as those of the checksum are."""
    value = 1
    for _ in range(n):
        value = value << 1 ^ (0x1_04C1_1DB7 if value >> 31 else 0)
    return np.uint64(int(f"{value:032b}"[::-1], 2) << 1)


_FOLDED = 64  # bytes at once, where the processor can
_FAR, _FAR_HIGH = _power(8 * 64 + 32), _power(8 * 64 - 32)
_NEAR, _NEAR_HIGH = _power(8 * 16 + 32), _power(8 * 16 - 32)
TABLES = np.append(_tables(), np.uint32(0))  # the last entry is read as half of a word


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
    begin, out_begin, tables_at = address_of(data), address_of(out), address_of(tables)
    at, end, written, count = begin + start, begin + end, 0, 0
    while at + 2 <= end:
        first, second = np.int64(load_byte(at)), np.int64(load_byte(at + 1))
        if (first != _TEXT and first != _BYTES) or second > _LENGTH_16:
            break
        length, payload = second, at + 2
        if second == _LENGTH_16:
            length = np.int64(load_byte(at + 2)) << 8 | np.int64(load_byte(at + 3))
            payload = at + 4
        stop = payload + length
        size = _HEAD + _BODY + length
        if stop > end or written + size > most:
            break
        _pack(payload, length, out_begin + written, tables_at, kind, connection, seq + count, receive_ns)
        written += size
        count += 1
        at = stop
    return at - begin, written, count


@compiled
def _pack(
    payload: int, length: int, at: int, tables: int, kind: int, connection: int, seq: int, receive_ns: int
) -> None:
    """Write one record to the address `at`."""
    body = at + _HEAD
    store_word(body, np.uint64(kind | connection << 8))
    store_word(body + 3, np.uint64(seq))
    store_word(body + 11, np.uint64(receive_ns))
    for place in range(0, length, 8):  # the last word may write past the end, where the next record or nothing is
        store_word(body + _BODY + place, load_word(payload + place))
    checksum = _checksum(body, _BODY + length, tables)
    store_word(at, np.uint64(_BODY + length) | checksum << np.uint64(32))


@compiled
def checksum_of(data: np.ndarray, at: int, length: int, tables: np.ndarray) -> int:
    """zlib.crc32 of `length` bytes of `data` (uint8)."""
    return _checksum(address_of(data) + at, length, address_of(tables))


@compiled
def _checksum(at: int, length: int, tables: int) -> int:
    crc, behind = _SMALL, at + length
    if FOLDS and length >= _FOLDED:
        at, crc = _folded(at, behind, tables)
    return _by_tables(at, behind, crc, tables) ^ _SMALL


@compiled
def _by_tables(at: int, behind: int, crc: int, tables: int) -> int:
    """Go on from a checksum so far."""
    while at + TAKEN <= behind:
        first, second = load_word(at) ^ crc, load_word(at + 8)
        crc = _of_word(tables, 8, first) ^ _of_word(tables, 0, second)
        at += TAKEN
    if at + 8 <= behind:
        crc = _of_word(tables, 0, load_word(at) ^ crc)
        at += 8
    if at + 4 <= behind:
        four = (load_word(at) ^ crc) & _SMALL
        crc = (
            _entry(tables, 3, four)
            ^ _entry(tables, 2, four >> np.uint64(8))
            ^ _entry(tables, 1, four >> np.uint64(16))
            ^ _entry(tables, 0, four >> np.uint64(24))
        )
        at += 4
    while at < behind:
        crc = crc >> np.uint64(8) ^ _entry(tables, 0, crc ^ np.uint64(load_byte(at)))
        at += 1
    return crc


@compiled
def _folded(at: int, behind: int, tables: int) -> tuple[int, int]:
    """All whole 16 bytes, of 64 at least: where they end, and their checksum so far. What is folded is congruent to what it was made of
    (V. Gopal et al., Fast CRC Computation Using PCLMULQDQ, Intel 2009).
    """
    a, b = load_word(at) ^ _SMALL, load_word(at + 8)
    c, d = load_word(at + 16), load_word(at + 24)
    e, f = load_word(at + 32), load_word(at + 40)
    g, h = load_word(at + 48), load_word(at + 56)
    at += _FOLDED
    while at + _FOLDED <= behind:
        a, b = fold(a, b, _FAR, _FAR_HIGH)
        c, d = fold(c, d, _FAR, _FAR_HIGH)
        e, f = fold(e, f, _FAR, _FAR_HIGH)
        g, h = fold(g, h, _FAR, _FAR_HIGH)
        a, b = a ^ load_word(at), b ^ load_word(at + 8)
        c, d = c ^ load_word(at + 16), d ^ load_word(at + 24)
        e, f = e ^ load_word(at + 32), f ^ load_word(at + 40)
        g, h = g ^ load_word(at + 48), h ^ load_word(at + 56)
        at += _FOLDED
    a, b = fold(a, b, _NEAR, _NEAR_HIGH)
    c, d = fold(a ^ c, b ^ d, _NEAR, _NEAR_HIGH)
    e, f = fold(c ^ e, d ^ f, _NEAR, _NEAR_HIGH)
    a, b = e ^ g, f ^ h
    while at + TAKEN <= behind:
        a, b = fold(a, b, _NEAR, _NEAR_HIGH)
        a, b = a ^ load_word(at), b ^ load_word(at + 8)
        at += TAKEN
    return at, _of_word(tables, 8, a) ^ _of_word(tables, 0, b)


@compiled
def _of_word(tables: int, place: int, word: int) -> int:
    """What eight bytes do to the checksum, `place` bytes before the end of what is taken at once."""
    return (
        _entry(tables, place + 7, word)
        ^ _entry(tables, place + 6, word >> np.uint64(8))
        ^ _entry(tables, place + 5, word >> np.uint64(16))
        ^ _entry(tables, place + 4, word >> np.uint64(24))
        ^ _entry(tables, place + 3, word >> np.uint64(32))
        ^ _entry(tables, place + 2, word >> np.uint64(40))
        ^ _entry(tables, place + 1, word >> np.uint64(48))
        ^ _entry(tables, place, word >> np.uint64(56))
    )


@compiled
def _entry(tables: int, place: int, word: int) -> int:
    """Of the lowest byte of a word."""
    return load_word(tables + place * 1024 + np.int64(word & _BYTE) * 4) & _SMALL
