"""Volatility: follow the move only while the market moves more than it did."""

from __future__ import annotations

from ninefold.strategy.strategy import Strategy


class VolatilityMomentum5s(Strategy):
    """With the move of 20 seconds while volatility is above its own average, else flat."""

    name = "volatility_momentum_5s"
    family = "volatility"
    timeframe = "5s"
    target = "where(realized_volatility(close, 6) > sma(realized_volatility(close, 6), 18), sign(mom(close, 4)), 0)"
