"""Strategies that read what they hold, in the running account: by hand, over restarts, and against the back-test bar by bar."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ninefold.backtest.columns import bars_of_rows
from ninefold.backtest.market_rules import EquityShare, Fees, Rules
from ninefold.backtest.stateful import run_stateful
from ninefold.market.columns import columns
from ninefold.market.values import TOLD
from ninefold.strategy import plan
from ninefold.strategy.series import scale_of

from .street import START, Street

TWO_BARS = "where(position > 0, where(bars_held >= 2, 0, 1), where(close > 1000, 1, 0))"
PROFIT = "where(position > 0, where((open_profit >= 0.01) | (open_profit < 0 - 0.01), 0, 1), where(close > open, 1, 0))"
MEAN = "where(position > 0.5, where(bars_held > 4, 0, 1), where(close > sma(close, 5), 0.7, 0))"


def mine(formula: str, name: str = "mine") -> Street:
    return Street(plan(name, "1s", formula, "own", "Mine."))


def test_it_sees_how_long_it_has_held_and_holds_no_longer():
    street = mine(TWO_BARS)
    street.play([1000], [1001], [1010], [1011], [1012], [1013], [1014])
    assert street.fills() == [(2, 1, 1010.0, ""), (4, -1, 1012.0, ""), (5, 1, 1013.0, "")]
    assert street.targets["target"].tolist()[-6:] == [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]


def test_its_profit_is_the_close_against_its_own_entry():
    street = mine(PROFIT)
    street.play([1000], [1000, 1001], [1010], [1010, 1020], [1020, 1021], [1021])
    assert street.fills() == [(2, 1, 1010.0, ""), (5, -1, 1021.0, "")], "1021 is 1.09 % above 1010, 1020 is 0.99 %"


@pytest.mark.parametrize("after", range(2, 9))
def test_after_a_restart_it_knows_what_it_holds_and_since_when(after):
    bars = [[1000], [1001], [1010], [1011], [1012], [1013], [1014], [1015], [1016], [999], [1001]]
    plain, restarted = mine(TWO_BARS), mine(TWO_BARS)
    plain.play(*bars)
    restarted.play(*bars[:after])
    restarted.restart()
    restarted.play(*bars[after:])
    assert restarted.turns() == plain.turns() != []


@pytest.mark.slow
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.sampled_from([TWO_BARS, PROFIT, MEAN]), st.integers(0, 2**32))
def test_bar_by_bar_it_trades_as_its_back_test(formula, seed):
    rng = np.random.default_rng(seed)
    street = mine(formula)
    for _ in range(40):
        street.bar(*(1000 + np.cumsum(rng.integers(-8, 9, 4)) + int(rng.integers(-15, 16))).tolist())
    rows = street.bars[(street.bars["width_ns"] == 10**9) & (street.bars["open_ns"] >= START)]
    told = {name: np.full(len(rows), np.nan) for name in map(bytes.decode, TOLD)}
    bars, rules = bars_of_rows(rows, street.listed), Rules(sizing=EquityShare("0.5"), fees=Fees(taker=0, maker=0))
    again = run_stateful(street.plans[0], bars, columns(rows, told), scale_of(street.listed), rules).fills
    sides = [(int(one["bar"]), 1 if one["size"] > 0 else -1) for one in again]
    assert [(bar, side) for bar, side, *_ in street.fills() if bar < street.row] == sides
