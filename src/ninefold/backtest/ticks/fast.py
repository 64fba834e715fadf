"""The fast back-test of a target on trades, compiled; every fill is that of `slow`, which says what happens and why.

In:  arrays of whole numbers, the changes of a target, the rules; where the account stood at the block before.
Out: rows of fills, columns as in `outcome.FILLS`, and where the account stands.

Where nothing can happen, from a decision to its order's arrival and from there to the next decision or funding, no trade is looked at;
of what may be liquidated the price alone is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.backtest.fast import (
    LARGEST,
    LIQUIDATION,
    TAKE_PROFIT,
    TARGET,
    TIME,
    UNLIMITED,
    Placed,
    entry,
    fill_at_open,
    is_ruined,
    leave,
    levels,
    lots_of,
    part,
    pay,
    ruin_price,
)
from ninefold.backtest.fee_tiers import MAKER, TAKER
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.tier_loop import add_traded, settle_day
from ninefold.market.compiled import compiled

CASH, POSITION, WANTED, SENT, ASKED, ARRIVED, PAID = 0, 1, 2, 3, 4, 5, 6  # places in `Orders.stands`
REASON, AVERAGE, BEST, ENTERED, STANDS = 7, 8, 9, 10, 11
NOTHING = 2**62  # of `Orders.lots`: the target was repeated, no order set out


class Tape(NamedTuple):
    """Of one block, shape (n,), int64."""

    exchange_ns: np.ndarray
    price: np.ndarray
    size: np.ndarray


class Orders(NamedTuple):
    """All int64. Those decided in blocks before come first, then the changes of this block.

    at:      rows of the block, shape (m,); -1 of those before.
    to:      what the target becomes, 10**-8.
    arrival: ns, not falling.
    lots:    the position that each wants; filled in as it is decided.
    stands:  shape (STANDS,): cash, position, what is wanted of the venue and by what is under way, target, and how many of the
             orders have arrived, and of the fundings are over; why it is wanted, and of the entry the average price, the best one
             since, and when.
    tiers:   of fees, as `tier_loop` keeps them; empty: fees are those of the rules.
    """

    at: np.ndarray
    to: np.ndarray
    arrival: np.ndarray
    lots: np.ndarray
    stands: np.ndarray
    tiers: np.ndarray


class Dues(NamedTuple):
    """Fundings: when, rising, and the rate in 10**-8; shape (m,), int64."""

    at_ns: np.ndarray
    rate: np.ndarray


@compiled
def play(tape: Tape, orders: Orders, dues: Dues, before: int, r: Numbers, fills: np.ndarray) -> int:
    """Write what was filled into `fills`; how many there are, even where the room was too small.

    before: how many orders were decided in blocks before. -row - 1 if an amount at that row exceeds 2**60.
    """
    exchange_ns, price, size = tape
    at, to, arrival, lots, stands, tiers = orders
    cash, position, wanted, sent, target = stands[CASH], stands[POSITION], stands[WANTED], stands[SENT], stands[ASKED]
    rows, all_orders, paid, reason = len(price), len(at), stands[PAID], stands[REASON]
    arrived, decided, count, row = 0, before, 0, 0
    tiered, walks = len(tiers) > 0, r.stop > 0 or r.take > 0 or r.trail > 0 or r.hold > 0
    taker = tiers[TAKER] if tiered else r.taker
    while row < rows:
        if position == wanted and not (walks and position != 0):
            ahead = at[decided] if decided < all_orders else rows
            if arrived < decided:
                ahead = min(ahead, first_from(exchange_ns, arrival[arrived], row, ahead))
            if position != 0:
                ahead = first_felt(tape, dues, paid, cash, position, row, ahead, r)
            row = ahead
            if row >= rows:
                break
        while paid < len(dues.at_ns) and dues.at_ns[paid] <= exchange_ns[row]:
            if position != 0:
                cash, count = pay(cash, position, price[row], dues.rate[paid], row, fills, count)
            paid += 1
        room = part(size[row], r.volume_share) if r.volume_share > 0 else UNLIMITED
        if tiered and settle_day(tiers, 0, exchange_ns[row]):
            taker = tiers[TAKER]
        while True:
            if position != wanted:
                before_it = position
                cash, position, wanted, count = fill_at_open(
                    cash, position, wanted, room, price[row], row, reason, taker, r, fills, count
                )
                room = max(room - abs(position - before_it), 0)
                if walks:
                    enter(stands, before_it, position, price[row], exchange_ns[row])
                count_traded(tiers, price[row] * abs(position - before_it))
            if arrived == decided or arrival[arrived] > exchange_ns[row]:
                break
            if lots[arrived] != NOTHING:
                wanted, reason = lots[arrived], TARGET
            arrived += 1
        if position != 0 and is_ruined(cash, position, price[row], r.maintenance):
            count_traded(tiers, price[row] * abs(position))
            cash, position, count = liquidate(cash, position, price[row], row, taker, r, fills, count)
            wanted, sent, arrived, reason = 0, 0, decided, TARGET
        if walks and position != 0:
            way, level = exit_at(stands, price[row], exchange_ns[row], position, r)
            if way != TARGET and reason == TARGET:
                wanted, sent, arrived, reason = 0, 0, decided, way
                if way == TAKE_PROFIT:
                    cash, position, count = take_profit(cash, position, room, level, row, tiers, r, fills, count)
        if abs(cash) > LARGEST:
            return -row - 1
        while decided < all_orders and at[decided] == row:
            asked = to[decided]
            lots[decided] = NOTHING
            if asked != target or (position == 0 and sent == 0):
                target = asked
                found = lots_of(abs(asked), cash + position * price[row], price[row], r)
                if found > r.most_lots:
                    return -row - 1
                lots[decided] = sent = min(found, r.most_long) if asked > 0 else -min(found, r.most_short)
            decided += 1
        row += 1
    stands[CASH], stands[POSITION], stands[WANTED], stands[SENT], stands[ASKED] = cash, position, wanted, sent, target
    stands[ARRIVED], stands[PAID], stands[REASON] = arrived, paid, reason
    return count


@compiled
def liquidate(
    cash: int, position: int, price: int, row: int, taker: int, r: Numbers, fills: np.ndarray, count: int
) -> Placed:
    return leave(cash, position, UNLIMITED, price, row, LIQUIDATION, 0, taker, taker, r, fills, count)


@compiled
def take_profit(
    cash: int,
    position: int,
    room: int,
    level: int,
    row: int,
    tiers: np.ndarray,
    r: Numbers,
    fills: np.ndarray,
    count: int,
) -> Placed:
    """What a take-profit that rests gets of a trade beyond it."""
    before, maker = position, tiers[MAKER] if len(tiers) > 0 else r.maker
    cash, position, count = leave(cash, position, room, level, row, TAKE_PROFIT, 0, maker, maker, r, fills, count)
    count_traded(tiers, level * abs(position - before))
    return cash, position, count


@compiled
def count_traded(tiers: np.ndarray, value: int) -> None:
    if len(tiers) > 0:
        add_traded(tiers, 0, value)


@compiled
def enter(stands: np.ndarray, before: int, position: int, price: int, at_ns: int) -> None:
    """What a fill that made `before` into `position` makes of the entry."""
    stands[ENTERED], stands[AVERAGE], stands[BEST] = entry(
        before, position, price, at_ns, stands[ENTERED], stands[AVERAGE], stands[BEST]
    )


@compiled
def exit_at(stands: np.ndarray, price: int, at_ns: int, position: int, r: Numbers) -> tuple[int, int]:
    """Why a position is left at a trade (TARGET: it is not), and the price at which a take-profit rests. The best price since the
    entry follows. r.hold: ns."""
    side, best = 1 if position > 0 else -1, stands[BEST]
    stop, why, take = levels(side, stands[AVERAGE], best, r)
    stands[BEST] = max(best * side, price * side) * side
    if stop > 0 and (price - stop) * side <= 0:
        return why, 0
    if take > 0 and (price - take) * side > 0:
        return TAKE_PROFIT, take
    return (TIME if r.hold > 0 and at_ns - stands[ENTERED] >= r.hold else TARGET), 0


@compiled
def first_felt(tape: Tape, dues: Dues, paid: int, cash: int, position: int, row: int, end: int, r: Numbers) -> int:
    """The first row in [row, end) at which what is held pays, or may be liquidated; `end` if there is none."""
    if paid < len(dues.at_ns):
        end = first_from(tape.exchange_ns, dues.at_ns[paid], row, end)
    if position < 0 or cash < 0 or r.maintenance > 0:
        end = first_ruined(tape.price, cash, position, row, end, r)
    return end


@compiled
def first_ruined(price: np.ndarray, cash: int, position: int, row: int, end: int, r: Numbers) -> int:
    """The first row in [row, end) at whose price what is held is liquidated; `end` if there is none."""
    highest = LARGEST // r.most_lots
    sound, ruined = (highest, 0) if position > 0 else (0, highest)
    if is_ruined(cash, position, sound, r.maintenance):
        return row
    if not is_ruined(cash, position, ruined, r.maintenance):
        return end
    level = ruin_price(cash, position, sound, ruined, r.maintenance)
    if position > 0:
        while row < end and price[row] > level:
            row += 1
    else:
        while row < end and price[row] < level:
            row += 1
    return row


@compiled
def first_from(exchange_ns: np.ndarray, at_ns: int, row: int, end: int) -> int:
    """The first row in [row, end) that was not before a time; `end` if there is none. It is mostly near."""
    step, low = 1, row
    while low + step < end and exchange_ns[low + step] < at_ns:
        low += step
        step *= 2
    high = min(low + step, end)
    while low < high:
        middle = (low + high) // 2
        if exchange_ns[middle] < at_ns:
            low = middle + 1
        else:
            high = middle
    return low
