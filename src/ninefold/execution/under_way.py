"""What is on order: the amounts that may still come to be bought or sold.

In:  orders as they stand. Out: amounts of base by instrument, to buy and to sell; and by strategy. An order that is over still
     counts for fills that the venue has counted and not yet told one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ninefold.execution.attribution import Attribution
from ninefold.execution.desk import RESTS
from ninefold.execution.held import KEPT
from ninefold.execution.money import base_amount
from ninefold.execution.orders import Tracked
from ninefold.market.instruments import Registry
from ninefold.market.records import Order

Pending = tuple[int, int]  # to buy, to sell


def remaining(tracked: Tracked, registry: Registry) -> int:
    """Amount of base that the order may still bring."""
    order = tracked.order
    known = sum(fill.size for fill in tracked.fills.values())
    return base_amount(registry[order.instrument], max(0, (order.size if tracked.open else order.filled) - known))


def pending(orders: Iterable[Tracked], registry: Registry) -> dict[int, Pending]:
    found: dict[int, Pending] = {}
    for tracked in orders:
        order, amount = tracked.order, remaining(tracked, registry)
        found[order.instrument] = more(found.get(order.instrument, (0, 0)), order.side * amount)
    return found


def pending_parts(
    orders: Iterable[Tracked], registry: Registry, attribution: Attribution
) -> dict[tuple[str, int], Pending]:
    """The same by strategy and instrument."""
    found: dict[tuple[str, int], Pending] = {}
    for tracked in orders:
        order = tracked.order
        amount = order.side * remaining(tracked, registry)
        for strategy, part in attribution.parts(order, amount).items():
            key = (strategy, order.instrument)
            found[key] = more(found.get(key, (0, 0)), part)
    return found


def busy_of(orders: Iterable[Tracked]) -> frozenset[int]:
    """Instruments for which another order of strategies must wait."""
    return frozenset(each.order.instrument for each in orders if not _stands_aside(each.order))


def nested(parts: Mapping[tuple[str, int], Pending]) -> dict[str, dict[int, Pending]]:
    """The same, to be changed: what one strategy has on order is found without looking through all."""
    found: dict[str, dict[int, Pending]] = {}
    for (strategy, instrument), amounts in parts.items():
        found.setdefault(strategy, {})[instrument] = amounts
    return found


def more(known: Pending, amount: int) -> Pending:
    """With a signed amount more on order."""
    return (known[0] + amount, known[1]) if amount > 0 else (known[0], known[1] - amount)


def most(held: int, known: Pending) -> int:
    """The greatest amount, long or short, that may come to be held: neither falls below the other's opposite."""
    return max(held + known[0], known[1] - held)


def _stands_aside(order: Order) -> bool:
    """Whether an order by hand, or a quote, rests or waits at the venue: others do not wait for it, and their positions are theirs."""
    return order.order_type in RESTS | KEPT
