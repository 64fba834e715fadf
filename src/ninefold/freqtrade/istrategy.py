"""`IStrategy`, the class that a strategy's file derives from: its settings with their defaults, its methods with what they answer
when a strategy leaves them out.

In:  tables of candles (pandas) with date open high low close volume; trades. Out: columns enter_long, exit_long, enter_tag,
     exit_tag; answers to single questions about a trade.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import pandas as pd

from ninefold.freqtrade.provider import DataProvider
from ninefold.freqtrade.trade import Trade
from ninefold.freqtrade.wallet import Wallets


class IStrategy:
    INTERFACE_VERSION = 3

    timeframe: str = ""
    stoploss: float | None = None
    minimal_roi: ClassVar[dict[Any, float]] = {"0": 10.0}
    startup_candle_count: int = 0
    max_open_trades: float | None = None  # None: that of the settings
    can_short = False
    process_only_new_candles = True

    trailing_stop = False
    trailing_stop_positive: float | None = None
    trailing_stop_positive_offset: float = 0.0
    trailing_only_offset_is_reached = False
    use_custom_stoploss = False
    use_custom_roi = False

    use_exit_signal = True
    exit_profit_only = False
    exit_profit_offset: float = 0.0
    ignore_roi_if_entry_signal = False
    position_adjustment_enable = False

    order_types: ClassVar[dict[str, Any]] = {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "limit",
        "stoploss_on_exchange": False,
    }
    order_time_in_force: ClassVar[dict[str, str]] = {"entry": "GTC", "exit": "GTC"}
    plot_config: ClassVar[dict[str, Any]] = {}

    dp: DataProvider
    wallets: Wallets

    timeframe_minutes: int  # these are found out before the back-test
    roi_falling: list[tuple[int, float]]  # minutes since the entry, profit wanted; the latest first
    least_roi: float | None
    asks_exit: bool  # whether there is a custom_exit
    follows: bool  # whether an exit may depend on more than signal, stop and ROI

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    def version(self) -> str | None:
        return None

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        return self.populate_buy_trend(dataframe, metadata)

    def populate_exit_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        return self.populate_sell_trend(dataframe, metadata)

    def populate_buy_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        return dataframe

    def populate_sell_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        return dataframe

    def informative_pairs(self) -> list[tuple[str, ...]]:
        return []

    def bot_start(self, **kwargs: Any) -> None:
        """Before the first candle."""

    def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None:
        """Before each candle."""

    def custom_entry_price(self, pair: str, proposed_rate: float, **kwargs: Any) -> float | None:
        return proposed_rate

    def custom_exit_price(self, pair: str, trade: Trade, proposed_rate: float, **kwargs: Any) -> float | None:
        return proposed_rate

    def custom_stake_amount(self, pair: str, proposed_stake: float, **kwargs: Any) -> float | None:
        return proposed_stake

    def confirm_trade_entry(self, pair: str, **kwargs: Any) -> bool:
        return True

    def confirm_trade_exit(self, pair: str, trade: Trade, **kwargs: Any) -> bool:
        return True

    def order_filled(self, pair: str, trade: Trade, order: Any, current_time: datetime, **kwargs: Any) -> None:
        """After each fill."""

    def custom_stoploss(self, pair: str, trade: Trade, **kwargs: Any) -> float | None:
        return self.stoploss

    def custom_roi(self, pair: str, trade: Trade, **kwargs: Any) -> float | None:
        return None

    def custom_exit(self, pair: str, trade: Trade, **kwargs: Any) -> str | bool | None:
        return self.custom_sell(pair, trade, **kwargs)

    def custom_sell(self, pair: str, trade: Trade, **kwargs: Any) -> str | bool | None:
        return None

    def leverage(self, **kwargs: Any) -> float:
        return 1.0

    def lock_pair(self, pair: str, until: datetime, reason: str | None = None, side: str = "*") -> None:
        """No entries of the pair before `until`."""
        self.dp.locks[pair] = max(until, self.dp.locks.get(pair, until))

    def unlock_pair(self, pair: str) -> None:
        self.dp.locks.pop(pair, None)

    def is_pair_locked(self, pair: str, *, candle_date: datetime | None = None, side: str = "*") -> bool:
        return candle_date is not None and self.dp.locked(pair, candle_date)
