"""Every strategy of the library keeps the formulas' contract and does something; a user's own are found by name."""

from types import ModuleType

import numpy as np
import pytest

from ninefold.formula import Evaluator, FormulaError, batch, parse
from ninefold.strategy import BadStrategy, Strategy, default_strategies, library, load_modules, plan, plan_of, targets

from .walk import SCALE, cut, row, walk

KINDS = library()
LIBRARY = {name: plan_of(kind) for name, kind in KINDS.items()}
every_strategy = pytest.mark.parametrize("one", LIBRARY.values(), ids=LIBRARY)
BARS = 300  # five minutes of 1s bars


@every_strategy
def test_targets_lie_between_short_and_long_and_change_several_times(one):
    found = targets(batch(one.target, walk(BARS), SCALE))
    assert np.isnan(found[: one.target.warm_up]).all()
    known = found[~np.isnan(found)]
    assert (np.abs(known) <= 1).all()
    assert (np.diff(known) != 0).sum() >= 5
    assert known.min() < known.max()


@every_strategy
def test_on_a_quiet_market_no_position_is_wanted_except_by_what_the_book_shows(one):
    columns = {name: values[:1].repeat(120) for name, values in walk(1).items()}
    columns["open"] = columns["high"] = columns["low"] = columns["close"]
    columns["volume"] = columns["buy_volume"] = np.zeros(120)
    columns["imbalance"] = np.zeros(120)
    found = targets(batch(one.target, columns, SCALE))[60:]
    assert set(np.unique(np.nan_to_num(found))) == {0.0}


@every_strategy
def test_live_equals_back_test_and_a_restart_equals_never_having_stopped(one):
    columns = walk(BARS)
    for values in columns.values():
        values[[100, 180]] = np.nan
    live = Evaluator([one.target], SCALE)
    streamed = np.array([live.update(row(columns, index))[0] for index in range(BARS)])
    np.testing.assert_array_equal(streamed, batch(one.target, columns, SCALE))
    restarted = Evaluator([one.target], SCALE)
    restarted.warm(cut(columns, 0, 230))
    later = [restarted.update(row(columns, index))[0] for index in range(230, BARS)]
    np.testing.assert_array_equal(later, streamed[230:])


@every_strategy
def test_it_warms_up_within_five_minutes_on_short_bars_and_says_what_it_is(one):
    if one.timeframe in ("1s", "5s"):
        assert one.target.warm_up * one.width_ns < 150 * 10**9
    assert one.target.columns <= set(walk(1))
    assert one.description.endswith(".")
    assert parse(str(one.target)) == one.target


def test_there_are_strategies_of_every_family_on_seconds_and_minutes():
    ours = default_strategies()
    assert len(ours) >= 8
    assert {one.timeframe for one in ours} == {"1s", "5s", "1m"}
    assert {one.family for one in ours} == {
        "trend", "mean_reversion", "breakout", "patterns", "order_flow", "volatility"
    }  # fmt: skip
    assert all(one == LIBRARY[one.name] for one in ours)


def test_a_target_beyond_one_is_cut_and_an_unknown_one_stays_unknown():
    np.testing.assert_array_equal(targets(np.array([-3.0, 0.25, 1.5, np.nan])), [-1.0, 0.25, 1.0, np.nan])


@pytest.mark.parametrize(
    ("name", "timeframe", "target", "said"),
    [
        ("Big", "1m", "0.5", "small letters"),
        ("x" * 33, "1m", "0.5", "at most 32 characters"),
        ("dip", "7m", "0.5", "no timeframe '7m'; allowed are 1s 5s 1m"),
        ("dip", "1m", "close > open", "the target is a bool"),
        ("dip", "1m", "close - open", "the target is a price"),
    ],
)
def test_a_strategy_that_cannot_be_used_is_refused_and_told_why(name, timeframe, target, said):
    with pytest.raises(BadStrategy) as refusal:
        plan(name, timeframe, target, "mine", "What it does.")
    assert said in str(refusal.value)


def test_a_strategy_with_a_bad_formula_is_refused():
    with pytest.raises(FormulaError, match="did you mean 'rsi'"):
        plan("dip", "1m", "where(rsy(close) < 30, 1, 0)", "mine", "What it does.")


def test_a_users_own_strategies_are_found_beside_the_library():
    class Dip(Strategy):
        """Long when oversold."""

        target = "where(rsi(close) < 30, 1, 0)"

    class _Base(Strategy):
        """What others are made of."""

    mine = ModuleType(__name__)
    mine.Dip, mine._Base = Dip, _Base  # type: ignore[attr-defined]
    found = load_modules([mine], known=KINDS)
    assert found["dip"] is Dip
    assert len(found) == len(KINDS) + 1
    with pytest.raises(BadStrategy, match="already is a strategy 'dip'"):
        load_modules([mine, mine])
    with pytest.raises(BadStrategy, match="has no class of Strategy"):
        load_modules([ModuleType("empty")])
