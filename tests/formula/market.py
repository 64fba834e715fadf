"""A made-up market for the formula tests: bars whose prices are whole ticks and whose volumes are whole lots."""

from __future__ import annotations

from functools import cache

import numpy as np

from ninefold.formula import Scale

SCALE = Scale(price_decimals=2, size_decimals=5)


def bars(n: int, seed: int = 7) -> dict[str, np.ndarray]:
    """Every column of `n` bars, shape (n,), all known; equal for equal seeds."""
    return {name: values.copy() for name, values in _drawn(n, seed).items()}


@cache
def _drawn(n: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    close = 6_000_000.0 + np.cumsum(random.integers(-900, 901, n))
    open_ = np.concatenate(([close[0] + 100], close[:-1] + random.integers(-20, 21, n - 1)))
    high = np.maximum(open_, close) + random.integers(0, 400, n)
    low = np.minimum(open_, close) - random.integers(0, 400, n)
    volume = random.integers(1, 50_000_000, n).astype(np.float64)
    spread = random.integers(1, 300, n).astype(np.float64)
    return {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "vwap": low + (high - low) * random.random(n),
        "buy_volume": np.floor(volume * random.random(n)),
        "trades": random.integers(1, 400, n).astype(np.float64),
        "spread": spread,
        "microprice": close + np.round(spread * random.random(n)),
        "imbalance": random.uniform(-1, 1, n),
        "sentiment": random.uniform(-1, 1, n),
    }


def with_unknown(columns: dict[str, np.ndarray], *rows: int) -> dict[str, np.ndarray]:
    """The same bars with some rows unknown."""
    holed = {name: values.copy() for name, values in columns.items()}
    for values in holed.values():
        values[list(rows)] = np.nan
    return holed


def row(columns: dict[str, np.ndarray], index: int) -> dict[str, float]:
    """One bar."""
    return {name: float(values[index]) for name, values in columns.items()}


def cut(columns: dict[str, np.ndarray], start: int, stop: int | None = None) -> dict[str, np.ndarray]:
    """Some of the bars."""
    return {name: values[start:stop] for name, values in columns.items()}


def bits(values: np.ndarray) -> np.ndarray:
    """Floats as their bits, all NaN alike, so that 0.0 and -0.0 differ."""
    plain = np.ascontiguousarray(values, np.float64).copy()
    plain[np.isnan(plain)] = np.nan
    return plain.view(np.int64)
