"""The risk gate: every order passes here or is refused with the reason.

In:  the state of market and account at one tick, and the orders intended at it, judged together: each uses up what the
     ones before it left.
Out: Approved orders, which only this file can make and which are all that a gateway takes; and refused ones, as Order
     records. Nothing is guessed: a price, a balance or a rule that is not known refuses, and the reason names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from ninefold.execution.account import Account
from ninefold.execution.money import base_amount, quote_amount, text
from ninefold.execution.rules import STALE_NS, AccountRules
from ninefold.execution.shown import Quote, Shown
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.numbers import to_units
from ninefold.market.records import Halted, Order
from ninefold.market.time import MINUTE_NS, SECOND_NS

_SEAL = object()


class Approved(msgspec.Struct, frozen=True):
    """An order that passed every limit. Made by `check` alone."""

    order: Order
    _seal: object

    def __post_init__(self) -> None:
        if self._seal is not _SEAL:
            raise TypeError("only ninefold.execution.risk.check makes an Approved; hand the order to it")


@dataclass(frozen=True, slots=True)
class RiskState:
    """What the gate looks at. sent_ns: when the orders of the last minute were intended. awaited: what the venue has
    not yet told us about since the start: client order ids, "its balances"."""

    known_ns: int
    rules: AccountRules
    registry: Registry
    shown: Shown
    account: Account
    halted: Halted | None
    sent_ns: Sequence[int]
    awaited: Sequence[str]


@dataclass(slots=True)
class _Left:
    """What the orders judged before in the same call have left."""

    free: dict[str, int]
    positions: dict[int, int]
    orders: int


def check(state: RiskState, intents: Sequence[Order]) -> tuple[list[Approved], list[Order]]:
    """Judge the orders intended at one tick.

    returns: the approved ones, and the others as records with status "refused" and the reason.
    """
    minute = state.known_ns - MINUTE_NS
    left = _Left(dict(state.account.free), dict(state.account.positions), sum(at > minute for at in state.sent_ns))
    approved: list[Approved] = []
    refused: list[Order] = []
    for order in intents:
        reason = _objection(state, left, order)
        if reason:
            refused.append(msgspec.structs.replace(order, status="refused", reason=reason))
        else:
            approved.append(Approved(order, _SEAL))
            _take(state, left, order)
    return approved, refused


def _objection(state: RiskState, left: _Left, order: Order) -> str:
    instrument = state.registry[order.instrument]
    for general in (_kill_switch, _reconciliation, _order_rate):
        if reason := general(state, left):
            return reason
    for own in (_venue_rules, _steps, _bar, _fresh):
        if reason := own(state, instrument, order):
            return reason
    quote = state.shown.quote(order.instrument)
    if quote is None:
        return f"price unknown: {instrument.name} has not shown both a bid and an ask"
    for priced in _PRICED:
        if reason := priced(state, left, instrument, order, quote):
            return reason
    return ""


def _take(state: RiskState, left: _Left, order: Order) -> None:
    instrument = state.registry[order.instrument]
    quote = state.shown.quote(order.instrument)
    assert quote is not None  # an order without a price was refused
    amount = base_amount(instrument, order.size)
    left.orders += 1
    left.positions[order.instrument] = left.positions.get(order.instrument, 0) + order.side * amount
    if order.side > 0:
        left.free[instrument.quote] -= quote_amount(instrument, quote.ask, order.size)
    else:
        left.free[instrument.base] -= amount


def _kill_switch(state: RiskState, left: _Left) -> str:
    if state.halted is None:
        return ""
    why = state.halted.reason or "no reason given"
    return f"kill switch: halted by {state.halted.by} ({why}); `ninefold resume` lifts it"


def _reconciliation(state: RiskState, left: _Left) -> str:
    if not state.awaited:
        return ""
    return f"reconciliation not complete: the venue has not yet told us of {', '.join(list(state.awaited)[:3])}"


def _order_rate(state: RiskState, left: _Left) -> str:
    most = state.rules.max_orders_per_minute
    return "" if left.orders < most else f"order rate: {left.orders} orders in the last minute, {most} allowed"


def _venue_rules(state: RiskState, instrument: Instrument, order: Order) -> str:
    if instrument.venue != state.rules.venue:
        return f"account {state.rules.account} trades on {state.rules.venue}, not on {instrument.venue}"
    if instrument.kind != "spot":
        return f"{instrument.name} is {instrument.kind}; only spot is traded"
    if not instrument.rules_known and not state.rules.simulated:
        return f"rules unknown: {instrument.venue} has not said the steps and minima of {instrument.name}"
    return ""


def _steps(state: RiskState, instrument: Instrument, order: Order) -> str:
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


def _bar(state: RiskState, instrument: Instrument, order: Order) -> str:
    if not state.shown.bar_is_unknown(instrument.id):
        return ""
    return f"unknown bar: trades of {instrument.name} may have been missed in its newest bar"


def _fresh(state: RiskState, instrument: Instrument, order: Order) -> str:
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


def _min_notional(state: RiskState, left: _Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    least = to_units(instrument.min_notional, 8)
    found = quote_amount(instrument, quote.price(order.side), order.size)
    if found >= least:
        return ""
    return f"min notional: {text(found, instrument.quote)}, at least {text(least, instrument.quote)} allowed"


def _order_size(state: RiskState, left: _Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    value = quote_amount(instrument, quote.price(order.side), order.size)
    return _within(state, left, instrument, order, "order size", value, state.rules.max_order)


def _position(state: RiskState, left: _Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    after = left.positions.get(instrument.id, 0) + order.side * base_amount(instrument, order.size)
    value = abs(after) * quote.price(order.side) // 10**instrument.price_decimals
    return _within(state, left, instrument, order, "position limit", value, state.rules.max_position)


def _within(
    state: RiskState, left: _Left, instrument: Instrument, order: Order, limit: str, value: int, most: int
) -> str:
    """A value in the instrument's quote asset against a limit in the account's. Orders that make a position smaller
    pass: a price that rose must not lock us in."""
    before = left.positions.get(instrument.id, 0)
    if abs(before + order.side * base_amount(instrument, order.size)) <= abs(before):
        return ""
    account_quote = state.rules.quote
    found = state.shown.worth(value, instrument.quote, account_quote)
    if found is None:
        return f"price unknown: the {limit} of {instrument.name} needs a price of {instrument.quote} in {account_quote}"
    if found <= most:
        return ""
    return f"{limit}: {instrument.name} would be {text(found, account_quote)}, {text(most, account_quote)} allowed"


def _balance(state: RiskState, left: _Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    buys = order.side > 0
    asset = instrument.quote if buys else instrument.base
    needed = quote_amount(instrument, quote.ask, order.size) if buys else base_amount(instrument, order.size)
    free = left.free.get(asset)
    if free is None:
        return f"balance unknown: the venue has not said how much {asset} there is"
    if needed <= free:
        return ""
    return f"insufficient balance: {text(needed, asset)} needed, {text(free, asset)} free"


def _size(instrument: Instrument, size: int) -> str:
    return f"{instrument.size_text(size)} {instrument.base}"


_PRICED: tuple[Callable[[RiskState, _Left, Instrument, Order, Quote], str], ...] = (
    _min_notional,
    _order_size,
    _position,
    _balance,
)
