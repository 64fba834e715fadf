"""A bracket: an entry with a stop, a take-profit or a trailing stop, of which the one that leaves cancels the others.

In:  the entry; the prices. Of those that run: the entry and its exits as they stand.
Out: the exits, held by us and reduce-only, with ids that derive from the entry's; what is left to be given back.

Exits sleep until the entry has its first fill, end with an entry that got nothing, and give back what the entry got, no more:
its fills less fees in base, less what earlier exits sold.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ninefold.execution.ids import child_id
from ninefold.execution.money import base_amount
from ninefold.execution.orders import Tracked
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order


def exits(entry: Order, triggers: dict[str, int]) -> list[Order]:
    """triggers: by order type (stop, take_profit, trailing), in the instrument's units; of a trailing one the distance."""
    plain = msgspec.structs.replace(
        entry, side=-entry.side, price=0, reduce_only=True, parent=entry.client_order_id, may_id=""
    )
    return [
        msgspec.structs.replace(
            plain, client_order_id=child_id(entry.client_order_id, kind), order_type=kind, trigger=trigger
        )
        for kind, trigger in triggers.items()
    ]


def left(instrument: Instrument, entry: Tracked | None, size: int, sent: Iterable[Tracked]) -> int:
    """Amount of base that exits have yet to give back.

    entry: what they protect; None for an exit by itself, which is to sell `size`. sent: the exits that left.
    """
    got = base_amount(instrument, size) if entry is None else _got(instrument, entry)
    return got - sum(base_amount(instrument, each.order.filled) for each in sent)


def again(ended: Order, count: int) -> Order:
    """What takes the place of an exit that left and did not give everything back: it has gone off already.

    count: how many exits there were.
    """
    return msgspec.structs.replace(
        ended,
        client_order_id=child_id(ended.client_order_id, f"again {count}"),
        parent=ended.parent or ended.client_order_id,
        status="intended",
        order_type="stop",
        price=ended.trigger,
        filled=0,
        venue_order_id="",
        reason=f"order {ended.client_order_id} ended {ended.status} and left a part",
    )


def _got(instrument: Instrument, entry: Tracked) -> int:
    fees = sum(fill.fee for fill in entry.fills.values() if fill.fee_asset == instrument.base)
    return sum(base_amount(instrument, fill.size) for fill in entry.fills.values()) - fees
