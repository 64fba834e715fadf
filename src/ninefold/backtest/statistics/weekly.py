"""The objective: what a week earned, scaled down beforehand when the weeks before it were wild.

In:  equity (or a price: buy-and-hold) after each bar.
Out: the mean weekly net log return times min(1, target volatility / volatility of the 8 weeks before), with its
     interval, beside the raw mean of the same weeks. Strategy and buy-and-hold go through the same function.

A week is Monday 00:00 to Monday 00:00 UTC; one that is not whole is left out. The volatility is the standard deviation
of the 8 weekly log returns that ended before the week began, so the first 8 weeks are never counted. Eight weeks
without any movement scale by 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ninefold.backtest.statistics.bootstrap import Interval, bootstrap_interval, mean
from ninefold.backtest.statistics.checked import Floats, Times, checked_equity, checked_returns, checked_times

WEEK_NS = 7 * 86_400 * 1_000_000_000
TRAILING = 8
_MONDAY_NS = 4 * 86_400 * 1_000_000_000  # 1970-01-05


class Weekly(NamedTuple):
    """Log returns a week; NaN where there are too few weeks."""

    scaled: float
    scaled_interval: Interval
    raw: float
    raw_interval: Interval
    weeks: int


def weekly_objective(times_ns: ArrayLike, equity: ArrayLike, target_volatility: float, seed: int) -> Weekly:
    """Mean weekly log returns, scaled and raw, each with its 95 % block-bootstrap interval.

    times_ns:          shape (n,), when each value was known: the close of its bar.
    equity:            shape (n,), above zero, net of all costs, in USD (or the quote that stands for it).
    target_volatility: standard deviation of weekly log returns that is wanted, 0.05 say.
    """
    _, returns = weekly_returns(times_ns, equity)
    scaled = scaled_returns(returns, target_volatility)[TRAILING:]
    raw = returns[TRAILING:]
    return Weekly(
        scaled=float(scaled.mean()) if len(scaled) else math.nan,
        scaled_interval=bootstrap_interval(scaled, mean, seed),
        raw=float(raw.mean()) if len(raw) else math.nan,
        raw_interval=bootstrap_interval(raw, mean, seed),
        weeks=len(raw),
    )


def weekly_returns(times_ns: ArrayLike, equity: ArrayLike) -> tuple[Times, Floats]:
    """The end of each whole week and its log return, by the last value known at each Monday 00:00 UTC.

    >>> day = 86_400 * 10**9
    >>> weekly_returns(np.arange(4, 20) * day, 2.0 ** np.arange(16.0))[1] / np.log(2)
    array([7., 7.])
    """
    money = checked_equity(equity)
    times = checked_times(times_ns, len(money))
    if not len(times):
        return times, money
    first = -((_MONDAY_NS - int(times[0])) // WEEK_NS)
    last = (int(times[-1]) - _MONDAY_NS) // WEEK_NS
    ends = _MONDAY_NS + np.arange(first, last + 1, dtype=np.int64) * WEEK_NS
    known = money[np.searchsorted(times, ends, side="right") - 1]
    return ends[1:], np.diff(np.log(known))


def scaled_returns(returns: ArrayLike, target_volatility: float) -> Floats:
    """Weekly returns times min(1, target / volatility of the 8 before); the first 8 are NaN.

    >>> scaled_returns([0.1, -0.1] * 4 + [0.05], target_volatility=0.05).round(4)[-1]
    np.float64(0.0234)
    """
    found = checked_returns(returns)
    if not target_volatility > 0:
        raise ValueError(f"target weekly volatility is {target_volatility}; it must be above 0, 0.05 say")
    scaled = np.full(len(found), np.nan)
    if len(found) > TRAILING:
        before = np.lib.stride_tricks.sliding_window_view(found[:-1], TRAILING)
        volatility = before.std(axis=1, ddof=1)
        scaled[TRAILING:] = found[TRAILING:] * np.minimum(1.0, target_volatility / np.maximum(volatility, 1e-300))
    return scaled
