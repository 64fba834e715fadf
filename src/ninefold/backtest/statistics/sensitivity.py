"""How much of a result is left when something small is changed: later fills, fewer good days, quiet times, shifted signals.

In:  the target that was back-tested and a `rerun` that back-tests another one on the same bars; or equity and prices.
Out: the changed equity or returns, and for shifted signals how often luck does as well.

A `rerun` takes a target of shape (bars,) and gives the equity after each bar, shape (bars,). What it does in between
(fees, spread, fills) is its own affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ninefold.backtest.statistics.checked import Floats, checked_equity, checked_returns, checked_times, median
from ninefold.backtest.statistics.sharpe import sharpe

Rerun = Callable[[Floats], ArrayLike]
DAY_NS = 86_400 * 1_000_000_000


class Placebo(NamedTuple):
    """Sharpe ratios a bar. `p` is how often a shifted signal does at least as well: 0.05 or more is no timing."""

    actual: float
    shifted: Floats  # shape (draws,), in the order drawn; NaN where a shifted signal has no spread of returns
    p: float


def later(target: ArrayLike, bars: int = 1) -> Floats:
    """The same target, decided `bars` bars later; flat until then. A last bar's signal falls off the end.

    >>> later([1.0, -1.0, 0.5])
    array([ 0.,  1., -1.])
    """
    found = checked_returns(target)
    if not 0 <= bars <= len(found):
        raise ValueError(f"cannot shift {len(found)} bars by {bars}; give from 0 to {len(found)}")
    moved = np.zeros(len(found))
    moved[bars:] = found[: len(found) - bars]
    return moved


def placebo(rerun: Rerun, target: ArrayLike, seed: int, draws: int = 100) -> Placebo:
    """Back-test the same signal at other times: the end goes to the front, so that it trades and holds as much as before.

    draws:  how many shifts, each between a tenth and nine tenths of the bars; fewer if there are fewer such shifts.
    raises: ValueError below 10 bars.
    source: the p value counts the signal itself among the shifted ones: Phipson and Smyth (2010), Statistical
            Applications in Genetics and Molecular Biology 9(1).
    """
    found = checked_returns(target)
    shifts = placebo_shifts(len(found), seed, draws)
    actual = _ratio(rerun(found))
    shifted = np.array([_ratio(rerun(np.roll(found, shift))) for shift in shifts])
    return Placebo(actual, shifted, shifted_p(actual, shifted))


def placebo_shifts(bars: int, seed: int, draws: int) -> NDArray[np.int64]:
    """By how many bars `placebo` shifts, each another number."""
    if bars < 10:
        raise ValueError(f"a signal of {bars} bars cannot be shifted in time; it takes 10 or more")
    shifts = np.arange(max(1, bars // 10), bars - bars // 10)
    return np.random.default_rng(seed).choice(shifts, size=min(draws, len(shifts)), replace=False)


def shifted_p(actual: float, shifted: Floats) -> float:
    """How often a shifted signal does at least as well, the signal itself counted; NaN if that has no ratio."""
    as_good = int((np.nan_to_num(shifted, nan=0.0) >= actual).sum())
    return math.nan if math.isnan(actual) else (1 + as_good) / (1 + len(shifted))


def without_best_days(times_ns: ArrayLike, equity: ArrayLike, days: int = 5) -> Floats:
    """Equity as if the account had been flat on its best UTC days.

    times_ns: shape (n,), when each value was known (the close of its bar): midnight belongs to the day that ends.
    returns:  shape (n,), from the same beginning.

    >>> day = 86_400 * 10**9
    >>> without_best_days([day, 2 * day, 3 * day], [100.0, 120.0, 90.0], days=1)
    array([100., 100.,  75.])
    """
    money = checked_equity(equity)
    times = checked_times(times_ns, len(money))
    if len(money) < 2:
        return money.copy()
    growth = np.diff(np.log(money))
    day = (times[1:] - 1) // DAY_NS
    day -= day[0]
    earned = np.bincount(day, weights=growth)
    best = np.argsort(-earned, kind="stable")[:days]
    best = best[earned[best] > 0]
    left_out = np.zeros(len(earned), dtype=np.bool_)
    left_out[best] = True
    kept = np.where(left_out[day], 0.0, growth)
    left: Floats = money[0] * np.exp(np.concatenate([[0.0], np.cumsum(kept)]))
    return left


def calm(close: ArrayLike, window: int) -> NDArray[np.bool_]:
    """The bars before which the market was calmer than it was half of the time.

    close:   shape (n,), above zero.
    window:  how many returns that ended before the bar its volatility is taken from.
    returns: shape (n,); False in the first `window` + 1 bars. Meant for looking back: the median is of the whole time.
    """
    price = checked_equity(close)
    found = np.zeros(len(price), dtype=np.bool_)
    if window < 2:
        raise ValueError(f"a volatility of {window} returns has no spread; give a window of 2 or more")
    if len(price) > window + 1:
        returns = np.diff(np.log(price))[:-1]
        before = _variances(returns - returns.mean(), window)
        found[window + 1 :] = before <= median(before)
    return found


def _variances(returns: Floats, window: int) -> Floats:
    """Of each `window` returns in a row, by running sums: a year of minutes has too many windows of a day to go through each."""
    sums, squares = (np.concatenate([[0.0], np.cumsum(of)]) for of in (returns, returns**2))
    mean, square = ((total[window:] - total[:-window]) / window for total in (sums, squares))
    found: Floats = np.round(np.maximum(square - mean**2, 0.0), 15)
    return found


def calm_equity(equity: ArrayLike, close: ArrayLike, window: int) -> Floats:
    """Equity as if the account had been flat in every bar that is not calm; shape (n,), from the same beginning."""
    money = checked_equity(equity)
    quiet = calm(close, window)
    if quiet.shape != money.shape:
        raise ValueError(f"there are {quiet.size} prices for {money.size} rows of equity; give one a row")
    growth = np.where(quiet[1:], np.diff(np.log(money)), 0.0)
    left: Floats = money[:1] * np.exp(np.concatenate([np.zeros(min(1, len(money))), np.cumsum(growth)]))
    return left


def floored_spread(spread: ArrayLike, tick: float, close: ArrayLike, least: float) -> Floats:
    """The spread to pay: what was seen, but never less than one price step or `least`; unknown (NaN) is the floor.

    spread:  shape (n,), ask less bid as a fraction of the price; NaN where no book was seen.
    tick:    the instrument's smallest price step, in quote; close: shape (n,).
    least:   the floor as a fraction: 0.0002 is 2 bps.
    returns: shape (n,), fractions.

    >>> floored_spread([0.0001, float("nan"), 0.01], tick=0.01, close=[10.0, 100.0, 10.0], least=0.0002)
    array([0.001 , 0.0002, 0.01  ])
    """
    if not (tick >= 0 and least >= 0):
        raise ValueError(f"a price step of {tick} and a floor of {least} make no spread; both must be 0 or more")
    floor = np.maximum(tick / checked_equity(close), least)
    seen = np.asarray(spread, dtype=np.float64)
    wide: Floats = np.maximum(np.where(np.isnan(seen), 0.0, seen), floor)
    return wide


def _ratio(equity: ArrayLike) -> float:
    money = checked_equity(equity)
    return sharpe(money[1:] / money[:-1] - 1).value
