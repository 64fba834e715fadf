"""The book of a compiled venue: sizes by price in dense arrays, the best of each side, the queue ahead of our orders.

In:  levels as they are told. Out: the arrays changed in place; `venue_slow` says what happens and why.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.market.compiled import compiled

# columns of an order
SIDE, LEFT, PRICE, LIFE, WHEN, TRIGGER, TRAIL, GROUP, AHEAD, WAITS, FRESH, BEST_SEEN, STATE, FIRED, PLACE = range(15)
ORDER_COLUMNS = 15
SENT, LIVE, OVER = 0, 1, 2  # state
LIVES, FILLS, CASH, POSITION, LAST, HEAD, TAIL, ORDERS, ARRIVALS = range(9)  # places in `counts`
COUNTS = 9
PROPORTIONAL = 1  # as in `orders.Queue`


class Venue(NamedTuple):
    """All int64. shown, taken, traded: lots by side (0: bids, 1: asks) and price, shape (2, span). best: the place of the best
    level of each side; -1 and span: none. orders: shape (m, ORDER_COLUMNS). live: orders at the venue, shape (m,).
    way: what is under way: arrival, what, order. over: groups of which one was filled."""

    shown: np.ndarray
    taken: np.ndarray
    traded: np.ndarray
    best: np.ndarray
    orders: np.ndarray
    live: np.ndarray
    way: np.ndarray
    over: np.ndarray
    fills: np.ndarray
    counts: np.ndarray


class Given(NamedTuple):
    """What does not change. low: the price, in ticks, of place 0."""

    low: int
    has_book: bool
    queue: int
    maker: int
    taker: int


@compiled
def level(v: Venue, g: Given, index: int, place: int, size: int) -> None:
    """A level shows another size; a book is never crossed."""
    shown, before = v.shown[index], v.traded[index, place]
    if v.counts[LIVES] > 0:
        requeue(v, g, index, place, max(0, shown[place] - before), size)
    v.traded[index, place] = 0
    if v.taken[index, place] > size:
        v.taken[index, place] = size
    shown[place] = size
    step = -1 if index == 0 else 1  # to the next worse level
    best = v.best[index]
    if size > 0:
        if (place - best) * step < 0:
            v.best[index] = place
        other = 1 - index
        while (v.best[other] - place) * step >= 0 and 0 <= v.best[other] < len(shown):
            v.shown[other, v.best[other]] = 0
            v.traded[other, v.best[other]] = 0
            v.best[other] = next_level(v.shown[other], v.best[other], -step)
    elif place == best:
        v.best[index] = next_level(shown, best, step)


@compiled
def next_level(shown: np.ndarray, place: int, step: int) -> int:
    """The next place that shows anything; -1 or span if there is none."""
    place += step
    while 0 <= place < len(shown) and shown[place] == 0:
        place += step
    return place


@compiled
def requeue(v: Venue, g: Given, index: int, place: int, should: int, size: int) -> None:
    """Those ahead of our orders when a level that should show `should` shows `size`."""
    for at in range(v.counts[LIVES]):
        order = v.orders[v.live[at]]
        if order[WAITS] == 0 and (order[SIDE] < 0) == (index == 1) and order[PRICE] == place + g.low:
            if g.queue == PROPORTIONAL and should > 0:
                order[AHEAD] -= max(0, should - size) * order[AHEAD] // should
            order[AHEAD] = min(order[AHEAD], size)


@compiled
def best_is(v: Venue, g: Given, index: int, place: int, size: int) -> None:
    """What was better on this side is gone."""
    step = -1 if index == 0 else 1
    while (v.best[index] - place) * step < 0 and 0 <= v.best[index] < v.shown.shape[1]:
        level(v, g, index, v.best[index], 0)
    level(v, g, index, place, size)


@compiled
def clear(v: Venue) -> None:
    v.shown[:] = 0
    v.traded[:] = 0
    v.best[0], v.best[1] = -1, v.shown.shape[1]
