"""Indicators of the name qtpylib, by hand."""

import numpy as np
import pandas as pd
import pytest

from ninefold.freqtrade import qtpylib
from ninefold.freqtrade.errors import StrategyFailed

BARS = pd.DataFrame(
    {
        "open": [1.0, 3.0, 2.0],
        "high": [4.0, 4.0, 3.0],
        "low": [1.0, 2.0, 1.0],
        "close": [2.0, 3.0, 2.0],
        "volume": [1.0, 2.0, 1.0],
    }
)


def test_a_series_that_touches_has_crossed_when_it_leaves():
    series = pd.Series([1.0, 2.0, 3.0, 2.0, 1.0])
    assert qtpylib.crossed_above(series, 2).tolist() == [False, False, True, False, False]
    assert qtpylib.crossed_below(series, pd.Series([2.0] * 5)).tolist() == [False, False, False, False, True]
    assert qtpylib.crossed(series, 2).tolist() == [False, False, True, False, True]
    assert qtpylib.crossed(series, 2, "below").tolist() == qtpylib.crossed_below(series, 2).tolist()


def test_bands_are_sample_deviations_about_the_mean():
    bands = qtpylib.bollinger_bands(pd.Series([1.0, 2.0, 3.0, 5.0]), window=3, stds=2)
    assert bands["mid"].iloc[:2].tolist() == [1.0, 1.5]  # of the values there are
    assert bands.iloc[2].tolist() == [4.0, 2.0, 0.0]  # mean 2, deviation 1
    assert bands["upper"].iloc[3] == pytest.approx(10 / 3 + 2 * np.sqrt(7 / 3))


def test_averaged_candles_open_in_the_middle_of_the_one_before():
    found = qtpylib.heikinashi(BARS)
    assert found["close"].tolist() == [2.0, 3.0, 2.0]
    assert found["open"].tolist() == [1.5, 1.75, 2.375]
    assert found["high"].tolist() == [4.0, 4.0, 3.0]
    assert found["low"].tolist() == [1.0, 1.75, 1.0]


def test_prices_and_ranges():
    assert qtpylib.typical_price(BARS).tolist() == pytest.approx([7 / 3, 3.0, 2.0])
    assert qtpylib.mid_price(BARS).tolist() == [2.5, 3.0, 2.0]
    assert qtpylib.true_range(BARS).tolist() == [3.0, 2.0, 2.0]
    assert qtpylib.ibs(BARS).tolist() == [0.33, 0.5, 0.5]
    assert qtpylib.rolling_vwap(BARS, 2).tolist()[1:] == pytest.approx([(7 / 3 + 6) / 3, (6 + 2) / 3])


def test_what_is_not_there_is_said():
    with pytest.raises(StrategyFailed, match=r"qtpylib.supertrend is not there; there are .*bollinger_bands.*TA-Lib"):
        qtpylib.supertrend(BARS)
