"""The forecast of somebody who only knows how much the price moves: for when there is no model, or drift stops it.

In:  the trailing volatility of one bar's log return.
Out: a normal distribution around zero, widened by the root of the horizon.
"""

import math
from statistics import NormalDist

from ninefold.forecast.rows import HORIZONS, QUANTILES, ForecastRow, row

MODEL = "empirical"
DEVIATIONS = tuple(NormalDist().inv_cdf(level) for level in QUANTILES)


def forecast(volatility: float) -> tuple[ForecastRow, ...]:
    """One row for each of HORIZONS.

    volatility: standard deviation of the log return of one bar.
    returns:    nothing while the volatility is unknown (NaN, warm-up) or no positive number.

    >>> round(forecast(0.01)[0].q95, 5), forecast(float("nan"))
    (0.01645, ())
    """
    if not (math.isfinite(volatility) and volatility > 0.0):
        return ()
    return tuple(
        row(horizon, [d * volatility * math.sqrt(horizon) for d in DEVIATIONS], mean=0.0, model=MODEL)
        for horizon in HORIZONS
    )
