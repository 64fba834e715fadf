"""The exits of a back-test of one strategy alone against what the same exits did in the run.

In:  a fill by which the back-test left a position; what the ledger says of the strategy's exits, and how they stood at the closes.
Out: a `Difference` with its reason. The run sees every trade and sells at the quote behind it, from its own entry price, where the
     back-test sells at the exit's own price within the bar (fill model); or it held nothing (netting). A bar that reached an exit as
     it stood in the run, before and after, without the run leaving is UNEXPLAINED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.bars_parity import Series
from ninefold.backtest.outcome import Reason
from ninefold.execution.guards import STOP, TAKE, TIME, TRAILING, Levels
from ninefold.execution.reasons import FILL, NETTING, UNEXPLAINED, Difference
from ninefold.execution.two_accounts import Standing
from ninefold.market.instruments import Instrument
from ninefold.market.strategy_records import Guard
from ninefold.market.time import TIMEFRAME_OF
from ninefold.strategy.plan import Plan

NAMES = {
    Reason.STOP_LOSS: STOP,
    Reason.TAKE_PROFIT: TAKE,
    Reason.TRAILING: TRAILING,
    Reason.TIME: TIME,
    Reason.LIQUIDATION: "liquidation",
}
Exits = Mapping[tuple[int, str], Sequence[Guard]]
Standings = Mapping[tuple[int, int], Standing]


def exit_again(
    series: Series, plan: Plan, bars: Bars, rows: np.ndarray, fill: np.void, exits: Exits, stood: Standings
) -> Difference:
    """rows: BARS rows of `bars`, as first known. fill: of FILLS, by an exit."""
    of, row = series.instrument, int(fill["bar"])
    why = NAMES[Reason(int(fill["reason"]))]
    bar, before = rows[row], rows[max(row - 1, 0)]
    size, price = abs(int(fill["size"])) * bars.lot, int(fill["price"]) * bars.tick
    guards = exits.get((of.id, plan.name), ())
    after_seq = int(before["seq"]) - (why == TIME)  # a time exit is decided at the close before
    left = next((one for one in guards if one.left and after_seq < one.seq <= int(bar["seq"])), None)
    if left is not None:
        text, reason, said = (
            _left(of, left, stood),
            FILL,
            "the run looks at every trade, and sells at the quote behind it",
        )
    else:
        text, reason, said = _not_left(of, plan.name, bar, before, stood)
    return Difference(
        seq=int(bar["seq"]),
        known_ns=int(bar["known_ns"]),
        kind="bar fill",
        instrument=of.name,
        strategy=plan.name,
        what=f"{TIMEFRAME_OF[series.width_ns]} closing {int(bar['close_ns'])}",
        run=text,
        again=f"{why}: sell {float(size):g} {of.base} at {float(price):g} {of.quote}",
        reason=reason,
        why=said,
    )


def _left(of: Instrument, guard: Guard, stood: Standings) -> str:
    at = f" set off at {of.price_text(guard.price)} {of.quote}" if guard.price else ""
    standing = stood.get((of.id, guard.seq))
    order = f", order {standing.order.client_order_id}" if standing is not None and standing.order is not None else ""
    return f"{guard.left}{at} at seq {guard.seq:,}{order}"


def _not_left(of: Instrument, name: str, bar: np.void, before: np.void, stood: Standings) -> tuple[str, str, str]:
    """What stood in the run instead, and why nothing went off there."""
    first, last = (_exit_of(stood.get((of.id, int(one["seq"]))), name) for one in (before, bar))
    if isinstance(last, str):
        return f"out since before by its {last}", FILL, "it left earlier: its exits follow from its own entry price"
    if last is None:
        return "nothing", NETTING, "the account held nothing for it"
    words = " and ".join(
        f"{kind} at {of.price_text(level * of.tick_size)}"
        for kind, level in ((last.why, last.stop), (TAKE, last.take))
        if level
    )
    low, high = int(bar["low"]) // of.tick_size, int(bar["high"]) // of.tick_size
    reached = (last.stop and low <= last.stop) or (last.take and high > last.take)
    if reached and first == last:
        return words or "held", UNEXPLAINED, "the bar reached it, and the run did not leave"
    return words or "held", FILL, "its exits follow from its own entry, at another price and later"


def _exit_of(standing: Standing | None, name: str) -> Levels | str | None:
    return None if standing is None else standing.exits.get(name)
