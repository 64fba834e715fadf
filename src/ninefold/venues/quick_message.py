"""One message of a known form, read part by part.

In:  the address of a message, and the steps and texts of its form (form.py).
Out: where it ends, -1 if anything is not of the form; its symbol; its trade, or best bid and ask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.market.arrays import BUY, SELL
from ninefold.market.compiled import compiled, load_word
from ninefold.venues.form import (
    ASK,
    ASK_SIZE,
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
from ninefold.venues.quick_names import is_lower_of, up_to
from ninefold.venues.quick_numbers import decimal, milliseconds, moment, whole
from ninefold.venues.quick_words import past_text, same

_STEP_BYTES = 8 * 4
_TRUE, _FALSE = np.uint64(int.from_bytes(b"true", "little")), np.uint64(int.from_bytes(b"false", "little"))


class Said(NamedTuple):
    """What a message says. price, size: all digits as a whole number; *_behind: how many of them are behind the point. Of a best
    bid and ask they are the bid's.
    """

    price: int
    price_behind: int
    size: int
    size_behind: int
    ask: int
    ask_behind: int
    ask_size: int
    ask_size_behind: int
    id: int
    time_ns: int
    stamp_ns: int
    taker: int


@compiled
def message(at: int, end: int, steps: int, count: int, texts: int) -> tuple[int, int, int, Said]:
    """Read one message: where it ends, -1 if anything is not of the form; where its symbol is, and how long."""
    symbol, length, lower, lower_length = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    price, price_behind, size, size_behind = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    ask, ask_behind, ask_size, ask_size_behind = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    id, time, stamp, taker = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    step, behind = steps, steps + count * _STEP_BYTES
    while step < behind and 0 <= at <= end:
        kind = np.int64(load_word(step))
        if kind == LITERAL:
            size_of = np.int64(load_word(step + 16))
            at = at + size_of if same(at, texts + np.int64(load_word(step + 8)), size_of) else -1
        elif kind == PRICE:
            at, price, price_behind = decimal(at)
        elif kind == SIZE:
            at, size, size_behind = decimal(at)
        elif kind == ASK:
            at, ask, ask_behind = decimal(at)
        elif kind == ASK_SIZE:
            at, ask_size, ask_size_behind = decimal(at)
        elif kind == TIME_MS:
            at, time = milliseconds(at)
        elif kind == STAMP_MS:
            at, stamp = milliseconds(at)
        elif kind == ID:
            at, id = whole(at)
        elif kind == SYMBOL:
            symbol, length = at, up_to(at, 34)
            at = at + length if length > 0 else -1
        elif kind == LOWER:
            lower, lower_length = at, up_to(at, 64)
            at = at + lower_length if lower_length > 0 else -1
        elif kind == SIDE:
            at, taker = _side(at, step, texts)
        elif kind == TIME_TEXT:
            at, time = moment(at)
            stamp = time
        elif kind == TEXT:
            at = past_text(at, end)
        elif kind == NUMBER:
            at, _ = whole(at)
        else:
            at = _past_flag(at)
        step += _STEP_BYTES
    if step < behind or (lower_length and not is_lower_of(lower, lower_length, symbol, length)):
        at = -1
    asks = ask, ask_behind, ask_size, ask_size_behind
    return at, symbol, length, Said(price, price_behind, size, size_behind, *asks, id, time, stamp, taker)


@compiled
def _side(at: int, step: int, texts: int) -> tuple[int, int]:
    length, other = np.int64(load_word(step + 16)), np.int64(load_word(step + 24))
    if same(at, texts + np.int64(load_word(step + 8)), length):
        return at + length, BUY
    length = other & 0xFFFF_FFFF
    if same(at, texts + (other >> 32), length):
        return at + length, SELL
    return -1, 0


@compiled
def _past_flag(at: int) -> int:
    word = load_word(at)
    if word & np.uint64(0xFFFF_FFFF) == _TRUE:
        return at + 4
    return at + 5 if word & np.uint64(0xFF_FFFF_FFFF) == _FALSE else -1
