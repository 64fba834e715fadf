"""Orders of ours that the books did not know: a ledger was lost, or restored from a backup.

In:  the venue's word on such an order. Out: a `Found`, which says that it is followed from now on. While it is open nothing else
     is sent for its instrument, and its fills are asked for like those of any order of ours.
"""

from __future__ import annotations

from ninefold.execution.held import KEPT
from ninefold.market.instruments import Instrument
from ninefold.market.records import Found, Order

PROTECTIVE = (
    *KEPT,
    "stop",
    "take_profit",
    "trailing",
)  # asked for before all others: a position without its stop is the worst


def adopted(order: Order, instrument: Instrument) -> Found:
    verb = "buy" if order.side > 0 else "sell"
    words = f"{verb} {instrument.size_text(order.size)} {instrument.base}, {order.status}"
    return Found(
        seq=order.seq,
        known_ns=order.known_ns,
        client_order_id=order.client_order_id,
        venue=instrument.venue,
        symbol=instrument.venue_symbol,
        side=order.side,
        ours=True,
        text=f"an order of ours that the ledger does not know: {words}; it is followed, and nothing else is sent for "
        f"{instrument.name} until it is over",
    )
