"""How good forecasts were, beside those of somebody who only knows how much the price moves.

In:  quantile forecasts and what came of them, all divided by the trailing volatility, so that every bar counts alike.
Out: pinball loss, CRPS, coverage, and the skill over the naive forecast with its doubt.

The naive forecast is hard to beat on purpose: the quantiles of the teaching labels, stretched by the volatility of the
moment. Only a model that beats it by more than chance knows something about direction or shape.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from ninefold.forecast.rows import QUANTILES

Floats = NDArray[np.float64]

CELLS = np.array([0.15, 0.225, 0.25, 0.225, 0.15])  # the part of [0, 1] for which each of QUANTILES stands
SURE = 2.0  # standard errors; about one claim in forty by chance alone


class Score(msgspec.Struct, frozen=True):
    """Held-out score of one horizon. Losses are in units of the trailing volatility over the horizon."""

    horizon: int
    rows: int
    pinball: float
    pinball_naive: float
    crps: float
    crps_naive: float
    coverage_50: float
    coverage_90: float
    error: float  # standard error of pinball_naive - pinball

    @property
    def skill(self) -> float:
        """The share of the naive loss that the model avoids; negative when it is worse."""
        return 1.0 - self.pinball / self.pinball_naive

    @property
    def beats_naive(self) -> bool:
        """Whether the model was better than the naive forecast by more than chance explains."""
        return self.rows > 0 and self.pinball_naive - self.pinball > SURE * self.error


def score(horizon: int, forecast: Floats, naive: Floats, labels: Floats) -> Score:
    """Score quantile forecasts of one horizon.

    forecast: shape (n, 5), the QUANTILES forecast for each bar.
    naive:    shape (5,), the same for all bars.
    labels:   shape (n,), what came of it, oldest first; no NaN.
    returns:  a Score; all its numbers are NaN when n is 0.
    """
    if not len(labels):
        return Score(horizon, 0, *(math.nan,) * 7)
    loss, loss_naive = pinball(forecast, labels), pinball(naive[None, :], labels)
    return Score(
        horizon=horizon,
        rows=len(labels),
        pinball=float(loss.mean()),
        pinball_naive=float(loss_naive.mean()),
        crps=float(2.0 * (loss @ CELLS).mean()),
        crps_naive=float(2.0 * (loss_naive @ CELLS).mean()),
        coverage_50=inside(labels, forecast[:, 1], forecast[:, 3]),
        coverage_90=inside(labels, forecast[:, 0], forecast[:, 4]),
        error=block_error((loss_naive - loss).mean(axis=1), horizon),
    )


def pinball(forecast: Floats, labels: Floats) -> Floats:
    """Pinball loss of each quantile: shape (n, 5).

    >>> pinball(np.zeros((1, 5)), np.array([1.0]))
    array([[0.05, 0.25, 0.5 , 0.75, 0.95]])
    """
    miss = labels[:, None] - forecast
    levels = np.array(QUANTILES)
    return np.asarray(np.maximum(levels * miss, (levels - 1.0) * miss))


def inside(labels: Floats, low: Floats, high: Floats) -> float:
    return float(np.mean((labels >= low) & (labels <= high)))


def block_error(gains: Floats, horizon: int) -> float:
    """Standard error of the mean gain; neighbouring labels overlap, so blocks of bars are the independent draws.

    Blocks are four horizons long; with fewer than four of them nothing can be said: infinite.
    """
    length = 4 * horizon
    count = len(gains) // length
    if count < 4:
        return math.inf
    means = gains[: count * length].reshape(count, length).mean(axis=1)
    return float(means.std(ddof=1) / math.sqrt(count))
