"""Volatility: follow the move only while the market moves more than it did."""

from __future__ import annotations

from ninefold.strategy.strategy import strategy

STRATEGIES = (
    strategy(
        "volatility_momentum_5s",
        "5s",
        "where(realized_volatility(close, 6) > sma(realized_volatility(close, 6), 18), sign(mom(close, 4)), 0)",
        "volatility",
        "With the move of 20 seconds while volatility is above its own average, else flat.",
    ),
)
