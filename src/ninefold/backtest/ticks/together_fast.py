"""Several instruments on one account, compiled; every fill is that of `together_slow`, which says what happens and why.

In:  the trades of all instruments in one order, what is wanted of each, the rules of each.
Out: rows of fills, columns as in `legs.LEG_FILLS`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.backtest.fast import (
    LARGEST,
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
from ninefold.backtest.ticks.fast import NOTHING, liquidate
from ninefold.backtest.tier_loop import add_traded, settle_day
from ninefold.market.compiled import compiled

INSTRUMENT = 8  # column of the fills
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


class Stands(NamedTuple):
    """Of each instrument, shape (instruments,): lots held, wanted at the venue and by what is under way, the target; places of
    the next order to arrive, to be decided, of the next funding; value at the last price, and what margin it asks for."""

    position: Rows
    wanted: Rows
    sent: Rows
    target: Rows
    arrived: Rows
    decided: Rows
    paid: Rows
    value: Rows
    need: Rows


@compiled
def play_merged(m: Merged, orders: Sent, dues: DuesOf, table: Rows, tiers: Rows, s: Stands, fills: Rows) -> int:
    """How many rows there are, even where `fills` was too small. table: `Numbers` of each instrument, shape (instruments, 18);
    the cash is the first one's. -step - 1 if an amount exceeds 2**60 there."""
    cash, count, liquidating = table[0, 0], 0, False
    for step in range(len(m.of)):
        of, price, at_ns = m.of[step], m.price[step], m.exchange_ns[step]
        r = numbers_of(table, of)
        while s.paid[of] < dues.begin[of + 1] and dues.at_ns[s.paid[of]] <= at_ns:
            if s.position[of] != 0:
                cash, count = pay(cash, s.position[of], price, dues.rate[s.paid[of]], m.row[step], fills, count)
                sign(fills, count - 1, count, of)
            s.paid[of] += 1
        due = s.arrived[of] < s.decided[of] and orders.arrival[s.arrived[of]] <= at_ns
        if not liquidating and (due or s.wanted[of] != s.position[of]):
            cash, count = work(m, orders, table, tiers, s, step, cash, fills, count)
        value(s, of, price, r)
        if not liquidating and cash + s.value.sum() <= s.need.sum() and np.any(s.position != 0):
            liquidating = True
            s.wanted[:] = 0
            s.sent[:] = 0
            s.arrived[:] = s.decided
        if liquidating:
            cash, count = leave_all(m, tiers, s, r, step, cash, fills, count)
            liquidating = bool(np.any(s.position != 0))
        if abs(cash) > LARGEST:
            return -step - 1
        while s.decided[of] < orders.begin[of + 1] and orders.at[s.decided[of]] == step:
            if not decide(orders, s, r, of, cash + s.value.sum(), price, liquidating):
                return -step - 1
    return count


@compiled
def work(
    m: Merged, orders: Sent, table: Rows, tiers: Rows, s: Stands, step: int, cash: int, fills: Rows, count: int
) -> tuple[int, int]:
    """Orders that wait and that have arrived meet a trade; cash, and how many fills."""
    of, price, at_ns, first = m.of[step], m.price[step], m.exchange_ns[step], count
    r, beside = numbers_of(table, of), 0  # what the others leave of the equity
    for other in range(len(s.value)):
        if other != of:
            beside += s.value[other] - part_up(abs(s.value[other]), numbers_of(table, other).initial)
    taker = taker_of(tiers, r, at_ns)
    room = part(m.size[step], r.volume_share) if r.volume_share > 0 else UNLIMITED
    position, wanted, free = s.position[of], s.wanted[of], cash + beside
    while True:
        before = position
        free, position, wanted, count = fill_at_open(
            free, position, wanted, room, price, m.row[step], TARGET, taker, r, fills, count
        )
        room = max(room - abs(position - before), 0)
        if len(tiers) > 0:
            add_traded(tiers, 0, price * abs(position - before))
        if s.arrived[of] == s.decided[of] or orders.arrival[s.arrived[of]] > at_ns:
            break
        if orders.lots[s.arrived[of]] != NOTHING:
            wanted = orders.lots[s.arrived[of]]
        s.arrived[of] += 1
    s.position[of], s.wanted[of] = position, wanted
    sign(fills, first, count, of)
    return free - beside, count


@compiled
def leave_all(
    m: Merged, tiers: Rows, s: Stands, r: Numbers, step: int, cash: int, fills: Rows, count: int
) -> tuple[int, int]:
    """What is held of the instrument that traded is liquidated; cash, and how many fills."""
    of, price, held = m.of[step], m.price[step], s.position[m.of[step]]
    if held == 0:
        return cash, count
    taker = taker_of(tiers, r, m.exchange_ns[step])
    cash, held, count = liquidate(cash, held, price, m.row[step], taker, r, fills, count)
    sign(fills, count - 1, count, of)
    if len(tiers) > 0:
        add_traded(tiers, 0, price * abs(s.position[of]))
    s.position[of] = held
    value(s, of, price, r)
    return cash, count


@compiled
def decide(orders: Sent, s: Stands, r: Numbers, of: int, equity: int, price: int, liquidating: bool) -> bool:
    """The next order of an instrument sets out; False if it is too large."""
    place = s.decided[of]
    asked = orders.to[place]
    s.decided[of] += 1
    orders.lots[place] = NOTHING
    if liquidating:
        return True
    if asked != s.target[of] or (s.position[of] == 0 and s.sent[of] == 0):
        s.target[of] = asked
        found = lots_of(abs(asked), equity, price, r)
        if found > r.most_lots:
            return False
        s.sent[of] = min(found, r.most_long) if asked > 0 else -min(found, r.most_short)
        orders.lots[place] = s.sent[of]
    return True


@compiled
def value(s: Stands, of: int, price: int, r: Numbers) -> None:
    s.value[of] = s.position[of] * price
    s.need[of] = part_up(abs(s.value[of]), r.maintenance)


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
