"""When our orders left for a venue, by a clock that nobody sets: which of them may be there.

In:  orders as they leave; those that earlier runs may have sent. Out: whether an order can be asked for, and since when it
     has been on its way.

An order that is still on its way into the ledger has not left. Nobody may ask for it: "no such order" would be true, would
be taken for final, and be false as soon as it leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ninefold.market.records import Order

KNOWN = 10_000  # orders; far more than are ever under way


class Departures:
    """Belongs to a running loop, whose time it goes by."""

    def __init__(self) -> None:
        self._left_s: dict[str, float] = {}
        self._began_s = 0.0
        self._before: frozenset[str] = frozenset()

    def begin(self, before: Iterable[Order]) -> None:
        """before: orders of earlier runs that are not settled; they may have left until now."""
        self._began_s = now_s()
        self._before = frozenset(order.client_order_id for order in before)

    def leaves(self, order: Order) -> None:
        self._left_s[order.client_order_id] = now_s()
        if len(self._left_s) > KNOWN:
            del self._left_s[next(iter(self._left_s))]

    def may_be_there(self, order: Order) -> bool:
        order_id = order.client_order_id
        return bool(order.venue_order_id) or order_id in self._left_s or order_id in self._before

    def left_s(self, order: Order) -> float:
        """When it left, at the latest."""
        return self._left_s.get(order.client_order_id, self._began_s)


def now_s() -> float:
    return asyncio.get_running_loop().time()
