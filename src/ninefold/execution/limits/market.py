"""Rules about the instrument and its market: what the venue allows, and whether what we see can be trusted.

In:  the state at the tick, one order. Out: the reason to refuse, "" if there is none.
"""

from __future__ import annotations

from ninefold.execution.bands import band_of
from ninefold.execution.held import KEPT
from ninefold.execution.limits.state import Left, RiskState
from ninefold.execution.money import least_notional, quote_amount, text
from ninefold.execution.rules import STALE_NS
from ninefold.execution.shown import Quote
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.market.time import SECOND_NS

MILLION = 1_000_000
LATER = ("stop", "take_profit", "trailing", *KEPT)  # meet the market when they are set off, at a price nobody knows yet


def venue_rules(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    if instrument.venue != state.rules.venue:
        return f"account {state.rules.account} trades on {state.rules.venue}, not on {instrument.venue}"
    if instrument.kind != "spot":
        return f"{instrument.name} is {instrument.kind}; only spot is traded"
    if not instrument.rules_known and not state.rules.simulated:
        return f"rules unknown: {instrument.venue} has not said the steps and minima of {instrument.name}"
    return ""


def steps(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    least = max(instrument.min_size, 1)
    if order.size < least:
        return f"size {_size(instrument, order.size)}: at least {_size(instrument, least)} allowed"
    if order.size % instrument.lot_size:
        lot = _size(instrument, instrument.lot_size)
        return f"lot step: size {_size(instrument, order.size)} is no multiple of {lot}"
    if order.price % instrument.tick_size:
        tick = instrument.price_text(instrument.tick_size)
        return f"tick rule: price {instrument.price_text(order.price)} is no multiple of {tick}"
    return ""


def known_bar(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    if not state.shown.bar_is_unknown(instrument.id):
        return ""
    return f"unknown bar: trades of {instrument.name} may have been missed in its newest bar"


def fresh(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    seen = state.shown.seen_ns.get(instrument.id)
    if seen is None:
        return f"price unknown: {instrument.name} has shown no quote"
    behind_ns = state.shown.behind_ns.get(instrument.venue, 0)
    if behind_ns:
        return f"late feed: what {instrument.venue} says comes {behind_ns / SECOND_NS:.1f} s later than usual"
    age = state.known_ns - seen
    if age <= STALE_NS:
        return ""
    found, allowed = f"{age / SECOND_NS:.1f} s", f"{STALE_NS / SECOND_NS:.0f} s"
    return f"stale price: the last quote or book change of {instrument.name} is {found} old, {allowed} allowed"


def min_notional(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    least = least_notional(instrument)
    found = quote_amount(instrument, order.price or quote.price(order.side), order.size)
    if found >= least:
        return ""
    return f"min notional: {text(found, instrument.quote)}, at least {text(least, instrument.quote)} allowed"


def price_band(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    """The venue's own band where it told one; else a price that is worse for us than the mid by more than ours, which does not
    hold for a stop's limit: that is far from the market while it waits."""
    if not order.price and order.order_type in LATER:
        return ""
    price = order.price or quote.price(order.side)
    twice_mid, ppm = quote.bid + quote.ask, state.rules.price_band_ppm
    band = band_of(instrument, order.side, quote)
    if band is not None:
        lowest, highest = band
        whose = f"of {instrument.venue}"
    elif ppm is not None and order.order_type not in KEPT:
        away = twice_mid * (MILLION + order.side * ppm)
        lowest = 0 if order.side > 0 else -(-away // (2 * MILLION))
        highest = away // (2 * MILLION) if order.side > 0 else price
        whose = "of ours"
    else:
        return ""
    if lowest <= price <= highest:
        return ""
    side, bound = ("at most", highest) if price > highest else ("at least", lowest)
    allowed = instrument.price_text(bound)
    return (
        f"price band {whose}: {instrument.price_text(price)} {instrument.quote} is asked, {side} {allowed} allowed now"
    )


def _size(instrument: Instrument, size: int) -> str:
    return f"{instrument.size_text(size)} {instrument.base}"
