"""Quotes at the compiled venue, as `venue_slow.play_quotes` says; and what the book showed.

In:  events, what is quoted at which of them and when it arrives; arrays as in `book_fast`. Out: rows of fills, columns as in
     `orders.FILLED`.
"""

from __future__ import annotations

from ninefold.backtest.fast import LARGEST
from ninefold.backtest.ticks.book_fast import (
    BEST,
    CASH,
    FILLS,
    LEFT,
    LIFE,
    ORDERS,
    OVER,
    POSITION,
    PRICE,
    SIDE,
    STATE,
    Given,
)
from ninefold.backtest.ticks.venue_fast import CANCEL, NONE, SUBMIT, Rows, happen, send
from ninefold.market.compiled import compiled


@compiled
def play_quotes(
    book: Rows,
    orders: Rows,
    counts: Rows,
    fills: Rows,
    way: Rows,
    g: Given,
    events: Rows,
    dues: Rows,
    at: Rows,
    quotes: Rows,
    arrival: Rows,
    most: int,
    life: int,
    from_best: bool,
    working: Rows,
    begin: int,
    end: int,
) -> int:
    """Quotes as they are decided at the events `at`: bid, its size, ask, its size, shape (k, 4). working: the order of each side,
    shape (2,), NONE at first; changed in place. Of the events those from `begin` up to `end`, so that a run may be cut.
    How many fills there were so far; -event - 1 if the cash exceeds 2**60 there."""
    decision = 0
    for event in range(begin, end):
        happen(book, orders, counts, fills, way, g, events, dues, event)
        if abs(counts[CASH]) > LARGEST:
            return -event - 1
        if decision < len(at) and at[decision] == event:
            row = quotes[decision]
            quote(book, orders, counts, way, working, g, row, arrival[decision], most, life, from_best)
            decision += 1
    return int(counts[FILLS])


@compiled
def quote(
    book: Rows,
    orders: Rows,
    counts: Rows,
    way: Rows,
    working: Rows,
    g: Given,
    wanted: Rows,
    at_ns: int,
    most: int,
    life: int,
    from_best: bool,
) -> None:
    """Renew both sides. wanted: bid, its size, ask, its size."""
    for index in range(2):
        side = 1 - 2 * index
        limit = wanted[2 * index]
        size = wanted[2 * index + 1] if counts[POSITION] * side < most else 0
        if from_best:
            place = counts[BEST + index] - limit * side
            size = size if shows(book, counts, index) and 0 <= place < book.shape[1] else 0
            limit = place + g.low
        working[index] = renew(orders, counts, way, working[index], side, limit, size, at_ns, life)


@compiled
def shows(book: Rows, counts: Rows, index: int) -> bool:
    """Whether a side has any level."""
    return bool(0 <= counts[BEST + index] < book.shape[1])


@compiled
def renew(
    orders: Rows, counts: Rows, way: Rows, old: int, side: int, price: int, size: int, at_ns: int, life: int
) -> int:
    """The order that works for a side from now on; NONE: none."""
    if old != NONE and orders[old, STATE] != OVER:
        if size > 0 and orders[old, PRICE] == price:
            return old
        send(way, counts, at_ns, CANCEL, old)
    if size == 0:
        return NONE
    new = int(counts[ORDERS])
    counts[ORDERS] += 1
    orders[new, SIDE], orders[new, LEFT], orders[new, PRICE], orders[new, LIFE] = side, size, price, life
    send(way, counts, at_ns, SUBMIT, new)
    return new


@compiled
def tops(
    book: Rows,
    orders: Rows,
    counts: Rows,
    fills: Rows,
    way: Rows,
    g: Given,
    events: Rows,
    dues: Rows,
    found: Rows,
) -> None:
    """The best bid and ask after each event, ticks, then their sizes, lots, shape (n, 4); 0: none."""
    for event in range(len(events)):
        happen(book, orders, counts, fills, way, g, events, dues, event)
        for index in range(2):
            if shows(book, counts, index):
                found[event, index] = counts[BEST + index] + g.low
                found[event, 2 + index] = book[index, counts[BEST + index]]
