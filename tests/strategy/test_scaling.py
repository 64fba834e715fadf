"""Volatility target and fractional Kelly: by hand, in bounds, and the same however chunks are cut."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BARS, TARGETS
from ninefold.market.time import DAY_NS, MINUTE_NS
from ninefold.strategy.scaling import YEAR_NS, Results, Sizing, kelly_scale, volatility_scale

FOUR = Sizing("kelly", kelly=0.25, most=1.0, bars=4)


def test_a_market_twice_as_wild_as_the_mark_gets_half_and_a_calm_one_no_more_than_all():
    yearly = Sizing("volatility", volatility=0.5, bars=4, width_ns=YEAR_NS)
    assert volatility_scale(yearly, [1.0, -1.0, 1.0, -1.0]) == 0.5
    assert volatility_scale(yearly, [0.1, -0.1, 0.1, -0.1]) == 1.0
    assert volatility_scale(yearly, [0.0] * 4) == 1.0
    daily = Sizing("volatility", volatility=0.5, bars=4, width_ns=DAY_NS)
    assert volatility_scale(daily, [0.1, -0.1] * 2) == pytest.approx(0.5 / (0.1 * math.sqrt(365)))


def test_kelly_is_a_fraction_of_mean_by_variance_and_nothing_while_it_loses():
    results = [0.3, -0.1, 0.3, -0.1]  # mean 0.1, variance 0.04
    assert kelly_scale(FOUR, results) == pytest.approx(0.25 * 0.1 / 0.04)
    assert kelly_scale(FOUR, [-one for one in results]) == 0.0
    assert kelly_scale(FOUR, [0.0] * 4) == 0.0
    assert kelly_scale(FOUR, [0.01] * 4) == 1.0, "no variance: the bound"


def test_only_the_newest_bars_count_and_too_few_are_no_scale():
    results = [0.3, -0.1, 0.3, -0.1]
    assert kelly_scale(FOUR, results[:3]) is None
    assert volatility_scale(FOUR, results[:3]) is None
    assert kelly_scale(FOUR, [9.0, -9.0, *results]) == kelly_scale(FOUR, results)


RETURNS = st.lists(st.floats(-0.5, 0.5), min_size=20, max_size=40)


@given(returns=RETURNS, most=st.floats(0.01, 1.0), mark=st.floats(0.01, 10.0), kelly=st.floats(0.01, 1.0))
def test_a_scale_is_never_below_nothing_nor_above_its_bound(returns, most, mark, kelly):
    sizing = Sizing("volatility", volatility=mark, kelly=kelly, most=most, bars=20)
    for scale in (volatility_scale(sizing, returns), kelly_scale(sizing, returns)):
        assert scale is not None and 0.0 <= scale <= most * (1 + 1e-12)


@given(returns=RETURNS, wilder=st.floats(1.0, 5.0))
def test_a_wilder_market_never_gets_more(returns, wilder):
    sizing = Sizing("volatility", bars=20)
    calm, wild = (volatility_scale(sizing, [one * by for one in returns]) for by in (1.0, wilder))
    assert calm is not None and wild is not None and wild <= calm * (1 + 1e-12)


def bars(*closes: tuple[int, int, int]) -> np.ndarray:
    """(minute, close, state) of instrument 1."""
    made = np.zeros(len(closes), BARS)
    made["instrument"], made["width_ns"] = 1, MINUTE_NS
    for row, (minute, close, state) in zip(made, closes, strict=True):
        row["close_ns"], row["close"], row["state"] = minute * MINUTE_NS, close, state
    return made


def targets(**wanted: float) -> np.ndarray:
    made = np.zeros(len(wanted), TARGETS)
    for row, (name, target) in zip(made, wanted.items(), strict=True):
        row["instrument"], row["strategy"], row["target"] = 1, name.encode(), target
    return made


def test_a_target_earns_the_bar_that_begins_after_it_was_decided():
    results = Results(Sizing("kelly", bars=20))
    results.fold(bars((1, 100, BAR_OK)), targets(up=1.0, down=-0.5))
    results.fold(bars((2, 110, BAR_OK)), targets(up=0.0))
    results.fold(bars((3, 121, BAR_OK)), targets())
    assert results.of("up", 1) == pytest.approx([0.1, 0.0])
    assert results.of("down", 1) == pytest.approx([-0.05, -0.05])
    assert results.of("up", 2) == []


def test_nobody_knows_what_an_unknown_bar_earned():
    results = Results(Sizing("kelly", bars=20))
    for minute, state in ((1, BAR_OK), (2, BAR_UNKNOWN), (3, BAR_OK), (5, BAR_OK), (6, BAR_OK)):
        results.fold(bars((minute, 100 + minute, state)), targets(up=1.0))
    assert results.of("up", 1) == pytest.approx([106 / 105 - 1])


def test_a_target_decided_within_a_bar_earns_the_next_one():
    results = Results(Sizing("kelly", bars=20))
    results.fold(bars((1, 100, BAR_OK)), targets(up=1.0))
    results.fold(bars(), targets(up=-1.0))
    results.fold(bars((2, 110, BAR_OK)), targets())
    results.fold(bars((3, 121, BAR_OK)), targets())
    assert results.of("up", 1) == pytest.approx([0.1, -0.1])
