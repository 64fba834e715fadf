"""What a report says of one result: how good, how sure, and what is left of it when all trials are counted.

In:  the returns of the trial that is judged, the trials there were (`store/trials.py` counts them).
Out: one record, ready for a table or JSON. NaN is what cannot be known.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from numpy.typing import ArrayLike

from ninefold.backtest.statistics.deflated import (
    counted_trials,
    deflated_sharpe,
    expected_maximum_sharpe,
    familywise_p,
    power,
)
from ninefold.backtest.statistics.sharpe import YEAR_NS, minimum_track_record, probabilistic_sharpe, sharpe


class Verdict(NamedTuple):
    """Ratios are a year."""

    sharpe: float
    sharpe_error: float
    skew: float
    kurtosis: float
    probabilistic_sharpe: float  # probability that the true ratio is above 0, had this been the only trial
    minimum_track_record_years: float  # to be 95 % sure of that
    trials: int
    effective_trials: float
    expected_best_by_luck: float  # ratio of the best of as many trials without an edge
    deflated_sharpe: float  # probability that the true ratio is above that
    familywise_p: float  # probability that luck finds a best as good as this; below LEVEL is called significant
    power: float  # probability that an edge as large as `asked` would have been called so


def verdict(
    returns: ArrayLike, width_ns: int, trials: int, effective: float, variance: float, asked: float = 1.0
) -> Verdict:
    """Judge one trial as the best of so many.

    returns:  shape (n,), fractions a period of `width_ns`.
    trials, effective, variance: as the trial ledger counts them; the variance is of yearly ratios, and where it is
              unknown (NaN: one trial) that of luck alone is taken, one over the number of years.
    asked:    the yearly ratio whose power is told.
    raises:   ValueError if a return is not finite or there were no trials.
    """
    found = sharpe(returns)
    a_year = math.sqrt(YEAR_NS / width_ns)
    counted = counted_trials(trials, effective)
    scatter = 1 / max(found.periods, 1) if math.isnan(variance) else variance / a_year**2
    return Verdict(
        sharpe=found.value * a_year,
        sharpe_error=found.error * a_year,
        skew=found.skew,
        kurtosis=found.kurtosis,
        probabilistic_sharpe=probabilistic_sharpe(found),
        minimum_track_record_years=minimum_track_record(found) / a_year**2,
        trials=trials,
        effective_trials=effective,
        expected_best_by_luck=expected_maximum_sharpe(effective, scatter) * a_year,
        deflated_sharpe=deflated_sharpe(found, effective, scatter),
        familywise_p=familywise_p(found, counted),
        power=power(asked / a_year, found.periods, counted) if found.periods > 1 else math.nan,
    )
