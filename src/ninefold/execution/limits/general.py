"""Rules that ask for no instrument: the kill switch, what is being sold out, reconciliation, the rate, the clocks.

In:  the state at the tick. Out: the reason to refuse, "" if there is none.
"""

from __future__ import annotations

from ninefold.execution.limits.state import FLATTEN, Left, RiskState
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.market.time import SECOND_NS


def is_flatten(order: Order) -> bool:
    """Whether an order sells out what somebody asked to be sold out."""
    return order.reduce_only and order.strategies == (FLATTEN,)


def kill_switch(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    """Lets through what sells out a position, and nothing else."""
    if state.halted is None or (is_flatten(order) and not left.grows(instrument, order)):
        return ""
    why = state.halted.reason or "no reason given"
    return f"kill switch: halted by {state.halted.by} ({why}); `ninefold resume` lifts it"


def flattened(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    asked = state.flatten_of(instrument)
    if asked is None or not left.grows(instrument, order):
        return ""
    return f"flatten: {asked.by} wants {instrument.name} sold; `ninefold resume` lets it be bought again"


def reconciliation(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    if not state.awaited:
        return ""
    return f"reconciliation not complete: the venue has not yet told us of {', '.join(list(state.awaited)[:3])}"


def order_rate(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    """What makes a position smaller is let through: stops and a flatten must not wait for a minute."""
    most = state.rules.max_orders_per_minute
    return (
        ""
        if left.orders < most or not left.grows(instrument, order)
        else f"order rate: {left.orders} orders in the last minute, {most} allowed"
    )


def clock_skew(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    most = state.rules.max_skew_ns
    if most is None or not left.grows(instrument, order):
        return ""
    if state.skew_ns is None:
        return f"clock skew: {state.rules.venue} has not told its time, so ours cannot be compared"
    if abs(state.skew_ns) <= most:
        return ""
    found, allowed = f"{state.skew_ns / SECOND_NS:.1f} s", f"{most / SECOND_NS:.1f} s"
    return f"clock skew: our clock is {found} ahead of that of {state.rules.venue}, {allowed} allowed either way"
