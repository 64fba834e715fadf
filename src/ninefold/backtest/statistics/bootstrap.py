"""How far a number could have come out otherwise, when returns depend on those before them.

In:  a series, oldest first, and what is computed from it.
Out: an interval from series drawn anew in blocks of random length, so that what stands together stays together.

source: the stationary bootstrap, Politis and Romano (1994), Journal of the American Statistical Association 89; the
        length of the blocks, Politis and White (2004), Econometric Reviews 23, corrected by Patton, Politis and
        White (2009), Econometric Reviews 28.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ninefold.backtest.statistics.checked import Floats, checked_returns

DRAWS = 2000
LEVEL = 0.95
_CELLS = 2_000_000  # numbers drawn at once

Statistic = Callable[[Floats], Floats]  # (draws, periods) to (draws,)


class Interval(NamedTuple):
    low: float
    high: float


def bootstrap_interval(
    series: ArrayLike, statistic: Statistic, seed: int, draws: int = DRAWS, level: float = LEVEL
) -> Interval:
    """The middle `level` of the statistic over series drawn anew.

    series:    shape (n,); below two values there is no interval (NaN).
    statistic: of many series at once: shape (draws, n) to (draws,).

    >>> bootstrap_interval([0.01, 0.03, 0.02, 0.02], mean, seed=1)._asdict().keys()
    dict_keys(['low', 'high'])
    """
    found = checked_returns(series)
    if len(found) < 2:
        return Interval(math.nan, math.nan)
    rng = np.random.default_rng(seed)
    length = block_length(found)
    step = max(1, _CELLS // len(found))
    values = np.concatenate(
        [
            statistic(found[stationary_rows(len(found), min(step, draws - done), length, rng)])
            for done in range(0, draws, step)
        ]
    )
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def mean(series: Floats) -> Floats:
    """The statistic asked for most."""
    found: Floats = series.mean(axis=-1)
    return found


def stationary_rows(count: int, draws: int, length: float, rng: np.random.Generator) -> NDArray[np.intp]:
    """Row numbers of `draws` series: blocks that begin anywhere, go on around the end, last `length` rows on average.

    returns: shape (draws, count).
    """
    begins = rng.random((draws, count)) < 1 / length
    begins[:, 0] = True
    row = np.arange(count)
    since = row - np.maximum.accumulate(np.where(begins, row, 0), axis=1)
    first = rng.integers(count, size=(draws, count))
    rows: NDArray[np.intp] = (np.take_along_axis(first, row - since, axis=1) + since) % count
    return rows


def block_length(series: ArrayLike) -> float:
    """The mean length of blocks that estimates the error of a mean best; from 1 to a third of the series.

    series: shape (n,).
    """
    found = checked_returns(series)
    count = len(found)
    if count < 4 or found.max() == found.min():
        return 1.0
    reach = max(5, math.ceil(math.log10(count)))  # so many small correlations in a row end the search
    furthest = min(count - 1, math.ceil(math.sqrt(count)) + reach)
    covariance = _autocovariance(found, furthest)
    lags = min(2 * _last_lag(covariance, count, reach), furthest)
    lag = np.arange(1, lags + 1)
    taper = np.minimum(1.0, 2 * (1 - lag / lags))  # flat, then falling to 0: Politis and Romano (1995)
    spectrum = covariance[0] + 2 * float((taper * covariance[1 : lags + 1]).sum())
    slope = 2 * float((taper * lag * covariance[1 : lags + 1]).sum())
    longest = math.ceil(min(3 * math.sqrt(count), count / 3))
    if spectrum == 0:
        return float(longest)
    best: float = (count * (slope / spectrum) ** 2) ** (1 / 3)
    return min(max(best, 1.0), float(longest))


def _autocovariance(series: Floats, furthest: int) -> Floats:
    away = series - series.mean()
    count = len(series)
    return np.array([float(away[lag:] @ away[: count - lag]) / count for lag in range(furthest + 1)])


def _last_lag(covariance: Floats, count: int, reach: int) -> int:
    """The first of `reach` lags in a row whose correlations are too small to be told from none; the last one if none is.

    The paper takes the lag before it; the program that its authors published, and what others took from it, this one.
    """
    small = np.abs(covariance[1:] / covariance[0]) < 2 * math.sqrt(math.log10(count) / count)
    runs = [lag for lag in range(len(small) - reach + 1) if small[lag : lag + reach].all()]
    return runs[0] + 1 if runs else len(small)
