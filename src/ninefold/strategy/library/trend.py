"""Trend following: be on the side to which the faster average has moved."""

from __future__ import annotations

from typing import Any

from ninefold.formula.words import close, sma, where
from ninefold.strategy.parameters import whole
from ninefold.strategy.strategy import Strategy


class SmaCross(Strategy):
    """Long while the mean of the last `fast` closes is above that of the last `slow`, else flat."""

    family = "trend"
    source = "Brock, Lakonishok and LeBaron (1992), Journal of Finance 47(5)"
    fast = whole(10, 1, 5_000)
    slow = whole(30, 1, 5_000)

    def target(self) -> Any:
        return where(_mean(self.fast) > _mean(self.slow), 1, 0)


class TrendSma1s(Strategy):
    """Long while the average of 5 seconds is above that of 20, short while below."""

    name = "trend_sma_1s"
    family = "trend"
    timeframe = "1s"
    target = "sign(sma(close, 5) - sma(close, 20))"


class TrendMacd5s(Strategy):
    """Long while MACD is above its signal line, short while below."""

    name = "trend_macd_5s"
    family = "trend"
    timeframe = "5s"
    target = "sign(macd_hist(close, 6, 13, 5))"


class TrendEma1m(Strategy):
    """On the side of the faster average while ADX says that there is a trend."""

    name = "trend_ema_1m"
    family = "trend"
    timeframe = "1m"
    target = "where(adx(7) > 20, sign(ema(close, 4) - ema(close, 12)), 0)"


def _mean(bars: int) -> Any:
    return sma(close, bars) if bars > 1 else close
