"""The money of a compiled venue: fees, what a fill settles, margin, funding, liquidation; `orders` and `venue_slow` say how.

In:  arrays as in `book_fast`. Out: the same, changed in place; rows of fills, columns as in `orders.FILLED`.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.fast import LARGEST, is_ruined, part_up
from ninefold.backtest.fee_tiers import MAKER, TAKER
from ninefold.backtest.ticks.book_fast import (
    BESIDE,
    BESIDE_INITIAL,
    BESIDE_MAINTENANCE,
    CASH,
    COUNTS,
    FILLS,
    FIRED,
    HEAD,
    LEFT,
    LISTED,
    LIVES,
    MARK,
    OVER,
    PAID,
    POSITION,
    PRICE,
    RUINED,
    SIDE,
    STATE,
    TAIL,
    WAITS,
    Given,
)
from ninefold.backtest.tier_loop import add_traded, settle_day
from ninefold.market.compiled import compiled

FUNDED, LIQUIDATED = -1, -2  # as in `orders`
Rows = np.ndarray  # int64


@compiled
def rate_of(counts: Rows, g: Given, maker: bool, at_ns: int) -> int:
    """Of the fee of a fill."""
    if not g.tiered:
        return g.maker if maker else g.taker
    settle_day(counts, COUNTS, at_ns)
    return int(counts[COUNTS + MAKER] if maker else counts[COUNTS + TAKER])


@compiled
def settle(
    counts: Rows, fills: Rows, g: Given, event: int, at_ns: int, one: int, price: int, signed: int, fee: int, maker: int
) -> None:
    count = counts[FILLS]
    counts[CASH] -= price * g.worth * signed + fee
    counts[POSITION] += signed
    if count < len(fills):
        fills[count, 0], fills[count, 1], fills[count, 2], fills[count, 3] = event, at_ns, one, price
        fills[count, 4], fills[count, 5], fills[count, 6] = signed, fee, maker
    counts[FILLS] = count + 1


@compiled
def pay_dues(counts: Rows, fills: Rows, g: Given, dues: Rows, event: int, exchange_ns: int) -> None:
    """dues: when, and the rate in 10**-8, shape (m, 2)."""
    while counts[PAID] < len(dues) and dues[counts[PAID], 0] <= exchange_ns:
        at_ns, rate = dues[counts[PAID], 0], dues[counts[PAID], 1]
        counts[PAID] += 1
        if counts[POSITION] != 0:
            paid = part_up(counts[POSITION] * counts[MARK] * g.worth, rate)
            settle(counts, fills, g, event, at_ns, FUNDED, counts[MARK], 0, paid, 0)


@compiled
def carries(orders: Rows, counts: Rows, g: Given, one: int, at_ns: int) -> bool:
    """Whether the equity carries what an order may open."""
    side, position = orders[one, SIDE], counts[POSITION]
    held = position * side + orders[one, LEFT]
    for at in range(counts[LIVES]):
        other = orders[at, LISTED]
        if orders[other, SIDE] == side and orders[other, WAITS] == 0:
            held += orders[other, LEFT]
    if held <= abs(position):
        return True
    price = (orders[one, PRICE] if orders[one, PRICE] > 0 else counts[MARK]) * g.worth
    if price == 0 or held > LARGEST // price:
        return False
    fee = max(0, part_up(price * orders[one, LEFT], rate_of(counts, g, False, at_ns)))
    equity = counts[CASH] + position * counts[MARK] * g.worth + counts[BESIDE]
    return bool(equity - fee >= part_up(held * price, g.initial) + counts[BESIDE_INITIAL])


@compiled
def keep_sound(orders: Rows, counts: Rows, fills: Rows, way: Rows, g: Given, event: int, exchange_ns: int) -> None:
    """Liquidate what the equity no longer carries."""
    beside = counts[BESIDE] - counts[BESIDE_MAINTENANCE]
    if is_ruined(counts[CASH] + beside, counts[POSITION], counts[MARK] * g.worth, g.maintenance):
        counts[RUINED] = 1
        liquidate(orders, counts, fills, way, g, event, exchange_ns)


@compiled
def liquidate(orders: Rows, counts: Rows, fills: Rows, way: Rows, g: Given, event: int, at_ns: int) -> None:
    """All orders are over, and what is held is left at the last trade's price."""
    for at in range(counts[LIVES]):
        orders[orders[at, LISTED], STATE] = OVER
        orders[orders[at, LISTED], FIRED] = 0
    counts[LIVES] = 0
    while counts[HEAD] < counts[TAIL]:
        orders[way[counts[HEAD], 2], STATE] = OVER
        counts[HEAD] += 1
    if counts[POSITION] == 0:
        return
    price, size = counts[MARK], -counts[POSITION]
    value = price * g.worth * abs(size)
    fee = part_up(value, rate_of(counts, g, False, at_ns)) + part_up(value, g.liquidation_fee)
    if g.tiered:
        add_traded(counts, COUNTS, value)
    settle(counts, fills, g, event, at_ns, LIQUIDATED, price, size, fee, 0)
