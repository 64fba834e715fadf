"""What is on order: the amounts that may still come to be bought or sold.

In:  orders as they stand. Out: amounts of base by instrument, to buy and to sell. An order that is over still counts for
     fills that the venue has counted and not yet told one by one.
"""

from __future__ import annotations

from collections.abc import Iterable

from ninefold.execution.money import base_amount
from ninefold.execution.orders import Tracked
from ninefold.market.instruments import Registry


def pending(orders: Iterable[Tracked], registry: Registry) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for tracked in orders:
        order = tracked.order
        known = sum(fill.size for fill in tracked.fills.values())
        amount = base_amount(registry[order.instrument], max(0, (order.size if tracked.open else order.filled) - known))
        buys, sells = found.get(order.instrument, (0, 0))
        found[order.instrument] = (buys + amount, sells) if order.side > 0 else (buys, sells + amount)
    return found
