"""The Sharpe ratio, its error, and what is left of it after many trials: by hand and against printed numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ninefold.backtest.statistics.deflated import (
    deflated_sharpe,
    expected_maximum_sharpe,
    familywise_p,
    power,
    significant,
)
from ninefold.backtest.statistics.sharpe import (
    YEAR_NS,
    Sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe,
    sharpes,
)

pytestmark = pytest.mark.slow

RETURNS = arrays.arrays(np.float64, st.integers(2, 60), elements=st.floats(-0.5, 0.5, width=32))


def test_a_sharpe_ratio_with_its_skew_and_kurtosis_by_hand():
    # mean 1; deviations -1 -1 -1 3: variance 12/4 = 3 (divisor n - 1: 4), third moment 24/4, fourth 84/4
    found = sharpe([0.0, 0.0, 0.0, 4.0])
    assert found == pytest.approx((0.5, 4, 6 / 3**1.5, 21 / 9))
    # 1 - skew / 2 + (kurtosis - 1) / 4 / 4, over n - 1
    assert found.error == pytest.approx(math.sqrt((1 - 6 / 3**1.5 / 2 + (21 / 9 - 1) / 16) / 3))
    assert found.annual(YEAR_NS // 4) == pytest.approx(1.0)


@pytest.mark.parametrize("returns", [[], [0.1], [0.1, 0.1, 0.1], [0.0] * 50])
def test_returns_without_spread_have_no_ratio(returns):
    found = sharpe(returns)
    assert (
        math.isnan(found.value) and math.isnan(probabilistic_sharpe(found)) and math.isnan(minimum_track_record(found))
    )
    assert math.isnan(familywise_p(found, 3)) and not significant(found, 3)


def test_an_unknown_return_is_refused_with_its_row():
    with pytest.raises(ValueError, match=r"return at row 2 is nan"):
        sharpe([0.1, 0.2, math.nan])
    with pytest.raises(ValueError, match=r"return at trial 1, period 0 is inf"):
        sharpes([[0.1, 0.2], [math.inf, 0.2]])


@given(RETURNS, st.floats(0.01, 100))
def test_the_ratio_knows_no_scale_and_turns_its_sign_with_the_returns(returns, scale):
    one, scaled, turned = sharpe(returns), sharpe(returns * scale), sharpe(-returns)
    assert scaled == pytest.approx(one, rel=1e-6, abs=1e-9, nan_ok=True)
    assert (turned.value, turned.skew) == pytest.approx((-one.value, -one.skew), rel=1e-6, abs=1e-9, nan_ok=True)


@given(arrays.arrays(np.float64, (5, 20), elements=st.floats(-0.5, 0.5, width=32)))
def test_many_at_once_equal_one_at_a_time(trials):
    np.testing.assert_allclose(sharpes(trials), [sharpe(one).value for one in trials], rtol=1e-9)


def test_the_error_is_the_scatter_of_the_ratio_over_many_samples():
    rng = np.random.default_rng(7)
    skewed = rng.exponential(size=(4000, 250)) - 0.8  # skew 2, kurtosis 9
    values = sharpes(skewed)
    assert Sharpe(0.2, 250, 2, 9).error == pytest.approx(values.std(), rel=0.05)


# Bailey and Lopez de Prado (2012): two years of months, and how long a record must be
@pytest.mark.parametrize(("skew", "kurtosis", "printed"), [(0, 3, 0.982), (-2.448, 10.164, 0.913)])
def test_probabilistic_ratios_as_printed(skew, kurtosis, printed):
    assert probabilistic_sharpe(Sharpe(0.458, 24, skew, kurtosis)) == pytest.approx(printed, abs=5e-4)


@pytest.mark.parametrize(
    ("a_year", "skew", "kurtosis", "printed"),
    [(250, 0, 3, 2.73), (52, 0, 3, 2.83), (12, 0, 3, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_track_records_as_printed(a_year, skew, kurtosis, printed):
    found = Sharpe(2 / a_year**0.5, 100, skew, kurtosis)
    assert minimum_track_record(found, against=1 / a_year**0.5) / a_year == pytest.approx(printed, abs=5e-3)


def test_no_record_is_long_enough_for_what_is_not_above():
    assert minimum_track_record(Sharpe(0.1, 100), against=0.1) == math.inf


@given(st.floats(0.01, 0.5), st.floats(-2, 2), st.floats(5, 12))
def test_a_record_of_the_minimum_length_is_just_sure(value, skew, kurtosis):
    length = minimum_track_record(Sharpe(value, 100, skew, kurtosis))
    if length > 1e3:
        sure = probabilistic_sharpe(Sharpe(value, round(length), skew, kurtosis))
        assert sure == pytest.approx(0.95, abs=2e-3)


# Bailey and Lopez de Prado (2014): 2.5 a year over 1,250 days, variance of the trials' ratios 1/2 a year
@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "printed"), [(100, -3, 10, 0.9004), (46, -3, 10, 0.9505), (88, 0, 3, 0.9505)]
)
def test_deflated_ratios_as_printed(trials, skew, kurtosis, printed):
    best = Sharpe(2.5 / 250**0.5, 1250, skew, kurtosis)
    assert deflated_sharpe(best, trials, 1 / 500) == pytest.approx(printed, abs=5e-5)


def test_one_trial_is_not_deflated_and_none_is_impossible():
    best = Sharpe(0.1, 500)
    assert deflated_sharpe(best, 1, 0.01) == probabilistic_sharpe(best)
    assert familywise_p(best, 1) == pytest.approx(1 - probabilistic_sharpe(best))
    for refused in (0, 0.5, math.nan, math.inf):
        with pytest.raises(ValueError, match="must be at least 1"):
            familywise_p(best, refused)


@pytest.mark.parametrize("trials", [5, 50, 500])
def test_the_expected_maximum_is_that_of_many_drawn_ones(trials):
    drawn = np.random.default_rng(3).normal(size=(4000, trials)).max(axis=1).mean()
    assert expected_maximum_sharpe(trials, 1.0) == pytest.approx(drawn, rel=0.03)


@given(st.floats(0, 0.2), st.floats(1, 1e6), st.floats(1, 1e6))
def test_more_trials_never_make_a_result_better(value, some, more):
    some, more = sorted((some, more))
    best = Sharpe(value, 1000)
    assert familywise_p(best, some) <= familywise_p(best, more) + 1e-12
    assert deflated_sharpe(best, some, 1e-3) >= deflated_sharpe(best, more, 1e-3) - 1e-12


@given(st.floats(0.001, 0.1), st.floats(1, 1000))
def test_power_is_the_share_of_normal_errors_that_pass(true, trials):
    one = Sharpe(true, 2000)
    drawn = true + one.error * np.linspace(-4, 4, 2001)
    passes = min((value for value in drawn if significant(one._replace(value=value), trials)), default=math.inf)
    if passes < math.inf and passes > drawn[0]:
        beyond = 0.5 * math.erfc((passes - true) / one.error / math.sqrt(2))
        assert power(true, 2000, trials) == pytest.approx(beyond, abs=0.01)
