"""HAS: what the bot has done, told once for every order that is over and got something.

In:  an order that is over and all its fills.
Out: a Has with the average price, rounded to the instrument's unit.
"""

from __future__ import annotations

from ninefold.execution.orders import Tracked
from ninefold.market.instruments import Instrument
from ninefold.market.records import Has


def tell(tracked: Tracked, instrument: Instrument, seq: int, known_ns: int, legs: str = "") -> Has:
    """The message for a complete order. legs: words about those that it belongs to."""
    order = tracked.order
    size = sum(fill.size for fill in tracked.fills.values())
    value = sum(fill.size * fill.price for fill in tracked.fills.values())
    price = (2 * value + size) // (2 * size)
    verb = "bought" if order.side > 0 else "sold"
    part = "" if size == order.size else f" of {instrument.size_text(order.size)} wanted"
    told = f"foretold by {order.may_id}" if order.may_id else "no MAY had told of it"
    return Has(
        seq=seq,
        known_ns=known_ns,
        has_id=f"has-{order.client_order_id}",
        may_id=order.may_id,
        instrument=order.instrument,
        strategy=",".join(order.strategies),
        client_order_id=order.client_order_id,
        side=order.side,
        size=size,
        price=price,
        text=f"{verb} {instrument.size_text(size)}{part} {instrument.base} at "
        f"{instrument.price_text(price)} {instrument.quote} on {instrument.venue}; {told}{legs}",
    )
