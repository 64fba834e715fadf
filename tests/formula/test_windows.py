"""Our own terms, worked by hand, and TA-Lib's where one can check by hand that it was given the right numbers."""

import numpy as np
import pytest

from ninefold.formula import batch, parse

from .market import SCALE, bars

NAN = np.nan


def of_close(text: str, *close: float) -> np.ndarray:
    return batch(parse(text), {"close": np.array(close)}, SCALE)


def test_lag_is_the_value_some_bars_ago():
    np.testing.assert_array_equal(of_close("lag(close, 2)", 5, 6, 7, 8), [NAN, NAN, 5, 6])


def test_zscore_is_the_distance_from_the_mean_in_deviations_and_unknown_where_nothing_moved():
    found = of_close("zscore(close, 3)", 1, 2, 3, 3, 3)
    np.testing.assert_allclose(found, [NAN, NAN, 1.5**0.5, 0.5**0.5, NAN])


def test_realized_volatility_is_the_root_of_the_squared_log_returns():
    found = of_close("realized_volatility(close, 2)", 100, 110, 99)
    np.testing.assert_allclose(found, [NAN, NAN, (np.log(1.1) ** 2 + np.log(0.9) ** 2) ** 0.5])


def test_a_crossing_happens_on_one_bar_and_a_touch_before_it_counts():
    np.testing.assert_array_equal(
        of_close("crosses_above(close, lag(close, 1) * 0 + 0.02)", 9, 1, 3, 3, 2, 3), [NAN, NAN, 1, 0, 0, 1]
    )
    np.testing.assert_array_equal(
        of_close("crosses_below(close / close * close, 0.02)", 3, 1, 1, 2, 1, 3), [NAN, 1, 0, 0, 1, 0]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sma(close, 2)", [NAN, 3, 5, 5]),
        ("highest(close, 2)", [NAN, 4, 6, 6]),
        ("lowest(close, 2)", [NAN, 2, 4, 4]),
        ("sum(close, 2)", [NAN, 6, 10, 10]),
        ("mom(close, 2)", [NAN, NAN, 4, 0]),
        ("midpoint(close, 2)", [NAN, 3, 5, 5]),
        ("min(close, 0.03)", [2, 3, 3, 3]),
        ("max(close, lag(close, 1))", [NAN, 4, 6, 6]),
        ("where(close > 0.04, close, -close)", [-2, -4, 6, -4]),
        ("sign(close - 0.04)", [-1, 0, 1, 0]),
        ("sqrt(close * close)", [2, 4, 6, 4]),
    ],
)
def test_small_examples_worked_by_hand(text, expected):
    np.testing.assert_array_equal(of_close(text, 2, 4, 6, 4), expected)


def test_bollinger_bands_and_donchian_channel_are_given_the_right_outputs():
    columns = bars(60)
    upper, middle, lower = (
        batch(parse(f"bbands_{band}(close, 20)"), columns, SCALE) for band in ("upper", "middle", "lower")
    )
    assert (upper[19:] > middle[19:]).all()
    assert (middle[19:] > lower[19:]).all()
    np.testing.assert_array_equal(middle, batch(parse("sma(close, 20)"), columns, SCALE))
    np.testing.assert_array_equal(
        batch(parse("donchian_upper(20)"), columns, SCALE), batch(parse("highest(high, 20)"), columns, SCALE)
    )


def test_a_hammer_is_seen_where_one_was_drawn():
    columns = {name: np.full(30, 100.0) for name in ("open", "high", "low", "close")}
    fall = np.linspace(200, 100, 29)
    columns["open"][:29], columns["close"][:29] = fall + 3, fall
    columns["high"][:29], columns["low"][:29] = fall + 4, fall - 1
    columns["open"][29], columns["close"][29], columns["high"][29], columns["low"][29] = 97, 98, 98, 85
    found = batch(parse("cdlhammer()"), columns, SCALE)
    assert found[29] == 100
    assert not np.nansum(found[:29])
