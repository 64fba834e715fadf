"""Candle patterns: act for a few bars on a shape that is said to turn the price."""

from __future__ import annotations

from ninefold.strategy.strategy import Strategy


class PatternReversal5s(Strategy):
    """On the side of the bullish or bearish reversal patterns of the last three bars."""

    name = "pattern_reversal_5s"
    family = "patterns"
    timeframe = "5s"
    target = "sign(sum(cdlengulfing() + cdlharami() + cdlhammer() + cdlshootingstar() + cdlpiercing(), 3))"
