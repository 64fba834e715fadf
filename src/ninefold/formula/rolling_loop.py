"""Statistics of one window, compiled: each is a few passes over its bars in the order of time.

In:  `w`, shape (inputs, bars), the oldest bar first; which statistic; one number more, where it takes one.
Out: its value; NaN where there is none (nothing moved, no volume).

`push` does one bar and `over` many, both with the very same `value`, without fastmath: so they give the same bits, and
any window rebuilds its own. Long for a file, because what a compiled loop calls must stand beside it.
"""

from __future__ import annotations

import math

import numpy as np

from ninefold.market.compiled import compiled

NAN = math.nan
LARGEST = 1.7976931348623157e308
KINDS = (
    *("mean", "std", "variance", "skew", "kurtosis", "median", "quantile", "rank", "argmin", "argmax"),
    *("covariance", "correlation", "slope", "r2", "autocorrelation", "permutation_entropy", "variance_ratio"),
    *("parkinson", "garman_klass", "drawdown", "max_drawdown", "time_under_water"),
    *("value_at_risk", "expected_shortfall", "amihud", "roll_spread"),
)


@compiled
def push(
    kind: int, kept: np.ndarray, place: np.ndarray, x: float, y: float, u: float, v: float, number: float
) -> float:
    """Take one bar; the value of the window that it ends, NaN while the window is not whole.

    kept: shape (inputs, 2 * bars), each bar twice, so that a window is never cut in two. place: where the next goes, and
    how many are there.
    """
    inputs, bars = kept.shape[0], kept.shape[1] // 2
    at = place[0]
    for row in range(inputs):
        one = x if row == 0 else y if row == 1 else u if row == 2 else v
        kept[row, at] = one
        kept[row, at + bars] = one
    at = at + 1 if at + 1 < bars else 0
    place[0] = at
    if place[1] < bars:
        place[1] += 1
        if place[1] < bars:
            return NAN
    return value(kind, kept[:, at : at + bars], number)


@compiled
def over(kind: int, series: np.ndarray, bars: int, number: float, out: np.ndarray) -> None:
    """The values of all whole windows of `bars` bars in `series`, shape (inputs, n), into out, shape (n - bars + 1,)."""
    for start in range(len(out)):
        out[start] = value(kind, series[:, start : start + bars], number)


def warm() -> None:
    """Compile all of it, or take it from the cache."""
    push(0, np.zeros((1, 2)), np.zeros(2, np.int64), 0.0, 0.0, 0.0, 0.0, 0.0)
    over(0, np.zeros((1, 1)), 1, 0.0, np.zeros(1))


@compiled
def value(kind: int, w: np.ndarray, number: float) -> float:
    """One statistic of one window."""
    if kind <= 4:
        found = moments(kind, w[0])
    elif kind <= 9:
        found = ordered(kind, w[0], number)
    elif kind <= 11:
        found = related(w[0], w[1], kind == 11)
    elif kind <= 13:
        found = line(w[0], kind == 13)
    elif kind == 14:
        lag = int(number)
        found = related(w[0][lag:], w[0][: w.shape[1] - lag], True)
    elif kind == 15:
        found = permutation_entropy(w[0])
    elif kind == 16:
        found = variance_ratio(w[0], int(number))
    elif kind == 17:
        found = parkinson(w)
    elif kind == 18:
        found = garman_klass(w)
    elif kind <= 21:
        found = under_water(kind, w[0])
    elif kind <= 23:
        found = worst(w[0], number, kind == 23)
    elif kind == 24:
        found = amihud(w)
    else:
        found = roll_spread(w[0])
    return float(found) if -LARGEST <= found <= LARGEST else NAN


@compiled
def ratio(a: float, b: float) -> float:
    return a / b if b > 0.0 else NAN


@compiled
def mean_of(x: np.ndarray) -> float:
    total = 0.0
    for at in range(len(x)):
        total += x[at]
    return total / len(x)


@compiled
def moments(kind: int, x: np.ndarray) -> float:
    """Mean; standard deviation and variance of the population; skewness g1; excess kurtosis g2."""
    mean = mean_of(x)
    if kind == 0:
        return mean
    second = third = fourth = 0.0
    for at in range(len(x)):
        d = x[at] - mean
        second += d * d
        third += d * d * d
        fourth += d * d * d * d
    second, third, fourth = second / len(x), third / len(x), fourth / len(x)
    if kind == 1:
        return math.sqrt(second)
    if kind == 2:
        return second
    if second <= 0.0:
        return NAN
    return ratio(third, second * math.sqrt(second)) if kind == 3 else ratio(fourth, second * second) - 3.0


@compiled
def ordered(kind: int, x: np.ndarray, number: float) -> float:
    """Median, quantile (straight lines between order statistics), rank of the last, bars since lowest and highest."""
    if kind == 5:
        return quantile(np.sort(x), 0.5)
    if kind == 6:
        return quantile(np.sort(x), number)
    last, best, found = x[len(x) - 1], x[0], 0
    if kind == 7:
        below = equal = 0
        for at in range(len(x) - 1):
            below += x[at] < last
            equal += x[at] == last
        return (below + 0.5 * equal) / (len(x) - 1)
    for at in range(len(x)):
        if (x[at] <= best) if kind == 8 else (x[at] >= best):
            best, found = x[at], at
    return float(len(x) - 1 - found)


@compiled
def quantile(rising: np.ndarray, share: float) -> float:
    place = share * (len(rising) - 1)
    low = int(place)
    if low >= len(rising) - 1:
        return float(rising[len(rising) - 1])
    return float(rising[low] + (place - low) * (rising[low + 1] - rising[low]))


@compiled
def related(x: np.ndarray, y: np.ndarray, by_deviation: bool) -> float:
    """Covariance of the population, or Pearson's correlation."""
    mean_x, mean_y = mean_of(x), mean_of(y)
    both = of_x = of_y = 0.0
    for at in range(len(x)):
        dx, dy = x[at] - mean_x, y[at] - mean_y
        both += dx * dy
        of_x += dx * dx
        of_y += dy * dy
    if not by_deviation:
        return both / len(x)
    if of_x <= 0.0 or of_y <= 0.0:
        return NAN
    found = ratio(both, math.sqrt(of_x) * math.sqrt(of_y))
    return found if found != found else max(-1.0, min(1.0, found))


@compiled
def line(x: np.ndarray, explained: bool) -> float:
    """Slope a bar of the regression on time, or the share of the variance that it explains."""
    middle, mean = 0.5 * (len(x) - 1), mean_of(x)
    both = of_time = of_x = 0.0
    for at in range(len(x)):
        dt, dx = at - middle, x[at] - mean
        both += dt * dx
        of_time += dt * dt
        of_x += dx * dx
    if not explained:
        return both / of_time
    found = ratio(both * both, of_time * of_x)
    return found if found != found else min(1.0, found)


@compiled
def permutation_entropy(x: np.ndarray) -> float:
    """Bandt and Pompe (2002), order 3: how evenly the six orders of three neighbours occur, 0 to 1. Ties: as in time."""
    counts = np.zeros(8)
    for at in range(len(x) - 2):
        a, b, c = x[at], x[at + 1], x[at + 2]
        counts[(a > b) * 4 + (a > c) * 2 + (b > c)] += 1.0
    total = 0.0
    for count in counts:
        if count > 0.0:
            share = count / (len(x) - 2)
            total -= share * math.log(share)
    return total / math.log(6.0)


@compiled
def variance_ratio(x: np.ndarray, lag: int) -> float:
    """Lo and MacKinlay (1988): variance of log returns over `lag` bars / (lag * that over one); above 1 trends."""
    n = len(x) - 1
    for at in range(len(x)):
        if x[at] <= 0.0:
            return NAN
    mean = (math.log(x[n]) - math.log(x[0])) / n
    short = long = 0.0
    for at in range(1, len(x)):
        d = math.log(x[at]) - math.log(x[at - 1]) - mean
        short += d * d
    for at in range(lag, len(x)):
        d = math.log(x[at]) - math.log(x[at - lag]) - lag * mean
        long += d * d
    return ratio(long / (n - lag + 1), lag * (short / n))


@compiled
def parkinson(w: np.ndarray) -> float:
    """Parkinson (1980): volatility of a bar from the range. w: high, low."""
    total = 0.0
    for at in range(w.shape[1]):
        if w[1, at] <= 0.0:
            return NAN
        d = math.log(w[0, at] / w[1, at])
        total += d * d
    return math.sqrt(total / w.shape[1] / (4.0 * math.log(2.0)))


@compiled
def garman_klass(w: np.ndarray) -> float:
    """Garman and Klass (1980): volatility of a bar. w: open, high, low, close."""
    total = 0.0
    for at in range(w.shape[1]):
        if w[0, at] <= 0.0 or w[2, at] <= 0.0 or w[3, at] <= 0.0:
            return NAN
        spread, body = math.log(w[1, at] / w[2, at]), math.log(w[3, at] / w[0, at])
        total += 0.5 * spread * spread - (2.0 * math.log(2.0) - 1.0) * body * body
    return math.sqrt(total / w.shape[1]) if total >= 0.0 else NAN


@compiled
def under_water(kind: int, x: np.ndarray) -> float:
    """Fall of the last from the highest, the largest fall, or the share of bars below the highest before them."""
    top, deepest, below = x[0], 0.0, 0
    for at in range(len(x)):
        top = max(top, x[at])
        if top <= 0.0:
            return NAN
        deepest = max(deepest, 1.0 - x[at] / top)
        below += x[at] < top
    if kind == 19:
        return float(1.0 - x[len(x) - 1] / top)
    return deepest if kind == 20 else below / len(x)


@compiled
def worst(x: np.ndarray, percent: float, beyond: bool) -> float:
    """The loss that returns of one bar exceeded in `percent` of the cases, or the mean of the losses beyond it."""
    returns = np.empty(len(x) - 1)
    for at in range(len(returns)):
        if x[at] <= 0.0:
            return NAN
        returns[at] = x[at + 1] / x[at] - 1.0
    returns.sort()
    if not beyond:
        return -quantile(returns, percent / 100.0)
    many = max(1, math.ceil(percent / 100.0 * len(returns)))
    return -mean_of(returns[:many])


@compiled
def amihud(w: np.ndarray) -> float:
    """Amihud (2002): mean of the size of the return by the value traded, over bars with trades. w: close, volume."""
    total, many = 0.0, 0
    for at in range(1, w.shape[1]):
        traded = w[0, at] * w[1, at]
        if w[0, at - 1] > 0.0 and traded > 0.0:
            total += abs(w[0, at] / w[0, at - 1] - 1.0) / traded
            many += 1
    return total / many if many else NAN


@compiled
def roll_spread(x: np.ndarray) -> float:
    """Roll (1984): 2 sqrt(-covariance of neighbouring changes); 0 where they do not bounce."""
    changes = np.empty(len(x) - 1)
    for at in range(len(changes)):
        changes[at] = x[at + 1] - x[at]
    covariance = related(changes[1:], changes[: len(changes) - 1], False)
    return 2.0 * math.sqrt(-covariance) if covariance < 0.0 else 0.0
