"""Breakout: go with a price that leaves the range of the bars before it."""

from __future__ import annotations

from ninefold.strategy.strategy import Strategy


class BreakoutDonchian5s(Strategy):
    """Long on a close above the highest high of the 40 seconds before, short below the lowest low."""

    name = "breakout_donchian_5s"
    family = "breakout"
    timeframe = "5s"
    target = "where(close > lag(donchian_upper(8), 1), 1, where(close < lag(donchian_lower(8), 1), -1, 0))"
