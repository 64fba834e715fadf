"""Drawdown, turnover, exposure, costs, weeks, portfolios: worked by hand, and against the slow obvious way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ninefold.backtest.statistics.activity import cost_share, exposure, sortino, turnover
from ninefold.backtest.statistics.drawdown import Fall, calmar, drawdown, falls_of, longest_under_water, worst_fall
from ninefold.backtest.statistics.portfolio import portfolio_returns
from ninefold.backtest.statistics.sharpe import YEAR_NS, sharpe
from ninefold.backtest.statistics.weekly import TRAILING, WEEK_NS, scaled_returns, weekly_objective, weekly_returns

pytestmark = pytest.mark.slow

EQUITY = arrays.arrays(np.float64, st.integers(1, 40), elements=st.integers(1, 12).map(float))
HOUR_NS = 3_600_000_000_000
MONDAY_NS = 1_609_718_400_000_000_000  # 2021-01-04 00:00 UTC


def test_the_worst_fall_has_its_rows_and_may_last():
    assert worst_fall([100.0, 120.0, 90.0, 60.0, 100.0]) == Fall(0.5, 1, 3, None)
    assert worst_fall([100.0, 120.0, 90.0, 120.0, 96.0]) == Fall(0.25, 1, 2, 3)
    assert worst_fall([1.0, 2.0]).depth == 0.0 and math.isnan(calmar([1.0, 2.0], YEAR_NS))


@given(EQUITY)
def test_drawdowns_equal_the_slow_way(equity):
    below = [1 - equity[at] / equity[: at + 1].max() for at in range(len(equity))]
    np.testing.assert_allclose(drawdown(equity), below, atol=1e-15)
    fall = worst_fall(equity)
    assert fall.depth == pytest.approx(max(below))
    assert equity[fall.trough] == pytest.approx(equity[fall.peak] * (1 - fall.depth))
    longest = 0
    for at in range(len(equity)):
        if below[at] == 0 and at + 1 < len(equity) and below[at + 1] > 0:
            back = next((later for later in range(at + 1, len(equity)) if below[later] == 0), len(equity) - 1)
            longest = max(longest, back - at)
    assert longest_under_water(equity) == longest
    told = falls_of(equity, HOUR_NS)
    np.testing.assert_array_equal(told, (fall.depth, longest, calmar(equity, HOUR_NS)))


def test_a_ruined_account_is_refused_with_its_row():
    for ruin in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="equity at row 1 is"):
            drawdown([1.0, ruin])


def test_turnover_exposure_and_costs_by_hand():
    # 300 traded at a mean equity of 100 in half a year
    assert turnover([100.0, 0.0, 200.0], [90.0, 100.0, 110.0], YEAR_NS // 6) == 6.0
    assert exposure([0.0, -1.0, 2.0, 0.0, 0.0]) == 0.4
    assert cost_share(net_quote=-5.0, costs_quote=10.0) == 2.0  # earned 5, paid 10
    assert math.isnan(cost_share(net_quote=-15.0, costs_quote=10.0))
    with pytest.raises(ValueError, match="2 traded values for 1 rows"):
        turnover([1.0, 2.0], [1.0], YEAR_NS)


def test_sortino_counts_only_what_falls_short():
    assert sortino([0.04, -0.02, 0.04, -0.02]) == pytest.approx(0.01 / math.sqrt(0.0002))
    assert math.isnan(sortino([0.01, 0.02]))
    assert sortino([0.01, 0.02], least=0.02) == pytest.approx(-0.005 / math.sqrt(0.00005))


def test_weeks_run_from_monday_to_monday_and_only_whole_ones_count():
    times = MONDAY_NS + np.arange(-3, 24 * 15) * HOUR_NS  # from Sunday evening, two weeks and a day
    equity = np.exp(np.arange(len(times)) / 1000)
    ends, returns = weekly_returns(times, equity)
    assert ends.tolist() == [MONDAY_NS + WEEK_NS, MONDAY_NS + 2 * WEEK_NS]
    np.testing.assert_allclose(returns, [0.168, 0.168])
    ends, _ = weekly_returns(times[4:], equity[4:])  # begins on Monday at 01:00: that week is not whole
    assert ends.tolist() == [MONDAY_NS + 2 * WEEK_NS]
    assert len(weekly_returns(times[:5], equity[:5])[1]) == 0


def test_a_bar_that_closes_on_monday_at_midnight_is_of_the_week_that_ends():
    times = MONDAY_NS + np.arange(0, 24 * 14 + 1) * HOUR_NS
    equity = np.where(times < MONDAY_NS + WEEK_NS, 1.0, 2.0)
    np.testing.assert_allclose(weekly_returns(times, equity)[1], [math.log(2), 0.0])
    np.testing.assert_allclose(
        weekly_returns(times + HOUR_NS, equity)[1], [math.log(2)]
    )  # an hour later: of the next one


def test_a_wild_time_scales_the_week_after_it_and_a_quiet_one_does_not_scale_up():
    before = np.array([0.1, -0.1] * 4)  # mean 0, standard deviation sqrt(0.08 / 7) = 0.1069
    scaled = scaled_returns([*before, 0.2, 0.0], target_volatility=0.05)
    assert np.isnan(scaled[:TRAILING]).all()
    assert scaled[8] == pytest.approx(0.2 * 0.05 / math.sqrt(0.08 / 7))
    assert scaled_returns([*before, 0.2], target_volatility=1.0)[8] == 0.2
    assert scaled_returns([*np.zeros(8), 0.2], target_volatility=0.05)[8] == 0.2
    with pytest.raises(ValueError, match="target weekly volatility is 0"):
        scaled_returns(before, 0)


@given(arrays.arrays(np.float64, 30, elements=st.floats(-0.3, 0.3)), st.integers(TRAILING, 29))
def test_the_scale_of_a_week_is_known_before_it_begins(returns, week):
    changed = returns.copy()
    changed[week:] = 0.25
    first, other = scaled_returns(returns, 0.05), scaled_returns(changed, 0.05)
    np.testing.assert_array_equal(first[:week], other[:week])
    np.testing.assert_allclose(first[week] * 0.25, other[week] * returns[week], atol=1e-12)


def test_the_objective_gives_scaled_and_raw_means_of_the_same_weeks():
    rng = np.random.default_rng(1)
    times = MONDAY_NS + np.arange(60 * 7) * 24 * HOUR_NS
    equity = np.exp(np.cumsum(rng.normal(0.004, 0.03, len(times))))
    found = weekly_objective(times, equity, target_volatility=0.02, seed=1)
    _, weeks = weekly_returns(times, equity)
    assert found.weeks == len(weeks) - TRAILING == 51
    assert found.raw == pytest.approx(weeks[8:].mean())
    assert found.raw_interval.low < found.raw < found.raw_interval.high
    assert found.scaled_interval.low < found.scaled < found.scaled_interval.high
    assert abs(found.scaled) < abs(found.raw)
    few = weekly_objective(times[:30], equity[:30], 0.02, seed=1)
    assert few.weeks == 0 and math.isnan(few.scaled) and math.isnan(few.raw_interval.low)


def test_times_that_go_back_are_refused():
    with pytest.raises(ValueError, match="time at row 2 is 1, not after 2"):
        weekly_returns([1, 2, 1], [1.0, 1.0, 1.0])


def test_the_same_coin_five_times_is_no_more_evidence_than_once():
    returns = np.random.default_rng(1).normal(0.01, 0.1, 50)
    _, together = portfolio_returns([np.arange(50)] * 5, [returns] * 5)
    assert sharpe(together) == pytest.approx(sharpe(returns))


@given(st.lists(st.sets(st.integers(0, 9), min_size=1), min_size=1, max_size=4))
def test_a_portfolio_equals_the_slow_way(listed):
    times = [np.array(sorted(one)) for one in listed]
    returns = [np.sin(one + number) for number, one in enumerate(times)]
    together, found = portfolio_returns(times, returns)
    assert together.tolist() == sorted(set().union(*listed))
    for at, value in zip(together, found, strict=True):
        there = [own[one == at][0] for one, own in zip(times, returns, strict=True) if at in one]
        assert value == pytest.approx(sum(there) / len(there))
    with pytest.raises(ValueError, match="at least one"):
        portfolio_returns([], [])
