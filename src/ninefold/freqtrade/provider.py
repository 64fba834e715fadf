"""`self.dp` of a strategy: candles of any pair and width, and the analysed candles up to the present one.

In:  a function that tells the candles of a pair and a timeframe; what the back-test has come to. Out: tables of their own,
     which a strategy may change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pandas as pd

MOST_CANDLES = 1000  # that `get_analyzed_dataframe` shows, the latest
Candles = Callable[[str, str], pd.DataFrame]


class RunMode(Enum):
    LIVE = "live"
    DRY_RUN = "dry_run"
    BACKTEST = "backtest"
    HYPEROPT = "hyperopt"
    PLOT = "plot"
    UTIL_EXCHANGE = "util_exchange"
    OTHER = "other"


class DataProvider:
    """upto: of each pair, how many of its analysed candles are over; set by the back-test."""

    runmode = RunMode.BACKTEST

    def __init__(self, candles: Candles, pairs: Sequence[str], timeframe: str) -> None:
        self._candles = candles
        self._pairs = list(pairs)
        self._timeframe = timeframe
        self.analysed: dict[str, pd.DataFrame] = {}
        self.upto: dict[str, int] = {}
        self.locks: dict[str, datetime] = {}
        self.now: datetime | None = None  # in callbacks the beginning of the present candle

    @property
    def available_pairs(self) -> list[tuple[str, str]]:
        return [(pair, self._timeframe) for pair in self._pairs]

    def current_whitelist(self) -> list[str]:
        return list(self._pairs)

    def get_pair_dataframe(
        self, pair: str, timeframe: str | None = None, candle_type: Any = "", **kwargs: Any
    ) -> pd.DataFrame:
        """In `populate_*` all candles; in callbacks those before the present one."""
        found = self._candles(pair, timeframe or self._timeframe)
        return found if self.now is None else found[found["date"] < self.now]

    historic_ohlcv = ohlcv = get_pair_dataframe

    def get_analyzed_dataframe(self, pair: str, timeframe: str | None = None) -> tuple[pd.DataFrame, datetime]:
        """The latest analysed candles, the last of them over when the present one began; empty for other pairs."""
        if pair not in self.analysed:
            return pd.DataFrame(), datetime.fromtimestamp(0, UTC)
        upto = self.upto.get(pair, len(self.analysed[pair]))
        found = self.analysed[pair].iloc[max(0, upto - MOST_CANDLES) : upto]
        return found, self.now or datetime.fromtimestamp(0, UTC)

    def locked(self, pair: str, at: datetime) -> bool:
        return pair in self.locks and at < self.locks[pair]

    def market(self, pair: str) -> dict[str, Any]:
        base, _, quote = pair.partition("/")
        return {"symbol": pair, "base": base, "quote": quote, "active": True, "spot": True}

    def ticker(self, pair: str) -> dict[str, Any]:
        """There is none in the past."""
        return {}

    def orderbook(self, pair: str, maximum: int) -> dict[str, Any]:
        return {"bids": [], "asks": []}

    def send_msg(self, message: str, *, always_send: bool = False) -> None:
        """Messages go out in trading only."""
