"""Numbers and times in text: where they end is seen of all digits at once, their value is made of eight at once.

In:  addresses; 60 bytes behind where one begins must be there.
Out: where what was read ends, -1 if it is not there, and its value. A number is read as far as 18 digits.
"""

from __future__ import annotations

import numpy as np

from ninefold.market.compiled import compiled, first_set, load_byte, load_word, store_word
from ninefold.market.time import DAY_NS, SECOND_NS
from ninefold.market.wide import not_digits

DIGITS_MOST = 18
MILLISECOND_NS = 1_000_000
LAST_MS = (2**63 - 1) // MILLISECOND_NS
LAST_YEAR = 2261
_TENS = 10 ** np.arange(19, dtype=np.int64)
_TIMES_MOST = (2**63 - 1) // _TENS  # what times 10**n still fits
_PARTS_MOST = np.array([(2**64 - 1) // 10**n for n in range(19)], np.uint64)
_FIFTHS = np.array([pow(5**n, -1, 2**64) for n in range(19)], np.uint64)  # times 5**n they are 1, modulo 2**64
_CLOCK = np.uint64(int.from_bytes(b"00:00:00"))  # it reads alike from both ends
_CLOCK_MOST = np.uint64(0x7676_7F76_767F_7676)  # a digit and nothing else stays below 128 with these added
_TOPS, _BYTE = np.uint64(0x8080_8080_8080_8080), np.uint64(0xFF)
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@compiled
def whole(at: int) -> tuple[int, int]:
    """A whole number without a zero in front."""
    digits = first_set(not_digits(at))
    if digits == 0 or digits > DIGITS_MOST or (digits > 1 and load_byte(at) == 48):
        return -1, 0
    return at + digits, _value(at, digits)


@compiled
def milliseconds(at: int) -> tuple[int, int]:
    """The same, as nanoseconds."""
    end, value = whole(at)
    if value > LAST_MS:
        return -1, 0
    return end, value * MILLISECOND_NS


@compiled
def decimal(at: int) -> tuple[int, int, int]:
    """Digits, and perhaps a point and more digits: where it ends, all digits as a whole number, how many were behind the
    point. No zeros in front, so that it is a number of JSON too.
    """
    others = not_digits(at)
    before = first_set(others)
    if before == 0 or before > DIGITS_MOST or (before > 1 and load_byte(at) == 48):
        return -1, 0, 0
    if load_byte(at + before) != 46:
        return at + before, _value(at, before), 0
    end = first_set(others & (others - np.uint64(1)))
    behind = end - before - 1
    if behind == 0 or before + behind > DIGITS_MOST:
        return -1, 0, 0
    return at + end, _value(at, before) * _TENS[behind] + _value(at + before + 1, behind), behind


@compiled
def in_units(value: int, behind: int, decimals: int) -> int:
    """A number with `behind` digits behind the point in units of 10**-decimals; -1 if it is none, or too large."""
    more = decimals - behind
    if more >= 0:
        if more > DIGITS_MOST or value > _TIMES_MOST[more]:
            return -1
        return value * _TENS[more]
    return _part(value, -more)


@compiled
def _part(value: int, zeros: int) -> int:
    """A number without the zeros at its end, of which there must be so many, else -1. It is not divided: times the inverse of
    5**n and turned by n bits, what 10**n divides gives the quotient, and all else a number larger than any quotient (T.
    Granlund and P. Montgomery, Division by Invariant Integers using Multiplication, 1994).
    """
    turned = np.uint64(value) * _FIFTHS[zeros]
    turned = turned >> np.uint64(zeros) | turned << np.uint64(64 - zeros)
    return np.int64(turned) if turned <= _PARTS_MOST[zeros] else np.int64(-1)


@compiled
def moment(at: int, day: int) -> tuple[int, int]:
    """'2026-11-22T09:30:00.123456Z', with one to nine digits behind the point; where it ends, and the moment. day: the address of
    what is kept of the last one's day: its text, 16 bytes, and its ns.
    """
    first, second = load_word(at), load_word(at + 8) & np.uint64(0xFF_FFFF)
    if first != load_word(day) or second != load_word(day + 8):
        days = _days(at)
        if days < 0:
            return -1, 0
        store_word(day, first)
        store_word(day + 8, second)
        store_word(day + 16, np.uint64(days * DAY_NS))
    clock = load_word(at + 11) ^ _CLOCK
    if ((clock + _CLOCK_MOST) | clock) & _TOPS or load_byte(at + 19) != 46:
        return -1, 0
    pairs = clock * np.uint64(10) + (clock >> np.uint64(8))
    hour, minute, second = pairs & _BYTE, pairs >> np.uint64(24) & _BYTE, pairs >> np.uint64(48) & _BYTE
    digits = first_set(not_digits(at + 20))
    if hour > 23 or minute > 59 or second > 59 or digits == 0 or digits > 9 or load_byte(at + 20 + digits) != 90:
        return -1, 0
    seconds = np.int64(hour) * 3600 + np.int64(minute) * 60 + np.int64(second)
    fraction = _value(at + 20, digits) * _TENS[9 - digits]
    return at + 21 + digits, np.int64(load_word(day + 16)) + seconds * SECOND_NS + fraction


@compiled
def _days(at: int) -> int:
    """Of '2026-11-22T' since 1970; -1 if it is no day."""
    if load_byte(at + 4) != 45 or load_byte(at + 7) != 45 or load_byte(at + 10) != 84:
        return -1
    century, year, month, day = _two(at), _two(at + 2), _two(at + 5), _two(at + 8)
    if century > 99 or year > 99 or month < 1 or month > 12:
        return -1
    year += 100 * century
    if year < 1970 or year > LAST_YEAR:
        return -1
    leaps = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day < 1 or day > _MONTH_DAYS[month] + leaps:
        return -1
    shifted = year - (month <= 2)  # days since 1970 by counting years from March
    since_march = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + since_march - 719_468


@compiled
def _two(at: int) -> int:
    """Two digits; 100 and more if they are none."""
    first, second = np.int64(load_byte(at)) - 48, np.int64(load_byte(at + 1)) - 48
    return first * 10 + second if 0 <= first <= 9 and 0 <= second <= 9 else 100


@compiled
def _value(at: int, digits: int) -> int:
    """Of 1 to DIGITS_MOST digits."""
    if digits <= 8:
        return _eight(at, digits)
    if digits <= 16:
        return _eight(at, digits - 8) * _TENS[8] + _eight(at + digits - 8, 8)
    return _eight(at, digits - 16) * _TENS[16] + _eight(at + digits - 16, 8) * _TENS[8] + _eight(at + digits - 8, 8)


@compiled
def _eight(at: int, digits: int) -> int:
    """Of 1 to 8 digits: all added up at once."""
    values = (load_word(at) ^ np.uint64(0x3030_3030_3030_3030)) << np.uint64(64 - 8 * digits)
    values = values * np.uint64(10) + (values >> np.uint64(8))
    odd = (values & np.uint64(0x0000_00FF_0000_00FF)) * np.uint64(0x000F_4240_0000_0064)
    even = ((values >> np.uint64(16)) & np.uint64(0x0000_00FF_0000_00FF)) * np.uint64(0x0000_2710_0000_0001)
    return np.int64((odd + even) >> np.uint64(32))
