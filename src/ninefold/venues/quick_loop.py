"""The compiled short way from journalled frames to trades and quotes, for messages of exactly the known forms.

In:  records as the journal holds them, packed one after the other; what the adapter has taught of its symbols.
Out: rows of trades and quotes, and the clock and the numbers kept as the adapter's own way keeps them. The first record that
     is not of the forms, whose symbol is not taught, whose trade does not follow the last one, or whose time is far off ends the run:
     that one takes the adapter's way. So this decides nothing, and nothing depends on how often it runs.

What it stands on: quick_message.py reads one message, quick_names.py knows symbols, quick_numbers.py reads digits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.journal.inputs import FRAME
from ninefold.market.arrays import ID_INTEGER
from ninefold.market.clock import EVERY, FAR_NS, WINDOW
from ninefold.market.compiled import address_of, compiled, load_byte, load_word
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.form import ASK, ASK_SIZE, ID, PRICE, SAID, SIZE, STAMP_NS, SYMBOL, TAKER, TIME_NS
from ninefold.venues.quick_message import message
from ninefold.venues.quick_names import row_of
from ninefold.venues.quick_numbers import in_units
from ninefold.venues.quick_words import word_of

ENDED, NOT_MINE, UNTAUGHT, TICKED, FULL = range(5)  # why a run ended; UNTAUGHT: a symbol that was never taught
AT, TRADES, QUOTES, WHY, SEQ, RECEIVE_NS, NOW_NS, TICK_NS, LEADS, LEAD_MEDIAN_NS, UNTIL_NS, LEAST_LAG_NS = range(12)
TOUCHED, CONNECTION = 12, 13
CONTROLS = 14
INSTRUMENT, PRICE_DECIMALS, SIZE_DECIMALS, NEXT_ID, LAST_NS, BEST_ID, SEEN_NS, BEST_SEEN_NS, IS_TOUCHED = range(
    9
)  # *SEEN_NS: 0 if all is settled
STATES = 9
PADDING = 64  # bytes that must be there behind the last record
HEAD = 8  # length and checksum of a record
BODY = 19  # kind, connection, seq, receive_ns


class Known(NamedTuple):
    """What is known of the forms and of the symbols that were taught.

    steps, texts: of the form of trades (Form.steps); best_*: of the best bid and ask, empty if there is none.
    said: int64 (2, SAID), what the last message of each form says.
    slots: names and their rows of `states`, see quick_names.py.
    states: int64 (n, STATES). touched: int32 (n), the rows that changed.
    """

    steps: np.ndarray
    texts: np.ndarray
    best_steps: np.ndarray
    best_texts: np.ndarray
    said: np.ndarray
    slots: np.ndarray
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
    quotes: np.ndarray,
) -> None:
    """Take records from byte `start` to `end` of `data` (uint8, PADDING bytes longer) until one is of neither form.

    window, offset: int64 (WINDOW,) and (frames, median) of the connection. control: int64 (CONTROLS,), both ways.
    rows, lags: TRADES and int64, of one length; quotes: QUOTES.
    """
    why, traded, quoted, seq, now, touched = ENDED, 0, 0, control[SEQ], control[NOW_NS], control[TOUCHED]
    least, last_receive = np.int64(2**63 - 1), np.int64(-(2**63) + 1)
    slots, states = known.slots, known.states
    trades = address_of(known.steps), len(known.steps), address_of(known.texts), address_of(known.said)
    bests = address_of(known.best_steps), len(known.best_steps), address_of(known.best_texts), trades[3] + 8 * SAID
    at, end = address_of(data) + start, address_of(data) + end
    while at < end and why == ENDED:
        if traded == len(rows) or quoted == len(quotes):
            why = FULL
            break
        why, body = NOT_MINE, at + HEAD
        behind = body + np.int64(load_word(at) & np.uint64(0xFFFF_FFFF))
        connection = np.int64(load_word(body + 1) & np.uint64(0xFFFF))
        this_seq, receive = np.int64(load_word(body + 3)), np.int64(load_word(body + 11))
        is_frame = load_byte(body) == FRAME and connection == control[CONNECTION]
        if not is_frame or receive >= control[UNTIL_NS] or receive < last_receive:
            break
        said, is_best = trades[3], False
        if message(body + BODY, behind, *trades) != behind:
            said, is_best = bests[3], True
            if message(body + BODY, behind, *bests) != behind:
                break
        row = row_of(word_of(said, SYMBOL), word_of(said, SYMBOL + 1), address_of(slots), len(slots))
        if row < 0:
            why = UNTAUGHT
            break
        if states[row, NEXT_ID] < 0:
            break
        price = _amount(said, PRICE, states[row, PRICE_DECIMALS])
        size = _amount(said, SIZE, states[row, SIZE_DECIMALS])
        id, stamp = word_of(said, ID), word_of(said, STAMP_NS)
        if min(price, size) < 0:
            break
        if is_best:
            ask = _amount(said, ASK, states[row, PRICE_DECIMALS])
            ask_size = _amount(said, ASK_SIZE, states[row, SIZE_DECIMALS])
            if min(ask, ask_size) < 0:
                break
            _write_best(quotes[quoted], states[row, INSTRUMENT], id, receive, this_seq, price, size, ask, ask_size)
            states[row, BEST_ID], states[row, BEST_SEEN_NS] = id, receive
            quoted += 1
        else:
            if id != states[row, NEXT_ID] or stamp > now + FAR_NS:
                break
            _write(rows[traded], states[row, INSTRUMENT], said, receive, this_seq, price, size)
            states[row, NEXT_ID] = id + 1
            states[row, LAST_NS] = max(states[row, LAST_NS], word_of(said, TIME_NS))
            states[row, SEEN_NS] = receive
            lag = lags[traded] = receive - stamp
            _add_lag(window, offset, lag)
            least, now = min(least, lag), max(now, stamp)
            traded += 1
        if not states[row, IS_TOUCHED]:
            states[row, IS_TOUCHED] = 1
            known.touched[touched] = row
            touched += 1
        now = max(now, receive - offset[1])
        at, seq, last_receive, why = behind, this_seq, receive, ENDED
        if (now if control[LEADS] else receive - control[LEAD_MEDIAN_NS]) >= control[TICK_NS]:
            why = TICKED
    control[AT], control[WHY], control[SEQ] = at - address_of(data), why, seq
    control[TRADES], control[QUOTES], control[TOUCHED] = traded, quoted, touched
    control[RECEIVE_NS], control[NOW_NS], control[LEAST_LAG_NS] = last_receive, now, least


@compiled
def _amount(said: int, place: int, decimals: int) -> int:
    """A price or size in units of so many decimals; below 0 if it is no such number."""
    return in_units(word_of(said, place), word_of(said, place + 1), decimals)


@compiled
def _write(row: np.ndarray, instrument: int, said: int, receive: int, seq: int, price: int, size: int) -> None:
    row.instrument = instrument
    row.exchange_ns = word_of(said, TIME_NS)
    row.receive_ns = receive
    row.seq = seq
    row.id_kind = ID_INTEGER
    row.id_hi = 0
    row.id_lo = word_of(said, ID)
    row.price = price
    row.size = size
    row.taker_side = word_of(said, TAKER)


@compiled
def _write_best(
    row: np.ndarray,
    instrument: int,
    id: int,
    receive: int,
    seq: int,
    bid: int,
    bid_size: int,
    ask: int,
    ask_size: int,
) -> None:
    row.instrument = instrument
    row.exchange_ns = UNKNOWN_NS
    row.receive_ns = receive
    row.seq = seq
    row.update_id = id
    row.bid = bid
    row.bid_size = bid_size
    row.ask = ask
    row.ask_size = ask_size


@compiled
def _add_lag(window: np.ndarray, offset: np.ndarray, lag: int) -> None:
    """As OffsetEstimate.add."""
    frames = offset[0]
    window[frames % WINDOW] = lag
    frames += 1
    offset[0] = frames
    if frames % EVERY == 0 or frames & (frames - 1) == 0:
        offset[1] = median_low(window, min(frames, WINDOW))


@compiled
def median_low(values: np.ndarray, count: int) -> int:
    """Of the first `count` int64 values, as statistics.median_low: the least that half of them do not exceed. What is left
    between two of the values is halved until they are one; there are many equal ones.
    """
    place = (count - 1) // 2
    least, most = values[0], values[0]
    for at in range(count):
        least, most = min(least, values[at]), max(most, values[at])
    while least < most:
        middle = least + (most - least) // 2
        not_more, below, above = 0, least, most
        for at in range(count):
            value = values[at]
            not_more += value <= middle
            below = max(below, value if value <= middle else least)
            above = min(above, value if value > middle else most)
        if not_more > place:
            most = below
        else:
            least = above
    return least
