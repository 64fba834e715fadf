"""The nearest analogue of the last bars among the bars before them, compiled: a causal matrix profile.

In:  values, oldest first; how long a shape is, how many bars lie between a shape and its analogue, how many are looked at.
Out: how far the nearest one is (Euclidean, both shapes brought to mean 0 and deviation 1), how many bars ago it ended,
     and what followed it.

`push` does one bar and `over` many with the same `nearest`, without fastmath: so they give the same bits. A candidate is
given up as soon as it is farther than the nearest so far, which changes no result. A shape that does not move is all 0.
"""

from __future__ import annotations

import math

import numpy as np

from ninefold.market.compiled import compiled

NAN = math.nan
LARGEST = 1.7976931348623157e308
Found = tuple[float, float, float]


@compiled
def push(kept: np.ndarray, place: np.ndarray, x: float, window: int, apart: int, history: int, ahead: int) -> Found:
    """Take one bar; distance, bars ago and what followed; NaN while there are too few bars.

    kept: shape (3, 2 * bars): values, means and 1 / deviations of the shapes that end there, each twice, so that no
    stretch is cut in two. place: where the next goes, how many are there.
    """
    bars = kept.shape[1] // 2
    at, many = place[0], min(place[1] + 1, bars)
    kept[0, at] = kept[0, at + bars] = x
    place[1] = many
    end = at + bars + 1
    mean = by = 0.0
    if many >= window:
        mean, by = shape(kept[0, end - window : end])
    kept[1, at] = kept[1, at + bars] = mean
    kept[2, at] = kept[2, at + bars] = by
    at = at + 1 if at + 1 < bars else 0
    place[0] = at
    if many < bars:
        return NAN, NAN, NAN
    whole = kept[:, at : at + bars]
    return nearest(whole[0], whole[1], whole[2], window, apart, history, ahead)


@compiled
def over(series: np.ndarray, window: int, apart: int, history: int, ahead: int, out: np.ndarray) -> None:
    """All bars of `series`, shape (3, n): fills in its means and deviations, and out, shape (3, n - bars + 1)."""
    n, bars = series.shape[1], window + apart + history
    for end in range(window, n + 1):
        series[1, end - 1], series[2, end - 1] = shape(series[0, end - window : end])
    for start in range(out.shape[1]):
        whole = series[:, start : start + bars]
        out[0, start], out[1, start], out[2, start] = nearest(
            whole[0], whole[1], whole[2], window, apart, history, ahead
        )


def warm() -> None:
    """Compile all of it, or take it from the cache."""
    push(np.zeros((3, 10)), np.zeros(2, np.int64), 0.0, 3, 1, 1, 0)
    over(np.zeros((3, 5)), 3, 1, 1, 0, np.zeros((3, 1)))


@compiled
def shape(x: np.ndarray) -> tuple[float, float]:
    """Mean and 1 / standard deviation (population); 0 for the latter where nothing moved."""
    total, low, high = 0.0, x[0], x[0]
    for at in range(len(x)):
        total += x[at]
        low, high = min(low, x[at]), max(high, x[at])
    mean = total / len(x)
    squares = 0.0
    for at in range(len(x)):
        squares += (x[at] - mean) * (x[at] - mean)
    deviation = math.sqrt(squares / len(x))
    if low == high or not 0.0 < deviation <= LARGEST:
        return mean, 0.0
    return mean, 1.0 / deviation


@compiled
def nearest(
    x: np.ndarray, means: np.ndarray, by: np.ndarray, window: int, apart: int, history: int, ahead: int
) -> Found:
    """The nearest of the `history` shapes that end more than `apart` bars before the last; of equals the latest."""
    last = len(x) - 1
    now = np.empty(window)
    for k in range(window):
        now[k] = (x[last - window + 1 + k] - means[last]) * by[last]
    best, ago = math.inf, 0
    for bars_ago in range(apart + 1, apart + history + 1):
        end = last - bars_ago
        first, mean, scale = end - window + 1, means[end], by[end]
        distance, k = 0.0, 0
        while k < window and distance < best:
            d = now[k] - (x[first + k] - mean) * scale
            distance += d * d
            k += 1
        if distance < best:
            best, ago = distance, bars_ago
    if not ago:
        return NAN, NAN, NAN
    then = x[last - ago]
    followed = x[last - ago + ahead] / then - 1.0 if then > 0.0 else NAN
    return math.sqrt(best), float(ago), followed if -LARGEST <= followed <= LARGEST else NAN
