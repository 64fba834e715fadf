"""Legs that move at a tick pass the risk gate together, or stay where they are.

In:  what all strategies want, the instruments that may have no other order now, what the gate would say.
Out: what they want with the legs that move, without those that the gate would refuse; records of what changed.

Nothing is booked or sent here: what strategies take from each other is booked as soon as it is decided, and legs that were
refused behind that would be half there.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ninefold.execution.legs import Legs
from ninefold.execution.wishes import Shares, Wanted, Wishes
from ninefold.market.chunk import Chunk
from ninefold.market.records import AnyRecord, Order, Tick
from ninefold.market.strategy_records import LegsMoved

Refused = Callable[[list[Order], Shares], list[Order]]


def legs_allowed(
    legs: Legs,
    wishes: Wishes,
    chunk: Chunk,
    tick: Tick,
    wanted: Wanted,
    busy: frozenset[int] | None,
    refused: Refused,
) -> tuple[Wanted, list[AnyRecord]]:
    """busy: None if nothing may leave at all. refused: what the gate would say of orders, those that it would not let pass."""
    fresh = {of: wants for of, wants in wanted.of_strategies.items() if of in wanted.desired}
    made: list[AnyRecord] = [*legs.look(tick, chunk.rows("targets"), fresh, busy)]
    while True:
        shaped = wishes.with_legs(wanted)
        if not legs.moves:
            return shaped, made
        orders, shares = wishes.drafted(chunk, tick, shaped, busy or frozenset())
        hit = [order for order in refused(orders, shares) if legs.movers(order.instrument)]
        if not hit:
            return shaped, made
        moved = legs.refused(hit, tick)
        made += [*hit, *_others(orders, hit, moved), *moved]


def _others(orders: list[Order], hit: list[Order], moved: list[LegsMoved]) -> list[Order]:
    """Orders of the other legs, which are not sent either."""
    names = {one.strategy: one.text for one in moved}
    ids = {order.client_order_id for order in hit}
    return [
        msgspec.structs.replace(order, status="refused", reason=names[name])
        for order in orders
        for name in order.strategies
        if name in names and order.client_order_id not in ids
    ]
