"""Several instruments on one account, compiled; every fill is that of `together_slow`, which says what happens and why.

In:  the trades of all instruments in one order, what is wanted of each, the rules of each.
Out: rows of fills, columns as in `legs.LEG_FILLS`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.backtest.fast import (
    LARGEST,
    TAKE_PROFIT,
    TARGET,
    UNLIMITED,
    fill_at_open,
    lots_of,
    part,
    part_up,
    pay,
)
from ninefold.backtest.fee_tiers import TAKER
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.ticks.fast import (
    ARRIVED,
    ASKED,
    NOTHING,
    PAID,
    POSITION,
    REASON,
    SENT,
    STANDS,
    WANTED,
    count_traded,
    enter,
    exit_at,
    liquidate,
    take_profit,
)
from ninefold.backtest.tier_loop import settle_day
from ninefold.market.compiled import compiled

INSTRUMENT = 8  # column of the fills
WORTH = 18  # column of the table, behind `Numbers`
DECIDED, VALUE, NEED, KEPT = (
    STANDS,
    STANDS + 1,
    STANDS + 2,
    STANDS + 3,
)  # places of an instrument, behind those of `fast`
Rows = np.ndarray  # int64


class Merged(NamedTuple):
    """Trades of all instruments in the order in which they became known, shape (n,). of: the instrument; row: of its tape."""

    of: Rows
    row: Rows
    exchange_ns: Rows
    price: Rows
    size: Rows


class Sent(NamedTuple):
    """Orders, by instrument and then as they are decided. begin: where each instrument's are, shape (instruments + 1,). at: step of
    `Merged`; to: target, 10**-8; arrival: ns, not falling; lots: filled in."""

    begin: Rows
    at: Rows
    to: Rows
    arrival: Rows
    lots: Rows


class DuesOf(NamedTuple):
    """Fundings, by instrument and then by time. begin: as of `Sent`."""

    begin: Rows
    at_ns: Rows
    rate: Rows


@compiled
def play_merged(m: Merged, orders: Sent, dues: DuesOf, table: Rows, tiers: Rows, stands: Rows, fills: Rows) -> int:
    """How many rows there are, even where `fills` was too small; -step - 1 if an amount exceeds 2**60 there.

    table:  `Numbers` of each instrument and what a tick of it counts, shape (instruments, 19); the cash is the first one's.
    stands: where each stands, shape (instruments, KEPT), as in `fast.Orders.stands`; then which of its orders is decided next, its
            value at the last price, and what margin that asks for. Orders and fundings by their places among those of all.
    """
    cash, count, liquidating = table[0, 0], 0, False
    for step in range(len(m.of)):
        of, price, at_ns = m.of[step], m.price[step], m.exchange_ns[step]
        r, s = numbers_of(table, of), stands[of]
        while s[PAID] < dues.begin[of + 1] and dues.at_ns[s[PAID]] <= at_ns:
            if s[POSITION] != 0:
                cash, count = pay(cash, s[POSITION], price, dues.rate[s[PAID]], m.row[step], fills, count)
                sign(fills, count - 1, count, of)
            s[PAID] += 1
        room = part(m.size[step], r.volume_share) if r.volume_share > 0 else UNLIMITED
        due = s[ARRIVED] < s[DECIDED] and orders.arrival[s[ARRIVED]] <= at_ns
        if not liquidating and (due or s[WANTED] != s[POSITION]):
            cash, room, count = work(m, orders, table, tiers, stands, step, cash, room, fills, count)
        weigh(s, price, r)
        if not liquidating and holds(stands) and cash + total(stands, VALUE) <= total(stands, NEED):
            liquidating = True
            for one in range(len(stands)):
                cancel(stands[one], TARGET)
        if liquidating:
            cash, count = leave_all(m, tiers, s, r, step, cash, fills, count)
            liquidating = holds(stands)
        elif s[POSITION] != 0 and (r.stop > 0 or r.take > 0 or r.trail > 0 or r.hold > 0):
            cash, count = leave_one(m, tiers, s, r, table[of, WORTH], step, cash, room, fills, count)
        if abs(cash) > LARGEST:
            return -step - 1
        while s[DECIDED] < orders.begin[of + 1] and orders.at[s[DECIDED]] == step:
            if not decide(orders, s, r, cash + total(stands, VALUE), price, liquidating):
                return -step - 1
    return count


@compiled
def work(
    m: Merged,
    orders: Sent,
    table: Rows,
    tiers: Rows,
    stands: Rows,
    step: int,
    cash: int,
    room: int,
    fills: Rows,
    count: int,
) -> tuple[int, int, int]:
    """Orders that wait and that have arrived meet a trade; cash, what is left of the room, and how many fills."""
    of, price, at_ns, first = m.of[step], m.price[step], m.exchange_ns[step], count
    r, s, beside = numbers_of(table, of), stands[of], 0  # what the others leave of the equity
    for other in range(len(stands)):
        if other != of:
            worth = stands[other, VALUE]
            beside += worth - part_up(abs(worth), numbers_of(table, other).initial)
    taker = taker_of(tiers, r, at_ns)
    position, wanted, free = s[POSITION], s[WANTED], cash + beside
    while True:
        before = position
        free, position, wanted, count = fill_at_open(
            free, position, wanted, room, price, m.row[step], s[REASON], taker, r, fills, count
        )
        room = max(room - abs(position - before), 0)
        enter(s, before, position, price // table[of, WORTH], at_ns)
        count_traded(tiers, price * abs(position - before))
        if s[ARRIVED] == s[DECIDED] or orders.arrival[s[ARRIVED]] > at_ns:
            break
        if orders.lots[s[ARRIVED]] != NOTHING:
            wanted, s[REASON] = orders.lots[s[ARRIVED]], TARGET
        s[ARRIVED] += 1
    s[POSITION], s[WANTED] = position, wanted
    sign(fills, first, count, of)
    return free - beside, room, count


@compiled
def leave_all(
    m: Merged, tiers: Rows, s: Rows, r: Numbers, step: int, cash: int, fills: Rows, count: int
) -> tuple[int, int]:
    """What is held of the instrument that traded is liquidated; cash, and how many fills."""
    price, held = m.price[step], s[POSITION]
    if held == 0:
        return cash, count
    taker = taker_of(tiers, r, m.exchange_ns[step])
    cash, s[POSITION], count = liquidate(cash, held, price, m.row[step], taker, r, fills, count)
    sign(fills, count - 1, count, m.of[step])
    count_traded(tiers, price * abs(held))
    weigh(s, price, r)
    return cash, count


@compiled
def leave_one(
    m: Merged,
    tiers: Rows,
    s: Rows,
    r: Numbers,
    worth: int,
    step: int,
    cash: int,
    room: int,
    fills: Rows,
    count: int,
) -> tuple[int, int]:
    """Whether an exit is met at a trade, unless one was already; cash, and how many fills. worth: what a tick counts."""
    price, at_ns, first = m.price[step], m.exchange_ns[step], count
    way, level = exit_at(s, price // worth, at_ns, s[POSITION], r)
    if way == TARGET or s[REASON] != TARGET:
        return cash, count
    cancel(s, way)
    if way == TAKE_PROFIT:
        taker_of(tiers, r, at_ns)
        cash, s[POSITION], count = take_profit(
            cash, s[POSITION], room, level * worth, m.row[step], tiers, r, fills, count
        )
        sign(fills, first, count, m.of[step])
        weigh(s, price, r)
    return cash, count


@compiled
def decide(orders: Sent, s: Rows, r: Numbers, equity: int, price: int, liquidating: bool) -> bool:
    """The next order of an instrument sets out; False if it is too large."""
    place = s[DECIDED]
    asked = orders.to[place]
    s[DECIDED] += 1
    orders.lots[place] = NOTHING
    if liquidating:
        return True
    if asked != s[ASKED] or (s[POSITION] == 0 and s[SENT] == 0):
        s[ASKED] = asked
        found = lots_of(abs(asked), equity, price, r)
        if found > r.most_lots:
            return False
        s[SENT] = min(found, r.most_long) if asked > 0 else -min(found, r.most_short)
        orders.lots[place] = s[SENT]
    return True


@compiled
def cancel(s: Rows, reason: int) -> None:
    """What waits, and what is under way; nothing is wanted, for this reason."""
    s[WANTED], s[SENT], s[ARRIVED], s[REASON] = 0, 0, s[DECIDED], reason


@compiled
def weigh(s: Rows, price: int, r: Numbers) -> None:
    s[VALUE] = s[POSITION] * price
    s[NEED] = part_up(abs(s[VALUE]), r.maintenance)


@compiled
def total(stands: Rows, place: int) -> int:
    """Of all instruments."""
    found = 0
    for one in range(len(stands)):
        found += stands[one, place]
    return found


@compiled
def holds(stands: Rows) -> bool:
    """Whether anything is held."""
    found = False
    for one in range(len(stands)):
        found = found or stands[one, POSITION] != 0
    return found


@compiled
def taker_of(tiers: Rows, r: Numbers, at_ns: int) -> int:
    if len(tiers) == 0:
        return r.taker
    settle_day(tiers, 0, at_ns)
    return int(tiers[TAKER])


@compiled
def sign(fills: Rows, first: int, count: int, of: int) -> None:
    """Say whose these fills are."""
    for place in range(first, min(count, len(fills))):
        fills[place, INSTRUMENT] = of


@compiled
def numbers_of(table: Rows, of: int) -> Numbers:
    row = table[of]
    return Numbers(
        *(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8]),
        *(row[9], row[10], row[11], row[12], row[13], row[14], row[15], row[16], row[17]),
    )
