"""The best of many trials looks good by luck alone: what is left of it when their number is counted.

In:  the best trial's Sharpe ratio, the (effective) number of trials, how far their ratios scatter.
Out: the deflated ratio of the literature; the probability of so good a best by luck, which decides what is called
     significant; the power of that decision.

The deflated Sharpe ratio asks whether the true ratio is above the best that luck is expected to find. Of 200 trials of
pure luck it calls one in a thousand significant where one in twenty was agreed on, and so it overlooks edges that are
there. The family-wise p value asks how likely luck finds a best as good as this one, keeps to the one in twenty, and
finds more. Both are reported; `significant` goes by the second. `bench/research/honesty.py` measures both.
"""

from __future__ import annotations

import math

from ninefold.backtest.statistics.sharpe import NORMAL, Sharpe, probabilistic_sharpe, z_value

LEVEL = 0.035  # at most one in twenty is agreed on: at 0.05 half of all counts of 1,000 markets would find more
_EULER = 0.5772156649015329


def expected_maximum_sharpe(trials: float, variance: float) -> float:
    """The ratio that the best of so many trials without any edge is expected to show, a period.

    trials:   number of independent ones, at least 1; need not be whole.
    variance: of the trials' ratios, or 1 / periods if each trial's error is all there is.
    source:   Bailey and Lopez de Prado (2014), The deflated Sharpe ratio, Journal of Portfolio Management 40(5), eq. 1.

    >>> round(expected_maximum_sharpe(100, 1 / (2 * 250)), 4)
    0.1132
    """
    _check_trials(trials)
    if trials == 1:
        return 0.0
    high = NORMAL.inv_cdf(1 - 1 / trials)
    higher = NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * max(0.0, (1 - _EULER) * high + _EULER * higher)


def deflated_sharpe(best: Sharpe, trials: float, variance: float) -> float:
    """The probability that the best trial's true ratio is above what the best of so many is expected to be by luck.

    source: Bailey and Lopez de Prado (2014), eq. 2; their example, 2.5 a year over five years of days, gives 0.9004.

    >>> round(deflated_sharpe(Sharpe(2.5 / 250**0.5, 1250, -3, 10), 100, 1 / (2 * 250)), 4)
    0.9004
    """
    return probabilistic_sharpe(best, against=expected_maximum_sharpe(trials, variance))


def familywise_p(best: Sharpe, trials: float) -> float:
    """The probability that the best of so many trials without an edge shows as many standard errors as this one.

    source: Sidak (1967), Journal of the American Statistical Association 62; for the Sharpe ratio Lopez de Prado (2022),
            Type I and type II errors of the Sharpe ratio under multiple testing, Journal of Portfolio Management 49(1).

    >>> round(familywise_p(Sharpe(0.1, 1001), 20), 4)
    0.016
    """
    _check_trials(trials)
    alone = NORMAL.cdf(-z_value(best))
    if alone >= 1 or math.isnan(alone):
        return alone
    return -math.expm1(trials * math.log1p(-alone))


def counted_trials(trials: int, effective: float) -> float:
    """The number that `familywise_p` goes by: halfway, in ratio, from what the trials are worth to how many there were.

    What they are worth is read from one history. In one that happened to trend, slow trials were alike and did well,
    both by luck, so that the count is lowest when luck is greatest: by it alone some 7 % of noise among crossings of
    moving averages was called significant (bench/research/honesty.py). Halfway costs little power.

    >>> counted_trials(200, 50)
    100.0
    """
    _check_trials(effective)
    return math.sqrt(max(trials, 1) * effective)


def significant(best: Sharpe, trials: float, level: float = LEVEL) -> bool:
    """Whether luck finds so good a best in less than one of 1 / `level` such searches."""
    return familywise_p(best, trials) < level  # NaN is not


def power(true: float, periods: int, trials: float, level: float = LEVEL) -> float:
    """The probability that `significant` finds an edge of this true ratio (a period) among so many trials.

    periods: number of returns.
    source:  Lopez de Prado (2022), type II error; returns taken as normal.

    >>> round(power(4 / 8760**0.5, 2 * 8760, 200), 3)
    0.981
    """
    _check_trials(trials)
    bar = NORMAL.inv_cdf((1 - level) ** (1 / trials))
    return NORMAL.cdf(true / Sharpe(true, periods).error - bar)


def _check_trials(trials: float) -> None:
    if not 1 <= trials < math.inf:
        raise ValueError(f"number of trials is {trials}; it must be at least 1: the one that is judged was tried too")
