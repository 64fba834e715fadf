"""Frames packed by the compiled loop are, to the byte, what the journal writes of their messages one by one."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from ninefold.journal import inputs
from ninefold.journal.pack_loop import MESSAGES_MOST, PADDING, TABLES, _by_tables, checksum_of, packed
from ninefold.journal.plain import plain_messages
from ninefold.journal.segment import pack
from ninefold.market.compiled import address_of

NOW = 1_795_341_600_000_000_007


def plain(payload: bytes, kind: int = 0x81) -> bytes:
    if len(payload) < 126:
        return bytes([kind, len(payload)]) + payload
    return bytes([kind, 126]) + len(payload).to_bytes(2) + payload


def padded(data: bytes) -> np.ndarray:
    return np.frombuffer(data + b"\x81" * PADDING, np.uint8)  # what is behind the end must not be taken for a frame


def one_by_one(data: bytes, first_seq: int) -> tuple[bytes, int]:
    found = list(plain_messages(memoryview(data), 0, len(data)))
    records = [pack(inputs.FRAME, 77, seq, NOW, payload) for seq, (_, payload) in enumerate(found, first_seq)]
    return b"".join(records), found[-1][0] if found else 0


def at_once(data: bytes, first_seq: int) -> tuple[bytes, int]:
    made, at = b"", 0
    while at < len(data):
        frames, at = packed(padded(data), at, len(data), 77, first_seq, NOW)
        if frames is None:
            break
        assert frames.last_seq == first_seq + frames.count - 1
        made += bytes(frames.packed())
        first_seq = frames.last_seq + 1
    return made, at


payloads = st.lists(
    st.binary(max_size=40) | st.binary(min_size=120, max_size=130) | st.binary(min_size=3000, max_size=3100)
)


@given(payloads, st.binary(max_size=8), st.integers(1, 2**62))
@example([b""], b"", 1)
@example([bytes(65535)], b"\x81", 1)
@pytest.mark.slow
def test_they_are_the_records_of_the_messages_and_stop_at_the_same_byte(
    sent: list[bytes], rest: bytes, seq: int
) -> None:
    data = b"".join(plain(payload, 0x81 + place % 2) for place, payload in enumerate(sent)) + rest
    assert at_once(data, seq) == one_by_one(data, seq)


@given(st.binary(max_size=60))
def test_any_bytes_are_taken_for_the_same_messages(data: bytes) -> None:
    assert at_once(data, 1) == one_by_one(data, 1)


def test_more_small_messages_than_are_packed_at_once_are_all_packed() -> None:
    data = plain(b"") * (3 * MESSAGES_MOST)
    assert at_once(data, 5) == one_by_one(data, 5)


@njit
def by_tables(data: np.ndarray, length: int, tables: np.ndarray) -> int:
    """As where no polynomials can be multiplied."""
    begin, small = address_of(data), np.uint64(0xFFFF_FFFF)
    return _by_tables(begin, begin + length, small, address_of(tables)) ^ small


@given(st.binary(max_size=100) | st.binary(max_size=1000))
def test_the_checksum_is_zlib_s(data: bytes) -> None:
    assert checksum_of(padded(data), 0, len(data), TABLES) == zlib.crc32(data)
    assert by_tables(padded(data), len(data), TABLES) == zlib.crc32(data)


@pytest.mark.parametrize("begun", [b"\x81", b"\x81\x7e", b"\x81\x7e\x00", b"\x81\x7e\x00\x80", b"\x81\x02{"])
def test_a_message_that_has_just_begun_waits_for_the_rest(begun: bytes) -> None:
    data = plain(b"{}") + begun
    assert one_by_one(data, 5) == at_once(data, 5) == (pack(inputs.FRAME, 77, 5, NOW, b"{}"), 4)
