"""The risk gate: every order passes here or is refused with the reason.

In:  the state of market and account at one tick, and the orders intended at it, judged together: each uses up what the
     ones before it left.
Out: Approved orders, which only this file can make and which are all that a gateway takes; and refused ones, as Order
     records. Nothing is guessed: a price, a balance or a rule that is not known refuses, and the reason names it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ninefold.execution.limits import exposure, general, loss, market, rejected, size, tail
from ninefold.execution.limits.state import Left, Priced, RiskState, Rule
from ninefold.execution.under_way import nested
from ninefold.market.records import Order
from ninefold.market.time import MINUTE_NS

__all__ = ["Approved", "RiskState", "check"]

_SEAL = object()
RULES: tuple[Rule, ...] = (
    *(general.kill_switch, general.flattened, general.reconciliation, general.order_rate, rejected.rejected),
    *(market.venue_rules, market.steps, market.known_bar, market.fresh),
    *(general.clock_skew, loss.daily_loss, loss.drawdown),
)
PRICED: tuple[Priced, ...] = (
    *(market.min_notional, market.price_band, size.order_size, size.position, size.canary),
    *(exposure.instrument_exposure, exposure.venue_exposure, exposure.total_exposure, exposure.strategy_capital),
    *(tail.value_at_risk, tail.expected_shortfall, size.balance),
)


class Approved(msgspec.Struct, frozen=True):
    """An order that passed every limit. Made by `check` alone."""

    order: Order
    _seal: object

    def __post_init__(self) -> None:
        if self._seal is not _SEAL:
            raise TypeError("only ninefold.execution.risk.check makes an Approved; hand the order to it")


def check(state: RiskState, intents: Sequence[Order]) -> tuple[list[Approved], list[Order]]:
    """Judge the orders intended at one tick.

    returns: the approved ones, and the others as records with status "refused" and the reason.
    """
    minute = state.known_ns - MINUTE_NS
    sent = sum(at > minute for at in state.sent_ns)
    left = Left(
        dict(state.account.free), dict(state.account.positions), sent, dict(state.pending), nested(state.pending_parts)
    )
    approved: list[Approved] = []
    refused: list[Order] = []
    for order in intents:
        reason = _objection(state, left, order)
        if reason:
            refused.append(msgspec.structs.replace(order, status="refused", reason=reason))
        else:
            approved.append(Approved(order, _SEAL))
            left.take(state, state.registry[order.instrument], order)
    return approved, refused


def _objection(state: RiskState, left: Left, order: Order) -> str:
    instrument = state.registry[order.instrument]
    for rule in RULES:
        if reason := rule(state, left, instrument, order):
            return reason
    quote = state.shown.quote(order.instrument)
    if quote is None:
        return f"price unknown: {instrument.name} has not shown both a bid and an ask"
    for priced in PRICED:
        if reason := priced(state, left, instrument, order, quote):
            return reason
    return ""
