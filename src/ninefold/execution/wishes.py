"""Which orders to ask for at a tick: what is to be sold out, then what strategies want.

In:  desired positions, what each strategy wants of them, what is on order.
Out: intended orders with what each strategy wants of them; Crossed records for what strategies take from each other, which is
     booked at once and never sent; a word when nothing more can be sold out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from ninefold.execution.account import Account
from ninefold.execution.asked import HAND
from ninefold.execution.attribution import net
from ninefold.execution.guards import Guards
from ninefold.execution.held import KEPT
from ninefold.execution.intents import contributors, intend
from ninefold.execution.legs import Legs
from ninefold.execution.limits.state import FLATTEN
from ninefold.execution.money import size_of
from ninefold.execution.orders import Tracked
from ninefold.execution.quotes import Quotes
from ninefold.execution.selling_out import SellingOut, why_left
from ninefold.execution.shown import Shown
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Crossed, Halted, May, Order, Shared, Tick

Shares = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """desired: by instrument, size units. of_strategies: by instrument and strategy, amounts of base; may lack what nobody
    shares out. mays: those that are open."""

    desired: Mapping[int, int]
    of_strategies: Mapping[int, Mapping[str, int]]
    mays: Sequence[May]


class _Draft(NamedTuple):
    """crossed: what strategies take from each other; rest: what each wants of the order."""

    instrument: int
    order: Order | None
    crossed: dict[str, int]
    rest: dict[str, int]


def shared(order: Order, wanted: dict[str, int]) -> Shared:
    """What each strategy wanted of an order, to be written beside it."""
    return Shared(
        seq=order.seq,
        known_ns=order.known_ns,
        client_order_id=order.client_order_id,
        instrument=order.instrument,
        wanted=wanted,
    )


class Wishes:
    def __init__(
        self,
        account_name: str,
        registry: Registry,
        account: Account,
        shown: Shown,
        selling_out: SellingOut,
        guards: Guards,
        legs: Legs,
        quotes: Quotes,
    ) -> None:
        self._name = account_name
        self._registry = registry
        self._account = account
        self._shown = shown
        self._selling_out = selling_out
        self._guards = guards
        self._legs = legs
        self._quotes = quotes

    def with_legs(self, wanted: Wanted) -> Wanted:
        """What strategies with legs want is what they hold, unless their legs move at this tick; those that quote always do."""
        desired, of_strategies = dict(wanted.desired), dict(wanted.of_strategies)
        for instrument in sorted({of for wants in self._legs.moves.values() for of in wants} | desired.keys()):
            mine = self._legs.wants_of(instrument) | self._quotes.held(instrument)
            if not mine:
                continue
            holders = self._account.attribution.holders(instrument)
            others = of_strategies[instrument] if instrument in desired else holders
            of_strategies[instrument] = {name: of for name, of in {**others, **mine}.items() if name != HAND}
            together = size_of(self._registry[instrument], sum(of_strategies[instrument].values()))
            desired[instrument] = self._legs.sized[instrument] = max(0, together)
        return Wanted(desired, of_strategies, wanted.mays)

    def drafted(self, chunk: Chunk, tick: Tick, wanted: Wanted, busy: frozenset[int]) -> tuple[list[Order], Shares]:
        """As `orders`, without what is to be sold out; nothing is booked."""
        drafts = [one for one in self._drafts(chunk, tick, wanted, busy, None) if one.order is not None]
        orders = [one.order for one in drafts if one.order is not None]
        return orders, {order.client_order_id: one.rest for order, one in zip(orders, drafts, strict=True)}

    def orders(
        self,
        chunk: Chunk,
        tick: Tick,
        wanted: Wanted,
        busy: frozenset[int],
        under_way: Sequence[Tracked],
        halted: Halted | None,
        made: list[AnyRecord],
    ) -> tuple[list[Order], Shares]:
        """busy: instruments that have an order under way and get no other. under_way: orders not settled. made: gets the records
        beside the orders.
        """
        shares: Shares = {}
        orders = self._sell_out(tick, busy, under_way, made, shares)
        selling = {order.instrument for order in orders}
        for draft in self._drafts(chunk, tick, wanted, busy | selling, halted):
            self._cross(tick, draft.instrument, draft.crossed, made)
            if draft.order is not None:
                orders.append(draft.order)
                shares[draft.order.client_order_id] = draft.rest
        return orders, shares

    def _drafts(
        self, chunk: Chunk, tick: Tick, wanted: Wanted, busy: frozenset[int], halted: Halted | None
    ) -> Iterator[_Draft]:
        strategies = contributors(chunk)
        for instrument in sorted(wanted.desired.keys() - busy):
            desired = int(wanted.desired[instrument])
            spoke, left = strategies.get(instrument, ()), self._guards.due.get(instrument, ())
            spoke, moving = tuple(one for one in spoke if one not in self._legs.rules), self._legs.movers(instrument)
            order = self._intend(tick, instrument, desired, tuple(sorted({*spoke, *left, *moving})), wanted.mays)
            if order is not None and (left or moving):
                reasons = [self._guards.words(instrument)] if left else []
                reason = ", ".join([*reasons, *map(self._legs.why, moving)])
                order = msgspec.structs.replace(order, reason=reason)
            stopped = halted is not None or self._selling_out.wants(self._registry[instrument])
            wants = wanted.of_strategies.get(instrument)
            crossed, rest = self._net(instrument, wants) if wants is not None and not stopped else ({}, {})
            yield _Draft(instrument, order, crossed, rest)

    def _intend(
        self, tick: Tick, instrument: int, desired: int, strategies: tuple[str, ...], mays: Sequence[May]
    ) -> Order | None:
        everything = strategies == (FLATTEN,)
        position = self._account.positions[instrument] if everything else self._account.of_strategies(instrument)
        of, quote = self._registry[instrument], self._shown.quote(instrument)
        return intend(self._name, of, desired, position, quote, tick, strategies, mays)

    def _net(self, instrument: int, wants: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
        """What strategies take from each other, and what is left for an order."""
        if self._shown.quote(instrument) is None:
            return {}, {}
        held = self._account.attribution.held_of_all.get(instrument, {})
        moves = {name: want - held.get(name, 0) for name, want in wants.items()}
        moves |= {name: -of for name, of in held.items() if name not in wants and name != HAND}
        return net(moves)

    def _cross(self, tick: Tick, instrument: int, crossed: dict[str, int], made: list[AnyRecord]) -> None:
        """What strategies take from each other is booked at the mid."""
        quote = self._shown.quote(instrument)
        if not crossed or quote is None:
            return
        mid = (quote.bid + quote.ask) // 2
        taken = Crossed(seq=tick.seq, known_ns=tick.known_ns, instrument=instrument, price=mid, taken=crossed)
        self._account.attribution.cross(taken, self._registry[instrument])
        made.append(taken)

    def _sell_out(
        self, tick: Tick, busy: frozenset[int], under_way: Sequence[Tracked], made: list[AnyRecord], shares: Shares
    ) -> list[Order]:
        """What the venue keeps for stops is cancelled first, and waited for."""
        if not self._selling_out.due(tick):
            return []
        on_order = {each.order.instrument for each in under_way}
        kept = {each.order.instrument for each in under_way if each.order.order_type in KEPT}
        orders, left = [], []
        for instrument in self._selling_out.held(self._account.positions, self._registry):
            if instrument in busy or instrument in kept:
                continue
            order = self._intend(tick, instrument, 0, (FLATTEN,), ())
            if order is None:
                of, amount = self._registry[instrument], self._account.positions[instrument]
                left.append(why_left(of, amount, self._shown.quote(instrument)))
                continue
            order = msgspec.structs.replace(order, reduce_only=True)
            crossed, shares[order.client_order_id] = self._net(instrument, {HAND: 0})
            self._cross(tick, instrument, crossed, made)
            orders.append(order)
        if not orders and not any(self._selling_out.wants(self._registry[one]) for one in on_order):
            made.append(self._selling_out.end(tick, left))
        return orders
