"""Compile every loop of the back-tests once, so that no user waits for it: half a minute where nothing was compiled before.

In:  nothing. Out: what was compiled, kept beside the source files.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.market_rules import Rules
from ninefold.backtest.portfolio import run_together
from ninefold.backtest.run import run
from ninefold.backtest.sweep import sweep, sweep_crossings
from ninefold.backtest.target import changes_of_crossing

BARS = 4


def warm() -> None:
    """Run each kind of back-test on a few bars."""
    time, price = np.arange(BARS), np.arange(BARS) + 100
    bars = Bars(time, time + 1, price, price, price, price, np.full(BARS, 10))
    target = np.array([1.0, 1.0, 0.0, 1.0])
    result = run(bars, target, Rules())
    _ = result.equity, result.position, result.trades
    run(bars, changes_of_crossing(bars, 1, 2), Rules())
    sweep(bars, target[np.newaxis], Rules())
    sweep_crossings(bars, [(1, 2)], Rules())
    run_together({"one": bars}, {"one": target}, Rules())
