"""Sentiment: with the mood or against it. -1 is fear, +1 is greed; the column is of the pipeline."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class _Sentiment(Strategy):
    family = "sentiment"
    timeframe = "1h"


class MoodFollow(_Sentiment):
    """Long while the mood is good, short while it is bad, else flat."""

    source = "Tetlock (2007), Journal of Finance 62(3)"
    level = real(0.2, 0, 0.9, step=0.05)
    target = "where(sentiment > level, 1, where(sentiment < -level, -1, 0))"


class BuyFear(_Sentiment):
    """Long from extreme fear until the mood is good again, then flat."""

    source = "Baker and Wurgler (2006), Journal of Finance 61(4)"
    fear = real(0.6, 0.1, 0.95, step=0.05)
    calm = real(0.1, 0, 0.9, step=0.05)
    entry = "sentiment < -fear"
    exit = "sentiment > calm"


class MoodTurn(_Sentiment):
    """Long while the mood is better than it was in the mean, short while worse."""

    source = "Bollen, Mao and Zeng (2011), Journal of Computational Science 2(1)"
    fast = whole(24, 2, 200)
    slow = whole(168, 3, 1_000)
    target = "sign(ema(sentiment, fast) - ema(sentiment, slow))"


class MoodSurprise(_Sentiment):
    """Long or short with how unusual the mood is for its time, in proportion."""

    source = "Garcia (2013), Journal of Finance 68(3)"
    bars = whole(336, 5, 500)
    target = "zscore(sentiment, bars) / 3"


class MoodAgainstPrice(_Sentiment):
    """Long while the mood rose and the price fell, short while the mood fell and the price rose, else flat."""

    source = "common practice: divergence of mood and price"
    bars = whole(72, 2, 1_000)
    target = "(sign(mom(sentiment, bars)) - sign(mom(close, bars))) / 2"


class MoodAndTrend(_Sentiment):
    """Long while the mood is not bad and the close is above its mean, else flat."""

    source = "common practice: mood as a filter of trend"
    bars = whole(100, 2, 1_000)
    least = real(0, -0.9, 0.9, step=0.05)
    target = "where((sentiment > least) & (close > sma(close, bars)), 1, 0)"


class FearIsVolatile(_Sentiment):
    """Long for the rebound while both fear and volatility are high, else flat."""

    source = "Da, Engelberg and Gao (2015), Review of Financial Studies 28(1)"
    fear = real(0.3, 0, 0.9, step=0.05)
    target = "where((sentiment < -fear) & (realized_volatility(close, 24) > median(realized_volatility(close, 24), 336)), 1, 0)"


class GreedFades(_Sentiment):
    """Short from extreme greed while the price no longer rises, else flat."""

    source = "Stambaugh, Yu and Yuan (2012), Journal of Financial Economics 104(2)"
    greed = real(0.5, 0.1, 0.95, step=0.05)
    bars = whole(48, 2, 500)
    target = "where((sentiment > greed) & (mom(close, bars) < 0), -1, 0)"
