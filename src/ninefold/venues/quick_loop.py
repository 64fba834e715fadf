"""The compiled short way from journalled frames to trades, for messages of exactly the known form.

In:  records as the journal holds them, packed one after the other; what the adapter has taught of its symbols.
Out: rows of trades, and the clock and the numbers kept as the adapter's own way keeps them. The first record that is not of
     the form, whose symbol is not taught, whose trade does not follow the last one, or whose time is far off ends the run:
     that one takes the adapter's way. So this decides nothing, and nothing depends on how often it runs.

A number is read digit by digit as far as 18 of them, and must be a whole number of the instrument's units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.journal import inputs
from ninefold.market.arrays import BUY, ID_INTEGER, SELL
from ninefold.market.clock import EVERY, FAR_NS, WINDOW
from ninefold.market.compiled import address_of, compiled, first_set, load_byte, load_word
from ninefold.venues.form import (
    ID,
    LITERAL,
    LOWER,
    NUMBER,
    PRICE,
    SIDE,
    SIZE,
    STAMP_MS,
    SYMBOL,
    TEXT,
    TIME_MS,
    TIME_TEXT,
)

ENDED, NOT_MINE, TICKED, FULL = range(4)  # why a run ended
AT, COUNT, WHY, SEQ, RECEIVE_NS, NOW_NS, TICK_NS, LEADS, LEAD_MEDIAN_NS, UNTIL_NS, LEAST_LAG_NS, TOUCHED, CONNECTION = (
    range(13)
)
CONTROLS = 13
INSTRUMENT, PRICE_DECIMALS, SIZE_DECIMALS, NEXT_ID, LAST_NS, SEEN_NS, IS_TOUCHED = range(7)
STATES = 7
NAME_WORDS = 3
NAME_MOST = 8 * NAME_WORDS  # bytes of a symbol
PADDING = 64  # bytes that must be there behind the last record
HEAD = 8  # length and checksum of a record
BODY = 19  # kind, connection, seq, receive_ns
DIGITS_MOST = 18
MILLISECOND_NS = 1_000_000
LAST_MS = (2**63 - 1) // MILLISECOND_NS
LAST_YEAR = 2261
SLOT_BYTES = 8 * (NAME_WORDS + 1)
STEP_BYTES = 8 * 4
_FRAME, _INTEGER, _BUY, _SELL = inputs.FRAME, ID_INTEGER, BUY, SELL
_WINDOW, _EVERY, _FAR_NS = WINDOW, EVERY, FAR_NS
_TENS = 10 ** np.arange(19, dtype=np.int64)
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_TRUE, _FALSE = np.uint64(int.from_bytes(b"true", "little")), np.uint64(int.from_bytes(b"false", "little"))
_FULL_WORD = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


def name_words(name: bytes) -> np.ndarray:
    """A symbol as NAME_WORDS uint64."""
    return np.frombuffer(name.ljust(NAME_MOST, b"\0"), np.uint64)


class Known(NamedTuple):
    """What is known of a form and of the symbols that were taught.

    steps, texts: of the form (Form.steps). slots: uint64 (a power of two, NAME_WORDS + 1), by its hash a name and its row of
    `states`; empty where the first word is 0. states: int64 (n, STATES). touched: int32 (n), the rows that changed.
    """

    steps: np.ndarray
    texts: np.ndarray
    slots: np.ndarray
    states: np.ndarray
    touched: np.ndarray


@compiled
def place_of(words: np.ndarray, slots: np.ndarray) -> int:
    """The slot of a name: the one that holds it, or the empty one where it belongs."""
    return (_slot(words[0], words[1], words[2], address_of(slots), len(slots)) - address_of(slots)) // SLOT_BYTES


@compiled
def run(
    data: np.ndarray,
    start: int,
    end: int,
    known: Known,
    window: np.ndarray,
    offset: np.ndarray,
    control: np.ndarray,
    rows: np.ndarray,
    lags: np.ndarray,
) -> None:
    """Take records from byte `start` to `end` of `data` (uint8, PADDING bytes longer) until one is not of the form.

    window, offset: int64 (WINDOW,) and (frames, median) of the connection. control: int64 (CONTROLS,), both ways.
    rows, lags: TRADES and int64, of one length.
    """
    count, why, seq, now, touched = 0, ENDED, control[SEQ], control[NOW_NS], control[TOUCHED]
    least, last_receive = np.int64(2**63 - 1), np.int64(-(2**63) + 1)
    steps, texts, slots, states = known.steps, address_of(known.texts), known.slots, known.states
    at, end = address_of(data) + start, address_of(data) + end
    while at < end and why == ENDED:
        if count == len(rows):
            why = FULL
            break
        why = NOT_MINE
        body = at + HEAD
        behind = body + np.int64(load_word(at) & np.uint64(0xFFFF_FFFF))
        connection = np.int64(load_word(body + 1) & np.uint64(0xFFFF))
        this_seq, receive = np.int64(load_word(body + 3)), np.int64(load_word(body + 11))
        if load_byte(body) != _FRAME or connection != control[CONNECTION]:
            break
        if receive >= control[UNTIL_NS] or receive < last_receive:
            break
        end_of_message, symbol, length, trade = _message(body + BODY, behind, address_of(steps), len(steps), texts)
        if end_of_message != behind:
            break
        row = _row_of(symbol, length, address_of(slots), len(slots))
        if row < 0 or trade.id != states[row, NEXT_ID] or trade.stamp_ns > now + _FAR_NS:
            break
        price = _in_units(trade.price, trade.price_behind, states[row, PRICE_DECIMALS])
        size = _in_units(trade.size, trade.size_behind, states[row, SIZE_DECIMALS])
        if price < 0 or size < 0:
            break
        _write(rows[count], states[row, INSTRUMENT], trade, receive, this_seq, price, size)
        states[row, NEXT_ID] = trade.id + 1
        states[row, LAST_NS] = max(states[row, LAST_NS], trade.time_ns)
        states[row, SEEN_NS] = receive
        if not states[row, IS_TOUCHED]:
            states[row, IS_TOUCHED] = 1
            known.touched[touched] = row
            touched += 1
        lag = lags[count] = receive - trade.stamp_ns
        _add_lag(window, offset, lag)
        least, now = min(least, lag), max(now, trade.stamp_ns, receive - offset[1])
        at, count, seq, last_receive, why = behind, count + 1, this_seq, receive, ENDED
        leading = now if control[LEADS] else receive - control[LEAD_MEDIAN_NS]
        if leading >= control[TICK_NS]:
            why = TICKED
    control[AT], control[COUNT], control[WHY], control[SEQ] = at - address_of(data), count, why, seq
    control[RECEIVE_NS], control[NOW_NS], control[LEAST_LAG_NS], control[TOUCHED] = last_receive, now, least, touched


@compiled
def _add_lag(window: np.ndarray, offset: np.ndarray, lag: int) -> None:
    """As OffsetEstimate.add."""
    frames = offset[0]
    window[frames % _WINDOW] = lag
    frames += 1
    offset[0] = frames
    if frames % _EVERY == 0 or frames & (frames - 1) == 0:
        offset[1] = median_low(window, min(frames, _WINDOW))


@compiled
def median_low(values: np.ndarray, count: int) -> int:
    """Of the first `count` int64 values, as statistics.median_low: the least that half of them do not exceed, by bisection."""
    place = (count - 1) // 2
    least, most = values[0], values[0]
    for at in range(count):
        least, most = min(least, values[at]), max(most, values[at])
    while least < most:
        middle = least + (most - least) // 2
        not_more = 0
        for at in range(count):
            not_more += values[at] <= middle
        if not_more > place:
            most = middle
        else:
            least = middle + 1
    return least


class Trade(NamedTuple):
    """What a message says. price, size: all digits as a whole number; *_behind: how many of them are behind the point."""

    price: int
    price_behind: int
    size: int
    size_behind: int
    id: int
    time_ns: int
    stamp_ns: int
    taker: int


@compiled
def _message(at: int, end: int, steps: int, count: int, texts: int) -> tuple[int, int, int, Trade]:
    """Read one message: where it ends, -1 if anything is not of the form; where its symbol is, and how long."""
    symbol, length, lower, lower_length = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    price, price_behind, size, size_behind = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    id, time, stamp, taker = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    step, behind = steps, steps + count * STEP_BYTES
    while step < behind and 0 <= at <= end:
        kind = np.int64(load_word(step))
        if kind == LITERAL:
            size_of = np.int64(load_word(step + 16))
            at = at + size_of if _same(at, texts + np.int64(load_word(step + 8)), size_of) else -1
        elif kind == PRICE:
            at, price, price_behind = _decimal(at)
        elif kind == SIZE:
            at, size, size_behind = _decimal(at)
        elif kind == TIME_MS:
            at, time = _milliseconds(at)
        elif kind == STAMP_MS:
            at, stamp = _milliseconds(at)
        elif kind == ID:
            at, id = _whole(at)
        elif kind == SYMBOL:
            symbol, length = at, _up_to(at, 34)
            at = at + length if length > 0 else -1
        elif kind == LOWER:
            lower, lower_length = at, _up_to(at, 64)
            at = at + lower_length if lower_length > 0 else -1
        elif kind == SIDE:
            at, taker = _side(at, step, texts)
        elif kind == TIME_TEXT:
            at, time = _moment(at)
            stamp = time
        elif kind == TEXT:
            at = _past_text(at, end)
        elif kind == NUMBER:
            at, _ = _whole(at)
        else:
            at = _past_flag(at)
        step += STEP_BYTES
    if step < behind or (lower_length and not _is_lower_of(lower, lower_length, symbol, length)):
        at = -1
    return at, symbol, length, Trade(price, price_behind, size, size_behind, id, time, stamp, taker)


# each of these reads a part of a message, and returns where it ends, -1 if it is not there


@compiled
def _whole(at: int) -> tuple[int, int]:
    """A whole number without a zero in front."""
    value, digits = _digits(at)
    if digits == 0 or digits > DIGITS_MOST or (digits > 1 and load_byte(at) == 48):
        return -1, 0
    return at + digits, value


@compiled
def _milliseconds(at: int) -> tuple[int, int]:
    """The same, as nanoseconds."""
    end, value = _whole(at)
    if value > LAST_MS:
        return -1, 0
    return end, value * MILLISECOND_NS


@compiled
def _side(at: int, step: int, texts: int) -> tuple[int, int]:
    length, other = np.int64(load_word(step + 16)), np.int64(load_word(step + 24))
    if _same(at, texts + np.int64(load_word(step + 8)), length):
        return at + length, _BUY
    length = other & 0xFFFF_FFFF
    if _same(at, texts + (other >> 32), length):
        return at + length, _SELL
    return -1, 0


@compiled
def _past_flag(at: int) -> int:
    word = load_word(at)
    if word & np.uint64(0xFFFF_FFFF) == _TRUE:
        return at + 4
    return at + 5 if word & np.uint64(0xFF_FFFF_FFFF) == _FALSE else -1


@compiled
def _same(at: int, text: int, length: int) -> bool:
    """Whether two places hold the same; behind the text there are zeros up to a whole word."""
    while length >= 8:
        if load_word(at) != load_word(text):
            return False
        at, text, length = at + 8, text + 8, length - 8
    return length == 0 or (load_word(at) & _mask(length)) == load_word(text)


@compiled
def _mask(length: int) -> int:
    """Of the first `length` bytes of a word; 0 to 8."""
    if length >= 8:
        return _FULL_WORD
    return (np.uint64(1) << np.uint64(8 * length)) - np.uint64(1)


@compiled
def _up_to(at: int, stop: int) -> int:
    """How many bytes there are before a `stop`; -1 if more than a name has."""
    for length in range(0, NAME_MOST + 1, 8):
        found = first_set(_bytes_equal(load_word(at + length), stop))
        if found < 64:
            length += found >> 3
            return length if length <= NAME_MOST else -1
    return -1


@compiled
def _bytes_equal(word: int, byte: int) -> int:
    """The highest bit of each byte of a word that is `byte`; of bytes behind the first such one it may be wrong."""
    ones = np.uint64(0x0101_0101_0101_0101)
    different = word ^ (ones * np.uint64(byte))
    return (different - ones) & ~different & np.uint64(0x8080_8080_8080_8080)


@compiled
def _words(at: int, length: int) -> tuple[int, int, int]:
    first = load_word(at) & _mask(length)
    second = load_word(at + 8) & _mask(length - 8) if length > 8 else np.uint64(0)
    third = load_word(at + 16) & _mask(length - 16) if length > 16 else np.uint64(0)
    return first, second, third


@compiled
def _slot(first: int, second: int, third: int, slots: int, count: int) -> int:
    """The address of the slot that holds a name, or of the empty one where it belongs."""
    mixed = first * np.uint64(0x9E37_79B9_7F4A_7C15) + second * np.uint64(0xC2B2_AE3D_27D4_EB4F) + third
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    slot = np.int64(mixed >> np.uint64(33))
    while True:
        at = slots + (slot & (count - 1)) * SLOT_BYTES
        here = load_word(at)
        if here == 0 or (here == first and load_word(at + 8) == second and load_word(at + 16) == third):
            return at
        slot += 1


@compiled
def _row_of(at: int, length: int, slots: int, count: int) -> int:
    """Of a symbol; -1 if it was not taught."""
    first, second, third = _words(at, length)
    slot = _slot(first, second, third, slots, count)
    return np.int64(load_word(slot + 24)) if load_word(slot) else np.int64(-1)


@compiled
def _is_lower_of(lower: int, lower_length: int, at: int, length: int) -> bool:
    """Whether the one is the other in small letters. Both must be ASCII."""
    for place in range(0, NAME_MOST, 8):
        mask = _mask(max(length - place, 0))
        if load_word(lower + place) & mask != _lower(load_word(at + place) & mask):
            return False
    return length == lower_length


@compiled
def _lower(word: int) -> int:
    """Eight bytes of ASCII, A to Z as a to z."""
    ones = np.uint64(0x0101_0101_0101_0101)
    from_a, behind_z = word + ones * np.uint64(128 - 65), word + ones * np.uint64(128 - 91)
    return word | ((from_a & ~behind_z & np.uint64(0x8080_8080_8080_8080)) >> np.uint64(2))


@compiled
def _eight(at: int) -> tuple[int, int]:
    """(value, how many) of the digits that are there, at most eight: all compared and added up at once."""
    values = load_word(at) ^ np.uint64(0x3030_3030_3030_3030)
    others = ((values + np.uint64(0x7676_7676_7676_7676)) | values) & np.uint64(0x8080_8080_8080_8080)
    count = first_set(others) >> 3
    if count == 0:
        return 0, 0
    values <<= np.uint64(64 - 8 * count)
    values = values * np.uint64(10) + (values >> np.uint64(8))
    odd = (values & np.uint64(0x0000_00FF_0000_00FF)) * np.uint64(0x000F_4240_0000_0064)
    even = ((values >> np.uint64(16)) & np.uint64(0x0000_00FF_0000_00FF)) * np.uint64(0x0000_2710_0000_0001)
    return np.int64((odd + even) >> np.uint64(32)), count


@compiled
def _digits(at: int) -> tuple[int, int]:
    """(value, how many) of the digits that are there; more than DIGITS_MOST: their value is not right."""
    value, count = _eight(at)
    if count < 8:
        return value, count
    more, further = _eight(at + 8)
    value, count = value * _TENS[further] + more, 8 + further
    if further < 8:
        return value, count
    more, further = _eight(at + 16)
    if further > 2:
        return 0, DIGITS_MOST + 1
    return value * _TENS[further] + more, 16 + further


@compiled
def _decimal(at: int) -> tuple[int, int, int]:
    """Digits, and perhaps a point and more digits: where it ends, all digits as a whole number, how many were behind the
    point. No zeros in front, so that it is a number of JSON too.
    """
    value, before = _digits(at)
    if before == 0 or before > DIGITS_MOST or (before > 1 and load_byte(at) == 48):
        return -1, 0, 0
    at += before
    if load_byte(at) != 46:
        return at, value, 0
    fraction, behind = _digits(at + 1)
    if behind == 0 or before + behind > DIGITS_MOST:
        return -1, 0, 0
    return at + 1 + behind, value * _TENS[behind] + fraction, behind


@compiled
def _in_units(value: int, behind: int, decimals: int) -> int:
    """A number with `behind` digits behind the point in units of 10**-decimals; -1 if it is none, or too large."""
    if behind <= decimals:
        if decimals - behind > DIGITS_MOST:
            return -1
        factor = _TENS[decimals - behind]
        if value > 9_223_372_036_854_775_807 // factor:
            return -1
        return value * factor
    factor = _TENS[behind - decimals]
    if value % factor:
        return -1
    return value // factor


@compiled
def _two(at: int) -> int:
    """Two digits; 100 and more if they are none."""
    first, second = np.int64(load_byte(at)) - 48, np.int64(load_byte(at + 1)) - 48
    return first * 10 + second if 0 <= first <= 9 and 0 <= second <= 9 else 100


@compiled
def _moment(at: int) -> tuple[int, int]:
    """'2026-11-22T09:30:00.123456Z', with one to nine digits behind the point; where it ends, and the moment."""
    if load_byte(at + 4) != 45 or load_byte(at + 7) != 45 or load_byte(at + 10) != 84:
        return -1, 0
    if load_byte(at + 13) != 58 or load_byte(at + 16) != 58 or load_byte(at + 19) != 46:
        return -1, 0
    century, year, month, day = _two(at), _two(at + 2), _two(at + 5), _two(at + 8)
    hour, minute, second = _two(at + 11), _two(at + 14), _two(at + 17)
    if century > 99 or year > 99 or month < 1 or month > 12 or hour > 23 or minute > 59 or second > 59:
        return -1, 0
    year += 100 * century
    if year < 1970 or year > LAST_YEAR:
        return -1, 0
    leaps = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day < 1 or day > _MONTH_DAYS[month] + leaps:
        return -1, 0
    fraction, digits = _digits(at + 20)
    if digits == 0 or digits > 9 or load_byte(at + 20 + digits) != 90:
        return -1, 0
    shifted = year - (month <= 2)  # days since 1970 by counting years from March
    since_march = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + since_march - 719_468
    at_ns = ((days * 24 + hour) * 60 + minute) * 60_000_000_000 + second * 1_000_000_000 + fraction * _TENS[9 - digits]
    return at + 21 + digits, at_ns


@compiled
def _past_text(at: int, end: int) -> int:
    """The quote that ends plain text of printable ASCII; -1 if there is anything else in it, or no end."""
    ones, tops = np.uint64(0x0101_0101_0101_0101), np.uint64(0x8080_8080_8080_8080)
    while at < end:
        word = load_word(at)
        wrong = _bytes_equal(word, 92) | ((word - ones * np.uint64(32)) & ~word & tops) | (word & tops)
        first = first_set(_bytes_equal(word, 34))
        if first_set(wrong) < first:
            return -1
        if first < 64:
            return at + (first >> 3)
        at += 8
    return -1


@compiled
def _write(row: np.ndarray, instrument: int, trade: Trade, receive: int, seq: int, price: int, size: int) -> None:
    row.instrument = instrument
    row.exchange_ns = trade.time_ns
    row.receive_ns = receive
    row.seq = seq
    row.id_kind = _INTEGER
    row.id_hi = 0
    row.id_lo = trade.id
    row.price = price
    row.size = size
    row.taker_side = trade.taker
