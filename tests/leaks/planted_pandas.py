"""Strategies written with pandas that look ahead, one mistake each."""

import numpy as np
import pandas as pd
import talib
import talib.abstract as ta

from tests.leaks.corpus import FRAME, FRAME_HELD, collector

CASES, case = collector()

# --- centred windows


@case("centred window", FRAME)
def above_a_centred_mean(df):
    df["mean"] = df["close"].rolling(21, center=True).mean()
    df["signal"] = np.where(df["close"] > df["mean"], 1, 0)
    return df


@case("centred window", FRAME)
def window_that_looks_forward(df):
    ahead = pd.api.indexers.FixedForwardWindowIndexer(window_size=5)
    return (df["high"].rolling(ahead).max() > 1.01 * df["close"]).astype(int)


@case("centred window", FRAME)
def turning_points_by_a_centred_minimum(df):
    lowest = df["low"].rolling(11, center=True).min()
    df.loc[df["low"] == lowest, "signal"] = 1
    df["signal"] = df["signal"].fillna(0)
    return df


@case("centred window", FRAME)
def turning_points_kept_as_levels(df):
    pivots = df["low"][df["low"] == df["low"].rolling(11, center=True, min_periods=1).min()]
    level = pivots.reindex(df.index).ffill()
    return np.sign(df["close"] - level)


@case("centred window", FRAME)
def gaps_filled_from_both_sides(df):
    calm = df["close"].where(df["volume"] < 90)
    return np.sign(df["close"] - calm.interpolate())


@case("centred window", FRAME)
def function_of_a_centred_window(df):
    middle = df["close"].rolling(9, center=True).apply(lambda window: window[4] - window.mean(), raw=True)
    return np.sign(middle.fillna(0))


# --- negative shifts


@case("negative shift", FRAME)
def next_close_is_higher(df):
    return (df["close"].shift(-1) > df["close"]).astype(int)


@case("negative shift", FRAME)
def change_over_the_next_bars(df):
    df["momentum"] = df["close"].pct_change(-3)
    return -np.sign(df.momentum.fillna(0))


@case("negative shift", FRAME)
def difference_to_the_next(df):
    df["d"] = df["close"].diff(periods=-1)
    df.loc[df["d"] < 0, ["signal", "tag"]] = (1, "up next")
    return df


@case("negative shift", FRAME)
def filled_from_behind(df):
    busy = df["close"].where(df["volume"] > 60).bfill()
    return np.sign(busy.fillna(0) - df["close"])


@case("negative shift", FRAME)
def warm_up_filled_from_behind(df):
    mean = df["close"].rolling(20).mean().bfill()
    return (df["close"] > mean).astype(int)


@case("negative shift", FRAME)
def mean_of_reversed_rows(df):
    smooth = df["close"][::-1].ewm(span=10).mean()[::-1]
    return np.sign(smooth - df["close"])


@case("negative shift", FRAME)
def reads_the_next_row_by_its_place(df):
    signals = []
    for i in range(len(df) - 1):
        if df["close"].iloc[i + 1] > df["close"].iloc[i]:
            signals.append(1)
        else:
            signals.append(0)
    signals.append(0)
    df["signal"] = signals
    return df


@case("negative shift", FRAME)
def keeps_the_row_before_the_wrong_way_round(df):
    df["signal"] = 0
    for now, after in zip(df.index[:-1], df.index[1:], strict=True):
        if df.loc[after, "close"] > df.loc[now, "close"]:
            df.loc[now, "signal"] = 1
    return df


@case("negative shift", FRAME)
def moved_by_the_clock(df):
    ahead = df["close"].shift(-1, freq="min")
    return np.sign(ahead.reindex(df.index) - df["close"]).fillna(0)


@case("negative shift", FRAME)
def indicator_shifted_back(df):
    rsi = ta.RSI(df, timeperiod=14)
    return (rsi.shift(-1) > rsi).astype(int)


@case("negative shift", FRAME)
def labels_of_rows_that_rise_next(df):
    rises = df[df["close"].shift(-1) > df["close"]].index
    df["signal"] = 0
    df.loc[rises, "signal"] = 1
    return df


@case("negative shift", FRAME)
def rows_that_fall_next_dropped(df):
    kept = df.drop(df[df["close"].shift(-1) < df["close"]].index)
    return pd.Series(1, index=kept.index).reindex(df.index).fillna(0)


@case("negative shift", FRAME)
def rows_that_rise_next_joined(df):
    chosen = df[df["close"].shift(-1) > df["open"]].copy()
    chosen["there"] = 1
    both = df.join(chosen["there"])
    return both["there"].fillna(0)


# --- scaling by the whole sample


@case("whole-sample scaling", FRAME)
def z_score_of_all_time(df):
    z = (df["close"] - df["close"].mean()) / df["close"].std()
    return -z.clip(-1, 1)


@case("whole-sample scaling", FRAME)
def scaled_between_lowest_and_highest(df):
    scaled = (df - df.min()) / (df.max() - df.min())
    return 1 - 2 * scaled["close"]


@case("whole-sample scaling", FRAME)
def rank_among_all(df):
    return 2 * df["volume"].rank(pct=True) - 1


@case("whole-sample scaling", FRAME)
def threshold_by_a_quantile_of_all(df):
    busy = df["volume"] > df["volume"].quantile(0.9)
    return busy.astype(float)


@case("whole-sample scaling", FRAME)
def missing_ones_get_the_mean_of_all(df):
    change = df["close"].pct_change(5)
    return np.sign(change.fillna(change.mean()))


@case("whole-sample scaling", FRAME)
def mean_taken_out_as_a_number(df):
    level = float(df["close"].mean())
    return np.where(df["close"] > 1.001 * level, 1, 0)


@case("whole-sample scaling", FRAME)
def mean_of_each_hour_of_the_day(df):
    usual = df.groupby(df.index.hour)["volume"].transform("mean")
    return np.where(df["volume"] > usual, 1, 0)


@case("whole-sample scaling", FRAME)
def long_if_it_ended_higher(df):
    if df["close"].iloc[-1] > df["close"].iloc[0]:
        df["signal"] = 1
    else:
        df["signal"] = 0
    return df


@case("whole-sample scaling", FRAME)
def cut_into_tenths_of_all(df):
    tenth = pd.cut(df["close"], 10, labels=False)
    return (tenth < 3).astype(int)


@case("whole-sample scaling", FRAME)
def bands_from_numpy(df):
    close = df["close"].values
    upper = close.mean() + 2 * close.std()
    return np.where(close > upper, -1, 0)


@case("whole-sample scaling", FRAME)
def sorted_by_volume(df):
    busiest = df.sort_values("volume").tail(20)
    df["signal"] = 0
    df.loc[df.index.isin(busiest.index), "signal"] = 1
    df["signal"] = df["signal"] * busiest["close"].iloc[0]
    return df


@case("whole-sample scaling", FRAME)
def side_chosen_by_the_trend_of_all(df):
    if df["close"].iloc[-1] > df["close"].iloc[0]:
        return (df["close"] > df["open"]).astype(int)
    return -(df["close"] > df["open"]).astype(int)


@case("whole-sample scaling", FRAME)
def window_chosen_by_all(df):
    def mean(series):
        window = 10 if df["volume"].std() > 20 else 30
        return series.rolling(window).mean()

    return np.sign(df["close"] - mean(df["close"]))


@case("target leakage", FRAME)
def best_of_several_windows(df):
    change, best, window = df["close"].pct_change().shift(-1), -np.inf, 5
    for one in (5, 10, 20):
        earned = (np.sign(df["close"] - df["close"].rolling(one).mean()) * change).sum()
        if earned > best:
            best, window = earned, one
    return np.sign(df["close"] - df["close"].rolling(window).mean())


@case("target leakage", FRAME)
def best_of_several_windows_by_key(df):
    change = df["close"].pct_change()
    earned = {one: (np.sign(df["close"].diff(one)).shift(1) * change).sum() for one in (5, 10, 20)}
    return np.sign(df["close"].diff(max(earned, key=earned.get)))


@case("target leakage", FRAME)
def best_of_several_windows_by_place(df):
    windows, change = [5, 10, 20], df["close"].pct_change()
    earned = [(np.sign(df["close"].diff(one)).shift(1) * change).sum() for one in windows]
    return np.sign(df["close"] - df["close"].rolling(windows[int(np.argmax(earned))]).mean())


# --- labels of resampled bars


@case("resample label", FRAME)
def hour_known_at_its_beginning(df):
    hours = df["close"].resample("1h").last()
    return np.sign(df["close"] - hours.reindex(df.index, method="ffill"))


@case("resample label", FRAME)
def hour_joined_by_its_label(df):
    hours = df.resample("1h").agg({"high": "max", "low": "min", "close": "last"})
    both = df.join(hours.add_suffix("_hour"))
    both["close_hour"] = both["close_hour"].ffill()
    both["signal"] = (both["close"] < both["close_hour"]).astype(int)
    return both


@case("resample label", FRAME)
def hour_merged_as_of(df):
    hours = df["close"].resample("1h").mean().rename("mean_hour")
    both = pd.merge_asof(df, hours, left_index=True, right_index=True)
    return np.sign(both["close"] - both["mean_hour"])


@case("resample label", FRAME)
def hour_merged_on_its_floor(df):
    hours = df.groupby(df.index.floor("1h"))["high"].max()
    df["hour"] = df.index.floor("1h")
    both = df.merge(hours.rename("top"), left_on="hour", right_index=True)
    return (both["close"] > 0.99 * both["top"]).astype(int)


@case("resample label", FRAME)
def hour_shifted_by_a_minute_not_an_hour(df):
    hours = df["close"].resample("1h").last().reindex(df.index, method="ffill")
    return np.sign(df["close"] - hours.shift(1))


@case("resample label", FRAME)
def high_of_the_whole_hour(df):
    top = df["high"].groupby(df.index.floor("15min")).transform("max")
    return np.where(df["close"] >= 0.999 * top, 1, 0)


# --- the target among the features


@case("target leakage", FRAME)
def label_as_a_feature(df):
    df["label"] = df["close"].shift(-5) / df["close"] - 1
    df["body"] = df["close"] / df["open"] - 1
    df["target"] = np.sign((0.001 * df["label"] + df["body"]).fillna(0))
    return df


@case("target leakage", FRAME)
def weighted_by_how_it_turned_out(df):
    past = df["close"].pct_change()
    weight = past.corr(past.shift(-1))
    return np.sign(past.fillna(0) * weight)


@case("target leakage", FRAME)
def mean_label_of_like_bars(df):
    df["up"] = (df["close"] > df["open"]).astype(int)
    df["label"] = df["close"].shift(-1) - df["close"]
    return np.sign(df.groupby("up")["label"].transform("mean"))


@case("target leakage", FRAME)
def days_chosen_by_their_return(df):
    change = df["close"].pct_change().shift(-1)
    good = df[change > 0.002]
    df["signal"] = good["close"] * 0 + 1
    df["signal"] = df["signal"].fillna(0)
    return df


# --- fills at the price that decided


@case("same-close fill", FRAME_HELD)
def earns_the_bar_it_was_decided_by(df):
    df["position"] = np.where(df["close"] > df["open"], 1, -1)
    return df


@case("same-close fill", FRAME_HELD)
def crosses_and_is_there_already(df):
    fast, slow = df["close"].rolling(5).mean(), df["close"].rolling(20).mean()
    return (fast > slow).astype(int)


# --- callbacks that peek


@case("peeking callback", FRAME)
def row_function_that_looks_around(df):
    places = dict(zip(df.index, range(len(df)), strict=True))

    def decide(row):
        after = min(places[row.name] + 1, len(df) - 1)
        return 1 if df["close"].iloc[after] > row["close"] else 0

    return df.apply(decide, axis=1)


@case("peeking callback", FRAME)
def row_function_that_knows_the_mean(df):
    return df["close"].apply(lambda price: 1 if price > df["close"].median() else -1)


@case("peeking callback", FRAME)
def walks_over_rows_and_looks_up_the_last(df):
    found = []
    for row in df.itertuples():
        found.append(1 if row.close < df.close.iloc[-1] else 0)
    return pd.Series(found, index=df.index)


# --- TA-Lib


@case("negative shift", FRAME)
def average_of_reversed_prices(df):
    smooth = talib.EMA(df["close"].values[::-1], timeperiod=10)[::-1]
    return np.where(smooth > df["close"].values, 1, 0)
