"""Strategies that look ahead, one mistake each. Every one of them has been made in earnest somewhere."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tests.leaks.corpus import CALLBACK, HELD, collector

CASES, case = collector()

# --- centred windows


@case("centred window")
def smoothed_by_a_centred_mean(bars):
    return np.sign(np.convolve(bars.close, np.ones(5) / 5, mode="same") - bars.close)


@case("centred window")
def turning_points_seen_from_both_sides(bars):
    found = np.zeros_like(bars.close)
    found[5:-5] = np.where(sliding_window_view(bars.low, 11).min(axis=-1) == bars.low[5:-5], 1.0, 0.0)
    return found


@case("centred window")
def slope_by_central_differences(bars):
    return np.sign(np.gradient(bars.close))


@case("centred window")
def smoothed_in_the_frequencies(bars):
    waves = np.fft.rfft(bars.close)
    waves[10:] = 0
    return np.sign(np.fft.irfft(waves, 240) - bars.close)


@case("centred window")
def window_put_at_its_beginning(bars):
    mean = sliding_window_view(bars.close, 10).mean(axis=-1)
    return np.sign(bars.close - np.pad(mean, (0, 9), mode="edge"))


# --- negative shifts


@case("negative shift")
def rolled_the_wrong_way(bars):
    return np.sign(np.roll(bars.close, -1) - bars.close)


@case("negative shift")
def rolled_the_right_way_around_the_end(bars):
    return np.sign(bars.close - np.roll(bars.close, 3))  # the first three rows get the last three closes


@case("negative shift")
def difference_put_one_row_early(bars):
    return np.append(np.sign(np.diff(bars.close)), 0.0)


@case("negative shift")
def filled_from_behind(bars):
    known = np.where(bars.volume > 50, bars.close, np.nan)
    back = np.flip(np.maximum.accumulate(np.flip(np.nan_to_num(known))))
    return np.sign(back - bars.close)


@case("negative shift")
def reads_the_next_element_in_a_loop(bars):
    found = np.zeros_like(bars.close)
    for row in range(len(bars.close) - 1):
        if bars.close[row + 1] > bars.close[row]:
            found[row] = 1.0
    return found


@case("negative shift")
def only_one_row_in_two_hundred_peeks(bars):
    found = np.sign(bars.close - bars.open)
    found[200] = np.sign(bars.close[201] - bars.close[200])
    return found


# --- scaling by the whole sample


@case("whole-sample scaling")
def z_score_of_all_time(bars):
    return -np.clip((bars.close - bars.close.mean()) / bars.close.std(), -1, 1)


@case("whole-sample scaling")
def mean_taken_out_as_a_number(bars):
    mean = float(bars.close.mean())
    found = np.zeros_like(bars.close)
    found[:] = mean
    return np.sign(found - bars.close)


@case("whole-sample scaling")
def mean_taken_out_and_put_back(bars):
    mean = float(bars.close.mean())
    return np.sign(bars.close - mean)


@case("whole-sample scaling")
def mean_taken_out_before_a_loop(bars):
    mean, found = float(bars.close.mean()), np.zeros_like(bars.close)
    for row in range(240):
        found[row] = float(bars.close[row]) - 2 * mean
    return np.sign(found)


@case("whole-sample scaling")
def bound_taken_out_for_where(bars):
    return np.where(bars.close > float(np.median(bars.close)), 1.0, 0.0)


@case("whole-sample scaling")
def filled_with_a_mean_taken_out(bars):
    return np.sign(bars.close - np.full_like(bars.close, float(bars.close.mean())))


@case("whole-sample scaling")
def clipped_at_the_highest_of_all(bars):
    return np.clip(bars.close - 100, -1.0, float(bars.close.max()))


@case("whole-sample scaling")
def rank_among_all(bars):
    return np.argsort(np.argsort(bars.volume)) / 120 - 1


@case("whole-sample scaling")
def threshold_by_a_quantile_of_all(bars):
    return np.where(bars.volume > np.quantile(bars.volume, 0.9), 1.0, 0.0)


@case("whole-sample scaling")
def trend_line_through_everything(bars):
    slope, level = np.polyfit(np.arange(240.0), bars.close, 1)
    return np.sign(slope * np.arange(240.0) + level - bars.close)


@case("whole-sample scaling")
def scaled_to_end_at_one(bars):
    return np.sign(bars.close / bars.close[-1] - 0.99)


@case("whole-sample scaling")
def loses_its_mean_in_a_condition(bars):
    found = np.zeros_like(bars.close)
    if bars.close[-1] > bars.close[0]:
        found[:] = 1.0
    return found


# --- labels of resampled bars


@case("resample label")
def hour_known_at_its_beginning(bars):
    hours = bars.close.reshape(-1, 60)[:, -1]
    return np.sign(hours.repeat(60) - bars.close)


@case("resample label")
def range_of_the_running_quarter_hour(bars):
    high = np.repeat(bars.high.reshape(-1, 15).max(axis=1), 15)
    return np.where(bars.close > 0.99 * high, 1.0, 0.0)


@case("resample label")
def hour_shifted_by_a_minute_not_an_hour(bars):
    hours = np.repeat(bars.close.reshape(-1, 60).mean(axis=1), 60)
    return np.sign(bars.close - np.concatenate([hours[:1], hours[:-1]]))


@case("resample label")
def volume_of_the_day_so_far_and_to_come(bars):
    share = bars.volume / np.repeat(bars.volume.reshape(2, 120).sum(axis=1), 120)
    return np.where(share > 0.01, 1.0, 0.0)


# --- the target among the features


@case("target leakage")
def label_as_a_feature(bars):
    label = np.concatenate([bars.close[5:] / bars.close[:-5] - 1, np.zeros(5)])
    feature = 0.001 * label + (bars.close - bars.open) / bars.open
    return np.sign(feature)


@case("target leakage")
def weights_fitted_on_all_labels(bars):
    past = np.concatenate([np.zeros(1), np.diff(bars.close)])
    label = np.append(past[1:], 0.0)
    return np.sign(past * (past * label).sum())


@case("target leakage")
def side_chosen_by_how_it_turned_out(bars):
    trend = np.sign(bars.close - bars.open)
    earned = (trend[:-1] * np.diff(bars.close)).sum()
    return np.where(earned > 0, trend, -trend)


@case("target leakage")
def mean_label_of_like_bars(bars):
    label = np.append(np.diff(bars.close), 0.0)
    up = bars.close > bars.open
    return np.where(up, np.sign(label[up].mean()), 0.0)


# --- fills at the price that decided


@case("same-close fill", HELD)
def earns_the_bar_it_was_decided_by(bars):
    return np.sign(bars.close - bars.open)


@case("same-close fill", HELD)
def buys_the_low_of_the_bar_it_saw(bars):
    before = np.concatenate([bars.low[:1], bars.low[:-1]])
    return np.where(bars.low < before, 1.0, 0.0)


@case("same-close fill", HELD)
def breaks_out_within_its_own_bar(bars):
    high = sliding_window_view(bars.high, 10).max(axis=-1)
    found = np.zeros_like(bars.close)
    found[10:] = np.where(bars.close[10:] > high[:-1], 1.0, 0.0)
    return found


# --- callbacks that peek


@case("peeking callback", CALLBACK)
def asks_for_the_next_bar(bars, now):
    return 1.0 if now + 1 < len(bars.close) and bars.close[now + 1] > bars.close[now] else 0.0


@case("peeking callback", CALLBACK)
def means_the_last_bar_and_gets_the_last_of_all(bars, now):
    return 1.0 if bars.close[-1] > bars.open[-1] else 0.0


@case("peeking callback", CALLBACK)
def slices_one_too_far(bars, now):
    return float(np.sign(bars.close[now] - bars.close[max(0, now - 5) : now + 2].mean()))


@case("peeking callback", CALLBACK)
def makes_a_copy_of_everything_first(bars, now):
    close = np.asarray(bars.close)
    return 1.0 if close[now] > close[: now + 1].mean() else 0.0


@case("peeking callback", CALLBACK)
def prepares_at_its_first_call(bars, now):
    if now == 0:
        bars.mean = bars.close[:].mean()
    return 1.0 if bars.close[now] > bars.mean else 0.0


@case("peeking callback", CALLBACK)
def peeks_on_one_day_only(bars, now):
    return float(bars.close[min(now + 3, 239)] > 0) if now == 150 else 0.0


@case("peeking callback", CALLBACK)
def counts_from_the_end(bars, now):
    return float(bars.volume[now - 239] > 50)  # row 1 - 239 is row 2 of 240: from the end
