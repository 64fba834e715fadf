"""Trend following: be on the side to which the faster average has moved."""

from __future__ import annotations

from ninefold.strategy.strategy import strategy

STRATEGIES = (
    strategy(
        "trend_sma_1s",
        "1s",
        "sign(sma(close, 5) - sma(close, 20))",
        "trend",
        "Long while the average of 5 seconds is above that of 20, short while below.",
    ),
    strategy(
        "trend_macd_5s",
        "5s",
        "sign(macd_hist(close, 6, 13, 5))",
        "trend",
        "Long while MACD is above its signal line, short while below.",
    ),
    strategy(
        "trend_ema_1m",
        "1m",
        "where(adx(7) > 20, sign(ema(close, 4) - ema(close, 12)), 0)",
        "trend",
        "On the side of the faster average while ADX says that there is a trend.",
    ),
)
