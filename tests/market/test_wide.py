"""Thirty-two bytes at once tell what one byte after the other does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from ninefold.market import wide
from ninefold.market.compiled import address_of

BYTES = st.binary(min_size=wide.WIDE, max_size=wide.WIDE)
ALL = np.arange(256, dtype=np.uint8)


@njit
def found(data: np.ndarray, byte: np.ndarray) -> tuple[int, int, int]:
    at = address_of(data)
    return wide.equal(at, byte[0]), wide.not_digits(at), wide.not_plain(at)


@njit
def alike(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> bool:
    return wide.same(address_of(one), address_of(other), address_of(mask))


@njit
def copied(source: np.ndarray, target: np.ndarray, at: int) -> None:
    wide.copy(address_of(source), address_of(target) + at)


def of(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def bits(data: bytes, is_one: Callable[[int], bool]) -> int:
    return sum(is_one(byte) << place for place, byte in enumerate(data))


def told(data: bytes, byte: int) -> None:
    equal, not_digits, not_plain = found(of(data), of(bytes([byte])))
    assert equal == bits(data, lambda one: one == byte)
    assert not_digits == bits(data, lambda one: not 48 <= one <= 57)
    assert not_plain == bits(data, lambda one: one < 32 or one > 127 or one == 92)


@given(BYTES, st.integers(0, 255))
@example(b"0123456789" * 3 + b"/:", 48)
def test_which_bytes_are_of_a_kind(data: bytes, byte: int) -> None:
    told(data, byte)
    told(data, data[byte % wide.WIDE])


def test_every_byte_is_told_at_every_place() -> None:
    for turn in range(256):
        told(bytes(np.roll(ALL, turn)[: wide.WIDE]), turn)


@given(BYTES, BYTES, st.integers(0, wide.WIDE - 1))
def test_two_places_are_the_same_where_the_mask_is_set(one: bytes, mask: bytes, place: int) -> None:
    assert alike(of(one), of(one), of(mask))
    for bit in range(8):
        other = bytearray(one)
        other[place] ^= 1 << bit
        assert alike(of(one), of(bytes(other)), of(mask)) == (not mask[place] >> bit & 1)


@given(BYTES, st.integers(0, 9))
def test_a_copy_is_all_bytes_and_nothing_else(data: bytes, at: int) -> None:
    target = np.full(50, 7, np.uint8)
    copied(of(data), target, at)
    assert target.tobytes() == b"\7" * at + data + b"\7" * (50 - at - wide.WIDE)
