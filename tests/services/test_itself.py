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
from ninefold.services import execute
from ninefold.strategy import plan
from ninefold.strategy.own import Holdings
from ninefold.strategy.series import scale_of

from .street import START, Street

TWO_BARS = "where(position > 0, where(bars_held >= 2, 0, 1), where(close > 1000, 1, 0))"
PROFIT = "where(position > 0, where((open_profit >= 0.01) | (open_profit < 0 - 0.01), 0, 1), where(close > open, 1, 0))"
COOL = "where(position > 0, where(bars_held >= 2, 0, 1), where(sma(position, 4) > 0, 0, where(close > open, 1, 0)))"
FADES = "where((position > 0) & (open_profit < lag(open_profit, 1)), 0, where((position > 0) | (close > open), 1, 0))"
MEAN = "where(position > 0.5, where(bars_held > 4, 0, 1), where(close > sma(close, 5), 0.7, 0))"
RISING = [[1000 + 2 * bar, 1001 + 2 * bar] for bar in range(14)]


def mine(formula: str, name: str = "mine") -> Street:
    return Street(plan(name, "1s", formula, "own", "Mine."))


def wanted(street: Street) -> list[tuple[int, float]]:
    """Of bars that were traded, until it was unknown: close and target."""
    return [(close, target) for close, target in street.targets[["close_ns", "target"]].tolist() if target == target]


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


def test_a_window_over_what_it_held_keeps_it_out_for_a_while():
    street = mine(COOL)
    street.play([1000], [1001, 1002], [1003], [1004], [1005, 1006], [1007, 1008], [1009, 1010], [1011, 1012])
    # the mean of four bars is known from bar 3 on; bar 4 rises: bought at 5, held at 5 and 6, sold at 7; at 7, 8 and 9 one of the
    # last four bars had it, so it stays out
    street.play([1013, 1014], [1015, 1016], [1017, 1018], [1019])
    assert [(bar, side) for bar, side, *_ in street.fills()] == [(5, 1), (7, -1), (11, 1)]


@pytest.mark.parametrize("formula", [COOL, FADES], ids=["cool", "fades"])
@pytest.mark.parametrize(
    "after", [6, 8, *(pytest.param(after, marks=pytest.mark.torture) for after in (3, 4, 5, 7, 9, 10))]
)
def test_after_a_restart_windows_hold_what_it_held_before(formula, after):
    plain, restarted = mine(formula), mine(formula)
    plain.play(*RISING)
    restarted.play(*RISING[:after])
    restarted.restart()
    restarted.play(*RISING[after:])
    assert restarted.turns() == plain.turns() != []
    assert wanted(restarted) == wanted(plain)


def test_a_restart_that_forgot_what_was_held_is_found(monkeypatch):
    """The same comparison with a planted fault: the past is taken for flat."""
    nothing = Holdings(*np.zeros((3, len(RISING) + 1)))
    monkeypatch.setattr(
        execute, "holdings_of", lambda of, before, name, seqs: Holdings(*(one[: len(seqs)] for one in nothing))
    )
    plain, restarted = mine(COOL), mine(COOL)
    plain.play(*RISING)
    restarted.play(*RISING[:8])
    restarted.restart()
    restarted.play(*RISING[8:])
    assert wanted(restarted) != wanted(plain)


@pytest.mark.slow
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.sampled_from([TWO_BARS, PROFIT, MEAN, COOL, FADES]), st.integers(0, 2**32))
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
