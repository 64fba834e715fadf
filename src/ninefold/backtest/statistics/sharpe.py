"""How good, for how much risk, and how sure: the Sharpe ratio with its error.

In:  returns of one period each, after costs, beyond what cash would have earned if that matters.
Out: the ratio a period, its standard error for returns that are skewed and have fat tails, the probability that the
     true ratio is above a benchmark, how long a record it takes to say so.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ninefold.backtest.statistics.checked import Floats, checked_returns

NORMAL = NormalDist()
YEAR_NS = 365 * 86_400 * 1_000_000_000  # crypto has no days off


class Sharpe(NamedTuple):
    """A Sharpe ratio of one period with what its error depends on; `value` is NaN where returns have no spread."""

    value: float
    periods: int
    skew: float = 0.0
    kurtosis: float = 3.0  # 3 is normal

    @property
    def error(self) -> float:
        """Standard error of `value`; NaN below two returns.

        source: Mertens (2002), Comments on variance of the IID estimator in Lo (2002); the divisor n - 1 as in Bailey
                and Lopez de Prado (2012). With skew 0 and kurtosis 3 it is Lo (2002), Financial Analysts Journal 58(4).

        >>> round(Sharpe(0.5, 101).error, 4)
        0.1061
        """
        spread = 1 - self.skew * self.value + (self.kurtosis - 1) / 4 * self.value**2
        return math.sqrt(max(spread, 0.0) / (self.periods - 1)) if self.periods > 1 else math.nan

    def annual(self, width_ns: int) -> float:
        """The ratio a year, for periods of this width; right only where returns do not depend on those before.

        >>> round(Sharpe(0.1, 100).annual(86_400 * 10**9), 3)
        1.91
        """
        return self.value * math.sqrt(YEAR_NS / width_ns)


def sharpe(returns: ArrayLike) -> Sharpe:
    """Mean of the returns over their standard deviation (divisor n - 1), with their skewness and kurtosis.

    returns: shape (n,), fractions a period.
    raises:  ValueError if a return is not finite.

    >>> round(sharpe([0.0, 0.02, 0.01, 0.01]).value, 4)
    1.2247
    """
    found = checked_returns(returns)
    if len(found) < 2 or found.max() == found.min():
        return Sharpe(math.nan, len(found))
    away = found - found.mean()
    square = away * away
    variance = float(square.mean())
    skew = float((square * away).mean()) / variance**1.5
    return Sharpe(ratio(found), len(found), skew, float((square * square).mean()) / variance**2)


def ratio(returns: Floats) -> float:
    """The value of `sharpe` alone, which takes a third of the time; NaN where returns have no spread.

    returns: shape (n,), finite.
    """
    if len(returns) < 2 or returns.max() == returns.min():
        return math.nan
    return float(returns.mean() / returns.std(ddof=1))


def sharpes(trials: ArrayLike) -> Floats:
    """The Sharpe ratio of every row; NaN where a row has no spread.

    trials: shape (trials, periods).
    """
    found = checked_returns(trials)
    if found.shape[1] < 2:
        return np.full(len(found), np.nan)
    flat = found.max(axis=1) == found.min(axis=1)
    spread = np.where(flat, np.nan, found.std(axis=1, ddof=1))
    values: Floats = found.mean(axis=1) / spread
    return values


def probabilistic_sharpe(found: Sharpe, against: float = 0.0) -> float:
    """The probability that the true ratio is above `against` (a period): 1 minus the p value of a one-sided test.

    source: Bailey and Lopez de Prado (2012), The Sharpe ratio efficient frontier, Journal of Risk 15(2).

    >>> round(probabilistic_sharpe(Sharpe(0.458, 24, -2.448, 10.164)), 3)
    0.913
    """
    return NORMAL.cdf(z_value(found, against))


def minimum_track_record(found: Sharpe, against: float = 0.0, confidence: float = 0.95) -> float:
    """How many returns like these it takes to be sure that the true ratio is above `against`; inf if it is not above.

    source: Bailey and Lopez de Prado (2012), section 4. Monthly returns, 2 a year against 1 a year: 3.24 years.

    >>> round(minimum_track_record(Sharpe(2 / 12**0.5, 60), against=1 / 12**0.5) / 12, 2)
    3.24
    """
    if math.isnan(found.value):
        return math.nan
    if found.value <= against:
        return math.inf
    one = found._replace(periods=2).error  # the error, times the root of n - 1
    return 1 + (one * NORMAL.inv_cdf(confidence) / (found.value - against)) ** 2


def z_value(found: Sharpe, against: float = 0.0) -> float:
    """By how many standard errors the ratio is above `against`; NaN where it has none."""
    error = found.error
    return (found.value - against) / error if error > 0 else math.nan
