"""The block bootstrap: blocks as the authors' own program chooses them, intervals that cover what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.backtest.statistics.bootstrap import block_length, bootstrap_interval, mean, stationary_rows

pytestmark = pytest.mark.slow


def series(count: int, repeats: float, seed: int) -> np.ndarray:
    """Values that depend on those before, from a generator so simple that other programs can make the same."""
    state, found, value = seed, [], 0.0
    for _ in range(count):
        total = 0.0
        for _ in range(12):
            state = (1103515245 * state + 12345) % 2**31
            total += state / 2**31
        value = repeats * value + total - 6
        found.append(value)
    return np.array(found)


# what optimal_block_length of arch 8.0 (PyPI) gives for the stationary bootstrap
@pytest.mark.parametrize(
    ("count", "repeats", "seed", "length"),
    [
        (500, 0.0, 1, 2.448691424400771),
        (500, 0.5, 1, 7.945951949671302),
        (1000, 0.9, 2, 23.33708935280922),
        (200, -0.4, 3, 8.064380978956104),
        (2000, 0.3, 4, 9.255685824082486),
        (60, 0.95, 5, 10.00479875814672),
    ],
)
def test_the_length_of_blocks_is_that_of_arch(count, repeats, seed, length):
    assert block_length(series(count, repeats, seed)) == pytest.approx(length, rel=1e-9)


def test_a_long_autoregression_gets_the_length_that_theory_says():
    rng = np.random.default_rng(4)
    noise, value, found = rng.normal(size=20_000), 0.0, []
    for one in noise:
        value = 0.5 * value + one
        found.append(value)
    assert block_length(found) == pytest.approx(((2 * 0.5 / (1 - 0.5**2)) ** 2 * 20_000) ** (1 / 3), rel=0.2)


@pytest.mark.parametrize("short", [[], [1.0], [1.0, 2.0, 3.0], [2.0] * 40])
def test_series_without_anything_to_learn_from_get_blocks_of_one(short):
    assert block_length(short) == 1.0


@given(st.integers(1, 50), st.integers(1, 8), st.floats(1, 20), st.integers(0, 1000))
def test_rows_are_in_range_and_go_on_within_a_block(count, draws, length, seed):
    rows = stationary_rows(count, draws, length, np.random.default_rng(seed))
    assert rows.shape == (draws, count) and rows.min() >= 0 and rows.max() < count
    assert (
        stationary_rows(count, draws, 1e12, np.random.default_rng(seed))[:, 1:]
        == (stationary_rows(count, draws, 1e12, np.random.default_rng(seed))[:, :-1] + 1) % count
    ).all()  # one endless block


def test_blocks_are_as_long_as_asked_for_on_average():
    rows = stationary_rows(1000, 200, 8.0, np.random.default_rng(1))
    breaks = ((rows[:, 1:] - rows[:, :-1]) % 1000 != 1).mean()
    assert 1 / breaks == pytest.approx(8.0, rel=0.05)


def test_an_interval_covers_the_mean_of_dependent_returns_about_as_often_as_it_says():
    rng = np.random.default_rng(6)
    covered = alone = 0
    for _ in range(100):
        noise = rng.normal(size=250)
        returns = np.convolve(noise, [1.0, 0.7, 0.5, 0.3], mode="valid")  # mean 0, each depends on three before
        low, high = bootstrap_interval(returns, mean, seed=1, draws=200)
        covered += low <= 0 <= high
        alone += abs(returns.mean()) < 1.96 * returns.std() / math.sqrt(len(returns))
    assert 0.84 <= covered / 100 <= 1.0
    assert alone / 100 < 0.85  # what one gets who takes them for independent


def test_the_seed_decides_and_too_few_values_have_no_interval():
    values = series(100, 0.5, 9)
    assert bootstrap_interval(values, mean, seed=3) == bootstrap_interval(values, mean, seed=3)
    assert all(math.isnan(bound) for bound in bootstrap_interval([1.0], mean, seed=3))


def test_any_statistic_can_be_drawn():
    low, high = bootstrap_interval(series(200, 0.0, 2), lambda drawn: drawn.std(axis=-1), seed=1)
    assert 0.8 < low < 1 < high < 1.2
