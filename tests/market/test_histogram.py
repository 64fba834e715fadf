"""Percentiles of signed durations, held against numpy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.histogram import Histogram

DURATIONS = st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=200) | st.lists(
    st.integers(-20, 20) | st.integers(10**7, 10**7 + 10**6), min_size=1, max_size=200
)


@settings(max_examples=200)
@given(values=DURATIONS, percent=st.sampled_from([1, 25, 50, 75, 90, 99, 100]))
@pytest.mark.slow
def test_percentiles_are_within_a_thousandth_of_numpys(values, percent):
    histogram = Histogram()
    histogram.add(np.array(values, np.int64))
    exact = float(np.percentile(values, percent, method="inverted_cdf"))
    assert abs(histogram.percentile(percent) - exact) <= 0.001 * abs(exact) + 0.5


@given(first=DURATIONS, second=DURATIONS)
def test_two_histograms_add_up_to_the_one_of_all_values(first, second):
    one, other, both = Histogram(), Histogram(), Histogram()
    one.add(np.array(first, np.int64))
    other.add(np.array(second, np.int64))
    both.add(np.array(first + second, np.int64))
    one.merge(other)
    assert (one.counts, one.total) == (both.counts, both.total)
    assert abs(both.sum() - sum(first + second)) <= 0.001 * sum(map(abs, first + second)) + len(first + second)


@given(first=DURATIONS, second=DURATIONS)
def test_one_at_a_time_is_the_same_as_all_at_once_and_what_was_merged_can_be_taken_away(first, second):
    one, other, single = Histogram(), Histogram(), Histogram()
    one.add(np.array(first, np.int64))
    other.add(np.array(second, np.int64))
    for value in first:
        single.add_one(value)
    assert (single.counts, single.total) == (one.counts, one.total)
    single.merge(other)
    single.take_away(other)
    assert (single.counts, single.total) == (one.counts, one.total)


@given(st.lists(st.floats(-2.0, 2.0, allow_subnormal=False), min_size=2, max_size=50))
def test_parts_of_a_nanosecond_are_counted_alike_one_at_a_time_and_all_at_once(values):
    at_once, single = Histogram(), Histogram()
    at_once.add(np.array(values))
    for value in values:
        single.add_one(value)
    assert at_once.counts == single.counts


def test_a_recorded_delay_of_minus_1272_milliseconds_is_told_as_that():
    histogram = Histogram()
    histogram.add(np.array([-1_272_000_000, -1_273_000_000, -1_271_000_000]))
    assert abs(histogram.percentile(50) + 1_272_000_000) < 1_000_000
    assert histogram.below(0) == 3
    assert histogram.below(-1_300_000_000) == 0


def test_nothing_counted_is_no_percentile():
    assert Histogram().percentile(50) is None


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=60), st.floats(0, 100))
def test_a_percentile_is_the_bucket_that_counting_from_below_comes_to(values: list[int], percent: float):
    histogram = Histogram()
    histogram.add(np.array(values))
    rank, seen = max(1.0, percent / 100 * len(values)), 0
    for bucket in sorted(histogram.counts):
        seen += histogram.counts[bucket]
        if seen >= rank:
            break
    assert histogram.percentile(percent) == Histogram({bucket: 1}).sum()
