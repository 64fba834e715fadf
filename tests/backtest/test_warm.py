"""The loops of back-tests are compiled beforehand."""

import numpy as np
import pytest

from ninefold.backtest import fast, fast_many, fast_portfolio, scan, trades, warm
from ninefold.backtest.market_rules import EquityShare, Exits, Rules
from ninefold.backtest.portfolio import run_together
from ninefold.backtest.run import run
from ninefold.backtest.sweep import sweep, sweep_crossings
from ninefold.backtest.target import changes_of_crossing, changes_of_signals
from ninefold.backtest.ticks import fast as ticks_fast
from ninefold.backtest.ticks import quotes_fast, together_fast, venue_fast
from ninefold.backtest.ticks.decide import EmaCross
from ninefold.backtest.ticks.events import EVENTS, LEVEL, TRADE, Session
from ninefold.backtest.ticks.market import Terms, best_of, trade_orders, trade_quotes
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.stream import Way
from ninefold.backtest.ticks.stream import run as run_ticks
from ninefold.backtest.ticks.tape import Ticks
from ninefold.backtest.ticks.together import Market, run_markets
from tests.backtest.markets import random_bars

LOOPS = (
    *(fast.play, fast_many.play_targets, fast_many.play_bits, fast_many.target_changes, fast_portfolio.play_together),
    *(scan.crossing_changes, scan.crossing_bits, scan.mark, scan.hold, trades._fold),
    *(ticks_fast.play, together_fast.play_merged, venue_fast.play_orders, quotes_fast.play_quotes, quotes_fast.tops),
)


@pytest.mark.slow
def test_after_warming_up_nothing_that_users_ask_for_needs_the_compiler():
    warm.warm()
    before = [len(loop.signatures) for loop in LOOPS]
    made, rules = random_bars(1, 50), Rules(cash=10_000, sizing=EquityShare("0.5"), exits=Exits(stop_loss="0.1"))
    result = run(made, changes_of_signals(np.ones(50), np.zeros(50)), rules)
    assert len(result.trades) + len(result.open_trade) > 0
    run(made, changes_of_crossing(made, 3, 9), rules)
    sweep(made, np.ones((3, 50)), rules, every=5)
    sweep_crossings(made, [(2, 3), (4, 5)], rules)
    run_together({"a": made, "b": made}, {"a": np.ones(50), "b": np.zeros(50)}, Rules(cash=10_000))
    ticks = Ticks(np.arange(9), np.arange(9) + 100, np.full(9, 10))
    changes = EmaCross(2, 3).changes(ticks)
    run_ticks(ticks, changes, Way(Rules(exits=Exits(stop_loss="0.1"))))
    run_markets(dict.fromkeys("ab", Market(ticks, Way(Rules()))), dict.fromkeys("ab", changes), 10_000)
    session = Session(np.array([(0, 0, LEVEL, 1, 100, 5), (1, 1, TRADE, -1, 100, 1)], EVENTS))
    none = np.empty(0, np.int64)
    best_of(session)
    trade_orders(session, [], Terms())
    trade_quotes(session, Quotes(none, none, none, none, none, most=1), Terms())
    assert [len(loop.signatures) for loop in LOOPS] == before
