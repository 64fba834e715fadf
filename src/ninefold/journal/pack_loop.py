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
from ninefold.market.compiled import FOLDS, address_of, compiled, load_byte, load_word, store_word
from ninefold.market.wide import WIDE, copy, folded

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
    for place in range(0, length, WIDE):  # the last ones may be past the end, where the next record or nothing is
        copy(payload + place, body + _BODY + place)
    checksum = _checksum(payload, length, _of_head(tables, kind | connection << 8, seq, receive_ns), tables)
    store_word(at, np.uint64(_BODY + length) | (checksum ^ _SMALL) << np.uint64(32))


@compiled
def checksum_of(data: np.ndarray, at: int, length: int, tables: np.ndarray) -> int:
    """zlib.crc32 of `length` bytes of `data` (uint8, 16 bytes longer)."""
    return _checksum(address_of(data) + at, length, _SMALL, address_of(tables)) ^ _SMALL


@compiled
def _of_head(tables: int, begin: int, seq: int, receive_ns: int) -> int:
    """The checksum so far of what stands before the payload: of 19 bytes, made of numbers and not read where they have just been
    written across each other, which takes as long as all the rest.
    """
    number, moment = np.uint64(seq), np.uint64(receive_ns)
    first = np.uint64(begin) | number << np.uint64(24)
    second = number >> np.uint64(40) | moment << np.uint64(24)
    crc = _of_word(tables, 8, first ^ _SMALL) ^ _of_word(tables, 0, second)
    last = crc ^ moment >> np.uint64(40)
    return (
        crc >> np.uint64(24)
        ^ _entry(tables, 2, last)
        ^ _entry(tables, 1, last >> np.uint64(8))
        ^ _entry(tables, 0, last >> np.uint64(16))
    )


@compiled
def _checksum(at: int, length: int, crc: int, tables: int) -> int:
    """Go on from a checksum so far, by the quickest way that there is."""
    if FOLDS and length >= TAKEN:
        return _by_folding(at, length, crc, tables)
    return _by_tables(at, at + length, crc, tables)


@compiled
def _by_folding(at: int, length: int, crc: int, tables: int) -> int:
    """Of 16 bytes at least. What is folded is congruent to what it was made of (V. Gopal et al., Fast CRC Computation Using
    PCLMULQDQ, Intel 2009). Bytes that do not fill a block come first, behind zeros, which change nothing.
    """
    odd = length % TAKEN
    low, high, more = load_word(at) ^ crc, load_word(at + 8), np.uint64(0)
    if odd:
        gone = np.uint64(8 * (TAKEN - odd))  # bits of the first 16 bytes that belong to the next block
        if odd > 8:
            low, high = low << gone, high << gone | low >> np.uint64(64) - gone
        else:
            low, high = np.uint64(0), low << gone - np.uint64(64)
        if odd < 4:
            more = crc >> np.uint64(8 * odd)
    else:
        odd = TAKEN
    low, high = folded(low, high, more, at + odd, (length - odd) // TAKEN, _NEAR, _NEAR_HIGH)
    return _of_word(tables, 8, low) ^ _of_word(tables, 0, high)


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
