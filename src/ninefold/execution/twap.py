"""TWAP: a large order in equal parts over a stretch of time, each held until its moment and a market order then.

In:  the whole order, how many parts, over how long. Out: the slices; their sizes sum to the whole.

A slice whose moment passed while nothing could be sent (halted, not running) ends when the next one is due: what was missed is
not made up for in a rush, and the ledger says so.
"""

from __future__ import annotations

import msgspec

from ninefold.execution.ids import child_id
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order


def slices(whole: Order, instrument: Instrument, count: int, over_ns: int, from_ns: int) -> list[Order]:
    """The first is due at `from_ns` (exchange_ns), the others every `over_ns / count`. Lots that do not divide go to the
    first ones.

    raises: ValueError if there are fewer lots than slices.
    """
    lots, more = divmod(whole.size // instrument.lot_size, count)
    if lots == 0:
        raise ValueError(
            f"{instrument.size_text(whole.size)} {instrument.base} is {more} lots of "
            f"{instrument.size_text(instrument.lot_size)}; a TWAP of {count} slices needs {count} at least"
        )
    return [
        msgspec.structs.replace(
            whole,
            client_order_id=child_id(whole.client_order_id, f"slice {number}"),
            parent=whole.client_order_id,
            order_type="slice",
            size=(lots + (number < more)) * instrument.lot_size,
            trigger=from_ns + number * over_ns // count,
        )
        for number in range(count)
    ]
