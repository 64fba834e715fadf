"""The orders that are followed: those that left, as they stand, and which of them are not over.

In:  orders after each update. Out: those under way, oldest first. Those that are over stay known for a while, to recognise late
     updates.
"""

from __future__ import annotations

from collections import deque

from ninefold.execution.attribution import Attribution
from ninefold.execution.orders import Tracked
from ninefold.execution.rejections import Rejections
from ninefold.execution.relisted import relist
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.time import MINUTE_NS

KEPT_ORDERS = 2_000  # that are over stay known, half an hour at sixty a minute


class Followed:
    """orders: by client order id. under_way: ids of those that are not settled, to instruments. rewritten: those whose venue leaves
    things out: the merged state follows each update."""

    def __init__(self, attribution: Attribution, rejections: Rejections) -> None:
        self.orders: dict[str, Tracked] = {}
        self.under_way: dict[str, int] = {}
        self.rewritten: set[str] = set()
        self._attribution = attribution
        self._rejections = rejections
        self._over: deque[str] = deque()
        self._sent_ns: deque[int] = deque()

    def all_under_way(self) -> list[Tracked]:
        return [self.orders[one] for one in self.under_way]

    def sent_ns(self, known_ns: int) -> deque[int]:
        """When the orders of the last minute were intended."""
        while self._sent_ns and self._sent_ns[0] <= known_ns - MINUTE_NS:
            self._sent_ns.popleft()
        return self._sent_ns

    def keep(self, tracked: Tracked) -> str:
        """An order as it stands now; returns one that is over for so long that it may be forgotten, "" if there is none."""
        order = tracked.order
        if order.status == "refused":
            return ""
        self._rejections.see(self.orders.get(order.client_order_id), tracked)
        if order.client_order_id not in self.orders:
            self._attribution.follow(order)
            self._sent_ns.append(order.known_ns)
        self.orders[order.client_order_id] = tracked
        if not tracked.settled:
            self.under_way[order.client_order_id] = order.instrument
        elif self.under_way.pop(order.client_order_id, None) is not None:
            self._over.append(order.client_order_id)
        return self._over.popleft() if len(self._over) > KEPT_ORDERS else ""

    def forget(self, oldest: str, is_needed: bool) -> None:
        if is_needed:
            self._over.append(oldest)
            return
        self.orders.pop(oldest, None)
        self.rewritten.discard(oldest)

    def relist(self, instrument: Instrument, registry: Registry) -> None:
        relist(self.orders, self.under_way, instrument, registry)
