"""Foretelling: deterministic, leaves the strategy alone, and right where the right answer is known."""

import numpy as np
import pytest

from ninefold.formula import Evaluator, parse
from ninefold.strategy import ReturnQuantiles, default_strategies, foretell, library, one_bar_returns, recent_returns
from ninefold.strategy.foretell import sample_bars

from .walk import SCALE, cut, row, walk

COLUMNS = walk(200)
RECENT = cut(COLUMNS, 170)
UP = ReturnQuantiles((0.25, 0.75), (0.01, 0.01))  # every bar gains 1 %
FAIR = ReturnQuantiles((0.05, 0.5, 0.95), (-0.001, 0.0, 0.001))


def evaluator(*texts: str) -> Evaluator:
    ready = Evaluator([parse(text) for text in texts], SCALE)
    ready.warm(COLUMNS)
    return ready


def test_a_price_that_must_rise_makes_a_buy_certain_at_the_price_where_it_crosses():
    last = COLUMNS["close"][-1]
    crossing = last * np.exp(0.03) / 100  # reached on the third bar
    ready = evaluator(f"where(close > {crossing - 1}, 1, 0)")
    found = foretell(ready, 0, RECENT, UP, horizon_bars=5, seed=1)
    assert (found.probability_buy, found.probability_sell) == (1.0, 0.0)
    third = round(last * np.exp(0.03))
    assert found.zone_buy == (third, third)
    assert found.zone_sell is None
    assert foretell(ready, 0, RECENT, UP, horizon_bars=2, seed=1).probability_buy == 0.0


def test_a_fair_walk_is_as_likely_to_rise_as_to_fall_on_the_next_bar():
    last = COLUMNS["close"][-1] / 100
    ready = evaluator(f"where(close > {last}, 1, where(close < {last}, -1, 0))")
    found = foretell(ready, 0, RECENT, FAIR, horizon_bars=1, seed=5, paths=4000)
    assert found.probability_buy == pytest.approx(0.5, abs=0.03)
    assert found.probability_buy + found.probability_sell == pytest.approx(1.0, abs=0.01)
    assert found.zone_buy[0] >= COLUMNS["close"][-1] >= found.zone_sell[1]


def test_who_is_fully_long_will_not_buy():
    found = foretell(evaluator("where(close > 0, 1, 0)"), 0, RECENT, FAIR, horizon_bars=10, seed=1)
    assert (found.probability_buy, found.zone_buy) == (0.0, None)


def test_a_change_too_small_for_an_order_is_not_foretold():
    last = COLUMNS["close"][-1] / 100
    found = foretell(evaluator(f"(close - {last}) / close"), 0, RECENT, FAIR, horizon_bars=5, seed=1)
    assert found.probability_buy == found.probability_sell == 0.0


def test_the_same_seed_gives_the_same_answer_and_another_seed_another():
    ready = evaluator(str(library()["trend_sma_1s"].target))
    first = foretell(ready, 0, RECENT, FAIR, horizon_bars=10, seed=1)
    assert foretell(ready, 0, RECENT, FAIR, horizon_bars=10, seed=1) == first
    others = [foretell(ready, 0, RECENT, FAIR, horizon_bars=10, seed=seed) for seed in range(2, 6)]
    assert any(other != first for other in others)


@pytest.mark.parametrize("one", default_strategies(), ids=lambda one: one.name)
def test_foretelling_leaves_the_strategy_as_it_was(one):
    asked, left_alone = Evaluator([one.target], SCALE), Evaluator([one.target], SCALE)
    asked.warm(cut(COLUMNS, 0, 150))
    left_alone.warm(cut(COLUMNS, 0, 150))
    found = foretell(asked, 0, cut(COLUMNS, 120, 150), FAIR, horizon_bars=10, seed=3)
    assert 0 <= found.probability_buy <= 1
    assert 0 <= found.probability_sell <= 1
    for index in range(150, 200):
        np.testing.assert_array_equal(asked.update(row(COLUMNS, index)), left_alone.update(row(COLUMNS, index)))


def test_nothing_is_foretold_about_what_is_unknown():
    ready = evaluator("where(close > sma(close, 5), 1, 0)")
    lost = {name: values.copy() for name, values in RECENT.items()}
    for values in lost.values():
        values[-1] = np.nan
    assert foretell(ready, 0, lost, FAIR, horizon_bars=5, seed=1) is None
    cold = Evaluator([parse("where(close > sma(close, 5), 1, 0)")], SCALE)
    assert foretell(cold, 0, RECENT, FAIR, horizon_bars=5, seed=1) is None
    assert recent_returns(np.array([1.0, np.nan, 2.0])) is None


def test_sampled_bars_are_bars():
    made = sample_bars(RECENT, FAIR, (50, 20), np.random.Generator(np.random.PCG64(1)))
    assert made["close"].shape == (50, 20)
    assert (made["high"] >= np.maximum(made["open"], made["close"])).all()
    assert (made["low"] <= np.minimum(made["open"], made["close"])).all()
    np.testing.assert_array_equal(made["open"][:, 1:], made["close"][:, :-1])
    assert (made["open"][:, 0] == RECENT["close"][-1]).all()
    assert (made["buy_volume"] <= made["volume"]).all()
    for name in ("open", "high", "low", "close", "volume"):
        assert (made[name] == np.rint(made[name])).all()


def test_returns_follow_their_quantiles():
    found = ReturnQuantiles((0.05, 0.25, 0.5, 0.75, 0.95), (-0.04, -0.01, 0.0, 0.02, 0.05))
    drawn = found.at(np.random.default_rng(1).random(200_000))
    np.testing.assert_allclose(np.quantile(drawn, found.probabilities), found.values, atol=6e-4)
    np.testing.assert_array_equal(found.at(np.array([0.25, 0.5, 0.75])), [-0.01, 0.0, 0.02])


def test_recent_returns_are_the_quantiles_of_the_log_returns():
    close = 100 * np.exp(np.cumsum(np.tile([0.01, -0.01], 50)))
    found = recent_returns(close)
    np.testing.assert_allclose([found.values[0], found.values[-1]], [-0.01, 0.01], atol=1e-9)


def test_a_forecast_over_four_bars_spreads_half_as_far_over_one():
    found = one_bar_returns(0.004, {0.95: 0.024, 0.05: -0.016}, horizon_bars=4)
    assert found.probabilities == (0.05, 0.95)
    np.testing.assert_allclose(found.values, [0.001 - 0.01, 0.001 + 0.01])


@pytest.mark.parametrize(
    ("probabilities", "values"), [((0.5,), (0.0,)), ((0.6, 0.4), (0.0, 1.0)), ((0.1, 0.9), (0.0, np.nan))]
)
def test_quantiles_that_are_none_are_refused(probabilities, values):
    with pytest.raises(ValueError, match="at least two finite values"):
        ReturnQuantiles(probabilities, values)
