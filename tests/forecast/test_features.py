"""Features: what they are worth on bars worked by hand, and that they know nothing of the future."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.forecast.features import FEATURES, TEXTS, FeatureStream, Series, matrix
from ninefold.formula import RATIO, parse

WARM = 59  # sma(..., 60) has its first value in the 60th bar


def first(series: Series, count: int) -> Series:
    columns = {name: column[:count] for name, column in series.columns.items()}
    return Series(series.name, series.scale, series.close_ns[:count], columns)


def rows(series: Series) -> list[dict[str, float]]:
    return [{name: float(column[at]) for name, column in series.columns.items()} for at in range(len(series.close_ns))]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_feature_is_a_pure_number(text):
    assert parse(text).unit == RATIO


def test_there_are_as_many_features_as_a_small_model_can_learn_from():
    assert 12 <= len(FEATURES) <= 20


def test_the_last_return_is_counted_in_units_of_the_volatility(bars):
    series = bars(80, seed=1)
    close = series.columns["close"]
    found = dict(zip(TEXTS, matrix(series)[-1], strict=True))
    volatility = math.sqrt(sum(math.log(close[at] / close[at - 1]) ** 2 for at in range(50, 80)) / 30)
    assert found["volatility"] == pytest.approx(volatility)
    assert found["return_3"] == pytest.approx((close[-1] / close[-4] - 1) / volatility)
    buys, volume = series.columns["buy_volume"][-1], series.columns["volume"][-1]
    assert found["buy_share"] == pytest.approx(2 * buys / volume - 1)


def test_the_first_rows_are_unknown_and_all_later_ones_known(bars):
    unknown = np.isnan(matrix(bars(200, seed=2))).any(axis=1)
    assert unknown[:WARM].all() and not unknown[WARM:].any()


@settings(max_examples=10, deadline=None)
@given(st.integers(60, 199))
def test_the_past_stays_the_same_when_the_future_arrives(bars, cut):
    series = bars(200, seed=3)
    np.testing.assert_array_equal(matrix(series)[:cut], matrix(first(series, cut)))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 200))
def test_one_bar_at_a_time_all_at_once_and_after_a_restart_give_the_same_bits(bars, restart):
    series = bars(200, seed=4)
    stream = FeatureStream(tuple(TEXTS.values()), series.scale)
    before = stream.warm(first(series, restart).columns)
    after = [stream.update(row) for row in rows(series)[restart:]]
    np.testing.assert_array_equal(np.vstack([before, *after]), matrix(series))


def test_an_unknown_bar_makes_the_features_unknown_until_they_have_warmed_up_again(bars):
    series = bars(300, seed=5)
    for column in series.columns.values():
        column[150] = math.nan
    unknown = np.isnan(matrix(series)).any(axis=1)
    assert unknown[150 : 150 + WARM + 1].all() and not unknown[150 + WARM + 1 :].any()


def test_a_market_that_stands_still_has_features_all_the_same(bars):
    series = bars(200, seed=6)
    for name, column in series.columns.items():
        column[:] = 0.0 if "volume" in name else 5_000_000.0
    found = dict(zip(TEXTS, matrix(series)[-1], strict=True))
    assert not np.isnan(list(found.values())).any()
    assert (found["volatility"], found["return_15"], found["volume_ratio"]) == (0.00001, 0.0, 0.0)


def test_no_news_is_no_mood(bars):
    series = bars(100, seed=8)
    place = list(TEXTS).index("sentiment")
    assert (matrix(series)[:, place] == 0.0).all()
    mood = np.where(np.arange(100) < 50, math.nan, 0.7)
    told = Series("x", series.scale, series.close_ns, {**series.columns, "sentiment": mood})
    np.testing.assert_array_equal(matrix(told)[:, place], np.where(np.arange(100) < 50, 0.0, 0.7))


def test_one_market_on_two_scales_has_the_same_features(bars):
    series = bars(200, seed=9)
    dearer = {name: column * (1 if "volume" in name else 4) for name, column in series.columns.items()}
    other = Series("dearer", series.scale, series.close_ns, dearer)
    np.testing.assert_allclose(matrix(other)[WARM:], matrix(series)[WARM:], rtol=1e-9, atol=1e-9)


def test_bars_that_are_left_out_or_misshapen_are_refused(bars):
    series = bars(100, seed=1)
    hole = np.delete(np.arange(100), 40)
    with pytest.raises(ValueError, match=r"bar 40 ends 120000000000 ns after .* put unknown bars"):
        matrix(Series("x", series.scale, series.close_ns[hole], {n: c[hole] for n, c in series.columns.items()}))
    with pytest.raises(ValueError, match="columns buy_volume are missing"):
        matrix(Series("x", series.scale, series.close_ns, {n: c for n, c in series.columns.items() if n[0] != "b"}))
    with pytest.raises(ValueError, match="close has 99 values for 100 bars"):
        matrix(Series("x", series.scale, series.close_ns, {**series.columns, "close": series.columns["close"][1:]}))
    with pytest.raises(ValueError, match="1 bars"):
        matrix(first(series, 1))
