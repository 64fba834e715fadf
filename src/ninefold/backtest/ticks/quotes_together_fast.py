"""Several instruments at compiled venues on one account; every fill is that of `quotes_together_slow`, which says what happens.

In:  the events of all in one order; of each instrument the arrays of `book_fast`, padded to the same room where they are not flat.
Out: rows of fills of each, columns as in `orders.FILLED`; events count from where the instrument's begin.
"""

from __future__ import annotations

from typing import NamedTuple

from ninefold.backtest.fast import LARGEST, part_up
from ninefold.backtest.ticks.account_fast import liquidate
from ninefold.backtest.ticks.book_fast import (
    BESIDE,
    BESIDE_HELD,
    BESIDE_INITIAL,
    BESIDE_MAINTENANCE,
    CASH,
    COUNTS,
    LEFT,
    LISTED,
    LIVES,
    MARK,
    POSITION,
    PRICE,
    RUINED,
    SIDE,
    WAITS,
    Given,
)
from ninefold.backtest.ticks.venue_fast import Rows, happen
from ninefold.market.compiled import compiled


class Each(NamedTuple):
    """Of k instruments. books: flat, that of one from `book_begin` on, (6, span) places. given: `Given` as whole numbers, and the span,
    shape (k, 11). events, dues: of one from `event_begin` and `due_begin` on. tiers: of fees, of the account. last: the event of each
    that happened last, shape (k,)."""

    books: Rows
    book_begin: Rows
    orders: Rows
    counts: Rows
    fills: Rows
    ways: Rows
    given: Rows
    events: Rows
    event_begin: Rows
    dues: Rows
    due_begin: Rows
    tiers: Rows
    last: Rows


@compiled
def play_each(
    books: Rows,
    book_begin: Rows,
    orders: Rows,
    counts: Rows,
    fills: Rows,
    ways: Rows,
    given: Rows,
    events: Rows,
    event_begin: Rows,
    dues: Rows,
    due_begin: Rows,
    tiers: Rows,
    last: Rows,
    order: Rows,
    begin: int,
    end: int,
) -> int:
    """order: instrument and row of its events, shape (n, 2), of which those from `begin` up to `end` happen, so that a run may be cut.
    0; -step - 1 if the cash exceeds 2**60 there."""
    for step in range(begin, end):
        of, event = order[step, 0], order[step, 1]
        g, mine, span = given_of(given, of), counts[of], given[of, 10]
        book = books[book_begin[of] : book_begin[of] + 6 * span].reshape(6, span)
        theirs = events[event_begin[of] : event_begin[of + 1]]
        its_dues = dues[due_begin[of] : due_begin[of + 1]]
        if g.initial > 0:
            stand_beside(orders, counts, given, of)
        for place in range(len(tiers)):
            mine[COUNTS + place] = tiers[place]
        happen(book, orders[of], mine, fills[of], ways[of], g, theirs, its_dues, event)
        for place in range(len(tiers)):
            tiers[place] = mine[COUNTS + place]
        last[of] = event
        if mine[RUINED] != 0:
            mine[RUINED] = 0
            for other in range(len(counts)):
                if other != of:
                    leave(orders, counts, fills, ways, given, tiers, other, last[other], theirs[event, 0])
        total = 0
        for other in range(len(counts)):
            total += counts[other, CASH]
        if abs(total) > LARGEST or abs(mine[CASH]) > LARGEST:
            return -step - 1
    return 0


@compiled
def leave(
    orders: Rows, counts: Rows, fills: Rows, ways: Rows, given: Rows, tiers: Rows, of: int, event: int, at_ns: int
) -> None:
    """What an instrument holds, with the others'."""
    mine = counts[of]
    for place in range(len(tiers)):
        mine[COUNTS + place] = tiers[place]
    liquidate(orders[of], mine, fills[of], ways[of], given_of(given, of), event, at_ns)
    for place in range(len(tiers)):
        tiers[place] = mine[COUNTS + place]


@compiled
def given_of(given: Rows, of: int) -> Given:
    row = given[of]
    return Given(row[0], row[1] != 0, row[2], row[3], row[4], row[5] != 0, row[6], row[7], row[8], row[9])


@compiled
def stand_beside(orders: Rows, counts: Rows, given: Rows, of: int) -> None:
    """What an instrument's part of the account is told of the others."""
    equity = initial = maintenance = held = 0
    for other in range(len(counts)):
        if other == of:
            continue
        g, theirs = given_of(given, other), counts[other]
        value = theirs[POSITION] * theirs[MARK] * g.worth
        equity += theirs[CASH] + value
        initial += part_up(min(most_asked(orders[other], theirs, g, value), LARGEST), g.initial)
        maintenance += part_up(abs(value), g.maintenance)
        held += 1 if theirs[POSITION] != 0 else 0
    counts[of, BESIDE], counts[of, BESIDE_INITIAL] = equity, initial
    counts[of, BESIDE_MAINTENANCE], counts[of, BESIDE_HELD] = maintenance, held


@compiled
def most_asked(orders: Rows, counts: Rows, g: Given, value: int) -> int:
    """What is held would be worth with the orders that rest on one side; the larger of both."""
    buys, sells = max(0, value), max(0, -value)
    for at in range(counts[LIVES]):
        one = orders[at, LISTED]
        if orders[one, WAITS] == 0:
            asked = orders[one, PRICE] * g.worth * orders[one, LEFT]
            if orders[one, SIDE] > 0:
                buys += asked
            else:
                sells += asked
    return int(max(buys, sells))
