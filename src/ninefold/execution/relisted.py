"""An instrument goes on under another number, with other rules: so do its orders.

In:  the new version; orders as they stand, also those that are over.
Out: the same orders in its units, so that what the venue says of them from now on, under the new number, is of them. One whose
     numbers it cannot tell exactly stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ninefold.execution.orders import Tracked
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Fill, Order


def is_earlier(one: Instrument, new: Instrument) -> bool:
    """Whether it is an earlier version of the same instrument."""
    return (one.venue, one.venue_symbol) == (new.venue, new.venue_symbol) and one.id < new.id


def moved(order: Order, old: Instrument, new: Instrument) -> Order | None:
    """
    >>> old = Instrument(id=1, venue="v", venue_symbol="s", symbol="A/B", base="A", quote="B", price_decimals=2, size_decimals=3)
    >>> new = msgspec.structs.replace(old, id=2, price_decimals=3, size_decimals=2)
    >>> order = Order(seq=1, known_ns=1, client_order_id="nf-a", instrument=1, side=1, size=50, status="sent", price=700)
    >>> after = moved(order, old, new)
    >>> after.instrument, after.size, after.price, moved(msgspec.structs.replace(order, size=55), old, new)
    (2, 5, 7000, None)
    """
    sizes = _in_units((order.size, order.filled), new.size_decimals - old.size_decimals)
    is_moment = order.order_type == "slice"  # its trigger is a time
    prices = _in_units((order.price, 0 if is_moment else order.trigger), new.price_decimals - old.price_decimals)
    if sizes is None or prices is None:
        return None
    trigger = order.trigger if is_moment else prices[1]
    return msgspec.structs.replace(
        order, instrument=new.id, size=sizes[0], filled=sizes[1], price=prices[0], trigger=trigger
    )


def relist(orders: dict[str, Tracked], under_way: dict[str, int], new: Instrument, registry: Registry) -> None:
    """What is known of orders goes on under the new number; under_way: ids of those that are not settled, to instruments."""
    for order_id, known in orders.items() if new.version > 1 else ():
        old = registry[known.order.instrument]
        if not is_earlier(old, new):
            continue
        order, fills = moved(known.order, old, new), _fills(known.fills, old, new)
        if order is not None and fills is not None:
            orders[order_id] = Tracked(order, known.said, fills)
            if order_id in under_way:
                under_way[order_id] = new.id


def _fills(fills: Mapping[str, Fill], old: Instrument, new: Instrument) -> dict[str, Fill] | None:
    found: dict[str, Fill] = {}
    for trade_id, fill in fills.items():
        sizes = _in_units((fill.size,), new.size_decimals - old.size_decimals)
        prices = _in_units((fill.price,), new.price_decimals - old.price_decimals)
        if sizes is None or prices is None:
            return None
        found[trade_id] = msgspec.structs.replace(fill, instrument=new.id, size=sizes[0], price=prices[0])
    return found


def _in_units(numbers: tuple[int, ...], decimals: int) -> tuple[int, ...] | None:
    """With so many decimals more; None if one of them is no whole number then."""
    if decimals >= 0:
        return tuple(number * 10**decimals for number in numbers)
    factor = 10**-decimals
    return None if any(number % factor for number in numbers) else tuple(number // factor for number in numbers)
