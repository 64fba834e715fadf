"""One message of a known form, read part by part.

In:  the address of a message, and the steps and texts of its form (form.py).
Out: where it ends, -1 if anything is not of the form; and at an address what it says, SAID words.
Behind the end of the message 60 bytes must be there.
"""

from __future__ import annotations

import numpy as np

from ninefold.market.arrays import BUY, SELL
from ninefold.market.compiled import compiled, load_word, store_word
from ninefold.market.wide import same
from ninefold.venues.form import (
    DAY,
    DECIMAL,
    FIRST,
    FIRST_LENGTH,
    FLAG,
    LENGTH,
    LITERAL,
    LOWER,
    MILLISECONDS,
    MOMENT,
    NAME,
    PLACE,
    READER,
    SECOND,
    SECOND_LENGTH,
    SIDE,
    STAMP_NS,
    STEP,
    SYMBOL,
    TEXT,
    TEXT_BYTES,
    WHOLE,
)
from ninefold.venues.quick_names import is_lower_of, up_to
from ninefold.venues.quick_numbers import decimal, milliseconds, moment, whole
from ninefold.venues.quick_words import past_text, word_of

_STEP_BYTES = 8 * STEP
_TRUE, _FALSE = np.uint64(int.from_bytes(b"true", "little")), np.uint64(int.from_bytes(b"false", "little"))


@compiled
def message(at: int, end: int, steps: int, count: int, texts: int, said: int) -> int:
    """Read one message: where it ends, -1 if anything is not of the form. count: of steps, 0 if there is no form."""
    step, behind = steps, steps + count * _STEP_BYTES
    while step < behind and at <= end:
        text = texts + word_of(step, LITERAL)
        if not same(at, text, text + TEXT_BYTES):
            return -1
        at += word_of(step, LENGTH)
        if at > end:
            return -1
        reader, place = word_of(step, READER), said + 8 * word_of(step, PLACE)
        if reader == DECIMAL:
            at, value, more = decimal(at)
            store_word(place, np.uint64(value))
            store_word(place + 8, np.uint64(more))
        elif reader == WHOLE:
            at, value = whole(at)
            store_word(place, np.uint64(value))
        elif reader == TEXT:
            at = past_text(at, end)
        elif reader == MILLISECONDS:
            at, value = milliseconds(at)
            store_word(place, np.uint64(value))
        elif reader == NAME:
            length = up_to(at, word_of(step, FIRST))
            store_word(place, np.uint64(at))
            store_word(place + 8, np.uint64(length))
            at = at + length if length > 0 else -1
        elif reader == SIDE:
            at, value = _side(at, step, texts)
            store_word(place, np.uint64(value))
        elif reader == MOMENT:
            at, value = moment(at, said + 8 * DAY)
            store_word(place, np.uint64(value))
            store_word(said + 8 * STAMP_NS, np.uint64(value))
        elif reader == FLAG:
            at = _past_flag(at)
        if at < 0:
            return -1
        step += _STEP_BYTES
    if step < behind or count == 0:
        return -1
    length = word_of(said, LOWER + 1)
    if length and not is_lower_of(word_of(said, LOWER), length, word_of(said, SYMBOL), word_of(said, SYMBOL + 1)):
        return -1
    return at


@compiled
def _side(at: int, step: int, texts: int) -> tuple[int, int]:
    """Both are compared: which of two sides it is nobody can foretell, the processor neither."""
    first, second = texts + word_of(step, FIRST), texts + word_of(step, SECOND)
    buys, sells = same(at, first, first + TEXT_BYTES), same(at, second, second + TEXT_BYTES)
    is_buy, length = np.int64(buys), word_of(step, SECOND_LENGTH)
    length += is_buy * (word_of(step, FIRST_LENGTH) - length)
    if not (buys | sells):
        return -1, 0
    return at + length, SELL + is_buy * (BUY - SELL)


@compiled
def _past_flag(at: int) -> int:
    word = load_word(at)
    if word & np.uint64(0xFFFF_FFFF) == _TRUE:
        return at + 4
    return at + 5 if word & np.uint64(0xFF_FFFF_FFFF) == _FALSE else -1
