"""Scores of foretellings, worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.strategy import Bin, reliability, score


def test_the_brier_score_is_the_mean_squared_error_and_stands_beside_that_of_the_base_rate():
    found = score(np.array([0.9, 0.2, 0.6, 0.1]), np.array([True, False, False, False]))
    assert found.count == 4
    assert found.brier == pytest.approx((0.01 + 0.04 + 0.36 + 0.01) / 4)
    assert found.base_rate == 0.25
    assert found.base_rate_brier == pytest.approx(0.1875)
    assert found.skill == pytest.approx(1 - 0.105 / 0.1875)


def test_saying_the_base_rate_every_time_has_no_skill():
    outcomes = np.array([True, False, True, False])
    assert score(np.full(4, 0.5), outcomes).skill == 0.0


def test_nothing_scored_is_no_score_and_a_certainty_has_no_skill_to_measure():
    assert score(np.array([]), np.array([])) is None
    assert np.isnan(score(np.array([0.9]), np.array([True])).skill)


def test_reliability_puts_what_happened_beside_what_was_said():
    found = reliability(np.array([0.1, 0.15, 0.7, 1.0]), np.array([False, True, True, True]), bins=5)
    assert found == (
        Bin(0.0, 0.2, 2, 0.125, 0.5),
        Bin(0.6, 0.8, 1, 0.7, 1.0),
        Bin(0.8, 1.0, 1, 1.0, 1.0),
    )


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_every_foretelling_is_in_one_bin_and_scores_stay_in_range(pairs):
    said, happened = np.array([p for p, _ in pairs]), np.array([o for _, o in pairs])
    assert sum(one.count for one in reliability(said, happened)) == len(pairs)
    found = score(said, happened)
    assert 0 <= found.brier <= 1
    assert found.base_rate_brier <= 0.25


@pytest.mark.parametrize("said", [[1.2], [np.nan], [-0.1], [[0.5]]])
def test_what_is_no_probability_is_refused(said):
    with pytest.raises(ValueError, match="probabilities"):
        score(np.array(said), np.array([True]))
