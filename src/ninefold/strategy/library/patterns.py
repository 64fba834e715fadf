"""Candle patterns: act for a few bars on a shape that is said to turn the price."""

from __future__ import annotations

from ninefold.strategy.strategy import strategy

STRATEGIES = (
    strategy(
        "pattern_reversal_5s",
        "5s",
        "sign(sum(cdlengulfing() + cdlharami() + cdlhammer() + cdlshootingstar() + cdlpiercing(), 3))",
        "patterns",
        "On the side of the bullish or bearish reversal patterns of the last three bars.",
    ),
)
