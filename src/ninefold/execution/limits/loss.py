"""Rules about what was lost: nothing may grow after a bad day, or while nobody knows how the account stands.

In:  the state at the tick, one order. Out: the reason to refuse, "" if there is none.
A fall that is too far halts (`execution/worth.py`); here is only refused what cannot be judged.
"""

from __future__ import annotations

from ninefold.execution.limits.state import Left, RiskState
from ninefold.execution.worth import percent
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order


def daily_loss(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    most = state.rules.max_daily_loss_ppm
    if most is None or not left.grows(instrument, order):
        return ""
    lost = state.worth.lost_ppm(state.worth.day_first)
    if lost is None:
        return f"daily loss: {_unknown(state)}"
    if lost <= most:
        return ""
    return f"daily loss: {percent(lost)} of the worth at the day's beginning, {percent(most)} allowed; it is counted anew at 00:00 UTC"


def drawdown(state: RiskState, left: Left, instrument: Instrument, order: Order) -> str:
    if state.rules.max_drawdown_ppm is None or not left.grows(instrument, order):
        return ""
    if state.worth.lost_ppm(state.worth.highest) is None:
        return f"drawdown: {_unknown(state)}"
    fell = state.worth.fell_too_far(state.rules.max_drawdown_ppm)
    return f"drawdown: {fell}" if fell else ""


def _unknown(state: RiskState) -> str:
    quote = state.rules.quote
    lacking = [
        asset for asset in state.account.free if state.shown.worth(state.account.total(asset), asset, quote) is None
    ]
    if not lacking:
        return f"the worth of the account in {quote} is not known yet"
    return f"the account holds {', '.join(sorted(lacking)[:3])}, which has no price in {quote}; name its pair in venue.pairs"
