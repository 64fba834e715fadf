"""Rules about how much: one order, the position, the money there is. What makes a position smaller passes limits of size: a
price that rose must not lock us in.

In:  the state at the tick, one order, the quote. Out: the reason to refuse, "" if there is none.
"""

from __future__ import annotations

from ninefold.execution.limits.state import Left, RiskState, cost, valued
from ninefold.execution.money import base_amount, text
from ninefold.execution.shown import Quote
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order


def order_size(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    amount = base_amount(instrument, order.size)
    return _within(state, left, instrument, order, quote, "order size", amount, state.rules.max_order)


def position(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    after = left.after(instrument, order)
    return _within(state, left, instrument, order, quote, "position limit", after, state.rules.max_position)


def canary(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    most = state.canary.most if state.canary is not None else None
    if state.canary is None or most is None:
        return ""
    refused = _within(state, left, instrument, order, quote, "canary", left.after(instrument, order), most)
    so_far = f"{state.canary.agreed} of {state.rules.canary_orders} filled orders have agreed with the venue so far"
    return f"{refused}; {so_far}" if refused else ""


def balance(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    buys = order.side > 0
    asset = instrument.quote if buys else instrument.base
    needed = cost(instrument, order, quote) if buys else base_amount(instrument, order.size)
    free = left.free.get(asset)
    if free is None:
        return f"balance unknown: the venue has not said how much {asset} there is"
    if needed <= free:
        return ""
    return f"insufficient balance: {text(needed, asset)} needed, {text(free, asset)} free"


def _within(
    state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote, limit: str, amount: int, most: int
) -> str:
    if not left.grows(instrument, order):
        return ""
    account_quote = state.rules.quote
    found = valued(state, instrument, amount, max(order.price, quote.price(order.side)))
    if found is None:
        return f"price unknown: the {limit} of {instrument.name} needs a price of {instrument.quote} in {account_quote}"
    if found <= most:
        return ""
    return f"{limit}: {instrument.name} would be {text(found, account_quote)}, {text(most, account_quote)} allowed"
