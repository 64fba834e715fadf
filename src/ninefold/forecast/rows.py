"""What a forecast is: one row for each horizon, whichever model made it."""

from collections.abc import Sequence

import msgspec

HORIZONS = (1, 5, 15)  # bars
QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)


class ForecastRow(msgspec.Struct, frozen=True, gc=False):
    """The distribution of log(close in `horizon` bars / close now).

    q05 <= q25 <= q50 <= q75 <= q95, all natural log returns, as is the mean. `model` is the id of what made it.
    """

    horizon: int
    q05: float
    q25: float
    q50: float
    q75: float
    q95: float
    mean: float
    model: str


def row(horizon: int, quantiles: Sequence[float], mean: float, model: str) -> ForecastRow:
    """A row from the five values at QUANTILES, put in order: models of single quantiles now and then cross."""
    q05, q25, q50, q75, q95 = sorted(quantiles)
    return ForecastRow(horizon, q05, q25, q50, q75, q95, mean, model)
