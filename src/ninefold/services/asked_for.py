"""What became of what a person asked for.

In:  the data dir, the id of an order or of a whole. Out: the orders that belong to it as the ledger has them now, and how
     people read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ninefold.execution.asked import BadAsk, orders_of
from ninefold.execution.held import is_held
from ninefold.execution.orders import TERMINAL
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Asked, Order, Tick
from ninefold.store.ledger import LedgerReader

FIRST = Tick(seq=0, known_ns=0, exchange_ns=0)  # a request is tried out at no time in particular


class Line(msgspec.Struct, frozen=True):
    """An order for people. where: "held by us", "at the venue", "over"; exact numbers are texts."""

    order: str
    belongs_to: str
    instrument: str
    side: str
    type: str
    size: str
    filled: str
    price: str
    trigger: str
    status: str
    where: str
    reason: str


def tried(asked: Asked, registry: Registry) -> list[Order]:
    """The orders that a request would make, on the venue that has the pair. raises: BadAsk, also where no venue has it."""
    venues = dict.fromkeys(one.venue for one in registry.current() if one.symbol == asked.pair)
    if not venues:
        pairs = ", ".join(dict.fromkeys(one.symbol for one in registry.current()))
        raise BadAsk(f"there is no pair {asked.pair!r} here; known: {pairs or 'none, since nothing ran here yet'}")
    return orders_of(asked, next(iter(venues)), registry, FIRST)


def family(data_dir: Path, order_id: str) -> list[Order]:
    """The order of this id and those that belong to it, oldest first; empty if the ledger has none."""
    return [one for one in LedgerReader(data_dir).orders() if order_id in (one.client_order_id, one.parent)]


def open_orders(data_dir: Path) -> list[Order]:
    """Orders that are not over: held by us, or at the venue as far as we know."""
    return [one for one in LedgerReader(data_dir).orders() if one.status not in TERMINAL]


def lines(orders: Sequence[Order], registry: Registry) -> list[Line]:
    return [_line(order, registry[order.instrument]) for order in orders]


def plain(found: Sequence[Line]) -> list[dict[str, Any]]:
    """For JSON."""
    return [msgspec.to_builtins(line) for line in found]


def _line(order: Order, instrument: Instrument) -> Line:
    where = "held by us" if is_held(order) else "over" if order.status in TERMINAL else "at the venue"
    trigger = order.trigger and order.order_type != "slice"
    return Line(
        order=order.client_order_id,
        belongs_to=order.parent,
        instrument=instrument.name,
        side="buy" if order.side > 0 else "sell",
        type=order.order_type,
        size=instrument.size_text(order.size),
        filled=instrument.size_text(order.filled),
        price=instrument.price_text(order.price) if order.price else "",
        trigger=instrument.price_text(order.trigger) if trigger else "",
        status=order.status,
        where=where,
        reason=order.reason,
    )
