"""Compile every loop of formulas and back-tests once, so that nobody waits for it later: `python -m ninefold.backtest.warm`.

In:  nothing. Out: what was compiled, kept beside the source files: most of a minute where nothing was compiled before.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.market_rules import Rules
from ninefold.backtest.portfolio import run_together
from ninefold.backtest.run import run
from ninefold.backtest.sweep import sweep, sweep_changes, sweep_crossings
from ninefold.backtest.target import changes_of_crossing
from ninefold.formula import analogue_loop, rolling_loop

BARS = 4


def warm() -> None:
    """Run each kind of term and of back-test on a few bars."""
    rolling_loop.warm()
    analogue_loop.warm()
    time, price = np.arange(BARS), np.arange(BARS) + 100
    bars = Bars(time, time + 1, price, price, price, price, np.full(BARS, 10))
    target = np.array([1.0, 1.0, 0.0, 1.0])
    result = run(bars, target, Rules())
    _ = result.equity, result.position, result.trades
    changes = changes_of_crossing(bars, 1, 2)
    run(bars, changes, Rules())
    sweep_changes(bars, [changes], Rules())
    sweep(bars, target[np.newaxis], Rules())
    sweep_crossings(bars, [(1, 2)], Rules())
    run_together({"one": bars}, {"one": target}, Rules())


if __name__ == "__main__":
    warm()
