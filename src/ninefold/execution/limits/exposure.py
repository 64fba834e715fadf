"""Rules about what is held and on order together: of one instrument, one venue, all of them, and of one strategy.

In:  the state at the tick, one order, the quote. Out: the reason to refuse, "" if there is none.
Of the orders under way those count that make the position greatest; a limit sell above a long position does not make it less.
"""

from __future__ import annotations

from collections.abc import Callable

from ninefold.execution.limits.state import Left, RiskState, valued, within
from ninefold.execution.shown import Quote
from ninefold.execution.under_way import more, most
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order


def instrument_exposure(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    allowed = state.rules.max_instrument
    if allowed is None or not left.grows(instrument, order):
        return ""
    found = _exposure(state, left, instrument, order, quote, lambda one: one.id == instrument.id)
    return within(state, "exposure per instrument", instrument.name, found, allowed)


def venue_exposure(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    allowed = state.rules.max_venue
    if allowed is None or not left.grows(instrument, order):
        return ""
    found = _exposure(state, left, instrument, order, quote, lambda one: one.venue == instrument.venue)
    return within(state, "exposure per venue", instrument.venue, found, allowed)


def total_exposure(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    allowed = state.rules.max_total
    if allowed is None or not left.grows(instrument, order):
        return ""
    found = _exposure(state, left, instrument, order, quote, lambda one: True)
    return within(state, "total exposure", "what is held", found, allowed)


def strategy_capital(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    allowed = state.rules.max_strategy
    if allowed is None or not left.grows(instrument, order):
        return ""
    mine = state.account.attribution
    for strategy, part in sorted(state.parts(instrument, order).items()):
        on_order = left.parts.get(strategy, {}).get(instrument.id, (0, 0))
        held = mine.held(strategy, instrument.id)
        after = most(held, more(on_order, part))
        if after <= abs(held):
            continue
        found = _capital(state, left, strategy, instrument, after, quote.price(order.side))
        if reason := within(state, "strategy capital", strategy or "nobody's order", found, allowed):
            return reason
    return ""


def _capital(state: RiskState, left: Left, strategy: str, instrument: Instrument, after: int, price: int) -> int | None:
    """Worth of what a strategy may come to hold, with `after` of one instrument; None while a price is unknown."""
    total = valued(state, instrument, after, price)
    for of, one in left.worths_of(state, strategy).items():
        if of == instrument.id:
            continue
        if total is None or one is None:
            return None
        total += one
    return total


def _exposure(
    state: RiskState,
    left: Left,
    instrument: Instrument,
    order: Order,
    quote: Quote,
    counts: Callable[[Instrument], bool],
) -> int | None:
    """Worth of all instruments that count, the order included; None while a price is unknown."""
    after = max(abs(left.after(instrument, order)), left.most(instrument.id))
    total = valued(state, instrument, after, max(order.price, quote.price(order.side)))
    for of in left.positions.keys() | left.pending.keys():
        if of == instrument.id or not counts(state.registry[of]):
            continue
        one = left.worth(state, of)
        if total is None or one is None:
            return None
        total += one
    return total
