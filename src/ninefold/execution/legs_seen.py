"""What can be seen of legs at a tick: what their orders lack, what the venue would take, what is quoted.

In:  where the legs of a strategy stand; the registry, who holds what, orders as they stand, and quotes.
Out: answers; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from ninefold.execution.attribution import Attribution
from ninefold.execution.legs_rule import UNWINDING, LegsRule, breaks, cannot_be_sent
from ninefold.execution.money import base_amount, is_orderable, size_of
from ninefold.execution.orders import Tracked
from ninefold.execution.shown import Shown
from ninefold.market.arrays import newest
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Order
from ninefold.market.strategy_records import LegsMoved

Amounts = dict[int, int]  # by instrument, of base


class LegsSeen:
    """Amounts are of base, signed; instruments by their number."""

    def __init__(
        self,
        rules: Mapping[str, LegsRule],
        registry: Registry,
        attribution: Attribution,
        orders: Mapping[str, Tracked],
        shown: Shown,
    ) -> None:
        self.rules = rules
        self.registry = registry
        self._attribution = attribution
        self._orders = orders
        self._shown = shown
        self._sizes: dict[int, tuple[int, int]] = {}  # bid and ask

    def watch(self, quotes: np.ndarray) -> None:
        """See how much is quoted, if somebody waits for that."""
        if len(quotes) and any(rule.waits for rule in self.rules.values()):
            for instrument, bid, ask in newest(quotes)[["instrument", "bid_size", "ask_size"]].tolist():
                self._sizes[instrument] = bid, ask

    def held(self, name: str, instrument: int) -> int:
        return self._attribution.held(name, instrument)

    def instruments(self, rule: LegsRule) -> Amounts | None:
        """Of each leg, None while one is not known."""
        known = {one.name: one.id for one in self.registry.current()}
        found = [known.get(of) for _, of in rule.legs]
        return None if None in found else {of: 0 for of in found if of is not None}

    def is_half(self, stand: LegsMoved) -> bool:
        """Whether a leg that was to open something was missed, so that all are to be brought back."""
        if self.rules[stand.strategy].waits:
            return False
        asked = {of: self._part(stand.strategy, one, one.size) for of, one in self._left(stand).items()}
        pairs = [(stand.before.get(of, 0), stand.before.get(of, 0) + asked[of]) for of in self.missing(stand)]
        return not stand.whole or (stand.state != UNWINDING and breaks(pairs))

    def unsendable(self, stand: LegsMoved) -> str | None:
        """Why none of them is sent, None if all can be; "" while a price is unknown."""
        is_flat = any(target < 0 for target in stand.targets.values())
        for of, wanted in stand.wanted.items():
            quote, instrument = self._shown.quote(of), self.registry[of]
            held = self.held(stand.strategy, of)
            if quote is None:
                return ""
            price = quote.price(1 if wanted > held else -1)
            target = 0 if is_flat else stand.targets[of]
            if cannot_be_sent(target, held, wanted, partial(_is_taken, instrument, price)):
                return f"{self.leg(stand.strategy, of)} would open less than the venue takes, so none is sent"
        return None

    def is_shown(self, name: str, of: int, wanted: int) -> bool:
        """Whether the other side is quoted for the whole of what is missing."""
        missing = wanted - self.held(name, of)
        size = self._sizes.get(of, (0, 0))[1 if missing > 0 else 0]
        return missing == 0 or base_amount(self.registry[of], size) >= abs(missing)

    def missing(self, stand: LegsMoved) -> list[int]:
        """Instruments that lack something that the venue takes an order for: of what was asked for, or to what was before."""
        if stand.state == UNWINDING:
            lacks = {of: amount - self.held(stand.strategy, of) for of, amount in stand.before.items()}
        else:
            name, left = stand.strategy, self._left(stand)
            lacks = {of: self._part(name, one, one.size - one.filled) for of, one in left.items()}
        return [of for of, amount in lacks.items() if self.can_be_ordered(of, amount)]

    def are_over(self, stand: LegsMoved) -> bool:
        """Whether all its orders have settled."""
        return all(self._orders[one].settled for one in stand.orders.values() if one in self._orders)

    def _left(self, stand: LegsMoved) -> dict[int, Order]:
        """Its orders as they stand, by instrument, those that are not over for long."""
        return {of: self._orders[one].order for of, one in stand.orders.items() if one in self._orders}

    def _part(self, name: str, order: Order, size: int) -> int:
        """What a strategy has of a part of an order, of base, signed."""
        amount = order.side * base_amount(self.registry[order.instrument], size)
        return self._attribution.parts(order, amount).get(name, 0)

    def can_be_ordered(self, of: int, amount: int) -> bool:
        """Whether the venue takes an order for so much; for anything, while its price is unknown."""
        quote = self._shown.quote(of)
        return bool(amount) and (
            quote is None or _is_taken(self.registry[of], quote.price(1 if amount > 0 else -1), abs(amount))
        )

    def named(self, stand: LegsMoved) -> str:
        return ", ".join(self.leg(stand.strategy, of) for of in stand.wanted)

    def leg(self, name: str, instrument: int) -> str:
        of = self.registry[instrument].name
        return next(f"{leg} {of}" for leg, its in self.rules[name].legs if its == of)

    def words(self, order: Order) -> str:
        """Of an order, the legs that it is one of; "" of others."""
        rules = [(name, self.rules[name]) for name in order.strategies if name in self.rules]
        return "".join(
            f"; {name} has the legs {', '.join(f'{leg} {of}' for leg, of in rule.legs)}" for name, rule in rules
        )


def _is_taken(instrument: Instrument, price: int, amount: int) -> bool:
    size = size_of(instrument, amount) // instrument.lot_size * instrument.lot_size
    return is_orderable(instrument, size, price)
