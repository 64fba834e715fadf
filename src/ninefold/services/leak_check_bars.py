"""The bars that a strategy is checked on: generated ones, those of a file, or stored ones.

In:  a width and seeds; or a file; or a data dir and an instrument.
Out: columns and opening times. Whether a strategy looks ahead hardly depends on the bars: generated ones rise, fall and
     stand still, so that most conditions are met somewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ninefold.backtest.bars import BadBars
from ninefold.market.time import TIMEFRAME_OF
from ninefold.services.backtest_bars import Market, market_of_file
from ninefold.services.backtest_stored import market_of_store
from ninefold.services.leak_check import BarsToRead

GENERATED = 600  # bars; a day of 1m bars would take a loop over rows a minute
MOST = 2_000  # of a file or a store: the last ones
SEEDS = (1, 2, 3)
START_NS = 1_704_067_200_000_000_000  # 2024-01-01


def generated(width_ns: int, seeds: Iterable[int] = SEEDS, count: int = GENERATED) -> list[BarsToRead]:
    return [_generated(width_ns, seed, count) for seed in seeds]


def _generated(width_ns: int, seed: int, count: int) -> BarsToRead:
    """A walk whose volatility and drift change every 60 bars; prices are whole cents."""
    rng = np.random.default_rng(seed)
    spells = -(-count // 60)
    volatility = np.repeat(rng.choice([0.0005, 0.002, 0.008], spells), 60)[:count]
    drift = np.repeat(rng.choice([-0.3, 0.0, 0.3], spells), 60)[:count]
    close = np.round(100 * np.exp(np.cumsum(volatility * (drift + rng.normal(0, 1, count)))), 2)
    opening = np.concatenate([[100.0], close[:-1]])
    width = np.round(100 * volatility * rng.random(count), 2)
    columns = {
        "open": opening,
        "high": np.maximum(opening, close) + width,
        "low": np.minimum(opening, close) - width[::-1],
        "close": close,
        "volume": np.round(rng.lognormal(3, 1, count), 3),
    }
    return BarsToRead(f"generated bars, seed {seed}", columns, START_NS + width_ns * np.arange(count))


def of_file(path: Path, width_ns: int) -> list[BarsToRead]:
    """raises: BadBars, ImportRefused."""
    return [_last(str(path), market_of_file(path, width_ns))]


def of_store(data_dir: Path, instrument: str, width_ns: int) -> list[BarsToRead]:
    """raises: UnknownInstrument, NoDataDir, WrongFormat, BadBars."""
    market = market_of_store(data_dir, instrument, width_ns)
    return [_last(f"{instrument} {TIMEFRAME_OF.get(width_ns, '')}".strip(), market)]


def _last(name: str, market: Market) -> BarsToRead:
    """The last bars of a market, in quote and base; a bar that is unknown is one of NaN."""
    bars = market.bars
    if len(bars) < 2:
        raise BadBars(f"{name} has {len(bars)} bars; a leak check needs two and more")
    known = bars.known[-MOST:]
    columns = {
        name: np.where(known, getattr(bars, name)[-MOST:], np.nan)
        for name in ("open", "high", "low", "close", "volume")
    }
    return BarsToRead(name, columns, np.asarray(bars.open_ns[-MOST:]))
