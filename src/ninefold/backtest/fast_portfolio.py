"""The fast back-test of several instruments on one account, compiled; every fill is that of `slow_portfolio`.

In:  `Legs`, what is told of their rows, the rules.
Out: rows of fills, columns as in `legs.LEG_FILLS`; equity and positions at each close.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninefold.backtest.fee_tiers import TAKER
from ninefold.backtest.legs import Legs
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.tier_loop import add_traded, settle_day
from ninefold.market.compiled import compiled

ONE = 100_000_000  # as in `exact`; compiled in
LARGEST = 2**60
TARGET, LIQUIDATION, FUNDING, UNFILLED, UNWOUND = 0, 5, 6, 7, 8  # as in `outcome.Reason`
ALONE, WAIT, UNWIND = 0, 1, 2  # as in `legs.Together`
Rows = np.ndarray


class Told(NamedTuple):
    """changes, funding: (row, instrument, target or rate), shape (m, 3), by row. none_traded: tiers of fees as `tier_loop` keeps
    them, by what the account trades of all instruments; empty: fees are those of the rules."""

    changes: Rows
    funding: Rows
    none_traded: Rows


@compiled
def play_together(legs: Legs, told: Told, r: Numbers, together: int, fills: Rows, equity: Rows, held: Rows) -> int:
    """Write what was filled; how many there are, even where `fills`, shape (room, 9), was too small.

    equity: shape (n,), held: shape (instruments, n).
    -row - 1 if an amount at that row exceeds 2**60.
    """
    open_, close, volume, worth = legs.open, legs.close, legs.volume, legs.worth
    changes, funding, none_traded = told
    count_of, bars = close.shape
    position, wanted = np.zeros(count_of, np.int64), np.zeros(count_of, np.int64)
    last, prices = np.zeros(count_of, np.int64), np.zeros(count_of, np.int64)
    target, changed = np.zeros(count_of, np.int64), np.zeros(count_of, np.bool_)
    asked = np.zeros(count_of, np.int64)
    cash, count, change, payment, tiers = r.cash, 0, 0, 0, none_traded.copy()
    liquidating, unwinding, anew = False, False, False
    for row in range(bars):
        cash, count, payment = pay_all(legs, funding, payment, row, position, last, cash, fills, count)
        for of in range(count_of):
            prices[of] = open_[of, row] if volume[of, row] > 0 else last[of]
        waits = wanted != position
        missing = waits & (volume[:, row] <= 0)
        lacks = np.any(missing)
        if np.any(waits) and (liquidating or together != WAIT or not lacks):
            before = position.copy()
            some = together == UNWIND and not liquidating and not unwinding and np.any(waits & ~missing)
            breaks = some and opens_any(missing, wanted, position)
            if len(tiers) > 0:
                settle_day(tiers, 0, legs.open_ns[row])
            why = LIQUIDATION if liquidating else UNWOUND if unwinding else TARGET
            cash, count = fill_at_opens(
                cash, position, wanted, prices, volume[:, row], worth, row, why, tiers, r, fills, count
            )
            if breaks:
                count = miss(missing, row, fills, count)
                wanted[:] = before
                anew, unwinding = True, True
            liquidating = liquidating and bool(np.any(position != 0))
            unwinding = unwinding and bool(np.any(wanted != position))
        if abs(cash) > LARGEST:
            return -row - 1
        total, needed = valued(legs, row, position, last, cash, r.maintenance)
        equity[row], held[:, row] = total, position
        if not liquidating and total <= needed and np.any(position != 0):
            liquidating, unwinding, anew = True, False, False
            wanted[:] = 0
        changed[:] = False
        while change < len(changes) and changes[change, 0] == row:
            changed[changes[change, 1]] = True
            target[changes[change, 1]] = changes[change, 2]
            change += 1
        if liquidating or not np.any(changed):
            continue
        if anew:
            changed[:] = True
            anew, unwinding = False, False
        good, sendable = decide(legs, r, last, position, target, changed, total, asked)
        if not good:
            return -row - 1
        if together != ALONE and np.any(changed & ~sendable):
            count = miss(changed & ~sendable, row, fills, count)
            anew = True
            continue
        for of in range(count_of):
            if changed[of] and last[of] != 0:
                wanted[of] = asked[of]
    return count


@compiled
def pay_all(
    legs: Legs, funding: Rows, payment: int, row: int, position: Rows, last: Rows, cash: int, fills: Rows, count: int
) -> tuple[int, int, int]:
    """Cash, how many rows, and which funding is next, after those of a bar."""
    while payment < len(funding) and funding[payment, 0] == row:
        of = funding[payment, 1]
        if position[of] != 0:
            price = legs.open[of, row] if legs.volume[of, row] >= 0 else last[of]
            paid = part_up(position[of] * price * legs.worth[of], funding[payment, 2])
            cash -= paid
            write(fills, count, row, price, 0, 0, 0, paid, FUNDING, of)
            count += 1
        payment += 1
    return cash, count, payment


@compiled
def valued(legs: Legs, row: int, position: Rows, last: Rows, cash: int, maintenance: int) -> tuple[int, int]:
    """The account at a close, and what it must be worth at least; `last` are the closes known then."""
    total, needed = cash, 0
    for of in range(len(position)):
        if legs.volume[of, row] >= 0:
            last[of] = legs.close[of, row]
        value = position[of] * last[of] * legs.worth[of]
        total += value
        needed += part_up(abs(value), maintenance)
    return total, needed


@compiled
def decide(
    legs: Legs, r: Numbers, last: Rows, position: Rows, target: Rows, changed: Rows, equity: int, asked: Rows
) -> tuple[bool, Rows]:
    """What is wanted of each that changed, into `asked`; whether all amounts fit, and which of them can be sent."""
    sendable = np.ones(len(last), np.bool_)
    for of in range(len(last)):
        if not changed[of]:
            continue
        asked[of] = 0
        if last[of] != 0:
            value = last[of] * legs.worth[of]
            lots = lots_at(abs(target[of]), equity, value, legs.size[of], legs.most_lots[of], r.share)
            if lots > legs.most_lots[of]:
                return False, sendable
            asked[of] = min(lots, legs.most_long[of]) if target[of] > 0 else -min(lots, legs.most_short[of])
        if target[of] != 0:
            order = abs(asked[of] - position[of]) * last[of] * legs.worth[of]
            small = order != 0 and order < legs.least[of] and opens(asked[of], position[of])
            sendable[of] = asked[of] != 0 and not small
    return True, sendable


@compiled
def opens(wanted: int, position: int) -> bool:
    return abs(wanted) > abs(position) or (wanted > 0 and position < 0) or (wanted < 0 and position > 0)


@compiled
def opens_any(some: Rows, wanted: Rows, position: Rows) -> bool:
    found = False
    for of in range(len(some)):
        found = found or (some[of] and opens(wanted[of], position[of]))
    return found


@compiled
def miss(missing: Rows, row: int, fills: Rows, count: int) -> int:
    for of in range(len(missing)):
        if missing[of]:
            write(fills, count, row, 0, 0, 0, 0, 0, UNFILLED, of)
            count += 1
    return count


@compiled
def fill_at_opens(
    cash: int,
    position: Rows,
    wanted: Rows,
    prices: Rows,
    volume: Rows,
    worth: Rows,
    row: int,
    why: int,
    tiers: Rows,
    r: Numbers,
    fills: Rows,
    count: int,
) -> tuple[int, int]:
    """Cash and how many fills after waiting orders met the opens; positions are changed in place."""
    for of in range(len(position)):
        order = wanted[of] - position[of]
        if volume[of] > 0 and ((order > 0 and position[of] < 0) or (order < 0 and position[of] > 0)):
            size = min(abs(order), abs(position[of]))
            signed = size if order > 0 else -size
            cash, count = fill(cash, position, of, signed, prices[of], worth[of], row, why, tiers, r, fills, count)
    sizes = np.zeros(len(position), np.int64)
    for of in range(len(position)):
        if volume[of] > 0:
            sizes[of] = wanted[of] - position[of]
    if not np.any(sizes != 0):
        return cash, count
    least, most = 0, ONE
    if affords(cash, position, sizes, ONE, prices, worth, why, tiers, r):
        least = ONE
    while least < most:
        middle = (least + most + 1) // 2
        if affords(cash, position, sizes, middle, prices, worth, why, tiers, r):
            least = middle
        else:
            most = middle - 1
    for of in range(len(position)):
        if sizes[of] != 0:
            cut = part(abs(sizes[of]), least)
            signed = cut if sizes[of] > 0 else -cut
            if cut > 0:
                cash, count = fill(cash, position, of, signed, prices[of], worth[of], row, why, tiers, r, fills, count)
            wanted[of] = position[of]
    return cash, count


@compiled
def affords(
    cash: int, position: Rows, sizes: Rows, factor: int, prices: Rows, worth: Rows, why: int, tiers: Rows, r: Numbers
) -> bool:
    """Whether the account has the margin for all sizes, cut by a factor in 10**-8, after what it costs to open them."""
    equity, needed, taker = cash, 0, taker_of(tiers, r)
    for of in range(len(position)):
        size, each = part(abs(sizes[of]), factor), prices[of] * worth[of]
        fee = part_up(size * each, taker) + (part_up(size * each, r.liquidation_fee) if why == LIQUIDATION else 0)
        slip = (r.slip_ticks + part_up(prices[of], r.slip_rate)) * size * worth[of]
        equity += position[of] * each - max(fee, 0) - slip
        needed += part_up((abs(position[of]) + size) * each, r.initial)
    return equity >= needed


@compiled
def fill(
    cash: int,
    position: Rows,
    of: int,
    size: int,
    price: int,
    worth: int,
    row: int,
    why: int,
    tiers: Rows,
    r: Numbers,
    fills: Rows,
    count: int,
) -> tuple[int, int]:
    """Settle one fill."""
    value = price * abs(size) * worth
    fee = part_up(value, taker_of(tiers, r)) + (part_up(value, r.liquidation_fee) if why == LIQUIDATION else 0)
    slip = (r.slip_ticks + part_up(price, r.slip_rate)) * abs(size) * worth
    if len(tiers) > 0:
        add_traded(tiers, 0, value)
    position[of] += size
    write(fills, count, row, price, size, fee, slip, 0, why, of)
    return cash - price * size * worth - fee - slip, count + 1


@compiled
def taker_of(tiers: Rows, r: Numbers) -> int:
    """The rate of the day that was settled."""
    return tiers[TAKER] if len(tiers) > 0 else r.taker


@compiled
def lots_at(target: int, equity: int, value: int, size: int, most: int, share: int) -> int:
    """Lots of such a value at a target of at least 0."""
    if size > 0:
        return part(size, target)
    if equity // ONE > LARGEST // share:
        return most + 1
    return part(part(max(equity, 0), share), target) // value


@compiled
def part(value: int, rate: int) -> int:
    """value * rate / ONE, rounded down, though the product may not fit."""
    whole = value // ONE
    return whole * rate + (value - whole * ONE) * rate // ONE


@compiled
def part_up(value: int, rate: int) -> int:
    """The same rounded up."""
    whole = value // ONE
    return whole * rate - (-(value - whole * ONE) * rate // ONE)


@compiled
def write(
    fills: Rows, place: int, row: int, price: int, size: int, fee: int, slip: int, paid: int, why: int, of: int
) -> None:
    if place >= len(fills):
        return
    fills[place, 0], fills[place, 1], fills[place, 2], fills[place, 3] = row, price, size, fee
    fills[place, 4], fills[place, 5], fills[place, 6], fills[place, 7], fills[place, 8] = slip, paid, why, 0, of
