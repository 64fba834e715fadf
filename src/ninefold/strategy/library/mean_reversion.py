"""Mean reversion: lean against a move that is large for its own recent size."""

from __future__ import annotations

from ninefold.strategy.strategy import strategy

STRATEGIES = (
    strategy(
        "reversion_rsi_1s",
        "1s",
        # RSI is 0 where no price has moved at all; that is no dip to buy.
        "where(stddev(close, 14) > 0, where(rsi(close, 14) < 30, 1, where(rsi(close, 14) > 70, -1, 0)), 0)",
        "mean_reversion",
        "Long when RSI is below 30, short above 70.",
    ),
    strategy(
        "reversion_bollinger_5s",
        "5s",
        "where(close < bbands_lower(close, 12, 1.5, 1.5), 1, where(close > bbands_upper(close, 12, 1.5, 1.5), -1, 0))",
        "mean_reversion",
        "Long below the lower Bollinger band, short above the upper one.",
    ),
    strategy(
        "reversion_zscore_1m",
        "1m",
        "where(abs(zscore(close, 10)) > 1, -zscore(close, 10) / 2, 0)",
        "mean_reversion",
        "Against the distance from the 10-minute mean, in proportion, once it exceeds one deviation.",
    ),
)
