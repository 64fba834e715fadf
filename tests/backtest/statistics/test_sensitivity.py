"""What is left of a result: worked by hand, and on signals whose worth is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ninefold.backtest.statistics.sensitivity import (
    DAY_NS,
    calm,
    calm_equity,
    floored_spread,
    later,
    placebo,
    without_best_days,
)

pytestmark = pytest.mark.slow

HOUR_NS = DAY_NS // 24


def market(seed: int, bars: int = 1500) -> np.ndarray:
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, bars)))


def next_close(close):
    """A rerun: the target is held over the bar after it, free of costs."""
    growth = close[1:] / close[:-1] - 1
    return lambda target: np.cumprod(np.concatenate([[1.0], 1 + target[:-1] * growth]))


def test_a_later_target_is_flat_until_it_begins():
    assert later([0.5, 1.0, -1.0], bars=2).tolist() == [0.0, 0.0, 0.5]
    assert later([0.5, 1.0], bars=0).tolist() == [0.5, 1.0]
    assert later([0.5, 1.0], bars=2).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="cannot shift 2 bars by 3"):
        later([0.5, 1.0], bars=3)


def test_an_edge_of_one_bar_is_gone_one_bar_later():
    close = market(1)
    foresight = np.append(np.sign(np.diff(close)), 0.0)
    rerun = next_close(close)
    assert rerun(foresight)[-1] > 1000
    assert rerun(later(foresight))[-1] < 3


def test_a_signal_with_timing_beats_all_its_shifts_and_luck_has_any_p():
    close = market(2)
    rng = np.random.default_rng(3)
    moves = np.append(np.diff(close), 0.0)
    timed = np.where(rng.random(len(close)) < 0.6, np.sign(moves), -np.sign(moves))
    found = placebo(next_close(close), timed, seed=1, draws=99)
    assert found.p == 0.01 and found.shifted.shape == (99,) and found.actual > found.shifted.max()
    luck = [placebo(next_close(close), rng.choice([-1.0, 1.0], len(close)), seed=1, draws=19).p for _ in range(60)]
    assert 0.3 < np.mean(luck) < 0.7 and min(luck) >= 0.05


def test_always_long_has_no_timing():
    found = placebo(next_close(market(4)), np.ones(1500), seed=1, draws=20)
    assert found.p == 1.0
    assert math.isnan(placebo(next_close(market(4)), np.zeros(1500), seed=1, draws=20).p)
    with pytest.raises(ValueError, match="takes 10 or more"):
        placebo(next_close(market(4)), np.ones(9), seed=1)


@given(st.integers(10, 60), st.integers(0, 99))
def test_a_shifted_signal_trades_and_holds_as_much_as_before(bars, seed):
    target = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], bars)
    seen = []

    def rerun(moved):
        seen.append(moved)
        return np.arange(1.0, bars + 1)

    placebo(rerun, target, seed=seed, draws=5)
    for moved in seen:
        assert sorted(moved) == sorted(target)
        assert np.abs(np.diff(moved, append=moved[0])).sum() == np.abs(np.diff(target, append=target[0])).sum()
    assert not any(np.shares_memory(moved, target) for moved in seen[1:])


def test_the_best_days_are_taken_out_whole():
    times = np.arange(1, 5) * 12 * HOUR_NS  # day 0 ends with the second value, day 1 with the fourth
    # growth: day 0 x 1.5 (row 1), day 1 x 0.5 (row 2) x 4 (row 3) = x 2, the better one
    left = without_best_days(times, [100.0, 150.0, 75.0, 300.0], days=1)
    np.testing.assert_allclose(left, [100.0, 150.0, 150.0, 150.0])
    np.testing.assert_allclose(without_best_days(times, [100.0, 150.0, 75.0, 300.0], days=9), [100.0] * 4)


def test_days_that_lost_are_never_taken_out():
    times = np.arange(4) * DAY_NS
    np.testing.assert_allclose(without_best_days(times, [8.0, 4.0, 2.0, 1.0]), [8.0, 4.0, 2.0, 1.0])


@given(arrays.arrays(np.float64, st.integers(2, 40), elements=st.floats(0.5, 2.0)), st.integers(0, 5))
def test_without_its_best_days_no_result_is_better(equity, days):
    times = np.arange(len(equity)) * 7 * HOUR_NS
    left = without_best_days(times, equity, days)
    assert left[0] == equity[0] and left[-1] <= equity[-1] * (1 + 1e-9)


def test_calm_bars_are_those_after_calm():
    quiet, wild = np.tile([1.0, 1.001], 10), np.tile([1.0, 1.2], 10)
    found = calm(np.concatenate([quiet, wild]), window=4)
    assert not found[:5].any() and found[5:21].all() and not found[26:].any()
    assert not calm([1.0, 2.0], window=4).any()


@given(st.integers(8, 40), st.integers(0, 99))
def test_whether_a_bar_is_calm_does_not_depend_on_its_own_return(bars, seed):
    close = market(seed, bars)
    other = close.copy()
    other[-1] *= 2
    np.testing.assert_array_equal(calm(close, 3), calm(other, 3))


def test_equity_moves_in_calm_bars_only():
    quiet, wild = np.tile([1.0, 1.001], 10), np.tile([1.0, 1.2], 10)
    close = np.concatenate([quiet, wild])
    equity = 1.01 ** np.arange(40.0)
    left = calm_equity(equity, close, window=4)
    assert left[0] == 1.0 and left[-1] == pytest.approx(1.01 ** calm(close, 4).sum())
    with pytest.raises(ValueError, match="2 prices for 3 rows"):
        calm_equity([1.0, 1.0, 1.0], [1.0, 2.0], 4)


def test_a_spread_has_a_floor_of_a_price_step_and_of_a_fraction():
    wide = floored_spread([math.nan, 0.0, 0.02], tick=1.0, close=[100.0, 10_000.0, 100.0], least=0.0005)
    assert wide.tolist() == [0.01, 0.0005, 0.02]
    with pytest.raises(ValueError, match=r"floor of -0\.1"):
        floored_spread([0.1], 0.1, [1.0], -0.1)
