"""A seeded random walk with quiet bars and a book: what the strategies are tested on."""

from __future__ import annotations

import numpy as np

from ninefold.formula import Scale

SCALE = Scale(price_decimals=2, size_decimals=5)


def walk(n: int, seed: int = 3) -> dict[str, np.ndarray]:
    """Columns of `n` bars, shape (n,). One bar in ten has no trade: flat, without volume."""
    random = np.random.default_rng(seed)
    quiet = random.random(n) < 0.1
    close = 6_000_000.0 + np.cumsum(np.where(quiet, 0, random.integers(-600, 601, n)))
    open_ = np.concatenate(([close[0]], close[:-1]))
    wick = np.where(quiet, 0, random.integers(0, 200, (2, n)))
    volume = np.where(quiet, 0, random.integers(1, 3_000_000, n)).astype(np.float64)
    spread = random.integers(1, 50, n).astype(np.float64)
    return {
        "open": open_,
        "high": np.maximum(open_, close) + wick[0],
        "low": np.minimum(open_, close) - wick[1],
        "close": close,
        "volume": volume,
        "buy_volume": np.floor(volume * random.random(n)),
        "trades": np.where(quiet, 0, random.integers(1, 90, n)).astype(np.float64),
        "spread": spread,
        "microprice": close + np.floor(spread * random.random(n)),
        "imbalance": random.uniform(-1, 1, n),
        "sentiment": np.clip(np.cumsum(random.normal(0, 0.05, n)), -1, 1),
        "forecast": random.normal(0, 0.001, n),
        "one_upping": random.random(n),
    }


def row(columns: dict[str, np.ndarray], index: int) -> dict[str, float]:
    """One bar."""
    return {name: float(values[index]) for name, values in columns.items()}


def cut(columns: dict[str, np.ndarray], start: int, stop: int | None = None) -> dict[str, np.ndarray]:
    """Some of the bars."""
    return {name: values[start:stop] for name, values in columns.items()}
