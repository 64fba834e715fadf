"""Reduce-only: an order that may make a position smaller and never turn it round or begin one.

In:  the order, the amount of base that may be given away: the position, less what is being sold already.
Out: the order cut to it, or why nothing of it can be sent.
"""

from __future__ import annotations

import msgspec

from ninefold.execution.money import quote_amount, size_of, text
from ninefold.execution.shown import Quote
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.records import Order


def reduced(order: Order, instrument: Instrument, amount: int, quote: Quote | None) -> Order | str:
    """The order with the greatest size within `amount` that is a whole number of lots; or the reason for none.

    amount: of base, 10**-8. A spot position is never short, so there is nothing that a buy could reduce.
    quote:  None if no price is known; then the venue's minimum cannot be looked at, and the risk gate refuses.
    """
    held = amount if order.side < 0 else 0
    size = min(order.size, size_of(instrument, held) // instrument.lot_size * instrument.lot_size)
    if size <= 0:
        return f"reduce-only: {text(max(held, 0), instrument.base)} held, nothing to reduce"
    value = None if quote is None else quote_amount(instrument, quote.price(order.side), size)
    if size < instrument.min_size or (value is not None and value < to_units(instrument.min_notional, 8)):
        return (
            f"reduce-only: what is left, {instrument.size_text(size)} {instrument.base}, is below the venue's minimum"
        )
    return order if size == order.size else msgspec.structs.replace(order, size=size)
