"""Returns in few bytes: sums by hand, and near enough to tell which trials are alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.backtest.statistics.compact import MOST, WIDTHS_NS, compact_returns
from ninefold.backtest.statistics.effective import effective_trials

pytestmark = pytest.mark.slow

HOUR_NS = 3_600_000_000_000


def test_hours_of_two_years_become_sums_over_days_by_hand():
    times = (np.arange(24 * 250) + 1) * HOUR_NS  # the closes of hours from 1970-01-01 on
    compact = compact_returns(times, np.ones((1, len(times))))
    assert (compact.first_ns, compact.width_ns, compact.steps.shape) == (0, 24 * HOUR_NS, (1, 250))
    np.testing.assert_allclose(compact.returns(), 24.0, rtol=1e-6)


@given(
    st.integers(0, 10**9),
    st.lists(st.integers(1, 10**7), min_size=1, max_size=200),
    st.integers(0, 99),
    st.integers(1, 3),
)
def test_nothing_is_lost_but_the_last_digits(first_s, steps_s, seed, trials):
    times = (first_s + np.cumsum(steps_s)) * 1_000_000_000
    returns = np.random.default_rng(seed).normal(0, 0.02, (trials, len(times)))
    compact = compact_returns(times, returns)
    back = compact.returns()
    assert back.shape[1] <= MOST and compact.first_ns % compact.width_ns == 0
    assert compact.first_ns < times[0] <= compact.first_ns + compact.width_ns or compact.width_ns == WIDTHS_NS[0]
    stretch = (times - 1 - compact.first_ns) // compact.width_ns
    for trial in range(trials):
        sums = np.bincount(stretch, weights=returns[trial], minlength=back.shape[1])
        np.testing.assert_allclose(back[trial], sums, atol=max(abs(sums)) / 32_000 + 1e-12)


def test_trials_are_worth_the_same_before_and_after():
    rng = np.random.default_rng(1)
    base = rng.normal(0, 0.01, (12, 24 * 400))
    alike = np.vstack([base, base[:4] + rng.normal(0, 0.001, (4, base.shape[1])), np.zeros((3, base.shape[1]))])
    times = (np.arange(alike.shape[1]) + 1) * HOUR_NS
    assert effective_trials(compact_returns(times, alike).returns()) == pytest.approx(effective_trials(alike), rel=0.05)


def test_a_trial_that_never_traded_stays_exactly_at_nothing():
    assert not compact_returns([1, 2], [[0.0, 0.0]]).returns().any()
    assert compact_returns([], np.empty((2, 0))).returns().shape == (2, 0)
