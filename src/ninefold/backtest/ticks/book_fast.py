"""The book of a compiled venue: sizes by price in dense arrays, the best of each side, the queue ahead of our orders.

In:  levels as they are told. Out: the arrays changed in place; `venue_slow` says what happens and why.

All arrays are int64. book: lots by side (row 0: bids, 1: asks) and price, shape (6, span): what is shown in rows 0 and 1, of
it taken by us in 2 and 3, traded since it was told in 4 and 5. orders: shape (m, COLUMNS); the live ones are listed, in the
order of their arrival, in column LISTED. counts: shape (COUNTS,), then fees by tier. Arrays are handed on one by one: of a
tuple of them each call would count the references, and compiling took minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba.extending import register_jitable

from ninefold.market.compiled import compiled

F = TypeVar("F", bound=Callable[..., Any])


def inlined(function: F) -> F:
    """Compiled into what calls it: for what every event goes through, where handing the arrays on took half of the time."""
    made: F = register_jitable(inline="always")(function)
    return made


SIDE, LEFT, PRICE, LIFE, WHEN, TRIGGER, TRAIL, GROUP, AHEAD, WAITS, FRESH, SEEN, STATE, FIRED, PLACE, LISTED = range(16)
COLUMNS = 16  # of an order
SENT, LIVE, OVER = 0, 1, 2  # STATE
LIVES, FILLS, CASH, POSITION, LAST, HEAD, TAIL, ORDERS, ARRIVALS, BEST = range(
    10
)  # places in `counts`; BEST: two of them
MARK, PAID = 11, 12  # what a position is valued at, and how many fundings are over
# of the account's other instruments: their equity, the margins that they ask for, whether they hold anything
BESIDE, BESIDE_INITIAL, BESIDE_MAINTENANCE, BESIDE_HELD = 13, 14, 15, 16
RUINED = 17  # whether the account was liquidated at this event
COUNTS = 18
TAKEN, TRADED = 2, 4  # rows of the book, of bids
PROPORTIONAL = 1  # as in `orders.Queue`


class Given(NamedTuple):
    """What does not change. low: the price, in ticks, of place 0."""

    low: int
    has_book: bool
    queue: int
    maker: int
    taker: int
    tiered: bool  # fees are those of the day, in `counts` from COUNTS on as in `tier_loop`
    initial: int  # margin that is asked for; 0: a venue lends what is missing
    maintenance: int
    liquidation_fee: int
    worth: int  # units of the account's money that a tick times a lot is; 1 of one instrument alone


@inlined
def level(
    book: np.ndarray, orders: np.ndarray, counts: np.ndarray, g: Given, index: int, place: int, size: int
) -> None:
    """A level shows another size; a book is never crossed."""
    span = book.shape[1]
    if counts[LIVES] > 0:
        should = max(0, book[index, place] - book[TRADED + index, place])
        requeue(orders, counts, g, index, place + g.low, should, size)
    book[TRADED + index, place] = 0
    book[TAKEN + index, place] = min(book[TAKEN + index, place], size)
    book[index, place] = size
    step = -1 if index == 0 else 1  # to the next worse level
    best, other = counts[BEST + index], 1 - index
    if size > 0:
        if (place - best) * step < 0:
            counts[BEST + index] = place
        across = counts[BEST + other]
        while (across - place) * step >= 0 and 0 <= across < span:
            book[other, across] = 0
            book[TRADED + other, across] = 0
            across = next_level(book, other, across, -step)
        counts[BEST + other] = across
    elif place == best:
        counts[BEST + index] = next_level(book, index, best, step)


@compiled
def next_level(book: np.ndarray, index: int, place: int, step: int) -> int:
    """The next place that shows anything; -1 or span if there is none."""
    place += step
    while 0 <= place < book.shape[1] and book[index, place] == 0:
        place += step
    return place


@inlined
def requeue(orders: np.ndarray, counts: np.ndarray, g: Given, index: int, price: int, should: int, size: int) -> None:
    """Those ahead of our orders when a level that should show `should` shows `size`."""
    for at in range(counts[LIVES]):
        one = orders[at, LISTED]
        if orders[one, PRICE] == price and orders[one, WAITS] == 0 and (orders[one, SIDE] < 0) == (index == 1):
            ahead = orders[one, AHEAD]
            if g.queue == PROPORTIONAL and should > 0:
                ahead -= max(0, should - size) * ahead // should
            orders[one, AHEAD] = min(ahead, size)


@compiled
def best_is(
    book: np.ndarray, orders: np.ndarray, counts: np.ndarray, g: Given, index: int, place: int, size: int
) -> None:
    """What was better on this side is gone."""
    step = -1 if index == 0 else 1
    while (counts[BEST + index] - place) * step < 0 and 0 <= counts[BEST + index] < book.shape[1]:
        level(book, orders, counts, g, index, counts[BEST + index], 0)
    level(book, orders, counts, g, index, place, size)


@compiled
def clear(book: np.ndarray, counts: np.ndarray) -> None:
    """What is taken stays taken: the levels may be told anew."""
    book[:TAKEN] = 0
    book[TRADED:] = 0
    counts[BEST], counts[BEST + 1] = -1, book.shape[1]
