"""Mean reversion: lean against a move that is large for its own recent size."""

from __future__ import annotations

from ninefold.strategy.strategy import Strategy


class ReversionRsi1s(Strategy):
    """Long when RSI is below 30, short above 70."""

    name = "reversion_rsi_1s"
    family = "mean_reversion"
    timeframe = "1s"
    # RSI is 0 where no price has moved at all; that is no dip to buy.
    target = "where(stddev(close, 14) > 0, where(rsi(close, 14) < 30, 1, where(rsi(close, 14) > 70, -1, 0)), 0)"


class ReversionBollinger5s(Strategy):
    """Long below the lower Bollinger band, short above the upper one."""

    name = "reversion_bollinger_5s"
    family = "mean_reversion"
    timeframe = "5s"
    target = (
        "where(close < bbands_lower(close, 12, 1.5, 1.5), 1, where(close > bbands_upper(close, 12, 1.5, 1.5), -1, 0))"
    )


class ReversionZscore1m(Strategy):
    """Against the distance from the 10-minute mean, in proportion, once it exceeds one deviation."""

    name = "reversion_zscore_1m"
    family = "mean_reversion"
    timeframe = "1m"
    target = "where(abs(zscore(close, 10)) > 1, -zscore(close, 10) / 2, 0)"
