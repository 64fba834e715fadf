"""The compiled venue; every fill is that of `venue_slow`, which says what happens and why.

In:  events, what is sent and when it arrives. Out: rows of fills, columns as in `orders.FILLED`.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.fast import LARGEST, part_up
from ninefold.backtest.ticks.book_fast import (
    AHEAD,
    ARRIVALS,
    BEST_SEEN,
    CASH,
    FILLS,
    FIRED,
    FRESH,
    GROUP,
    HEAD,
    LAST,
    LEFT,
    LIFE,
    LIVE,
    LIVES,
    ORDERS,
    OVER,
    PLACE,
    POSITION,
    PRICE,
    SENT,
    SIDE,
    STATE,
    TAIL,
    TRAIL,
    TRIGGER,
    WAITS,
    WHEN,
    Given,
    Venue,
    best_is,
    clear,
    level,
    next_level,
)
from ninefold.market.compiled import compiled

TRADE, BEST, CLEAR = 0, 2, 3  # as in `events`
CANCEL = 1  # as in `orders`
GTC, IOC, FOK, POST_ONLY = 0, 1, 2, 3
NONE = -1


@compiled
def happen(v: Venue, g: Given, event: int, row: np.ndarray) -> None:
    """row: of EVENTS."""
    exchange_ns, kind, side, price, size = row[0], row[2], row[3], row[4], row[5]
    if v.counts[LIVES] > 0:
        send_fired(v, g, event, exchange_ns)
    while v.counts[HEAD] < v.counts[TAIL] and v.way[v.counts[HEAD], 0] <= exchange_ns:
        sent = v.way[v.counts[HEAD]]
        at_ns, what, one = sent[0], sent[1], sent[2]
        v.counts[HEAD] += 1
        if what == CANCEL:
            remove(v, one)
        else:
            arrive(v, g, one, event, at_ns)
    place = price - g.low
    if kind == TRADE:
        trade(v, g, event, exchange_ns, side, price, size)
    elif kind == CLEAR:
        clear(v)
    elif 0 <= place < v.shown.shape[1]:
        if kind == BEST:
            best_is(v, g, (1 - side) // 2, place, size)
        else:
            level(v, g, (1 - side) // 2, place, size)


@compiled
def send_fired(v: Venue, g: Given, event: int, at_ns: int) -> None:
    """Orders whose condition was met, in the order of their arrival."""
    while True:
        found = NONE
        for at in range(v.counts[LIVES]):
            if v.orders[v.live[at], FIRED] == 1:
                found = v.live[at]
                break
        if found == NONE:
            return
        remove(v, found)
        v.orders[found, FIRED], v.orders[found, STATE] = 0, SENT
        enter(v, g, found, event, at_ns)


@compiled
def arrive(v: Venue, g: Given, one: int, event: int, at_ns: int) -> None:
    order = v.orders[one]
    if v.over[order[GROUP]] == 1:
        order[STATE] = OVER
    elif order[WHEN] != 0:
        order[WAITS] = 1
        order[BEST_SEEN] = v.counts[LAST] if order[TRAIL] > 0 else 0
        rest(v, one)
    else:
        enter(v, g, one, event, at_ns)


@compiled
def enter(v: Venue, g: Given, one: int, event: int, at_ns: int) -> None:
    """Send it to the book."""
    order = v.orders[one]
    order[WAITS] = 0
    side, life = order[SIDE], order[LIFE]
    if not g.has_book:
        order[FRESH] = 0 if life == POST_ONLY else 1
        if life == POST_ONLY and v.counts[LAST] > 0 and takes(order, v.counts[LAST]):
            order[STATE] = OVER
        else:
            rest(v, one)
        return
    other, step = (1, 1) if side > 0 else (0, -1)
    shown, taken = v.shown[other], v.taken[other]
    place = v.best[other]
    reached = 0 <= place < len(shown) and takes(order, place + g.low)
    if (life == POST_ONLY and reached) or (life == FOK and there(order, g, shown, taken, place, step) < order[LEFT]):
        order[STATE] = OVER
        return
    while order[LEFT] > 0 and 0 <= place < len(shown) and takes(order, place + g.low):
        size = min(order[LEFT], shown[place] - taken[place])
        taken[place] += size
        fill(v, g, one, place + g.low, size, False, event, at_ns)
        place = next_level(shown, place, step)
    if order[LEFT] > 0 and order[PRICE] > 0 and (life == GTC or life == POST_ONLY):
        order[AHEAD] = v.shown[1 - other, order[PRICE] - g.low]
        rest(v, one)
    else:
        order[STATE] = OVER


@compiled
def takes(order: np.ndarray, price: int) -> bool:
    return order[PRICE] == 0 or (order[PRICE] - price) * order[SIDE] >= 0


@compiled
def there(order: np.ndarray, g: Given, shown: np.ndarray, taken: np.ndarray, place: int, step: int) -> int:
    """Lots that the order could take."""
    total = 0
    while 0 <= place < len(shown) and takes(order, place + g.low) and total < order[LEFT]:
        total += shown[place] - taken[place]
        place = next_level(shown, place, step)
    return total


@compiled
def rest(v: Venue, one: int) -> None:
    v.live[v.counts[LIVES]] = one
    v.counts[LIVES] += 1
    v.counts[ARRIVALS] += 1
    v.orders[one, STATE], v.orders[one, PLACE] = LIVE, v.counts[ARRIVALS]


@compiled
def remove(v: Venue, one: int) -> None:
    """Take it from those that are live, if it is."""
    if v.orders[one, STATE] != LIVE:
        return
    v.orders[one, STATE] = OVER
    kept = 0
    for at in range(v.counts[LIVES]):
        v.live[kept] = v.live[at]
        kept += v.live[at] != one
    v.counts[LIVES] = kept


@compiled
def trade(v: Venue, g: Given, event: int, at_ns: int, side: int, price: int, size: int) -> None:
    v.counts[LAST] = price
    left = size
    if v.counts[LIVES] > 0:
        if not g.has_book:
            left = meet_fresh(v, g, event, at_ns, price, left)
        for way in (1, -1):
            if side != way:
                left = meet_resting(v, g, event, at_ns, way, price, left)
    place = price - g.low
    if 0 <= place < v.shown.shape[1]:
        for way in (1, -1):
            if side != way:
                v.traded[(1 - way) // 2, place] += size
    for at in range(v.counts[LIVES]):
        order = v.orders[v.live[at]]
        if order[WAITS] == 1 and order[FIRED] == 0:
            look(order, price)


@compiled
def meet_fresh(v: Venue, g: Given, event: int, at_ns: int, price: int, left: int) -> int:
    """Orders that take, without a book. returns: what they leave of the trade's size."""
    after = 0
    while True:
        one = NONE
        for at in range(v.counts[LIVES]):
            order = v.orders[v.live[at]]
            if order[FRESH] == 1 and order[PLACE] > after:
                one = v.live[at]
                break
        if one == NONE:
            return left
        order = v.orders[one]
        after = order[PLACE]
        size = min(order[LEFT], left) if takes(order, price) else 0
        if order[LIFE] == FOK and size < order[LEFT]:
            size = 0
        left -= size
        fill(v, g, one, price, size, False, event, at_ns)
        order[FRESH] = 1 if order[PRICE] == 0 and order[LIFE] == GTC else 0
        if order[LIFE] == IOC or order[LIFE] == FOK:
            remove(v, one)


@compiled
def meet_resting(v: Venue, g: Given, event: int, at_ns: int, way: int, price: int, left: int) -> int:
    """Orders of one side that rest, best price first, then who came first. returns: what is left of the trade's size."""
    worst, after = 0, 0  # what was met last, as price falls toward worse and places rise
    first = True
    while True:
        one = NONE
        for at in range(v.counts[LIVES]):
            order = v.orders[v.live[at]]
            beyond = (order[PRICE] - price) * way
            if (
                order[SIDE] != way
                or order[WAITS] == 1
                or order[FRESH] == 1
                or order[PRICE] == 0
                or beyond < 0
                or (beyond == 0 and not g.has_book)
            ):
                continue
            if not first and (beyond > worst or (beyond == worst and order[PLACE] <= after)):
                continue
            if one == NONE or beyond > (v.orders[one, PRICE] - price) * way:
                one = v.live[at]
        if one == NONE:
            return left
        order = v.orders[one]
        first, worst, after = False, (order[PRICE] - price) * way, order[PLACE]
        passed = left
        if worst == 0:
            passed = max(0, left - order[AHEAD])
            order[AHEAD] = max(0, order[AHEAD] - left)
        size = min(order[LEFT], passed)
        left -= size
        fill(v, g, one, order[PRICE], size, True, event, at_ns)


@compiled
def look(order: np.ndarray, price: int) -> None:
    """Whether a trade meets its condition."""
    way = order[WHEN]
    trigger = order[TRIGGER]
    if order[TRAIL] > 0:
        best = order[BEST_SEEN]
        trigger = best + order[TRAIL] * way if best > 0 else 0
        if best == 0 or (best - price) * way > 0:
            order[BEST_SEEN] = price
    if trigger != 0 and (price - trigger) * way >= 0:
        order[FIRED] = 1


@compiled
def fill(v: Venue, g: Given, one: int, price: int, size: int, maker: bool, event: int, at_ns: int) -> None:
    if size == 0:
        return
    order, counts, count = v.orders[one], v.counts, v.counts[FILLS]
    signed = size * order[SIDE]
    fee = part_up(price * size, g.maker if maker else g.taker)
    order[LEFT] -= size
    counts[CASH] -= price * signed + fee
    counts[POSITION] += signed
    if count < len(v.fills):
        row = v.fills[count]
        row[0], row[1], row[2], row[3] = event, at_ns, one, price
        row[4], row[5], row[6] = signed, fee, 1 if maker else 0
    counts[FILLS] = count + 1
    if order[LEFT] == 0:
        remove(v, one)
    if order[GROUP] > 0:
        v.over[order[GROUP]] = 1
        at = 0
        while at < counts[LIVES]:
            other = v.live[at]
            if other != one and v.orders[other, GROUP] == order[GROUP]:
                remove(v, other)
            else:
                at += 1


@compiled
def play_orders(v: Venue, g: Given, events: np.ndarray, asked: np.ndarray, arrival: np.ndarray) -> int:
    """events: EVENTS as whole numbers, shape (n, 6). asked: ASKED, shape (k, 11). How many fills there were; -event - 1 if the
    cash exceeds 2**60 there."""
    sent = 0
    for event in range(len(events)):
        happen(v, g, event, events[event])
        if abs(v.counts[CASH]) > LARGEST:
            return -event - 1
        while sent < len(asked) and asked[sent, 0] == event:
            message(v, arrival[sent], asked[sent, 1], asked[sent, 2])
            sent += 1
    return int(v.counts[FILLS])


@compiled
def message(v: Venue, arrival: int, what: int, one: int) -> None:
    row = v.way[v.counts[TAIL]]
    row[0], row[1], row[2] = arrival, what, one
    v.counts[TAIL] += 1


@compiled
def play_quotes(
    v: Venue,
    g: Given,
    events: np.ndarray,
    at: np.ndarray,
    quotes: np.ndarray,
    arrival: np.ndarray,
    most: int,
    life: int,
) -> int:
    """The same of quotes: bid, its size, ask, its size, shape (k, 4), decided at the events `at`."""
    bid, ask, decision = NONE, NONE, 0
    for event in range(len(events)):
        happen(v, g, event, events[event])
        if abs(v.counts[CASH]) > LARGEST:
            return -event - 1
        if decision < len(at) and at[decision] == event:
            wanted, at_ns = quotes[decision], arrival[decision]
            bid = renew(v, bid, 1, wanted[0], wanted[1], at_ns, most, life)
            ask = renew(v, ask, -1, wanted[2], wanted[3], at_ns, most, life)
            decision += 1
    return int(v.counts[FILLS])


@compiled
def renew(v: Venue, old: int, way: int, price: int, size: int, at_ns: int, most: int, life: int) -> int:
    """The order that works for a side from now on; NONE: none."""
    if v.counts[POSITION] * way >= most:
        size = 0
    if old != NONE and v.orders[old, STATE] != OVER:
        if size > 0 and v.orders[old, PRICE] == price:
            return old
        message(v, at_ns, CANCEL, old)
    if size == 0:
        return NONE
    new = v.counts[ORDERS]
    v.counts[ORDERS] += 1
    order = v.orders[new]
    order[:] = 0
    order[SIDE], order[LEFT], order[PRICE], order[LIFE] = way, size, price, life
    message(v, at_ns, 0, new)
    return int(new)


@compiled
def tops(v: Venue, g: Given, events: np.ndarray, found: np.ndarray) -> None:
    """The best bid and ask after each event, ticks, shape (n, 2); 0: none."""
    span = v.shown.shape[1]
    for event in range(len(events)):
        happen(v, g, event, events[event])
        for index in range(2):
            place = v.best[index]
            found[event, index] = place + g.low if 0 <= place < span else 0
