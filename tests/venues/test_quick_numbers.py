"""Numbers and moments read all digits at once are what they say, or none, as a slow obvious reading has it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from ninefold.market.compiled import address_of
from ninefold.venues import quick_numbers
from ninefold.venues.quick_numbers import DIGITS_MOST, LAST_YEAR

PADDING = b'7"' * 40  # more digits where there must be an end
NUMBER = re.compile(rb"(0|[1-9][0-9]*)(?:\.([0-9]+))?")
MOMENT = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{1,9})Z")
DIGITS = st.text("0123456789", min_size=1, max_size=22)
NO_DAY = np.zeros(3, np.int64)


@njit
def read(data: np.ndarray, day: np.ndarray) -> tuple[int, int, int, int, int, int, int]:
    at = address_of(data)
    end, value = quick_numbers.whole(at)
    stop, digits, behind = quick_numbers.decimal(at)
    last, moment = quick_numbers.moment(at, address_of(day))
    return max(end - at, -1), value, max(stop - at, -1), digits, behind, max(last - at, -1), moment


def told(text: bytes, day: np.ndarray = NO_DAY) -> tuple[int, ...]:
    return tuple(read(np.frombuffer(text + PADDING, np.uint8), day.copy() if day is NO_DAY else day))


@given(
    DIGITS,
    st.sampled_from(["", ".", ".."]),
    DIGITS,
    st.sampled_from(['"', ",", "}", "e5", "-", "/", ":", "\x00", "\u0660"]),
)
@example("100000000", "", "0", ",")  # nine, as most ids have
@example("12345678", ".", "12345678", '"')
@example("1234567890123456", ".", "12", '"')
@example("123456789012345678", "", "1", '"')
@example("123456789012345678", ".", "1", '"')
@example("0", ".", "00000000000000001", '"')
def test_digits_are_the_number_or_none(before: str, point: str, behind: str, stop: str) -> None:
    text = (before + point + behind * bool(point) + stop).encode()
    end, value, last, digits, places, _, _ = told(text)
    first = NUMBER.match(text).group(1)
    is_whole = len(before) <= DIGITS_MOST and first.decode() == before
    assert (end, value) == ((len(before), int(before)) if is_whole else (-1, 0))
    is_number = is_whole and point != ".." and (not point or len(before + behind) <= DIGITS_MOST)
    wanted = (len(text) - len(stop.encode()), int(before + behind * bool(point)), len(behind) * bool(point))
    assert (last, digits, places) == (wanted if is_number else (-1, 0, 0))


def moment_of(text: bytes) -> tuple[int, int]:
    """Its end and the ns since 1970; (-1, 0) for what is no moment."""
    found = MOMENT.match(text)
    try:
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        days = (datetime(year, month, day, hour, minute, second, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    except (AttributeError, ValueError):
        return -1, 0
    if not 1970 <= year <= LAST_YEAR:
        return -1, 0
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return found.end(), seconds * 10**9 + int(found.group(7).ljust(9, b"0"))


@given(st.datetimes(datetime(1970, 1, 1), datetime(LAST_YEAR, 12, 31)), st.integers(1, 9), st.integers(0, 10**9 - 1))
def test_a_moment_is_the_calendar_s(at: datetime, places: int, fraction: int) -> None:
    text = f"{at:%Y-%m-%dT%H:%M:%S}.{f'{fraction:09d}'[:places]}Z".encode()
    assert told(text)[-2:] == moment_of(text)


@given(
    st.tuples(*(st.integers(0, most) for most in (9999, 19, 39, 29, 69, 69))),
    st.integers(0, 25),
    st.sampled_from(b"0129:-.TZ \x00\x30\x3a\xb0/"),
)
@example((2024, 2, 29, 23, 59, 59), 25, ord("Z"))
@example((2023, 2, 29, 0, 0, 0), 25, ord("Z"))
@example((2100, 2, 29, 0, 0, 0), 25, ord("Z"))
@example((2026, 1, 1, 24, 0, 0), 25, ord("Z"))
@example((2026, 1, 1, 0, 60, 0), 25, ord("Z"))
@example((2026, 1, 1, 0, 0, 60), 25, ord("Z"))
def test_what_is_no_moment_is_none(parts: tuple[int, ...], place: int, byte: int) -> None:
    year, month, day, hour, minute, second = parts
    text = bytearray(f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.12345Z".encode())
    text[place] = byte
    assert told(bytes(text))[-2:] == moment_of(bytes(text))


@given(st.lists(st.tuples(st.integers(1, 31), st.sampled_from(b"T Z-")), min_size=2, max_size=6))
def test_the_day_that_is_kept_is_only_ever_the_last_one(days: list[tuple[int, int]]) -> None:
    kept = NO_DAY.copy()
    for day, letter in days:
        text = f"2026-11-{day:02d}{chr(letter)}09:30:00.5Z".encode()
        assert told(text, kept)[-2:] == moment_of(text)
