"""Scores, the baseline and the drift guard, worked by hand."""

import math

import numpy as np
import pytest

from ninefold.forecast import baseline
from ninefold.forecast.drift import WINDOW, Range, drift, ranges
from ninefold.forecast.rows import HORIZONS, QUANTILES
from ninefold.forecast.score import pinball, score

NORMAL = np.array(baseline.DEVIATIONS)


def test_pinball_charges_a_miss_by_the_level_it_missed():
    # 1.0 came, 0.5 was forecast at the 25 % level: 0.25 * 0.5; 0.0 came: 0.75 * 0.5
    np.testing.assert_allclose(pinball(np.full((2, 5), 0.5), np.array([1.0, 0.0]))[:, 1], [0.125, 0.375])


def test_a_forecast_equal_to_the_naive_one_has_no_skill_and_the_coverage_it_promises():
    labels = np.random.default_rng(1).normal(size=20_000)
    found = score(1, np.tile(NORMAL, (len(labels), 1)), NORMAL, labels)
    assert found.skill == 0.0
    assert not found.beats_naive
    assert found.coverage_50 == pytest.approx(0.50, abs=0.02)
    assert found.coverage_90 == pytest.approx(0.90, abs=0.02)
    assert found.crps == pytest.approx(0.5642, rel=0.05)  # 1 / sqrt(pi), of a normal forecast of a normal


def test_knowing_the_sign_beats_the_naive_forecast_and_knowing_it_wrong_does_not():
    rng = np.random.default_rng(2)
    drift_of_bar = rng.choice([-0.5, 0.5], size=4_000)
    labels = drift_of_bar + rng.normal(size=4_000)
    right = score(1, NORMAL + drift_of_bar[:, None], NORMAL, labels)
    wrong = score(1, NORMAL - drift_of_bar[:, None], NORMAL, labels)
    assert right.beats_naive and right.skill > 0.05
    assert not wrong.beats_naive and wrong.skill < 0.0


def test_a_lucky_handful_of_rows_claims_nothing():
    labels = np.full(12, 0.3)
    found = score(1, np.tile(NORMAL + 0.3, (12, 1)), NORMAL, labels)
    assert found.skill > 0.0 and not found.beats_naive


def test_without_rows_there_is_no_score():
    found = score(5, np.empty((0, 5)), NORMAL, np.empty(0))
    assert found.rows == 0 and math.isnan(found.pinball) and not found.beats_naive


def test_the_baseline_widens_with_the_root_of_the_horizon_and_is_silent_without_a_volatility():
    rows = baseline.forecast(0.01)
    assert [row.horizon for row in rows] == list(HORIZONS)
    assert rows[0].q95 == pytest.approx(0.01 * 1.6449, rel=1e-4)
    assert rows[1].q95 == pytest.approx(rows[0].q95 * math.sqrt(5))
    assert {row.model for row in rows} == {"empirical"} and all(row.q50 == row.mean == 0.0 for row in rows)
    assert baseline.forecast(math.nan) == baseline.forecast(0.0) == baseline.forecast(math.inf) == ()


def test_features_like_the_taught_ones_are_ok_and_strange_ones_stop_the_model():
    rng = np.random.default_rng(3)
    taught = ranges(rng.normal(size=(5_000, 2)))
    alike, names = rng.normal(size=(WINDOW, 2)), ("a", "b")
    assert drift(alike, taught, names).verdict == "ok"
    shifted = alike + np.array([0.0, 5.0])
    assert drift(shifted, taught, names).verdict == "stop"
    assert drift(shifted, taught, names).feature == "b"
    some = alike.copy()
    some[: WINDOW // 5, 0] = 9.0
    assert (drift(some, taught, names).verdict, drift(some, taught, names).feature) == ("warn", "a")
    assert drift(alike[:10], taught, names).verdict == "unknown"


def test_a_feature_that_never_moved_may_go_on_not_moving():
    taught = ranges(np.zeros((100, 1)))
    assert taught == (Range(0.0, 0.0),)
    assert drift(np.zeros((WINDOW, 1)), taught, ("still",)).verdict == "ok"


def test_there_are_five_quantiles_in_order():
    assert sorted(QUANTILES) == list(QUANTILES) and len(QUANTILES) == 5
