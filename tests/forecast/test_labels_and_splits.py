"""Labels and splits, worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ninefold.forecast.labels import future_returns
from ninefold.forecast.splits import borders, split


def test_a_label_is_the_log_return_over_the_horizon_and_the_last_bars_have_none():
    labels = future_returns(np.array([100.0, 110.0, 121.0, 60.5]), 2)
    np.testing.assert_allclose(labels, [math.log(1.21), math.log(0.55), np.nan, np.nan])


def test_an_unknown_bar_anywhere_on_the_way_leaves_no_label():
    close = np.array([1.0, 1.0, np.nan, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(future_returns(close, 1), [0.0, np.nan, np.nan, 0.0, 0.0, np.nan])
    np.testing.assert_array_equal(future_returns(close, 2), [np.nan, np.nan, np.nan, 0.0, np.nan, np.nan])


@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_bars_have_no_labels(count):
    assert np.isnan(future_returns(np.ones(count), 5)).all()


def test_impossible_prices_and_horizons_are_refused():
    with pytest.raises(ValueError, match=r"close of bar 1 is 0\.0"):
        future_returns(np.array([1.0, 0.0]), 1)
    with pytest.raises(ValueError, match="horizon is 0 bars"):
        future_returns(np.ones(3), 0)


@given(arrays.arrays(np.float64, 40, elements=st.floats(1, 1e6) | st.just(math.nan)), st.integers(1, 6))
def test_labels_of_one_and_of_many_bars_agree(close, horizon):
    labels = future_returns(close, horizon)
    for at in range(len(close)):
        way = close[at : at + horizon + 1]
        if len(way) == horizon + 1 and not np.isnan(way).any():
            assert labels[at] == pytest.approx(math.log(way[-1] / way[0]), abs=1e-9)
        else:
            assert math.isnan(labels[at])


@given(st.integers(20, 300), st.integers(1, 15))
def test_no_label_of_one_part_reaches_into_the_next(count, horizon):
    times = np.arange(count) * 60 + 1_000
    parts = split(times, borders([times]), horizon)
    for sooner, later in ((parts.teach, parts.choose), (parts.choose, parts.judge), (parts.teach, parts.judge)):
        if sooner and later:
            assert sooner[-1] + horizon < later[0]
    assert all(part[-1] + horizon < count for part in parts if part)


def test_two_instruments_are_cut_at_the_same_moments():
    early, late = np.arange(0, 100), np.arange(50, 150)
    cuts = borders([early, late])
    for times in (early, late):
        parts = split(times, cuts, 5)
        assert times[parts.teach[-1]] + 5 < cuts[0]
        assert not parts.judge or times[parts.judge[0]] >= cuts[1]
