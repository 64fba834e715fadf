"""A rule about the venue's own word: after a rejection the next order of the same instrument and side waits.

In:  the state at the tick, one order. Out: the reason to refuse, "" if there is none. It names a moment and not what is left of the
     wait, so it stays the same until the next rejection.
"""

from __future__ import annotations

from datetime import UTC, datetime

from ninefold.execution.limits.state import Left, RiskState
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.market.time import SECOND_NS


def rejected(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    row = state.rejections.row(instrument.id, order.side)
    if row is None:
        return ""
    until_ns = row.until_ns(left.grows(instrument, order))
    if state.known_ns >= until_ns:
        return ""
    orders = f"{row.times} order{'s' if row.times > 1 else ''} in a row"
    at = datetime.fromtimestamp(-(-until_ns // SECOND_NS), UTC)  # the whole second behind it
    return (
        f"rejected: the venue rejected {orders}, last: {row.reason or 'no reason given'}; "
        f"the next one may leave at {at:%Y-%m-%d %H:%M:%S} UTC"
    )
