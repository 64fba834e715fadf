"""Free code on every trade, in plain Python: `on_trade` says what it wants, and sees what it holds.

In:  trades one at a time. Out: the same `TickResult` as of a target that changes at the same trades.

Until an order arrives nothing is computed but the call itself: of trades that fill nothing, pay nothing and leave what is held sound
the account never hears.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import repeat
from typing import Protocol

import numpy as np

from ninefold.backtest.exact import ONE
from ninefold.backtest.fee_tiers import Volumes
from ninefold.backtest.market_rules import tiers_of
from ninefold.backtest.outcome import FILLS
from ninefold.backtest.target import wrong_target
from ninefold.backtest.ticks.result import Curve, TickResult
from ninefold.backtest.ticks.slow import Account, dues_of
from ninefold.backtest.ticks.stream import Way, tick_numbers
from ninefold.backtest.ticks.tape import BadTicks, Ticks

BLOCK = 65_536  # trades that are Python's own numbers at a time


class OnTrade(Protocol):
    def on_trade(self, price: int, size: int, side: int, exchange_ns: int, position: int) -> float | None:
        """price: ticks; size: lots; side: of the taker, 0 unknown; position: lots held after this trade.

        returns: the target in [-1, +1] (NaN: 0), or None to leave it as it is.
        """


def run_on_trade(ticks: Ticks, strategy: OnTrade, way: Way) -> TickResult:
    """Back-test free code. raises: as `stream.run`; BadTarget with the row at which it returned what cannot be."""
    if not len(ticks):
        raise BadTicks("there are no trades: give at least one")
    rules = tick_numbers(way.rules, ticks.tick, ticks.lot, ticks.highest, way.width_ns)
    volumes = Volumes(tiers_of(way.rules, ticks.tick * ticks.lot))
    account = Account(rules, rules.cash, volumes=volumes, funding=dues_of(way.funding))
    curve = Curve(way.width_ns)
    for first in range(0, len(ticks), BLOCK):
        block = ticks.between(first, first + BLOCK)
        _walk(block, first, strategy, account, way)
        curve.take(block, first)
    fills = np.array(account.fills, FILLS)
    fill_ns = ticks.exchange_ns[fills["bar"]]
    return TickResult(ticks.tick, ticks.lot, len(ticks), way.rules, rules, fills, fill_ns, curve.steps())


def _walk(block: Ticks, first: int, strategy: OnTrade, account: Account, way: Way) -> None:
    on_trade, (low, high) = strategy.on_trade, account.sound()
    due_ns, position = account.due_ns, account.position
    arrival_ns = way.latency.alone(block, np.arange(len(block)))
    for row, exchange_ns, price, size, side in _each(block):
        if exchange_ns >= due_ns or not low < price < high:
            account.meet(first + row, exchange_ns, price, size)
            low, high = account.sound()
            due_ns, position = account.due_ns, account.position
        wanted = on_trade(price, size, side, exchange_ns, position)
        if wanted is not None:
            account.decide(first + row, whole_target(wanted, first + row), int(arrival_ns[row]), price)
            due_ns = account.due_ns


def _each(block: Ticks) -> Iterator[tuple[int, int, int, int, int]]:
    """Row, time, price, size and side of each, as Python's own numbers."""
    rows = range(len(block))
    side = repeat(0, len(block)) if block.taker_side is None else block.taker_side.tolist()
    return zip(rows, block.exchange_ns.tolist(), block.price.tolist(), block.size.tolist(), side, strict=True)


def whole_target(target: float, row: int) -> int:
    """What free code said, in 10**-8. raises: BadTarget."""
    if math.isnan(target):
        return 0
    if not -1 <= target <= 1:
        raise wrong_target(np.full(row + 1, target), row, "on_trade's target")
    return round(target * ONE)
