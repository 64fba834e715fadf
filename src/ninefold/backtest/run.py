"""Back-tests of one instrument on bars.

In:  bars, what a strategy wants at each close, the rules of the market.
Out: a `Result`. An order decided at a close is filled at the open of the next bar with trades, not earlier; a target at
     the last close is not filled. `slow` says what happens within a bar.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.fast import play
from ninefold.backtest.fee_tiers import Tier
from ninefold.backtest.funding import NO_FUNDING, Funding, market_of
from ninefold.backtest.market_rules import Numbers, Rules, numbers, tiers_of
from ninefold.backtest.outcome import COLUMNS, FILLS, TooLarge
from ninefold.backtest.result import Result
from ninefold.backtest.target import Changes, changes_of_target


def run(bars: Bars, target: np.ndarray | Changes, rules: Rules, funding: Funding = NO_FUNDING) -> Result:
    """Back-test one strategy.

    target: shape (n,) in [-1, +1], known at each bar's close, NaN counts as 0; or its `Changes`.
    raises: BadTarget, BadRules, BadFunding naming row or rule; TooLarge if the account outgrows 2**60 units.

    >>> from ninefold.backtest.market_rules import Fees, FixedSize
    >>> minute = np.arange(4) * 60_000_000_000
    >>> price = np.array([100, 100, 110, 120])
    >>> bars = Bars(minute, minute + 60_000_000_000, price, price, price, price, volume=np.full(4, 5))
    >>> result = run(bars, np.array([0.0, 1.0, 1.0, 1.0]), Rules(cash=1000, sizing=FixedSize(2), fees=Fees(taker=0)))
    >>> result.fills[["bar", "price", "size"]].tolist(), result.equity.tolist()
    ([(2, 110, 2)], [1000, 1000, 1000, 1020])
    """
    changes = target if isinstance(target, Changes) else changes_of_target(target, len(bars))
    whole = numbers(rules, bars.tick, bars.lot, bars.highest)
    tiers = tiers_of(rules, bars.unit)
    return Result(bars, rules, whole, fills_of(bars, changes, whole, funding, tiers))


def fills_of(
    bars: Bars, changes: Changes, rules: Numbers, funding: Funding = NO_FUNDING, tiers: Sequence[Tier] = ()
) -> np.ndarray:
    """FILLS rows. raises: TooLarge, BadFunding."""
    market = market_of(bars, funding, tiers)
    fills = np.empty((3 * len(changes.at) + len(market.funding_at) + 1, COLUMNS), np.int64)
    count = play(market, changes.at, changes.to, rules, fills)
    if count > len(fills):  # what a bar's volume did not give was filled bit by bit
        fills = np.empty((count, COLUMNS), np.int64)
        count = play(market, changes.at, changes.to, rules, fills)
    if count < 0:
        raise TooLarge(-count - 1)
    return fills[:count].reshape(-1).view(FILLS)
