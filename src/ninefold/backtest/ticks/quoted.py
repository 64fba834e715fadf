"""What quotes or orders on a session made, as the result of a back-test on trades.

In:  `Traded`, the rules, the width of the steps of the equity curve.
Out: a `TickResult`; rows are those of events. A fill that turns the position to the other side is two: what closed and what opened.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.outcome import FILLS, Reason
from ninefold.backtest.ticks.events import TRADE
from ninefold.backtest.ticks.market import Traded
from ninefold.backtest.ticks.orders import FUNDED, LIQUIDATED
from ninefold.backtest.ticks.result import Steps, TickResult
from ninefold.backtest.ticks.stream import Way, tick_numbers
from ninefold.backtest.ticks.tape import BadTicks


def result_of(traded: Traded, way: Way) -> TickResult:
    """raises: BadTicks if the session has no trades, by which positions are valued; BadRules."""
    session = traded.session
    rules = tick_numbers(way.rules, session.tick, session.lot, session.highest)
    rows = np.flatnonzero(session.events["kind"] == TRADE)
    if not len(rows):
        raise BadTicks("the session has no trades, and positions are valued at the price of the last one")
    ns, price = session.exchange_ns[rows], session.events["price"][rows]
    step = ns // way.width_ns
    last = np.append(np.flatnonzero(step[1:] != step[:-1]), len(rows) - 1)
    steps = Steps(rows[last], ns[last], price[last])
    fills, fill_ns = whole_fills(traded.fills)
    return TickResult(session.tick, session.lot, len(rows), way.rules, rules, fills, fill_ns, steps)


def whole_fills(filled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FILLS rows of FILLED ones, and when each was."""
    found, position = [], 0
    for event, at_ns, order, price, size, fee, _ in filled.tolist():
        if order == FUNDED:
            found.append((event, price, 0, 0, fee, int(Reason.FUNDING), at_ns))
            continue
        closes = min(abs(size), abs(position)) if position * size < 0 else 0
        side = 1 if size > 0 else -1
        parts = [part for part in (closes, abs(size) - closes) if part]
        first = fee * parts[0] // abs(size)
        fees = [fee] if len(parts) == 1 else [first, fee - first]
        reason = int(Reason.LIQUIDATION if order == LIQUIDATED else Reason.TARGET)
        found += [(event, price, part * side, paid, 0, reason, at_ns) for part, paid in zip(parts, fees, strict=True)]
        position += size
    fills = np.zeros(len(found), FILLS)
    table = np.array(found, np.int64).reshape(-1, 7)
    for place, name in enumerate(("bar", "price", "size", "fee", "funding", "reason")):
        fills[name] = table[:, place]
    return fills, np.maximum.accumulate(table[:, 6])
