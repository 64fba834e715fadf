"""Small back-tests that can be worked out by hand.

In:  candles as (open, high, low, close), rows whose signals are set. Out: trades.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ninefold.freqtrade.istrategy import IStrategy
from ninefold.freqtrade.run import Range, backtest
from ninefold.freqtrade.series import Series
from ninefold.freqtrade.trade import Trade
from ninefold.freqtrade.wallet import Settings

WIDTH_S = 300
FLAT = (100.0, 100.0, 100.0, 100.0)
NO_FEE = Settings(stake_currency="USDT", stake_amount=100.0, fee=0.0)
Candles = list[tuple[float, float, float, float]]
Rows = Sequence[int] | Mapping[str, Sequence[int]]


def series(candles: Candles) -> Series:
    prices = np.array(candles, np.float64)
    columns = dict(zip(("open", "high", "low", "close"), prices.T, strict=True))
    return Series(WIDTH_S, np.arange(len(candles)) * WIDTH_S, {**columns, "volume": np.ones(len(candles))})


def strategy(enter: Rows, leave: Rows = (), **attributes: Any) -> type:
    """A class whose signals are set in these rows: of all pairs, or by pair."""

    def at(rows: Rows, dataframe: Any, metadata: Any) -> Any:
        of = rows.get(metadata["pair"], ()) if isinstance(rows, Mapping) else rows
        return np.isin(np.arange(len(dataframe)), list(of)).astype(int)

    def populate_entry_trend(self: Any, dataframe: Any, metadata: Any) -> Any:
        dataframe["enter_long"] = at(enter, dataframe, metadata)
        return dataframe

    def populate_exit_trend(self: Any, dataframe: Any, metadata: Any) -> Any:
        dataframe["exit_long"] = at(leave, dataframe, metadata)
        return dataframe

    methods = {"populate_entry_trend": populate_entry_trend, "populate_exit_trend": populate_exit_trend}
    return type(
        "ByHand", (IStrategy,), {"timeframe": "5m", "minimal_roi": {}, "stoploss": -0.5, **methods, **attributes}
    )


def trades(candles: Candles, of: type, settings: Settings = NO_FEE, **others: Candles) -> list[Trade]:
    """Of AAA/USDT; others: of more pairs, BBB=candles."""
    pairs = {"AAA/USDT": series(candles), **{f"{name}/USDT": series(one) for name, one in others.items()}}
    return backtest(of, lambda pair, width_s: pairs[pair], list(pairs), Range(), settings).trades


def told(trade: Trade) -> tuple[int, int, float, float | None, str | None]:
    """(row of entry, row of exit, rate of entry, rate of exit, reason)."""
    assert trade.close_date is not None
    rows = [int(date.timestamp()) // WIDTH_S for date in (trade.open_date, trade.close_date)]
    return rows[0], rows[1], trade.open_rate, trade.close_rate, trade.exit_reason
