"""What the tests of forecasts share: made-up bars, and a model trained once.

The bars are a random walk in whole ticks, or one whose next return leans on the last.
"""

from collections.abc import Callable

import numpy as np
import pytest

from ninefold.forecast.features import Series
from ninefold.forecast.model import TrainedModel
from ninefold.forecast.training import train
from ninefold.formula import Scale

SCALE = Scale(price_decimals=2, size_decimals=4)
MINUTE_NS = 60_000_000_000


@pytest.fixture(scope="session")
def bars() -> Callable[..., Series]:
    """bars(count, seed, momentum=0.0, name=...): a made-up series."""
    return made_bars


@pytest.fixture(scope="session")
def model(lightgbm: None) -> TrainedModel:
    """Taught on bars with a planted edge."""
    return train([made_bars(3_000, seed=7, momentum=0.5)], seed=1)


def made_bars(count: int, seed: int, momentum: float = 0.0, name: str = "test:A/B 1m") -> Series:
    """`momentum` is the correlation of a bar's return with the one before; 0 is pure noise."""
    rng = np.random.default_rng(seed)
    shocks, returns = rng.normal(scale=0.001, size=count), np.zeros(count)
    for at in range(1, count):
        returns[at] = momentum * returns[at - 1] + shocks[at]
    close = np.round(5_000_000 * np.exp(np.cumsum(returns)))
    opened = np.concatenate([[5_000_000.0], close[:-1]])
    wick = np.round(np.abs(rng.normal(scale=500, size=count)))
    volume = np.round(rng.gamma(2.0, 20_000.0, size=count))
    columns = {
        "open": opened,
        "high": np.maximum(opened, close) + wick,
        "low": np.minimum(opened, close) - wick,
        "close": close,
        "volume": volume,
        "buy_volume": np.round(volume * rng.uniform(size=count)),
    }
    return Series(name, SCALE, np.arange(1, count + 1) * MINUTE_NS, columns)
