"""Indicators that strategies' files import as `qtpylib`: crossings, bands, averages.

In:  series or tables of candles (pandas). Out: series or tables with the same index; NaN until a window is full.

Functions of that name which are not here are refused with a list of those that are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ninefold.freqtrade.errors import StrategyFailed


def crossed_above(series1: Any, series2: Any) -> pd.Series:
    """Where series1 is above series2 (or a number) and was not in the row before.

    >>> crossed_above(pd.Series([1, 2, 3]), 2).tolist()
    [False, False, True]
    """
    one, two = _pair(series1, series2)
    return (one > two) & (one.shift(1) <= two.shift(1))


def crossed_below(series1: Any, series2: Any) -> pd.Series:
    one, two = _pair(series1, series2)
    return (one < two) & (one.shift(1) >= two.shift(1))


def crossed(series1: Any, series2: Any, direction: str | None = None) -> pd.Series:
    """direction: "above", "below"; either if left out."""
    if direction in ("above", "below"):
        return (crossed_above if direction == "above" else crossed_below)(series1, series2)
    return crossed_above(series1, series2) | crossed_below(series1, series2)


def _pair(series1: Any, series2: Any) -> tuple[pd.Series, pd.Series]:
    one = pd.Series(series1)
    return one, series2 if isinstance(series2, pd.Series) else pd.Series(series2, index=one.index)


def typical_price(bars: pd.DataFrame) -> pd.Series:
    return (bars["high"] + bars["low"] + bars["close"]) / 3.0


def mid_price(bars: pd.DataFrame) -> pd.Series:
    return (bars["high"] + bars["low"]) / 2.0


def ibs(bars: pd.DataFrame) -> pd.Series:
    """Where in its range the candle closed, to two decimals: 0 at the low, 1 at the high."""
    return ((bars["close"] - bars["low"]) / (bars["high"] - bars["low"])).round(2)


def rolling_mean(series: Any, window: int = 200, min_periods: int | None = None) -> pd.Series:
    return _rolling(series, window, min_periods, "mean")


def rolling_std(series: Any, window: int = 200, min_periods: int | None = None) -> pd.Series:
    """Of a sample: divided by window - 1."""
    return _rolling(series, window, min_periods, "std")


def rolling_min(series: Any, window: int = 14, min_periods: int | None = None) -> pd.Series:
    return pd.Series(series).rolling(window, min_periods=min_periods or window).min()


def rolling_max(series: Any, window: int = 14, min_periods: int | None = None) -> pd.Series:
    return pd.Series(series).rolling(window, min_periods=min_periods or window).max()


def rolling_weighted_mean(series: Any, window: int = 200, min_periods: int | None = None) -> pd.Series:
    """Exponentially weighted with this span."""
    return pd.Series(series).ewm(span=window, min_periods=min_periods or window).mean()


def _rolling(series: Any, window: int, min_periods: int | None, statistic: str) -> pd.Series:
    """Full windows one by one, so that no rounding is carried along a series."""
    values = pd.Series(series)
    if min_periods not in (None, window) or len(values) <= window:
        found: pd.Series = getattr(values.rolling(window, min_periods=min_periods or window), statistic)()
        return found
    windows = np.lib.stride_tricks.sliding_window_view(values.to_numpy(np.float64), window)
    full = windows.mean(axis=-1) if statistic == "mean" else windows.std(axis=-1, ddof=1)
    return pd.Series(np.concatenate([np.full(window - 1, np.nan), full]), index=values.index)


sma = rolling_mean
wma = rolling_weighted_mean


def hull_moving_average(series: Any, window: int = 200, min_periods: int | None = None) -> pd.Series:
    """Of exponentially weighted means; the last one too waits for as many values as the window has."""
    values, least = pd.Series(series), min_periods or window
    half, whole = (values.ewm(span=span, min_periods=least).mean() for span in (window / 2, window))
    return (2 * half - whole).ewm(span=np.sqrt(window), min_periods=least).mean()


hma = hull_moving_average


def bollinger_bands(bars: Any, window: int = 20, stds: float = 2) -> pd.DataFrame:
    """upper, mid, lower of a series, often of `typical_price`; before the window is full of the values there are."""
    return _bands(rolling_mean(bars, window, 1), stds * rolling_std(bars, window, 1))


def weighted_bollinger_bands(bars: Any, window: int = 20, stds: float = 2) -> pd.DataFrame:
    return _bands(rolling_weighted_mean(bars, window), stds * rolling_std(bars, window))


def keltner_channel(bars: pd.DataFrame, window: int = 14, atrs: float = 2) -> pd.DataFrame:
    return _bands(rolling_mean(typical_price(bars), window), atrs * atr(bars, window))


def _bands(mid: pd.Series, half_width: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"upper": mid + half_width, "mid": mid, "lower": mid - half_width})


def true_range(bars: pd.DataFrame) -> pd.Series:
    before = bars["close"].shift(1)
    ranges = [bars["high"] - bars["low"], (bars["high"] - before).abs(), (bars["low"] - before).abs()]
    return pd.concat(ranges, axis=1).max(axis=1)


def atr(bars: pd.DataFrame, window: int = 14, exp: bool = False) -> pd.Series:
    return (rolling_weighted_mean if exp else rolling_mean)(true_range(bars), window)


def heikinashi(bars: pd.DataFrame) -> pd.DataFrame:
    """open, high, low, close of averaged candles."""
    close = (bars["open"] + bars["high"] + bars["low"] + bars["close"]) / 4.0
    opens = np.empty(len(bars))
    if len(bars):
        opens[0] = (bars["open"].iloc[0] + bars["close"].iloc[0]) / 2.0
    for row, value in enumerate(close.to_numpy()[:-1]):
        opens[row + 1] = (opens[row] + value) / 2.0
    of = pd.DataFrame({"open": opens, "close": close}, index=bars.index)
    high = pd.concat([of, bars["high"]], axis=1).max(axis=1)
    low = pd.concat([of, bars["low"]], axis=1).min(axis=1)
    return pd.DataFrame({"open": of["open"], "high": high, "low": low, "close": close})


def awesome_oscillator(bars: pd.DataFrame, weighted: bool = False, fast: int = 5, slow: int = 34) -> pd.Series:
    """weighted: exponentially, with these centres of mass, from the first candle on."""
    middle = mid_price(bars)
    if weighted:
        return middle.ewm(com=fast).mean() - middle.ewm(com=slow).mean()
    return rolling_mean(middle, fast) - rolling_mean(middle, slow)


def rolling_vwap(bars: pd.DataFrame, window: int = 200, min_periods: int | None = None) -> pd.Series:
    least = min_periods or window
    value = (typical_price(bars) * bars["volume"]).rolling(window, min_periods=least).sum()
    return value / bars["volume"].rolling(window, min_periods=least).sum()


def returns(series: Any) -> pd.Series:
    return pd.Series(series).pct_change().replace([np.inf, -np.inf], np.nan)


def log_returns(series: Any) -> pd.Series:
    values = pd.Series(series)
    return np.log(values / values.shift(1)).replace([np.inf, -np.inf], np.nan)


def roc(series: Any, window: int = 14) -> pd.Series:
    values = pd.Series(series)
    return (values - values.shift(window)) / values.shift(window)


def zscore(bars: pd.DataFrame, window: int = 20, stds: float = 1, col: str = "close") -> pd.Series:
    """How many standard deviations the column is above its mean."""
    return (bars[col] - rolling_mean(bars[col], window)) / (rolling_std(bars[col], window) * stds)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    there = ", ".join(one for one, value in sorted(globals().items()) if callable(value) and one[0].islower())
    raise StrategyFailed(f"qtpylib.{name} is not there; there are {there}. TA-Lib (`talib.abstract`) may have it")
