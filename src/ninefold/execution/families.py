"""Exits and what they protect: how much they have yet to give back, and whether another one must take their place.

In:  records of exits as they come; the orders that left, as they stand.
Out: of each family (an entry and its exits, or an exit by itself) what is left; exits that must follow those that ended
     before everything was given back. A rejection, an expiry or a fill of the entry that came late leaves nothing unprotected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ninefold.execution.bracket import left
from ninefold.execution.held import EXITS, KEPT
from ninefold.execution.money import base_amount, size_of
from ninefold.execution.orders import Tracked
from ninefold.execution.relisted import is_earlier
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Order
from ninefold.market.time import SECOND_NS

AGAIN_NS = SECOND_NS  # an exit that could not leave, or left a part, is tried again so much later


@dataclass(slots=True)
class Family:
    """root: id of the entry, or of an exit by itself. exits: ids, oldest first. size, instrument: of the first exit.
    tried_ns: when the last exit left or was refused. kept: ids of orders that stood for exits at the venue (kept.py)."""

    root: str
    instrument: int
    size: int
    exits: list[str] = field(default_factory=list)
    tried_ns: int = -AGAIN_NS
    kept: list[str] = field(default_factory=list)


class Families:
    """orders: those that left. held: those that did not. Both are looked at, never changed."""

    def __init__(self, registry: Registry, orders: Mapping[str, Tracked], held: Mapping[str, Order]) -> None:
        self.of: dict[str, Family] = {}
        self._registry = registry
        self._orders = orders
        self._held = held

    def take(self, order: Order) -> None:
        """A record of an order; one that is no reduce-only exit changes nothing."""
        root = root_of(order)
        if order.order_type in KEPT and root in self.of and order.client_order_id not in self.of[root].kept:
            self.of[root].kept.append(order.client_order_id)
        if order.order_type not in EXITS or not order.reduce_only:
            return
        family = self.of.setdefault(root, Family(root, order.instrument, order.size))
        if order.client_order_id not in family.exits:
            family.exits.append(order.client_order_id)

    def relist_to(self, instrument: Instrument) -> None:
        """An instrument goes on under another number."""
        for family in self.of.values():
            old = self._registry[family.instrument]
            if is_earlier(old, instrument):
                amount = base_amount(old, family.size)
                family.instrument, family.size = instrument.id, size_of(instrument, amount)

    def family_of(self, order: Order) -> Family | None:
        """The family of an exit; None for any other order."""
        return self.of.get(root_of(order)) if order.order_type in EXITS and order.reduce_only else None

    def entry(self, family: Family) -> Tracked | None:
        """What the exits protect; None for an exit by itself."""
        found = self._orders.get(family.root)
        return None if found is None or family.root in family.exits else found

    def sent(self, family: Family) -> list[Tracked]:
        """Its exits that left, oldest first."""
        return [self._orders[one] for one in family.exits if one in self._orders]

    def kept(self, family: Family) -> list[Tracked]:
        """Its orders that the venue kept, oldest first."""
        return [self._orders[one] for one in family.kept if one in self._orders]

    def held(self, family: Family) -> list[Order]:
        return [self._held[one] for one in family.exits if one in self._held]

    def left(self, family: Family) -> int:
        """Amount of base that its exits have yet to give back."""
        instrument = self._registry[family.instrument]
        return left(instrument, self.entry(family), family.size, [*self.sent(family), *self.kept(family)])

    def quiet(self) -> list[Family]:
        """Families with no exit held or under way: done, or in need of another one."""
        return [
            family
            for family in self.of.values()
            if not self.held(family) and all(each.settled for each in [*self.sent(family), *self.kept(family)])
        ]

    def needs(self, order_id: str) -> bool:
        """Whether an order that is over must stay known, because exits look at it."""
        known = self._orders.get(order_id)
        return known is not None and (order_id in self.of or known.order.parent in self.of)


def root_of(order: Order) -> str:
    return order.parent or order.client_order_id
