"""The order state machine.

In:  updates (Order records) and fills (Fill records) of one order, as the venue sent them: late, twice, out of order.
Out: the order as it stands after them. An update that is older than what is known changes nothing; one that contradicts
     what is known is a Contradiction with its reason, and changes nothing either. The end does not depend on the order
     of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from ninefold.market.records import Fill, Order, Started

WITHHELD = "not sent: "  # begins the reason of an order that ended as rejected, and was kept back by ourselves
TERMINAL = frozenset({"refused", "filled", "cancelled", "rejected", "expired"})
_ALIVE = frozenset({"working", "partly_filled", "filled", "cancelled", "expired"})  # the venue took the order
NEXT: Mapping[str, frozenset[str]] = {
    "intended": _ALIVE | {"refused", "sent", "unknown", "rejected"},
    "sent": _ALIVE | {"unknown", "rejected"},
    "unknown": _ALIVE | {"rejected"},
    "working": _ALIVE - {"working"},
    "partly_filled": _ALIVE - {"working"},
    "rejected": _ALIVE,  # "no such order" was said before the order arrived: what the venue did with it counts
    "refused": frozenset(),
    "filled": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
}
_RANK = {"intended": 0, "sent": 1, "unknown": 2, "rejected": 3, "working": 4, "partly_filled": 5}  # the rest: 6


@dataclass(frozen=True, slots=True)
class Tracked:
    """order: the merged record. said: the furthest status the venue stated. fills: by trade id."""

    order: Order
    said: str
    fills: Mapping[str, Fill] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.order.status not in TERMINAL

    @property
    def settled(self) -> bool:
        """Over, and every fill of it known. Until then the position is not, and the venue must be asked."""
        return not self.open and self.order.filled == sum(fill.size for fill in self.fills.values())

    @property
    def complete(self) -> bool:
        """Settled, with something filled."""
        return self.settled and self.order.filled > 0


@dataclass(frozen=True, slots=True)
class Cancel:
    """An order that the venue is to cancel. It may be told so any number of times: an id is cancelled once."""

    order: Order


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An update that cannot be true together with what is known."""

    client_order_id: str
    reason: str


def begin(order: Order) -> Tracked:
    """Follow an order from its first record on."""
    return Tracked(order, order.status)


def never_sent(order: Order, started: Started) -> Tracked:
    """An order that was intended only, at the next start."""
    reason = "intended before the start and never sent"
    over = msgspec.structs.replace(order, status="expired", reason=reason, seq=started.seq, known_ns=started.known_ns)
    return Tracked(over, "expired")


def follow(known: Tracked, update: Order | Fill) -> Tracked | Contradiction:
    """The order after one more update; the same object if the update said nothing new."""
    if update.instrument != known.order.instrument or update.side != known.order.side:
        return _contradiction(known, f"update for instrument {update.instrument} side {update.side}")
    return _fill(known, update) if isinstance(update, Fill) else _update(known, update)


def _update(known: Tracked, update: Order) -> Tracked | Contradiction:
    order = known.order
    if update.size != order.size or not 0 <= update.filled <= order.size:
        return _contradiction(known, f"update says {update.filled} of {update.size} filled")
    if update.status == known.said or _rank(update.status) < _rank(known.said):
        said = known.said
    elif update.status in NEXT[known.said]:
        said = update.status
    else:
        return _contradiction(known, f"{known.said!r} cannot become {update.status!r}")
    changed = msgspec.structs.replace(
        order,
        filled=max(order.filled, update.filled, update.size if update.status == "filled" else 0),
        venue_order_id=order.venue_order_id or update.venue_order_id,
        reason=order.reason if said == known.said else update.reason,
    )
    return _settled(known, changed, said, known.fills, update)


def _fill(known: Tracked, fill: Fill) -> Tracked | Contradiction:
    if fill.trade_id in known.fills:
        return known
    if known.said == "refused":
        return _contradiction(known, f"trade {fill.trade_id} fills an order that was never sent")
    fills = {**known.fills, fill.trade_id: fill}
    filled = sum(each.size for each in fills.values())
    if fill.size <= 0 or filled > known.order.size:
        return _contradiction(known, f"trade {fill.trade_id} of {fill.size} would make {filled} filled")
    said = "working" if _rank(known.said) < _rank("working") else known.said
    reason = known.order.reason if said == known.said else ""
    changed = msgspec.structs.replace(known.order, filled=max(known.order.filled, filled), reason=reason)
    return _settled(known, changed, said, fills, fill)


def _settled(known: Tracked, order: Order, said: str, fills: Mapping[str, Fill], by: Order | Fill) -> Tracked:
    """Status from what was said and what was filled."""
    status = said
    if order.filled == order.size and said not in ("refused", "rejected"):
        status = "filled"
    elif order.filled > 0 and said not in TERMINAL:
        status = "partly_filled"
    merged = msgspec.structs.replace(order, status=status)
    if merged == known.order and said == known.said and fills is known.fills:
        return known
    stamped = msgspec.structs.replace(merged, seq=by.seq, known_ns=by.known_ns)
    return Tracked(stamped, said, fills)


def _rank(status: str) -> int:
    return _RANK.get(status, 6)


def _contradiction(known: Tracked, what: str) -> Contradiction:
    order = known.order
    return Contradiction(
        order.client_order_id,
        f"{what}, but order {order.client_order_id} is {order.status} with {order.filled} of {order.size} filled "
        f"(instrument {order.instrument}, side {order.side}); the update was not taken",
    )
