"""Strategies written with pandas that look like those of `planted_pandas` and do not look ahead."""

import math

import numpy as np
import pandas as pd
import talib
import talib.abstract as ta

from tests.leaks.corpus import FRAME, FRAME_HELD, collector

CASES, case = collector()


@case("trailing window", FRAME)
def crossing_of_two_means(df):
    df["fast"] = df["close"].rolling(5).mean()
    df["slow"] = df["close"].rolling(window=20, min_periods=10).mean()
    df["signal"] = 0
    df.loc[(df["fast"] > df["slow"]) & (df["volume"] > 0), "signal"] = 1
    return df


@case("trailing window", FRAME)
def turning_points_confirmed_later(df):
    pivots = df["low"][df["low"] == df["low"].rolling(11, center=True).min()]
    level = pivots.reindex(df.index).shift(5).ffill()
    return np.sign(df["close"] - level).fillna(0)


@case("trailing window", FRAME)
def exponential_means(df):
    fast = df["close"].ewm(span=12, adjust=False).mean()
    slow = df["close"].ewm(span=26, adjust=False).mean()
    line = fast - slow
    return np.sign(line - line.ewm(span=9, adjust=False).mean())


@case("trailing window", FRAME)
def bands_and_their_width(df):
    middle, spread = df["close"].rolling(20).mean(), df["close"].rolling(20).std(ddof=0)
    df["upper"], df["lower"] = middle + 2 * spread, middle - 2 * spread
    conditions = [df["close"] > df["upper"], df["close"] < df["lower"]]
    df["signal"] = np.select(conditions, [-1, 1], default=0)
    return df


@case("trailing window", FRAME)
def function_of_each_window(df):
    slope = df["close"].rolling(10).apply(lambda window: window.iloc[-1] - window.iloc[0])
    return np.sign(slope.fillna(0))


@case("trailing window", FRAME)
def window_by_the_clock(df):
    return np.sign(df["close"] - df["close"].rolling("30min", closed="left").median()).fillna(0)


@case("trailing window", FRAME)
def correlation_of_price_and_volume(df):
    return df["close"].rolling(30).corr(df["volume"]).clip(-1, 1).fillna(0)


@case("trailing window", FRAME)
def several_at_once(df):
    found = df[["high", "low"]].rolling(10).agg({"high": "max", "low": "min"}).shift(1)
    df = df.assign(top=found["high"], bottom=lambda d: found["low"])
    return pd.Series(np.where(df["close"] > df["top"], 1, np.where(df["close"] < df["bottom"], -1, 0)), index=df.index)


@case("positive shift", FRAME)
def momentum(df):
    df["change"] = df["close"].pct_change(3)
    df["before"] = df["change"].shift(1)
    return np.sign((df["change"] - df["before"]).fillna(0))


@case("positive shift", FRAME)
def filled_forward(df):
    busy = df["close"].where(df["volume"] > 60).ffill()
    return np.sign(df["close"] - busy).fillna(0)


@case("positive shift", FRAME)
def rows_left_out_and_brought_back(df):
    busy = df.dropna(subset=["close"])
    busy = busy[busy["volume"] > 30]
    busy["mean"] = busy["close"].rolling(5).mean()
    df["mean"] = busy["mean"].reindex(df.index, method="ffill")
    df["signal"] = (df["close"] > df["mean"]).astype(int)
    return df


@case("positive shift", FRAME)
def appends_in_a_loop(df):
    signals, position = [], 0
    for i in range(len(df)):
        if i > 0 and df["close"].iloc[i] > df["close"].iloc[i - 1]:
            position = 1
        elif df["close"].iloc[i] < df["open"].iloc[i]:
            position = 0
        signals.append(position)
    df["signal"] = signals
    return df


@case("positive shift", FRAME)
def writes_in_a_loop(df):
    df["signal"] = 0.0
    trail = 0.0
    for i in range(1, len(df)):
        price = float(df["close"].iloc[i])
        trail = max(trail, price * 0.99)
        if price < trail:
            trail = price * 0.99
            df.loc[df.index[i], "signal"] = -1.0
    return df


@case("positive shift", FRAME)
def walks_over_rows(df):
    found = [0] * len(df)
    last = None
    for i, (_, row) in enumerate(df.iterrows()):
        if last is not None and math.log(row["close"] / last) > 0:
            found[i] = 1
        last = row["close"]
    return pd.Series(found, index=df.index)


@case("positive shift", FRAME)
def list_of_choices(df):
    df["signal"] = [1 if close > opening else -1 for close, opening in zip(df["close"], df["open"], strict=True)]
    return df


@case("positive shift", FRAME)
def array_written_in_a_loop(df):
    close, found = df["close"].to_numpy(), np.zeros(len(df))
    for i in range(10, len(df)):
        if close[i] > close[i - 10 : i].max():
            found[i] = 1
    return found


@case("positive shift", FRAME)
def labels_of_rows_that_rose(df):
    rose = df[df["close"] > df["close"].shift(1)].index
    df["signal"] = 0
    df.loc[rose, "signal"] = 1
    for time, row in df[df["volume"] > 80].iterrows():
        df.loc[time, "signal"] = 0 if row["close"] > row["open"] else 1
    return df


@case("positive shift", FRAME)
def warm_up_dropped(df):
    df["mean"] = df["close"].rolling(20).mean()
    df = df.dropna()
    found = np.zeros(len(df))
    for i in range(1, len(df)):
        if df["close"].iloc[i] > df["mean"].iloc[i] and df.index[i].minute != 0:
            found[i] = 1
    return pd.Series(found, index=df.index)


@case("expanding scaling", FRAME)
def z_score_of_the_past(df):
    mean, spread = df["close"].expanding(20).mean(), df["close"].expanding(20).std()
    return -((df["close"] - mean) / spread).clip(-1, 1).fillna(0)


@case("expanding scaling", FRAME)
def rank_in_a_window(df):
    return 2 * df["volume"].rolling(50).rank(pct=True).fillna(0.5) - 1


@case("expanding scaling", FRAME)
def threshold_by_a_trailing_quantile(df):
    return (df["volume"] > df["volume"].rolling(50).quantile(0.9)).astype(int)


@case("expanding scaling", FRAME)
def drawdown_from_the_highest_so_far(df):
    return np.where(df["close"] / df["close"].cummax() < 0.99, 1, 0)


@case("expanding scaling", FRAME)
def missing_ones_get_a_number(df):
    assert df["close"].notna().all()
    if df["volume"].min() < 0:
        raise ValueError("volume below 0")
    change = df["close"].pct_change(5).fillna(0)
    return np.sign(change.replace([np.inf, -np.inf], 0))


@case("expanding scaling", FRAME)
def smallest_of_several_columns(df):
    df["range"] = pd.concat(
        [df["high"] - df["low"], (df["high"] - df["close"].shift()).abs(), (df["low"] - df["close"].shift()).abs()],
        axis=1,
    ).max(axis=1)
    return np.where(df["range"] > df["range"].rolling(14).mean(), 1, 0)


@case("resampled", FRAME)
def hour_that_is_over(df):
    hours = df["close"].resample("1h").last().shift(1)
    return np.sign(df["close"] - hours.reindex(df.index, method="ffill")).fillna(0)


@case("resampled", FRAME)
def hour_labelled_at_its_end(df):
    hours = df.resample("1h", label="right").agg({"high": "max", "low": "min", "close": "last"})
    both = df.join(hours.add_suffix("_hour"))
    both["close_hour"] = both["close_hour"].ffill()
    both["signal"] = (both["close"] < both["close_hour"]).astype(int)
    return both


@case("resampled", FRAME)
def hour_merged_by_when_it_was_known(df):
    hours = df.resample("1h").agg(high=("high", "max"), close=("close", "last")).reset_index()
    hours["known"] = hours["date"] + pd.Timedelta("1h")
    both = pd.merge_asof(
        df.reset_index(), hours[["known", "high"]], left_on="date", right_on="known", suffixes=("", "_hour")
    )
    both = both.set_index("date")
    return (both["close"] > both["high_hour"]).astype(int)


@case("resampled", FRAME)
def open_of_the_hour(df):
    opened = df.groupby(df.index.floor("1h"))["open"].transform("first")
    return np.sign(df["close"] - opened)


@case("resampled", FRAME)
def high_of_the_hour_so_far(df):
    top = df["high"].groupby(df.index.floor("15min")).cummax()
    value = (df["close"] * df["volume"]).groupby(df.index.date).cumsum() / df["volume"].groupby(df.index.date).cumsum()
    return np.where((df["close"] >= 0.999 * top) & (df["close"] > value), 1, 0)


@case("labels of the past", FRAME)
def label_that_was_over(df):
    df["label"] = df["close"].shift(-5) / df["close"] - 1
    df["known"] = df["label"].shift(5)
    return np.sign(df["known"].rolling(20).mean()).fillna(0)


@case("labels of the past", FRAME)
def best_of_several_windows_so_far(df):
    change = df["close"].pct_change()
    windows = [5, 10, 20]
    earned = [(np.sign(df["close"].diff(one)).shift(1) * change).cumsum().to_numpy() for one in windows]
    signs = [np.sign(df["close"].diff(one)).to_numpy() for one in windows]
    found = np.zeros(len(df))
    for i in range(30, len(df)):
        best = max(range(3), key=lambda one: earned[one][i])
        found[i] = signs[best][i]
    return found


@case("labels of the past", FRAME)
def two_loops_one_after_the_other(df):
    position, held = 0, []
    for close, opening in zip(df["close"], df["open"], strict=True):
        if close > opening:
            position = 1
        held.append(position)
    position, sold = 0, []
    for close, opening in zip(df["close"], df["open"], strict=True):
        if close < opening:
            position = -1
        sold.append(position)
    return (pd.Series(held, index=df.index) + pd.Series(sold, index=df.index)).astype(int)


@case("labels of the past", FRAME)
def label_beside_it_and_not_used(df):
    df["label"] = df["close"].shift(-1) > df["close"]
    df["signal"] = (df["close"] > df["open"]).astype(int)
    return df


@case("next bar", FRAME_HELD)
def held_from_the_next_bar_on(df):
    df["position"] = np.where(df["close"] > df["open"], 1, -1)
    df["position"] = df["position"].shift(1).fillna(0)
    return df


@case("next bar", FRAME_HELD)
def crossed_and_there_a_bar_later(df):
    fast, slow = df["close"].rolling(5).mean(), df["close"].rolling(20).mean()
    return (fast > slow).shift(1, fill_value=False).astype(int)


@case("callback", FRAME)
def function_of_each_row(df):
    return df.apply(lambda row: 1 if row["close"] > row["open"] and row["volume"] > 20 else 0, axis=1)


@case("callback", FRAME)
def function_of_each_price(df):
    change = df["close"].diff().fillna(0)
    return change.map(lambda one: -1 if one > 0.3 else 1 if one < -0.3 else 0)


@case("callback", FRAME)
def helper_with_conditions_of_its_own(df):
    def side(row):
        if row["close"] > row["open"]:
            return row["close"] / row["open"]
        return 0.0

    strength = df.apply(side, axis=1)
    scale = 0.5 if len(df) < 10 else 1.0
    return scale * strength.clip(0, 1)


@case("callback", FRAME)
def hours_of_the_day(df):
    df["hour"] = df.index.hour
    df["signal"] = np.where(df["hour"].isin([0, 2]), 1, 0)
    df.loc[df.index[0], "signal"] = 0
    return df


@case("TA-Lib", FRAME)
def indicators_of_a_table(df):
    df["rsi"] = ta.RSI(df, timeperiod=14)
    bands = ta.BBANDS(df, timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    df["low_band"] = bands["lowerband"]
    df["adx"] = ta.ADX(df)
    df.loc[(df["rsi"] < 35) & (df["close"] < df["low_band"]), ["signal", "tag"]] = (1, "low")
    df["signal"] = df["signal"].fillna(0)
    return df


@case("TA-Lib", FRAME)
def indicators_of_arrays(df):
    _, _, histogram = talib.MACD(df["close"].values, 12, 26, 9)
    mean = talib.SMA(df["close"], timeperiod=20)
    return np.where((histogram > 0) & (df["close"] > mean), 1, 0)


@case("TA-Lib", FRAME)
def patterns_of_candles(df):
    return ta.CDLENGULFING(df) / 100
