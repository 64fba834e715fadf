"""Rules about the book's tail: what it would have lost in the worst of the bars that we saw.

In:  the state at the tick, one order, the quote. Out: the reason to refuse, "" if there is none.

Historical: today's book is held over each past bar of `tail_width_ns`, all instruments over the same one, so how they move
together is in it. VaR is the least loss of the worst twentieth, CVaR the mean loss of it. Everything under way counts as
filled.
source: Rockafellar and Uryasev (2002), Journal of Banking & Finance 26(7).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ninefold.execution.limits.state import Left, RiskState, valued, within
from ninefold.execution.money import base_amount
from ninefold.execution.shown import Quote
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.market.time import TIMEFRAME_OF

WORST_SHARE = 0.05
LEAST_BARS = 100  # five of which are the worst twentieth


def value_at_risk(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    return _tail(state, left, instrument, order, "VaR", 0, state.rules.max_var)


def expected_shortfall(state: RiskState, left: Left, instrument: Instrument, order: Order, quote: Quote) -> str:
    return _tail(state, left, instrument, order, "CVaR", 1, state.rules.max_cvar)


def var_and_cvar(returns: np.ndarray, values: np.ndarray) -> tuple[int, int]:
    """Losses of a book over the worst bars, to the nearest unit, 0 if even those gained.

    returns: shape (bars, instruments), at least one bar. values: shape (instruments,), signed.
    """
    losses = np.sort(-(returns @ values))[::-1]
    worst = losses[: max(1, math.ceil(WORST_SHARE * len(losses)))]
    return max(0, round(worst[-1])), max(0, round(worst.mean()))


def _tail(
    state: RiskState, left: Left, instrument: Instrument, order: Order, limit: str, which: int, most: int | None
) -> str:
    if most is None or not left.grows(instrument, order):
        return ""
    book = _book(state, left, instrument, order)
    if isinstance(book, str):
        return f"{limit}: {book}"
    if not book:
        return ""
    width_ns = state.rules.tail_width_ns
    returns = state.returns.joint(list(book), width_ns)
    if len(returns) < LEAST_BARS:
        timeframe = TIMEFRAME_OF[width_ns]
        return f"{limit}: history unknown: {len(returns)} bars of {timeframe} of all that is held, {LEAST_BARS} needed"
    found = var_and_cvar(returns, np.array(list(book.values()), float))[which]
    return within(state, limit, "the book", found, most)


def _book(state: RiskState, left: Left, instrument: Instrument, order: Order) -> Mapping[int, int] | str:
    """Signed worth of each instrument with all orders filled; why it is not known otherwise."""
    amounts: dict[int, int] = {}
    for of in left.positions.keys() | left.pending.keys() | {instrument.id}:
        buys, sells = left.pending.get(of, (0, 0))
        amounts[of] = left.positions.get(of, 0) + buys - sells
    amounts[instrument.id] += order.side * base_amount(instrument, order.size)
    book: dict[int, int] = {}
    for of, amount in sorted(amounts.items()):
        quote = state.shown.quote(of)
        value = None if quote is None else valued(state, state.registry[of], amount, quote.ask)
        if amount and value is None:
            return f"price unknown: {state.registry[of].name} is held and has no price"
        if amount and value:
            book[of] = value if amount > 0 else -value
    return book
