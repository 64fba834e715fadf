"""Strategies that look like those of `planted` and do not look ahead."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tests.leaks.corpus import CALLBACK, HELD, collector

CASES, case = collector()


def trailing(values, window):
    """Mean of the last `window`; the first ones are those of the first value."""
    padded = np.concatenate([np.repeat(values[:1], window - 1), values])
    return sliding_window_view(padded, window).mean(axis=-1)


@case("trailing window")
def crossing_of_two_means(bars):
    return np.sign(trailing(bars.close, 5) - trailing(bars.close, 20))


@case("trailing window")
def mean_by_a_full_convolution_cut_at_the_end(bars):
    return np.sign(bars.close - np.convolve(bars.close, np.ones(5) / 5)[:240])


@case("trailing window")
def mean_by_cumulative_sums(bars):
    total = np.cumsum(bars.close)
    found = np.zeros_like(bars.close)
    found[10:] = np.sign(bars.close[10:] - (total[10:] - total[:-10]) / 10)
    return found


@case("trailing window")
def highest_of_twenty(bars):
    high = sliding_window_view(bars.high, 20).max(axis=-1)
    return np.where(bars.high >= np.pad(high, (19, 0), mode="constant"), 1.0, 0.0)


@case("trailing window")
def turning_points_confirmed_later(bars):
    found = np.zeros_like(bars.close)
    lowest = sliding_window_view(bars.low, 11)
    found[10:] = np.where(lowest.min(axis=-1) == bars.low[5:-5], 1.0, 0.0)
    return found


@case("trailing window")
def median_of_a_sorted_window(bars):
    window = np.sort(sliding_window_view(bars.close, 9), axis=-1)[:, 4]
    return np.concatenate([np.zeros(8), np.sign(bars.close[8:] - window)])


@case("positive shift")
def rolled_and_the_beginning_cut(bars):
    before = np.roll(bars.close, 3)
    before[:3] = bars.close[0]
    found = np.sign(bars.close - before)
    found[:3] = 0.0
    return found


@case("positive shift")
def difference_with_the_first_row_flat(bars):
    return np.concatenate([np.zeros(1), np.sign(np.diff(bars.close))])


@case("positive shift")
def filled_forward(bars):
    latest = np.maximum.accumulate(np.where(bars.volume > 50, np.arange(240), 0))
    return np.sign(bars.close - bars.close[latest])


@case("positive shift")
def loop_over_what_was(bars):
    found = np.zeros_like(bars.close)
    for row in range(1, len(bars.close)):
        if bars.close[row] > bars.close[row - 1]:
            found[row] = 1.0
    return found


@case("positive shift")
def smoothed_in_plain_python(bars):
    level, found = 100.0, np.zeros_like(bars.close)
    for row in range(240):
        level += 0.1 * (float(bars.close[row]) - level)
        found[row] = level
    return np.sign(bars.close - found) * 0.5


@case("positive shift")
def smoothed_twice_in_plain_python(bars):
    slow, fast = np.zeros_like(bars.close), np.zeros_like(bars.close)
    for weight, found in ((0.02, slow), (0.2, fast)):
        level = 100.0
        for row in range(240):
            level += weight * (float(bars.close[row]) - level)
            found[row] = level
    return np.sign(fast - slow)


@case("positive shift")
def written_in_place(bars):
    found = bars.close - bars.open
    found /= bars.high - bars.low
    found[found > 0.9] = 0.0
    return found


@case("expanding scaling")
def z_score_of_the_past(bars):
    count = np.arange(1, 241)
    mean = np.cumsum(bars.close) / count
    spread = np.sqrt(np.maximum(np.cumsum(bars.close**2) / count - mean**2, 1e-9))
    return -np.clip((bars.close - mean) / spread, -1, 1)


@case("expanding scaling")
def share_of_the_best_so_far(bars):
    return np.where(bars.close / np.maximum.accumulate(bars.close) < 0.99, 1.0, 0.0)


@case("expanding scaling")
def scaled_to_begin_at_one(bars):
    return np.sign(bars.close / bars.close[0] - 1.01)


@case("expanding scaling")
def rank_within_a_window(bars):
    window = sliding_window_view(bars.volume, 30)
    rank = (window < window[:, -1:]).mean(axis=-1)
    return np.concatenate([np.zeros(29), 2 * rank - 1])


@case("expanding scaling")
def threshold_by_a_trailing_quantile(bars):
    high = np.quantile(sliding_window_view(bars.volume, 50), 0.9, axis=-1)
    return np.concatenate([np.zeros(49), np.where(bars.volume[49:] > high, 1.0, 0.0)])


@case("resampled")
def last_hour_that_is_over(bars):
    hours = bars.close.reshape(-1, 60)[:, -1]
    known = np.concatenate([hours[:1], hours[:-1]]).repeat(60)
    known[:60] = 0.0
    return np.where(known > 0, np.sign(bars.close - known), 0.0) * (np.arange(240) >= 60)


@case("resampled")
def hour_known_at_its_last_minute(bars):
    hours = bars.close.reshape(-1, 60).mean(axis=1)
    found = np.zeros_like(bars.close)
    found[59::60] = np.sign(hours - 100)
    return found


@case("resampled")
def volume_of_the_day_so_far(bars):
    so_far = np.cumsum(bars.volume.reshape(2, 120), axis=1).ravel()
    return np.where(bars.volume / so_far > 0.01, 1.0, 0.0)


@case("labels of the past")
def weights_fitted_on_labels_that_were_over(bars):
    past = np.concatenate([np.zeros(1), np.diff(bars.close)])
    earned = np.cumsum(np.concatenate([np.zeros(1), past[:-1] * past[1:]]))
    return np.sign(past * earned)


@case("labels of the past")
def label_five_bars_late(bars):
    return np.concatenate([np.zeros(5), np.sign(bars.close[5:] / bars.close[:-5] - 1)])


@case("no bars at all")
def always_long(bars):
    return np.ones_like(bars.close)


@case("no bars at all")
def long_in_the_mornings(bars):
    return np.where(np.arange(240) % 120 < 60, 1.0, 0.0)


@case("next bar", HELD)
def held_from_the_next_bar_on(bars):
    return np.concatenate([np.zeros(1), np.sign(bars.close - bars.open)[:-1]])


@case("next bar", HELD)
def breakout_held_a_bar_later(bars):
    high = sliding_window_view(bars.high, 10).max(axis=-1)
    found = np.zeros_like(bars.close)
    found[11:] = np.where(bars.close[10:-1] > high[:-2], 1.0, 0.0)
    return found


@case("callback", CALLBACK)
def mean_up_to_now(bars, now):
    return float(np.sign(bars.close[now] - bars.close[max(0, now - 5) : now + 1].mean()))


@case("callback", CALLBACK)
def everything_up_to_now(bars, now):
    return float(np.polyfit(np.arange(now + 2), [*bars.close[: now + 1], 100.0], 1)[0] > 0)


@case("callback", CALLBACK)
def remembers_by_itself(bars, now):
    bars.best = max(getattr(bars, "best", 0.0), bars.high[now])
    return float(bars.close[now] > 0.99 * bars.best)


@case("callback", CALLBACK)
def from_the_beginning_and_backwards(bars, now):
    return float(bars.close[now::-1][-1] == bars.close[0]) * float(bars.volume[[0, now]].sum() > 50)


@case("callback", CALLBACK)
def asks_how_many_there_are(bars, now):
    return 0.0 if now == len(bars.close) - 1 else 1.0
