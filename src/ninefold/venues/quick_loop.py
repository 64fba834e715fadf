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
from ninefold.market.compiled import compiled, first_set, load_byte, load_word
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
_PRICE, _SIZE, _ID, _TIME, _STAMP, _TAKER, _FIELDS = 0, 2, 4, 5, 6, 7, 8  # where a message's fields are put
_FRAME, _INTEGER, _BUY, _SELL = inputs.FRAME, ID_INTEGER, BUY, SELL
_WINDOW, _EVERY, _FAR_NS = WINDOW, EVERY, FAR_NS
_TENS = 10 ** np.arange(19, dtype=np.int64)
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_TRUE, _FALSE = np.uint64(int.from_bytes(b"true", "little")), np.uint64(int.from_bytes(b"false", "little"))
_FULL_WORD = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


def name_words(name: bytes) -> np.ndarray:
    """A symbol as NAME_WORDS uint64."""
    return np.frombuffer(name.ljust(NAME_MOST, b"\0"), np.uint64)


@compiled
def place_of(words: np.ndarray, slots: np.ndarray, keys: np.ndarray) -> int:
    """The slot of a name: the one that holds its row, or the empty one where it belongs."""
    return _slot(words[0], words[1], words[2], slots, keys)


class Known(NamedTuple):
    """What is known of a form and of the symbols that were taught.

    steps, texts: of the form (Form.steps). slots: int32 (a power of two), rows of `keys` and `states` by hash, -1 where empty.
    keys: uint64 (n, 2 * NAME_WORDS), a symbol and the same in small letters. states: int64 (n, STATES). touched: int32 (n), the
    rows that changed.
    """

    steps: np.ndarray
    texts: np.ndarray
    slots: np.ndarray
    keys: np.ndarray
    states: np.ndarray
    touched: np.ndarray


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
    at, count, why = start, 0, ENDED
    seq, now, states = control[SEQ], control[NOW_NS], known.states
    least, last_receive = np.int64(2**63 - 1), np.int64(-(2**63) + 1)
    fields = np.zeros(_FIELDS, np.int64)
    while at < end and why == ENDED:
        if count == len(rows):
            why = FULL
            break
        why = NOT_MINE
        body = at + HEAD
        behind = body + np.int64(load_word(data, at) & np.uint64(0xFFFF_FFFF))
        connection = np.int64(load_word(data, body + 1) & np.uint64(0xFFFF))
        this_seq, receive = np.int64(load_word(data, body + 3)), np.int64(load_word(data, body + 11))
        if load_byte(data, body) != _FRAME or connection != control[CONNECTION]:
            break
        if receive >= control[UNTIL_NS] or receive < last_receive:
            break
        row = _message(data, body + BODY, behind, known, fields)
        if row < 0 or fields[_ID] != states[row, NEXT_ID] or fields[_STAMP] > now + _FAR_NS:
            break
        price = _in_units(fields[_PRICE], fields[_PRICE + 1], states[row, PRICE_DECIMALS])
        size = _in_units(fields[_SIZE], fields[_SIZE + 1], states[row, SIZE_DECIMALS])
        if price < 0 or size < 0:
            break
        _write(rows[count], states[row, INSTRUMENT], fields, receive, this_seq, price, size)
        _note(known, control, row, fields, receive)
        lag = lags[count] = receive - fields[_STAMP]
        _add_lag(window, offset, lag)
        least, now = min(least, lag), max(now, fields[_STAMP])
        at, count, seq, last_receive, why = behind, count + 1, this_seq, receive, ENDED
        if control[LEADS]:
            now = max(now, receive - offset[1])
        leading = now if control[LEADS] else receive - control[LEAD_MEDIAN_NS]
        if leading >= control[TICK_NS]:
            why = TICKED
    control[AT], control[COUNT], control[WHY], control[SEQ] = at, count, why, seq
    control[RECEIVE_NS], control[NOW_NS], control[LEAST_LAG_NS] = last_receive, now, least


@compiled
def _note(known: Known, control: np.ndarray, row: int, fields: np.ndarray, receive: int) -> None:
    """What the adapter is told of later."""
    states = known.states
    states[row, NEXT_ID] = fields[_ID] + 1
    states[row, LAST_NS] = max(states[row, LAST_NS], fields[_TIME])
    states[row, SEEN_NS] = receive
    if not states[row, IS_TOUCHED]:
        states[row, IS_TOUCHED] = 1
        known.touched[control[TOUCHED]] = row
        control[TOUCHED] += 1


@compiled
def _add_lag(window: np.ndarray, offset: np.ndarray, lag: int) -> None:
    """As OffsetEstimate.add."""
    frames = offset[0]
    window[frames % _WINDOW] = lag
    frames += 1
    offset[0] = frames
    if frames % _EVERY == 0 or frames & (frames - 1) == 0:
        filled = min(frames, _WINDOW)
        middle = (filled - 1) // 2
        offset[1] = np.partition(window[:filled], middle)[middle]


@compiled
def _message(data: np.ndarray, at: int, end: int, known: Known, fields: np.ndarray) -> int:
    """Read one message into `fields`; the row of its symbol, -1 if anything is not of the form."""
    steps, texts, keys = known.steps, known.texts, known.keys
    row, lower_at, lower_length = -1, 0, 0
    for step in range(len(steps)):
        kind = steps[step, 0]
        if kind == LITERAL:
            length = steps[step, 2]
            at = at + length if _same(data, at, texts, steps[step, 1], length) else -1
        elif kind == SYMBOL:
            length = _up_to(data, at, 34)
            row = _row_of(data, at, length, known) if length > 0 else -1
            at = at + length if row >= 0 else -1
        elif kind == LOWER:
            lower_at, lower_length = at, _up_to(data, at, 64)
            at = at + lower_length if lower_length > 0 else -1
        elif kind in (PRICE, SIZE):
            at = _decimal(data, at, fields, _PRICE if kind == PRICE else _SIZE)
        elif kind in (ID, TIME_MS, STAMP_MS, NUMBER):
            at = _whole(data, at, fields, kind)
        elif kind == TIME_TEXT:
            at = _moment(data, at, fields)
        elif kind == SIDE:
            at = _side(data, at, fields, texts, steps[step])
        elif kind == TEXT:
            at = _past_text(data, at, end)
        else:
            at = _past_flag(data, at)
        if at < 0 or at > end:
            return -1
    if at != end or (lower_length and not _is_lower_of(data, lower_at, lower_length, keys, row)):
        return -1
    return row


# each of these reads a part of a message, and returns where it ends, -1 if it is not there


@compiled
def _whole(data: np.ndarray, at: int, fields: np.ndarray, kind: int) -> int:
    """A whole number without a zero in front."""
    value, digits = _digits(data, at)
    if digits == 0 or digits > DIGITS_MOST or (digits > 1 and load_byte(data, at) == 48):
        return -1
    if kind == ID:
        fields[_ID] = value
    elif kind != NUMBER:
        if value > LAST_MS:
            return -1
        fields[_TIME if kind == TIME_MS else _STAMP] = value * MILLISECOND_NS
    return at + digits


@compiled
def _side(data: np.ndarray, at: int, fields: np.ndarray, texts: np.ndarray, step: np.ndarray) -> int:
    buy, buy_length, sell, sell_length = step[1], step[2], step[3] >> 32, step[3] & 0xFFFF_FFFF
    if _same(data, at, texts, buy, buy_length):
        fields[_TAKER] = _BUY
        return at + buy_length
    if _same(data, at, texts, sell, sell_length):
        fields[_TAKER] = _SELL
        return at + sell_length
    return -1


@compiled
def _past_flag(data: np.ndarray, at: int) -> int:
    word = load_word(data, at)
    if word & np.uint64(0xFFFF_FFFF) == _TRUE:
        return at + 4
    return at + 5 if word & np.uint64(0xFF_FFFF_FFFF) == _FALSE else -1


@compiled
def _same(data: np.ndarray, at: int, texts: np.ndarray, text: int, length: int) -> bool:
    whole = length // 8
    for word in range(whole):
        if load_word(data, at + 8 * word) != load_word(texts, text + 8 * word):
            return False
    rest = length - 8 * whole
    if rest == 0:
        return True
    mask = _mask(rest)
    return (load_word(data, at + 8 * whole) & mask) == load_word(texts, text + 8 * whole)


@compiled
def _mask(length: int) -> int:
    """Of the first `length` bytes of a word; 0 to 8."""
    if length >= 8:
        return _FULL_WORD
    return (np.uint64(1) << np.uint64(8 * length)) - np.uint64(1)


@compiled
def _up_to(data: np.ndarray, at: int, stop: int) -> int:
    """How many bytes there are before a `stop`; -1 if more than a name has."""
    for length in range(NAME_MOST + 1):
        if load_byte(data, at + length) == stop:
            return length
    return -1


@compiled
def _words(data: np.ndarray, at: int, length: int) -> tuple[int, int, int]:
    first = load_word(data, at) & _mask(length)
    second = load_word(data, at + 8) & _mask(length - 8) if length > 8 else np.uint64(0)
    third = load_word(data, at + 16) & _mask(length - 16) if length > 16 else np.uint64(0)
    return first, second, third


@compiled
def _slot(first: int, second: int, third: int, slots: np.ndarray, keys: np.ndarray) -> int:
    mixed = first * np.uint64(0x9E37_79B9_7F4A_7C15) + second * np.uint64(0xC2B2_AE3D_27D4_EB4F) + third
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    most = len(slots) - 1
    slot = np.int64(mixed >> np.uint64(33)) & most
    while slots[slot] >= 0:
        row = slots[slot]
        if keys[row, 0] == first and keys[row, 1] == second and keys[row, 2] == third:
            return slot
        slot = (slot + 1) & most
    return slot


@compiled
def _row_of(data: np.ndarray, at: int, length: int, known: Known) -> int:
    first, second, third = _words(data, at, length)
    return np.int64(known.slots[_slot(first, second, third, known.slots, known.keys)])


@compiled
def _is_lower_of(data: np.ndarray, at: int, length: int, keys: np.ndarray, row: int) -> bool:
    first, second, third = _words(data, at, length)
    return keys[row, 3] == first and keys[row, 4] == second and keys[row, 5] == third


@compiled
def _eight(data: np.ndarray, at: int) -> tuple[int, int]:
    """(value, how many) of the digits that are there, at most eight: all compared and added up at once."""
    values = load_word(data, at) ^ np.uint64(0x3030_3030_3030_3030)
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
def _digits(data: np.ndarray, at: int) -> tuple[int, int]:
    """(value, how many) of the digits that are there; more than DIGITS_MOST: their value is not right."""
    value, count = _eight(data, at)
    if count < 8:
        return value, count
    more, further = _eight(data, at + 8)
    value, count = value * _TENS[further] + more, 8 + further
    if further < 8:
        return value, count
    more, further = _eight(data, at + 16)
    if further > 2:
        return 0, DIGITS_MOST + 1
    return value * _TENS[further] + more, 16 + further


@compiled
def _decimal(data: np.ndarray, at: int, fields: np.ndarray, place: int) -> int:
    """Digits, and perhaps a point and more digits: all of them as a whole number, and how many were behind the point.

    Returns where it ends, -1 if it is something else. No zeros in front, so that it is a number of JSON too.
    """
    value, before = _digits(data, at)
    if before == 0 or before > DIGITS_MOST or (before > 1 and load_byte(data, at) == 48):
        return -1
    at += before
    behind = 0
    if load_byte(data, at) == 46:
        fraction, behind = _digits(data, at + 1)
        if behind == 0 or before + behind > DIGITS_MOST:
            return -1
        value = value * _TENS[behind] + fraction
        at += 1 + behind
    fields[place], fields[place + 1] = value, behind
    return at


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
def _two(data: np.ndarray, at: int) -> int:
    """Two digits; 100 and more if they are none."""
    first, second = np.int64(load_byte(data, at)) - 48, np.int64(load_byte(data, at + 1)) - 48
    return first * 10 + second if 0 <= first <= 9 and 0 <= second <= 9 else 100


@compiled
def _moment(data: np.ndarray, at: int, fields: np.ndarray) -> int:
    """'2026-11-22T09:30:00.123456Z', with one to nine digits behind the point; where it ends, -1 if it is none."""
    if load_byte(data, at + 4) != 45 or load_byte(data, at + 7) != 45 or load_byte(data, at + 10) != 84:
        return -1
    if load_byte(data, at + 13) != 58 or load_byte(data, at + 16) != 58 or load_byte(data, at + 19) != 46:
        return -1
    century, year, month, day = _two(data, at), _two(data, at + 2), _two(data, at + 5), _two(data, at + 8)
    hour, minute, second = _two(data, at + 11), _two(data, at + 14), _two(data, at + 17)
    if century > 99 or year > 99 or month < 1 or month > 12 or hour > 23 or minute > 59 or second > 59:
        return -1
    year += 100 * century
    if year < 1970 or year > LAST_YEAR:
        return -1
    leaps = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day < 1 or day > _MONTH_DAYS[month] + leaps:
        return -1
    fraction, digits = _digits(data, at + 20)
    if digits == 0 or digits > 9 or load_byte(data, at + 20 + digits) != 90:
        return -1
    shifted = year - (month <= 2)  # days since 1970 by counting years from March
    since_march = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + since_march - 719_468
    at_ns = ((days * 24 + hour) * 60 + minute) * 60_000_000_000 + second * 1_000_000_000 + fraction * _TENS[9 - digits]
    fields[_TIME], fields[_STAMP] = at_ns, at_ns
    return at + 21 + digits


@compiled
def _past_text(data: np.ndarray, at: int, end: int) -> int:
    """The quote that ends plain text of printable ASCII; -1 if there is anything else in it, or no end."""
    ones, tops = np.uint64(0x0101_0101_0101_0101), np.uint64(0x8080_8080_8080_8080)
    while at < end:
        word = load_word(data, at)
        quote, escape = word ^ (ones * np.uint64(34)), word ^ (ones * np.uint64(92))
        quotes = (quote - ones) & ~quote & tops
        wrong = ((escape - ones) & ~escape & tops) | ((word - ones * np.uint64(32)) & ~word & tops) | (word & tops)
        first = first_set(quotes)
        if first_set(wrong) < first:
            return -1
        if first < 64:
            return at + (first >> 3)
        at += 8
    return -1


@compiled
def _write(row: np.ndarray, instrument: int, fields: np.ndarray, receive: int, seq: int, price: int, size: int) -> None:
    row.instrument = instrument
    row.exchange_ns = fields[_TIME]
    row.receive_ns = receive
    row.seq = seq
    row.id_kind = _INTEGER
    row.id_hi = 0
    row.id_lo = fields[_ID]
    row.price = price
    row.size = size
    row.taker_side = fields[_TAKER]
