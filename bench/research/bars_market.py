"""The market and the strategies that back-tests on bars are measured with. It needs numpy only: peers read it too."""

from __future__ import annotations

import numpy as np

MINUTE_NS = 60_000_000_000
FEE = 0.001
CASH = 10_000_000  # quote
TICK = 0.01
SEED = 7
PAIRS = [(fast, slow) for fast in range(5, 45, 2) for slow in range(50, 150, 5)]


def market(bars: int) -> dict[str, np.ndarray]:
    """A random walk of prices in ticks, some 1,000 quote, as int64 columns; every bar has trades."""
    random = np.random.default_rng(SEED)
    close = np.maximum(100_000 + np.cumsum(random.integers(-40, 41, bars)), 20_000)
    open_ = np.concatenate((close[:1], close[:-1])) + random.integers(-3, 4, bars)
    high = np.maximum(open_, close) + random.integers(0, 20, bars)
    low = np.minimum(open_, close) - random.integers(0, 20, bars)
    volume = random.integers(1, 1000, bars) * 10**8
    open_ns = np.arange(bars) * MINUTE_NS
    columns = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    return {"open_ns": open_ns, "close_ns": open_ns + MINUTE_NS, **columns}
