"""From candles to what the back-test walks along: prices, and the signals of the candle before.

In:  a strategy and the candles of each pair, those of its warm-up in front. Out: `Rows` of each pair: from the second candle
     after the warm-up on, each with what was known when it began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ninefold.freqtrade.asking import ask
from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.informative import add_informative, informative_methods
from ninefold.freqtrade.provider import Candles

OLD_COLUMNS = {"buy": "enter_long", "sell": "exit_long", "buy_tag": "enter_tag"}
MOST_DECIMALS = 14
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """seconds: since 1970, when each candle begins; one follows the other without a hole. before: analysed candles that are
    over when the first of these begins. price_step: the coarsest decimal step that all prices of the month are on."""

    seconds: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    enter: list[bool]
    leave: list[bool]
    enter_tag: list[str | None]
    exit_tag: list[str | None]
    price_step: list[float]
    before: int


def analyse(strategy: Any, pairs: Iterable[str], candles: Candles) -> dict[str, Rows]:
    """Of each pair whose candles outlast the warm-up.

    raises: StrategyFailed.
    """
    frames = {pair: _indicators(strategy, pair, candles(pair, strategy.timeframe)) for pair in pairs}
    found = {}
    for pair, frame in frames.items():
        signals = _signals(strategy, pair, frame)
        strategy.dp.analysed[pair] = signals
        if len(signals) > strategy.startup_candle_count + 1:
            found[pair] = _rows(signals, strategy.startup_candle_count)
    return found


def _indicators(strategy: Any, pair: str, frame: pd.DataFrame) -> pd.DataFrame:
    length = len(frame)
    for populate, wanted in informative_methods(strategy):
        frame = add_informative(strategy, frame, pair, populate, wanted)
    return _checked(strategy, "populate_indicators", frame, pair, length)


def _signals(strategy: Any, pair: str, frame: pd.DataFrame) -> pd.DataFrame:
    length = len(frame)
    frame = _checked(strategy, "populate_entry_trend", frame, pair, length)
    frame = _checked(strategy, "populate_exit_trend", frame, pair, length)
    return frame.rename(columns={old: new for old, new in OLD_COLUMNS.items() if new not in frame})


def _checked(strategy: Any, method: str, frame: pd.DataFrame, pair: str, length: int) -> pd.DataFrame:
    found = ask(strategy, method, frame, {"pair": pair})
    if not isinstance(found, pd.DataFrame) or len(found) != length:
        what = f"{len(found)} rows" if isinstance(found, pd.DataFrame) else type(found).__name__
        raise StrategyFailed(
            f"{type(strategy).__name__}.{method} of {pair} gave back {what}; it must return the dataframe with all of its "
            f"{length} rows (no dropna)"
        )
    return found


def _rows(frame: pd.DataFrame, warm_up: int) -> Rows:
    now = slice(warm_up + 1, None)
    prices = {name: frame[name].to_numpy(np.float64)[now].tolist() for name in PRICES}
    return Rows(
        seconds=(frame["date"].dt.tz_convert(None).to_numpy("datetime64[s]").astype(np.int64)[now]).tolist(),
        **prices,
        enter=_flags(frame, "enter_long", warm_up),
        leave=_flags(frame, "exit_long", warm_up),
        enter_tag=_tags(frame, "enter_tag", warm_up),
        exit_tag=_tags(frame, "exit_tag", warm_up),
        price_step=_price_steps(frame)[now].tolist(),
        before=warm_up + 1,
    )


def _price_steps(frame: pd.DataFrame) -> np.ndarray:
    """Of each candle, shape (n,)."""
    month = frame["date"].to_numpy("datetime64[M]").astype(np.int64)
    begins = np.flatnonzero(np.append(True, np.diff(month) > 0))
    prices = frame[list(PRICES)].to_numpy(np.float64)
    steps = [10.0 ** -_decimals(part) for part in np.split(prices, begins[1:])]
    return np.repeat(steps, np.diff(np.append(begins, len(frame))))


def _decimals(prices: np.ndarray) -> int:
    """How many the prices have; no more than 14 are looked at."""
    return next((count for count in range(MOST_DECIMALS) if (np.round(prices, count) == prices).all()), MOST_DECIMALS)


def _flags(frame: pd.DataFrame, name: str, warm_up: int) -> list[bool]:
    if name not in frame:
        return [False] * (len(frame) - warm_up - 1)
    return [bool(one == 1) for one in frame[name].iloc[warm_up:-1].tolist()]


def _tags(frame: pd.DataFrame, name: str, warm_up: int) -> list[str | None]:
    if name not in frame:
        return [None] * (len(frame) - warm_up - 1)
    return [one if isinstance(one, str) and one else None for one in frame[name].iloc[warm_up:-1].tolist()]
