"""Compile every loop of formulas and back-tests once, so that nobody waits for it later: `python -m ninefold.backtest.warm`.

In:  `bars` or `ticks` for a half of them, which two processes can do beside each other; nothing for both.
Out: what was compiled, kept beside the source files: a minute or two of one core where nothing was compiled before.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
from numba.core.errors import NumbaIRAssumptionWarning

from ninefold.backtest.bars import Bars
from ninefold.backtest.market_rules import Rules
from ninefold.backtest.portfolio import run_together
from ninefold.backtest.run import run
from ninefold.backtest.sweep import sweep, sweep_changes, sweep_crossings
from ninefold.backtest.target import changes_of_crossing
from ninefold.backtest.ticks.decide import EmaCross
from ninefold.backtest.ticks.events import BEST, EVENTS, LEVEL, TRADE, Session
from ninefold.backtest.ticks.market import Terms, Turn, best_of, trade_live_quotes, trade_orders, trade_quotes
from ninefold.backtest.ticks.orders import Order
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.quotes_together import Quoted, trade_quotes_together
from ninefold.backtest.ticks.stream import Way
from ninefold.backtest.ticks.stream import run as run_ticks
from ninefold.backtest.ticks.tape import Ticks
from ninefold.backtest.ticks.together import Market, run_markets
from ninefold.formula import analogue_loop, rolling_loop

BARS = 4


def warm() -> None:
    """Run each kind of term and of back-test once."""
    warm_bars()
    warm_ticks()


def warm_bars() -> None:
    """On a few bars."""
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


def warm_ticks() -> None:
    """On a few trades and changes of a book."""
    time, price = np.arange(BARS), np.arange(BARS) + 100
    ticks = Ticks(time, price, np.full(BARS, 10))
    _ = run_ticks(ticks, EmaCross(1, 2).changes(ticks), Way(Rules())).trades
    alone = {"one": Market(ticks, Way(Rules()))}
    run_markets(alone, {"one": EmaCross(1, 2).changes(ticks)}, 10_000)
    happened = [(LEVEL, 1, 99, 5), (BEST, -1, 101, 5), (TRADE, 1, 101, 1), (TRADE, -1, 99, 1)]
    session = Session(np.array([(at, at, *event) for at, event in enumerate(happened)], EVENTS))
    trade_orders(session, [Order(0, 1, 1)], Terms())
    best_of(session)
    one = np.ones(1, np.int64)
    trade_quotes(session, Quotes(one, 99 * one, one, 101 * one, one, most=1), Terms())
    turn = Turn(Quotes(one, one, one, one, one, most=1), lambda: lambda row, position: (100, 1, 0, 0))
    trade_live_quotes(session, [turn], Terms())
    trade_quotes_together({"one": Quoted(session, Terms(cash=0), *turn, alone["one"])}, 10_000)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", NumbaIRAssumptionWarning
        )  # a check of its own that errs where loops are inlined
        {"": warm, "bars": warm_bars, "ticks": warm_ticks}["".join(sys.argv[1:])]()
