"""How many independent trials like ones are worth: cases whose answer is known, and the slow obvious way."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.statistics.deflated import LEVEL
from ninefold.backtest.statistics.effective import effective_trials

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(11)
ALONE = RNG.normal(size=(100, 2000))


def test_independent_trials_count_fully():
    assert effective_trials(ALONE) == pytest.approx(100, rel=0.03)


def test_the_same_trial_many_times_is_one():
    assert effective_trials(np.repeat(ALONE[:1], 50, axis=0)) == pytest.approx(1, abs=0.02)
    assert effective_trials(ALONE[:1]) == 1.0


def test_scale_and_drift_of_a_trial_do_not_matter():
    many = np.vstack([ALONE[0], 3 * ALONE[0], 0.01 * ALONE[0] + 5])
    assert effective_trials(many) == pytest.approx(1, abs=0.02)


def test_a_trial_and_its_opposite_are_two():
    assert effective_trials(np.vstack([ALONE[0], -ALONE[0]])) == pytest.approx(2, rel=0.03)


def test_equal_ones_beside_independent_ones_hide_nothing():
    assert effective_trials(np.vstack([np.repeat(ALONE[:1], 99, axis=0), ALONE])) == pytest.approx(100, rel=0.04)


def test_trials_that_never_traded_count_for_nothing():
    assert effective_trials(np.vstack([ALONE[:7], np.zeros((20, 2000))])) == pytest.approx(7, rel=0.03)
    assert effective_trials(np.zeros((20, 30))) == 1.0


def test_more_trials_than_periods_go_another_way_to_the_same_answer():
    families = np.repeat(RNG.normal(size=(8, 60)), 25, axis=0)  # 200 trials, 60 periods: no matrix of correlations
    few, many = effective_trials(families), effective_trials(np.tile(families, (1, 5)))  # 300 periods: one
    assert few == pytest.approx(many, rel=0.05)
    assert few == pytest.approx(8, rel=0.1)


@pytest.mark.parametrize("correlation", [0.3, 0.7, 0.95])
def test_the_threshold_for_that_many_is_passed_by_luck_as_often_as_agreed(correlation):
    trials, searches = 60, 40_000
    rng = np.random.default_rng(5)
    common = rng.normal(size=(1, 3000))
    returns = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * rng.normal(size=(trials, 3000))
    threshold = NormalDist().inv_cdf((1 - LEVEL) ** (1 / effective_trials(returns)))
    luck = math.sqrt(correlation) * rng.normal(size=(searches, 1)) + math.sqrt(1 - correlation) * rng.normal(
        size=(searches, trials)
    )
    assert (luck.max(axis=1) > threshold).mean() == pytest.approx(LEVEL, abs=0.007)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(3, 40), st.integers(0, 2**32 - 1))
def test_it_lies_between_one_and_all_and_the_seed_decides_it(trials, periods, seed):
    returns = np.random.default_rng(seed).normal(size=(trials, periods))
    found = effective_trials(returns, seed=seed)
    assert 1 <= found <= trials
    assert effective_trials(returns, seed=seed) == found
