"""Forecasts: act on the expected log return of the next bar, as the pipeline's model had it at the close."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class _Forecast(Strategy):
    family = "forecast"
    timeframe = "1m"
    unrecorded = "it reads forecast, which a trained model makes as bars close; no recording has it"


class ForecastSign(_Forecast):
    """Long while the forecast is above the costs, short while below their negative, else flat."""

    source = "Leitch and Tanner (1991), American Economic Review 81(3)"
    costs = real(0.0002, 0, 0.02, step=0.0001)
    target = "where(forecast > costs, 1, where(forecast < -costs, -1, 0))"


class ForecastKelly(_Forecast):
    """Long or short by the forecast over the recent variance, a part of Kelly's share."""

    source = "Kelly (1956), Bell System Technical Journal 35(4)"
    bars = whole(120, 10, 500)
    part = real(0.1, 0.01, 1, step=0.01)
    target = "forecast / variance(close / lag(close, 1) - 1, bars) * part"


class ForecastWithTrend(_Forecast):
    """Long or short by the vote of the forecast and of the trend, in proportion."""

    source = "Bates and Granger (1969), Operational Research Quarterly 20(4), combined forecasts"
    bars = whole(60, 2, 1_000)
    target = "(sign(forecast) + sign(close - sma(close, bars))) / 2"


class ForecastSmoothed(_Forecast):
    """Long while the smoothed forecast is above zero, short while below: less trading for less costs."""

    source = "Garleanu and Pedersen (2013), Journal of Finance 68(6)"
    bars = whole(10, 2, 500)
    target = "sign(ema(forecast, bars))"


class ForecastProven(_Forecast):
    """Long or short with the forecast while past ones went with what came, else flat."""

    source = "Campbell and Thompson (2008), Review of Financial Studies 21(4), tested out of sample"
    bars = whole(120, 10, 500)
    least = real(0.05, 0, 0.9, step=0.01)
    target = "where(correlation(close / lag(close, 1) - 1, lag(forecast, 1), bars) > least, sign(forecast), 0)"


class ForecastRank(_Forecast):
    """Long while the forecast ranks among the highest of its recent past, short among the lowest, else flat."""

    source = "Gu, Kelly and Xiu (2020), Review of Financial Studies 33(5), the extreme deciles"
    bars = whole(200, 10, 500)
    share = real(0.1, 0.01, 0.45, step=0.01)
    target = "where(rank(forecast, bars) > 1 - share, 1, where(rank(forecast, bars) < share, -1, 0))"
