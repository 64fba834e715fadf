"""The compiled short way from journalled frames to trades, for messages of exactly the known form.

In:  records as the journal holds them, packed one after the other; what the adapter has taught of its symbols.
Out: rows of trades, and the clock and the numbers kept as the adapter's own way keeps them. The first record that is not of
     the form, whose symbol is not taught, whose trade does not follow the last one, or whose time is far off ends the run:
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
from ninefold.venues.quick_message import Trade, message
from ninefold.venues.quick_names import row_of
from ninefold.venues.quick_numbers import in_units

ENDED, NOT_MINE, TICKED, FULL = range(4)  # why a run ended
AT, COUNT, WHY, SEQ, RECEIVE_NS, NOW_NS, TICK_NS, LEADS, LEAD_MEDIAN_NS, UNTIL_NS, LEAST_LAG_NS, TOUCHED, CONNECTION = (
    range(13)
)
CONTROLS = 13
INSTRUMENT, PRICE_DECIMALS, SIZE_DECIMALS, NEXT_ID, LAST_NS, SEEN_NS, IS_TOUCHED = range(
    7
)  # SEEN_NS: 0 if all is settled
STATES = 7
PADDING = 64  # bytes that must be there behind the last record
HEAD = 8  # length and checksum of a record
BODY = 19  # kind, connection, seq, receive_ns


class Known(NamedTuple):
    """What is known of a form and of the symbols that were taught.

    steps, texts: of the form (Form.steps). slots: names and their rows of `states`, see quick_names.py.
    states: int64 (n, STATES). touched: int32 (n), the rows that changed.
    """

    steps: np.ndarray
    texts: np.ndarray
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
        if load_byte(body) != FRAME or connection != control[CONNECTION]:
            break
        if receive >= control[UNTIL_NS] or receive < last_receive:
            break
        end_of_message, symbol, length, trade = message(body + BODY, behind, address_of(steps), len(steps), texts)
        if end_of_message != behind:
            break
        row = row_of(symbol, length, address_of(slots), len(slots))
        if row < 0 or trade.id != states[row, NEXT_ID] or trade.stamp_ns > now + FAR_NS:
            break
        price = in_units(trade.price, trade.price_behind, states[row, PRICE_DECIMALS])
        size = in_units(trade.size, trade.size_behind, states[row, SIZE_DECIMALS])
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
def _write(row: np.ndarray, instrument: int, trade: Trade, receive: int, seq: int, price: int, size: int) -> None:
    row.instrument = instrument
    row.exchange_ns = trade.time_ns
    row.receive_ns = receive
    row.seq = seq
    row.id_kind = ID_INTEGER
    row.id_hi = 0
    row.id_lo = trade.id
    row.price = price
    row.size = size
    row.taker_side = trade.taker


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
