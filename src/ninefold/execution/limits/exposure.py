"""Rules about what is held and on order together: of one instrument, one venue, all of them, and of one strategy.

In:  the state at the tick, one order, the quote. Out: the reason to refuse, "" if there is none.
Of the orders under way those count that make the position greatest; a limit sell above a long position does not make it less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ninefold.execution.limits.state import NO_PENDING, Left, RiskState, valued, within, worth_of
from ninefold.execution.shown import Quote
from ninefold.execution.under_way import Pending, more, most
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order

NONE: Mapping[int, Pending] = {}


def instrument_exposure(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    allowed = state.rules.max_instrument
    if allowed is None or not left.grows(instrument, order):
        return ""
    found = _exposure(state, left, instrument, order, quote, ())
    return within(state, "exposure per instrument", instrument.name, found, allowed)


def venue_exposure(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    allowed = state.rules.max_venue
    if allowed is None or not left.grows(instrument, order):
        return ""
    here = [of for of in _held(left) if state.registry[of].venue == instrument.venue]
    found = _exposure(state, left, instrument, order, quote, here)
    return within(state, "exposure per venue", instrument.venue, found, allowed)


def total_exposure(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    allowed = state.rules.max_total
    if allowed is None or not left.grows(instrument, order):
        return ""
    found = _exposure(state, left, instrument, order, quote, _held(left))
    return within(state, "total exposure", "what is held", found, allowed)


def strategy_capital(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    allowed = state.rules.max_strategy
    if allowed is None or not left.grows(instrument, order):
        return ""
    price, held_here = quote.price(order.side), state.account.attribution.held_of_all.get(instrument.id, {})
    ask = left.ask(state, instrument.id)
    unit = 10**instrument.price_decimals if instrument.quote == state.rules.quote else 0
    for strategy, part in sorted(left.parts_of(state, instrument, order).items()):
        on_order = left.parts.get(strategy, NONE).get(instrument.id, NO_PENDING)
        held = held_here.get(strategy, 0)
        after = most(held, more(on_order, part))
        if after <= abs(held):
            continue
        others = left.purse(state, strategy).beside(worth_of(state, ask, most(held, on_order)))
        worth = after * price // unit if unit else valued(state, instrument, after, price)
        found = None if worth is None or others is None else worth + others
        if found is None or found > allowed:
            return within(state, "strategy capital", strategy or "nobody's order", found, allowed)
    return ""


def _exposure(
    state: RiskState,
    left: Left,
    instrument: Instrument,
    order: Order,
    quote: Quote,
    beside: Iterable[int],
) -> int | None:
    """Worth of all instruments that count, the order's own included; None while a price is unknown."""
    after = max(abs(left.after(instrument, order)), left.most(instrument.id))
    total = valued(state, instrument, after, max(order.price, quote.price(order.side)))
    for of in beside:
        if of == instrument.id:
            continue
        one = left.worth(state, of)
        if total is None or one is None:
            return None
        total += one
    return total


def _held(left: Left) -> Iterable[int]:
    """Instruments that are held or on order."""
    return left.positions.keys() | left.pending.keys()
