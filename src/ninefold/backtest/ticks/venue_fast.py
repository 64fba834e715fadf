"""The compiled venue; every fill is that of `venue_slow`, which says what happens and why.

In:  events, what is sent and when it arrives; arrays as in `book_fast`. Out: rows of fills, columns as in `orders.FILLED`.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.fast import LARGEST, part_up
from ninefold.backtest.ticks.account_fast import carries, keep_sound, pay_dues, rate_of, settle
from ninefold.backtest.ticks.book_fast import (
    AHEAD,
    ARRIVALS,
    BESIDE_HELD,
    BEST,
    CASH,
    COUNTS,
    FILLS,
    FIRED,
    FRESH,
    GROUP,
    HEAD,
    LAST,
    LEFT,
    LIFE,
    LISTED,
    LIVE,
    LIVES,
    MARK,
    OVER,
    PAID,
    PLACE,
    POSITION,
    PRICE,
    SEEN,
    SENT,
    SIDE,
    STATE,
    TAIL,
    TAKEN,
    TRADED,
    TRAIL,
    TRIGGER,
    WAITS,
    WHEN,
    Given,
    best_is,
    clear,
    inlined,
    level,
    next_level,
)
from ninefold.backtest.tier_loop import add_traded
from ninefold.market.compiled import compiled

TRADE, BEST_QUOTE, CLEAR = 0, 2, 3  # as in `events`
SUBMIT, CANCEL = 0, 1  # as in `orders`
GTC, IOC, FOK, POST_ONLY = 0, 1, 2, 3
NONE = -1
Rows = np.ndarray  # int64


@inlined
def happen(
    book: Rows,
    orders: Rows,
    counts: Rows,
    fills: Rows,
    way: Rows,
    g: Given,
    events: Rows,
    dues: Rows,
    event: int,
) -> None:
    """way: what is under way: arrival, what, order; shape (k, 3). events: EVENTS as whole numbers, shape (n, 6). dues: of funding,
    when and the rate in 10**-8, shape (m, 2)."""
    exchange_ns, kind, side = events[event, 0], events[event, 2], events[event, 3]
    price, size = events[event, 4], events[event, 5]
    if counts[PAID] < len(dues):
        pay_dues(counts, fills, g, dues, event, exchange_ns)
    if counts[LIVES] > 0:
        send_fired(book, orders, counts, fills, g, event, exchange_ns)
    while counts[HEAD] < counts[TAIL] and way[counts[HEAD], 0] <= exchange_ns:
        at_ns, what, one = way[counts[HEAD], 0], way[counts[HEAD], 1], way[counts[HEAD], 2]
        counts[HEAD] += 1
        if what == CANCEL:
            remove(orders, counts, one)
        else:
            arrive(book, orders, counts, fills, g, one, event, at_ns)
    place = price - g.low
    if kind == TRADE:
        trade(book, orders, counts, fills, g, event, exchange_ns, side, price, size)
    elif kind == CLEAR:
        clear(book, counts)
    elif 0 <= place < book.shape[1]:
        index = (1 - side) // 2
        if kind == BEST_QUOTE:
            best_is(book, orders, counts, g, index, place, size)
        else:
            level(book, orders, counts, g, index, place, size)
    if g.initial > 0 and (counts[POSITION] != 0 or counts[BESIDE_HELD] != 0):
        keep_sound(orders, counts, fills, way, g, event, exchange_ns)


@compiled
def send_fired(book: Rows, orders: Rows, counts: Rows, fills: Rows, g: Given, event: int, at_ns: int) -> None:
    """Orders whose condition was met, in the order of their arrival."""
    at = 0
    while at < counts[LIVES]:
        one = orders[at, LISTED]
        at += 1
        if orders[one, FIRED] == 1:
            remove(orders, counts, one)
            orders[one, FIRED], orders[one, STATE] = 0, SENT
            enter(book, orders, counts, fills, g, one, event, at_ns)
            at = 0


@compiled
def arrive(book: Rows, orders: Rows, counts: Rows, fills: Rows, g: Given, one: int, event: int, at_ns: int) -> None:
    if orders[one, STATE] == OVER:
        return
    if orders[one, WHEN] != 0:
        orders[one, WAITS] = 1
        orders[one, SEEN] = counts[LAST] if orders[one, TRAIL] > 0 else 0
        rest(orders, counts, one)
    else:
        enter(book, orders, counts, fills, g, one, event, at_ns)


@compiled
def enter(book: Rows, orders: Rows, counts: Rows, fills: Rows, g: Given, one: int, event: int, at_ns: int) -> None:
    """Send it to the book."""
    orders[one, WAITS] = 0
    if g.initial > 0 and not carries(orders, counts, g, one, at_ns):
        orders[one, STATE] = OVER
        return
    side, life, limit = orders[one, SIDE], orders[one, LIFE], orders[one, PRICE]
    if not g.has_book:
        orders[one, FRESH] = 0 if life == POST_ONLY else 1
        if life == POST_ONLY and counts[LAST] > 0 and (limit - counts[LAST]) * side >= 0:
            orders[one, STATE] = OVER
        else:
            rest(orders, counts, one)
        return
    other, step = (1, 1) if side > 0 else (0, -1)
    worst = limit - g.low if limit > 0 else (book.shape[1] if side > 0 else -1)
    place = counts[BEST + other]
    reached = (worst - place) * side >= 0 and 0 <= place < book.shape[1]
    if (life == POST_ONLY and reached) or (life == FOK and not enough(book, other, place, worst, orders[one, LEFT])):
        orders[one, STATE] = OVER
        return
    while orders[one, LEFT] > 0 and (worst - place) * side >= 0 and 0 <= place < book.shape[1]:
        size = min(orders[one, LEFT], book[other, place] - book[TAKEN + other, place])
        book[TAKEN + other, place] += size
        fill(orders, counts, fills, g, one, place + g.low, size, False, event, at_ns)
        place = next_level(book, other, place, step)
    if orders[one, LEFT] > 0 and limit > 0 and life in (GTC, POST_ONLY):
        orders[one, AHEAD] = book[1 - other, limit - g.low]
        rest(orders, counts, one)
    else:
        orders[one, STATE] = OVER


@compiled
def enough(book: Rows, index: int, place: int, worst: int, wanted: int) -> bool:
    """Whether so many lots can be taken of a side up to a price."""
    step, total = 1 if index == 1 else -1, 0
    while (worst - place) * step >= 0 and 0 <= place < book.shape[1] and total < wanted:
        total += book[index, place] - book[TAKEN + index, place]
        place = next_level(book, index, place, step)
    return total >= wanted


@compiled
def rest(orders: Rows, counts: Rows, one: int) -> None:
    orders[counts[LIVES], LISTED] = one
    counts[LIVES] += 1
    counts[ARRIVALS] += 1
    orders[one, STATE], orders[one, PLACE] = LIVE, counts[ARRIVALS]


@compiled
def remove(orders: Rows, counts: Rows, one: int) -> None:
    """Take it from those that are live, if it is."""
    if orders[one, STATE] != LIVE:
        return
    orders[one, STATE] = OVER
    kept = 0
    for at in range(counts[LIVES]):
        orders[kept, LISTED] = orders[at, LISTED]
        if orders[at, LISTED] != one:
            kept += 1
    counts[LIVES] = kept


@compiled
def trade(
    book: Rows,
    orders: Rows,
    counts: Rows,
    fills: Rows,
    g: Given,
    event: int,
    at_ns: int,
    side: int,
    price: int,
    size: int,
) -> None:
    counts[LAST] = counts[MARK] = price
    if counts[LIVES] > 0:
        left = size
        if not g.has_book:
            left = meet_fresh(orders, counts, fills, g, event, at_ns, price, left)
        if side != 1:
            left = meet_resting(orders, counts, fills, g, event, at_ns, 1, price, left)
        if side != -1:
            left = meet_resting(orders, counts, fills, g, event, at_ns, -1, price, left)
        for at in range(counts[LIVES]):
            look(orders, orders[at, LISTED], price)
    place = price - g.low
    if 0 <= place < book.shape[1]:
        if side != 1:
            book[TRADED, place] += size
        if side != -1:
            book[TRADED + 1, place] += size


@compiled
def meet_fresh(orders: Rows, counts: Rows, fills: Rows, g: Given, event: int, at_ns: int, price: int, left: int) -> int:
    """Orders that take, without a book. returns: what they leave of the trade's size."""
    after, at = 0, 0
    while at < counts[LIVES]:
        one = orders[at, LISTED]
        at += 1
        if orders[one, FRESH] == 0 or orders[one, PLACE] <= after:
            continue
        after, life, limit = orders[one, PLACE], orders[one, LIFE], orders[one, PRICE]
        reached = limit == 0 or (limit - price) * orders[one, SIDE] >= 0
        size = min(orders[one, LEFT], left) if reached else 0
        if life == FOK and size < orders[one, LEFT]:
            size = 0
        left -= size
        fill(orders, counts, fills, g, one, price, size, False, event, at_ns)
        orders[one, FRESH] = 1 if limit == 0 and life == GTC else 0
        if life in (IOC, FOK):
            remove(orders, counts, one)
        at = 0
    return left


@compiled
def meet_resting(
    orders: Rows, counts: Rows, fills: Rows, g: Given, event: int, at_ns: int, way: int, price: int, left: int
) -> int:
    """Orders of one side that rest, best price first, then who came first. returns: what is left of the trade's size."""
    worst, after = np.int64(2**62), np.int64(0)  # what was met last: how far beyond the trade, and its place
    while True:
        one, far = NONE, np.int64(-1)
        for at in range(counts[LIVES]):
            of = orders[at, LISTED]
            beyond = (orders[of, PRICE] - price) * way
            if orders[of, SIDE] != way or beyond < 0 or beyond <= far or (beyond == 0 and not g.has_book):
                continue
            if orders[of, WAITS] == 1 or orders[of, FRESH] == 1 or orders[of, PRICE] == 0:
                continue
            if beyond < worst or (beyond == worst and orders[of, PLACE] > after):
                one, far = of, beyond
        if one == NONE:
            return left
        worst, after = far, orders[one, PLACE]
        passed = left
        if far == 0:
            passed = max(0, left - orders[one, AHEAD])
            orders[one, AHEAD] = max(0, orders[one, AHEAD] - left)
        size = min(orders[one, LEFT], passed)
        left -= size
        fill(orders, counts, fills, g, one, orders[one, PRICE], size, True, event, at_ns)


@compiled
def look(orders: Rows, one: int, price: int) -> None:
    """Whether a trade meets its condition."""
    if orders[one, WAITS] == 0 or orders[one, FIRED] == 1:
        return
    way, trigger, best = orders[one, WHEN], orders[one, TRIGGER], orders[one, SEEN]
    if orders[one, TRAIL] > 0:
        trigger = best + orders[one, TRAIL] * way if best > 0 else 0
        if best == 0 or (best - price) * way > 0:
            orders[one, SEEN] = price
    if trigger != 0 and (price - trigger) * way >= 0:
        orders[one, FIRED] = 1


@compiled
def fill(
    orders: Rows,
    counts: Rows,
    fills: Rows,
    g: Given,
    one: int,
    price: int,
    size: int,
    maker: bool,
    event: int,
    at_ns: int,
) -> None:
    if size == 0:
        return
    value = price * g.worth * size
    fee = part_up(value, rate_of(counts, g, maker, at_ns))
    if g.tiered:
        add_traded(counts, COUNTS, value)
    orders[one, LEFT] -= size
    if counts[LAST] == 0:
        counts[MARK] = price
    settle(counts, fills, g, event, at_ns, one, price, size * orders[one, SIDE], fee, 1 if maker else 0)
    if orders[one, LEFT] == 0:
        remove(orders, counts, one)
    if orders[one, GROUP] > 0:
        for other in range(len(orders)):
            if other != one and orders[other, GROUP] == orders[one, GROUP]:
                remove(orders, counts, other)
                orders[other, STATE] = OVER


@compiled
def play_orders(
    book: Rows,
    orders: Rows,
    counts: Rows,
    fills: Rows,
    way: Rows,
    g: Given,
    events: Rows,
    dues: Rows,
    asked: Rows,
    arrival: Rows,
) -> int:
    """asked: ASKED, shape (k, 11). How many fills there were; -event - 1 if the cash exceeds 2**60 there."""
    sent = 0
    for event in range(len(events)):
        happen(book, orders, counts, fills, way, g, events, dues, event)
        if abs(counts[CASH]) > LARGEST:
            return -event - 1
        while sent < len(asked) and asked[sent, 0] == event:
            send(way, counts, arrival[sent], asked[sent, 1], asked[sent, 2])
            sent += 1
    return int(counts[FILLS])


@compiled
def send(way: Rows, counts: Rows, arrival: int, what: int, one: int) -> None:
    way[counts[TAIL], 0], way[counts[TAIL], 1], way[counts[TAIL], 2] = arrival, what, one
    counts[TAIL] += 1
