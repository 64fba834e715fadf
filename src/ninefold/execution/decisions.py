"""What an order was decided from, kept beside it, so that anybody can decide it again and compare.

In:  a chunk that was decided on, the core after it, the targets and the sizes wanted by them.
Out: a `Decision` for each order that left or was refused at its tick.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from ninefold.execution.core import ExecutionCore
from ninefold.market.chunk import Chunk
from ninefold.market.records import Decision, Order, Tick

APPROVED = "approved"
BYTES = 16  # of a digest
FORMULAS_KNOWN = 256  # sets of them
Targets = Callable[[int], Mapping[str, float]]


class Basis(NamedTuple):
    """What decides besides the inputs. formulas: by strategy; model: digest of the forecast model, "" without one."""

    formulas: Mapping[str, str] = {}
    model: str = ""


UNTOLD = Basis()


def decisions(
    chunk: Chunk, core: ExecutionCore, targets: Targets, desired: Callable[[int], int], basis: Basis
) -> list[Decision]:
    """targets: of an instrument by strategy, those that count; desired: the size that they want of it."""
    tick = next((record for record in reversed(chunk.records) if isinstance(record, Tick)), None)
    if tick is None:
        return []
    orders = [record for record in chunk.records if isinstance(record, Order) and record.seq == tick.seq]
    left = {order.client_order_id for order in orders if order.status == "sent"}  # others that are intended are held
    made = [
        order
        for order in orders
        if order.status == "refused" or (order.status == "intended" and order.client_order_id in left)
    ]
    return [_decision(order, tick, core, targets(order.instrument), desired(order.instrument), basis) for order in made]


def _decision(
    order: Order, tick: Tick, core: ExecutionCore, targets: Mapping[str, float], desired: int, basis: Basis
) -> Decision:
    known = {name: None if math.isnan(target) else target for name, target in sorted(targets.items())}
    quote = core.shown.quote(order.instrument)
    bid, ask = (quote.bid, quote.ask) if quote is not None else (0, 0)
    position = core.account.positions.get(order.instrument, 0)
    inputs = (order.instrument, tick.seq, tick.known_ns, tick.exchange_ns, known, desired, position, bid, ask)
    return Decision(
        seq=order.seq,
        known_ns=order.known_ns,
        client_order_id=order.client_order_id,
        instrument=order.instrument,
        exchange_ns=tick.exchange_ns,
        targets=known,
        desired=desired,
        position=position,
        bid=bid,
        ask=ask,
        inputs=digest(inputs),
        formulas=_digest_of(tuple([(name, basis.formulas.get(name, "")) for name in known])),
        model=basis.model,
        verdict=order.reason if order.status == "refused" else APPROVED,
    )


@lru_cache(FORMULAS_KNOWN)
def _digest_of(formulas: tuple[tuple[str, str], ...]) -> str:
    """By strategy, in the order of the names; they are mostly the same at every tick."""
    return digest(list(formulas))


def digest(value: object) -> str:
    """Of plain values, by their text: floats are written so that they can be read back.

    >>> digest((1, 0.5)) == digest((1, 0.5)) != digest((1, 0.25))
    True
    """
    return hashlib.blake2b(repr(value).encode(), digest_size=BYTES).hexdigest()
