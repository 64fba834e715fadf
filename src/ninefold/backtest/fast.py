"""The fast back-test of one instrument on bars, compiled; every fill is that of `slow`, which says what happens and why.

In:  arrays of whole numbers, the changes of a target, the rules. Many runs at once are in `fast_many`.
Out: rows of fills, columns as in `outcome.FILLS`.

Where nothing can happen, from one change of the target to the next, no bar is looked at. Amounts stay below 2**60 by what
`numbers` has checked and by looking at every decision and fill.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.fee_tiers import MAKER, TAKER
from ninefold.backtest.funding import Market
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.tier_loop import add_traded, settle_day
from ninefold.market.compiled import compiled

ONE = 100_000_000  # as in `exact`; compiled in
LARGEST = 2**60
UNLIMITED = 2**62
BAR_UNKNOWN, BAR_TRADED = 0, 2  # as in `bars`
TARGET, STOP_LOSS, TAKE_PROFIT, TRAILING, TIME, LIQUIDATION, FUNDING = 0, 1, 2, 3, 4, 5, 6  # as in `outcome.Reason`
Rows = np.ndarray  # of fills, shape (room, 8)
Placed = tuple[int, int, int]  # cash, position, fills so far


@compiled
def play(market: Market, at: np.ndarray, to: np.ndarray, r: Numbers, fills: Rows) -> int:
    """Write what was filled into `fills`; how many there are, even where the room was too small.

    -row - 1 if an amount at that row exceeds 2**60.
    """
    open_, high, low, close, volume, state, funding_at, funding_rate, open_ns, none_traded = market
    bars, changes, payments = len(close), len(at), len(funding_at)
    cash, position, wanted, reason = r.cash, 0, 0, TARGET
    target = average = best = entered = count = change = payment = row = 0
    tiered, tiers, maker, taker = len(none_traded) > 0, none_traded, r.maker, r.taker
    if tiered:
        tiers = none_traded.copy()
    walks = r.stop > 0 or r.take > 0 or r.trail > 0 or r.hold > 0 or r.maintenance > 0
    while row < bars:
        if position == wanted and (position == 0 or not (walks or position < 0 or cash < 0)):
            ahead = at[change] if change < changes else bars
            if position != 0 and payment < payments:
                ahead = min(ahead, funding_at[payment])
            row = max(row, ahead)
            if row >= bars:
                break
        while payment < payments and funding_at[payment] < row:
            payment += 1
        if payment < payments and funding_at[payment] == row and position != 0:
            price = open_[row] if state[row] != BAR_UNKNOWN else close[row]
            cash, count = pay(cash, position, price, funding_rate[payment], row, fills, count)
            if abs(cash) > LARGEST:
                return -row - 1
        if state[row] == BAR_TRADED:
            room = part(volume[row], r.volume_share) if r.volume_share > 0 else UNLIMITED
            if tiered and settle_day(tiers, 0, open_ns[row]):
                maker, taker = tiers[MAKER], tiers[TAKER]
            if position != wanted:
                price, before = open_[row], position
                cash, position, wanted, count = fill_at_open(
                    cash, position, wanted, room, price, row, reason, taker, r, fills, count
                )
                entered, average, best = entry(before, position, price, row, entered, average, best)
                room = max(room - abs(position - before), 0)
                if tiered:
                    add_traded(tiers, 0, price * abs(position - before))
            if position != 0 and (walks or position < 0 or cash < 0):
                way, price, inside = way_out(open_[row], high[row], low[row], cash, position, average, best, r)
                if way != TARGET:
                    wanted, reason = 0, way
                    before = position
                    cash, position, count = leave(
                        cash, position, room, price, row, way, inside, maker, taker, r, fills, count
                    )
                    if tiered:
                        add_traded(tiers, 0, price * abs(position - before))
                if position > 0:
                    best = max(best, high[row])
                elif position < 0:
                    best = min(best, low[row])
            if abs(cash) > LARGEST:
                return -row - 1
        if r.hold > 0 and position != 0 and wanted == position and row - entered + 1 >= r.hold:
            wanted, reason = 0, TIME
        if change < changes and at[change] == row:
            asked = to[change]
            change += 1
            if asked != target or (position == 0 and wanted == 0):
                target, reason = asked, TARGET
                lots = lots_of(abs(asked), cash + position * close[row], close[row], r)
                if lots > r.most_lots:
                    return -row - 1
                wanted = min(lots, r.most_long) if asked > 0 else -min(lots, r.most_short)
        row += 1
    return count


@compiled
def entry(
    before: int, position: int, price: int, row: int, entered: int, average: int, best: int
) -> tuple[int, int, int]:
    """Since when, at which average price, and the best since, after a fill that made `before` into `position`."""
    held = abs(before) if (position > 0) == (before > 0) else 0
    if abs(position) > held:
        if held == 0:
            entered, average, best = row, 0, price
        average = (average * held + price * (abs(position) - held)) // abs(position)
    return entered, average, best


@compiled
def pay(cash: int, position: int, price: int, rate: int, row: int, fills: Rows, count: int) -> tuple[int, int]:
    """Cash and how many rows after a funding."""
    paid = part_up(position * price, rate)
    if count < len(fills):
        write(fills, count, row, price, 0, 0, 0, paid, FUNDING, 0)
    return cash - paid, count + 1


@compiled
def leave(
    cash: int,
    held: int,
    room: int,
    price: int,
    row: int,
    reason: int,
    inside: int,
    maker: int,
    taker: int,
    r: Numbers,
    fills: Rows,
    count: int,
) -> Placed:
    """Close what the bar's volume allows; a liquidation closes all."""
    size = abs(held) if reason == LIQUIDATION else min(abs(held), room)
    if size == 0:
        return cash, held, count
    signed = -size if held > 0 else size
    limit = reason == TAKE_PROFIT
    return fill(cash, held, signed, price, row, reason, inside, limit, maker if limit else taker, r, fills, count)


@compiled
def fill_at_open(
    cash: int,
    held: int,
    wanted: int,
    room: int,
    price: int,
    row: int,
    reason: int,
    taker: int,
    r: Numbers,
    fills: Rows,
    count: int,
) -> tuple[int, int, int, int]:
    """Cash, position, what is still wanted, and how many fills, after the waiting order met the open."""
    order = wanted - held
    if (order > 0 and held < 0) or (order < 0 and held > 0):
        size = min(min(abs(order), abs(held)), room)
        if size > 0:
            signed = size if order > 0 else -size
            cash, held, count = fill(cash, held, signed, price, row, reason, 0, False, taker, r, fills, count)
            room -= size
        order = wanted - held
    if order != 0 and not ((order > 0 and held < 0) or (order < 0 and held > 0)):
        side = 1 if order > 0 else -1
        size = min(abs(order), room)
        allowed = affordable(cash, held, price, size, taker, r)
        if allowed < size:
            wanted = held + side * allowed
        if allowed > 0:
            cash, held, count = fill(cash, held, side * allowed, price, row, reason, 0, False, taker, r, fills, count)
    return cash, held, wanted, count


@compiled
def fill(
    cash: int,
    position: int,
    size: int,
    price: int,
    row: int,
    reason: int,
    inside: int,
    limit: bool,
    rate: int,
    r: Numbers,
    fills: Rows,
    count: int,
) -> Placed:
    """Settle one fill. rate: of its fee."""
    value = price * abs(size)
    fee = part_up(value, rate)
    if reason == LIQUIDATION:
        fee += part_up(value, r.liquidation_fee)
    slip = 0 if limit else (r.slip_ticks + part_up(price, r.slip_rate)) * abs(size)
    if count < len(fills):
        write(fills, count, row, price, size, fee, slip, 0, reason, inside)
    return cash - price * size - fee - slip, position + size, count + 1


@compiled
def affordable(cash: int, position: int, price: int, size: int, taker: int, r: Numbers) -> int:
    """The largest part of a size whose margin the account has, after what it costs to open."""
    equity, held, slip = cash + position * price, abs(position), r.slip_ticks + part_up(price, r.slip_rate)
    fee = max(taker, 0)
    if equity - part_up(size * price, fee) - slip * size >= part_up((held + size) * price, r.initial):
        return size
    least, most = 0, size - 1
    while least < most:
        middle = (least + most + 1) // 2
        if equity - part_up(middle * price, fee) - slip * middle >= part_up((held + middle) * price, r.initial):
            least = middle
        else:
            most = middle - 1
    return max(least, 0)


@compiled
def way_out(
    open_: int, high: int, low: int, cash: int, position: int, average: int, best: int, r: Numbers
) -> tuple[int, int, int]:
    """Why the position is left in this bar (TARGET: it is not), at which price, and whether within the bar."""
    side = 1 if position > 0 else -1
    worst = low if position > 0 else high
    if is_ruined(cash, position, open_, r.maintenance):
        return LIQUIDATION, open_, 0
    stop, why, take = levels(side, average, best, r)
    if stop > 0 and (open_ - stop) * side <= 0:
        return why, open_, 0
    if take > 0 and (open_ - take) * side >= 0:
        return TAKE_PROFIT, open_, 0
    if is_ruined(cash, position, worst, r.maintenance) and (
        stop == 0 or is_ruined(cash, position, stop, r.maintenance)
    ):
        return LIQUIDATION, ruin_price(cash, position, open_, worst, r.maintenance), 1
    if stop > 0 and (worst - stop) * side <= 0:
        return why, stop, 1
    if take > 0 and ((side > 0 and high > take) or (side < 0 and low < take)):
        return TAKE_PROFIT, take, 1
    return TARGET, 0, 0


@compiled
def levels(side: int, average: int, best: int, r: Numbers) -> tuple[int, int, int]:
    """The nearer of stop loss and trailing stop, which of them it is, and the take-profit; 0: none."""
    stop, why = 0, TARGET
    if r.stop > 0:
        stop, why = max(average - side * max(1, part(average, r.stop)), 0), STOP_LOSS
    if r.trail > 0:
        level = max(best - side * max(1, part(best, r.trail)), 0)
        if why == TARGET or (level - stop) * side > 0:
            stop, why = level, TRAILING
    return stop, why, max(average + side * max(1, part_up(average, r.take)), 0) if r.take > 0 else 0


@compiled
def is_ruined(cash: int, position: int, price: int, maintenance: int) -> bool:
    return cash + position * price <= part_up(abs(position) * price, maintenance)


@compiled
def ruin_price(cash: int, position: int, sound: int, ruined: int, maintenance: int) -> int:
    """The price nearest to a sound one at which the account is ruined."""
    while abs(sound - ruined) > 1:
        middle = (sound + ruined) // 2
        if is_ruined(cash, position, middle, maintenance):
            ruined = middle
        else:
            sound = middle
    return ruined


@compiled
def lots_of(target: int, equity: int, price: int, r: Numbers) -> int:
    """How many lots a target is, whatever its side."""
    return part(r.size, target) if r.size > 0 else share(target, equity, price, r)


@compiled
def share(target: int, equity: int, price: int, r: Numbers) -> int:
    """The lots that a share of the equity buys, at a target of at least 0."""
    if equity // ONE > LARGEST // r.share:
        return r.most_lots + 1
    return part(part(max(equity, 0), r.share), target) // price


@compiled
def part(value: int, rate: int) -> int:
    """value * rate / ONE, rounded down, though the product may not fit."""
    if rate == 0 or rate == ONE:
        return value if rate else 0
    whole = value // ONE
    return whole * rate + (value - whole * ONE) * rate // ONE


@compiled
def part_up(value: int, rate: int) -> int:
    """The same rounded up."""
    if rate == 0 or rate == ONE:
        return value if rate else 0
    if value >= 0 and rate >= 0:  # without a sign a division by ONE is a multiplication
        one, per = np.uint64(ONE), np.uint64(rate)
        ones = np.uint64(value) // one
        return int(np.int64(ones * per + ((np.uint64(value) - ones * one) * per + one - np.uint64(1)) // one))
    whole = value // ONE
    return whole * rate - (-(value - whole * ONE) * rate // ONE)


@compiled
def write(
    fills: Rows,
    place: int,
    row: int,
    price: int,
    size: int,
    fee: int,
    slip: int,
    paid: int,
    why: int,
    inside: int,
) -> None:
    fills[place, 0], fills[place, 1], fills[place, 2], fills[place, 3] = row, price, size, fee
    fills[place, 4], fills[place, 5], fills[place, 6], fills[place, 7] = slip, paid, why, inside
