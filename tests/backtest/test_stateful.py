"""Strategies that know what they hold are played bar by bar, and the fills are those of the kernels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.market_rules import Fees, FixedSize, Rules
from ninefold.backtest.run import run
from ninefold.backtest.stateful import run_stateful
from ninefold.formula import Scale
from ninefold.strategy import BadStrategy, Exits, Strategy, plan_of, whole

from .markets import bars, random_bars

SCALE = Scale(price_decimals=0, size_decimals=0)
RULES = Rules(cash=100_000, sizing=FixedSize(2), fees=Fees(taker=0))


class TwoBars(Strategy):
    """Long whenever nothing is held, out after two bars or 5 % profit."""

    target = "where((bars_held >= 2) | (open_profit >= 0.05), 0, 1)"


class Counter(Strategy):
    """Long on every n-th bar."""

    n = whole(3, 1, 9)
    seen = 0

    def on_bar(self, bar):
        self.seen += 1
        return 1.0 if self.seen % self.n == 0 else 0.0


def columns_of(of):
    return {name: np.where(of.known, getattr(of, name), np.nan) for name in ("open", "high", "low", "close", "volume")}


def bars_at(*closes):
    """Each opens where the one before closed."""
    before = (closes[0], *closes)
    return bars(*((a, max(a, b), min(a, b), b, 9) for a, b in zip(before, closes, strict=False)))


def test_a_formula_sees_how_long_and_with_what_profit_it_holds():
    market = bars_at(100, 100, 101, 102, 110, 120, 120)
    found = run_stateful(plan_of(TwoBars), market, columns_of(market), SCALE, RULES)
    # wanted at 0, bought at the open of 1 (100), two bars held at 2: sold at the open of 3 (101); wanted again at 3,
    # bought at 4's open (102), there 110 / 102 is above 5 %: sold at 5's open (110); bought at 6's (120)
    assert found.fills[["bar", "price", "size"]].tolist() == [
        (1, 100, 2), (3, 101, -2), (4, 102, 2), (5, 110, -2), (6, 120, 2),
    ]  # fmt: skip
    assert int(found.equity[-1]) == 100_000 + 2 * 1 + 2 * 8


def test_a_position_left_by_its_stop_is_entered_again_where_the_entry_holds():
    body = {"entry": "close > open", "exit": "bars_held >= 9", "exits": Exits(stop_loss="0.02")}
    plan = plan_of(type("Rising", (Strategy,), body))
    market = bars(*((100, 100, 100, 100, 9), (100, 105, 100, 105, 9), (105, 105, 104, 104, 9), (104, 104, 99, 100, 9)),
                  *((100, 101, 100, 101, 9), (101, 101, 101, 101, 9)))  # fmt: skip
    rules = Rules(cash=100_000, sizing=FixedSize(2), fees=Fees(taker=0, maker=0), exits=plan.exits)
    found = run_stateful(plan, market, columns_of(market), SCALE, rules)
    # bought at 105, 2 % below it are 103 in whole ticks; bar 4 rises, and the side is wanted all along
    assert found.fills[["bar", "price", "size"]].tolist() == [(2, 105, 2), (3, 103, -2), (5, 101, 2)]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_free_code_that_says_a_target_leaves_what_the_target_leaves(seed):
    market = random_bars(seed, 60)
    found = run_stateful(plan_of(Counter), market, columns_of(market), SCALE, RULES)
    expected = run(market, np.array([1.0 if row % 3 == 2 else 0.0 for row in range(60)]), RULES)
    assert found.fills.tolist() == expected.fills.tolist()
    assert found.equity.tolist() == expected.equity.tolist()


def test_code_that_fails_names_the_bar_and_the_line():
    class Fails(Strategy):
        """Fails."""

        def on_bar(self, bar):
            return 1 / (bar.bars_held - 1)

    market = bars_at(100, 100, 101)
    with pytest.raises(BadStrategy, match=r"fails: on_bar failed at row 1: ZeroDivisionError.*test_stateful\.py:\d+"):
        run_stateful(plan_of(Fails), market, columns_of(market), SCALE, RULES)


def test_a_target_beyond_one_is_refused_and_a_missing_column_named():
    market = bars_at(100, 100)
    much = plan_of(type("Much", (Strategy,), {"on_bar": lambda self, bar: 2.0}))
    with pytest.raises(BadStrategy, match=r"failed at row 0: on_bar returned 2\.0.*\(test_stateful\.py:\d+\)"):
        run_stateful(much, market, columns_of(market), SCALE, RULES)
    book = plan_of(type("Book", (Strategy,), {"target": "where(position > 0, imbalance, 1)"}))
    with pytest.raises(BadStrategy, match="book reads imbalance"):
        run_stateful(book, market, columns_of(market), SCALE, RULES)
