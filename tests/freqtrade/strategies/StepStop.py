"""A stop of its own: in steps from the entry, below a moving average later."""

from datetime import datetime

import talib.abstract as ta
from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy, stoploss_from_absolute, stoploss_from_open
from pandas import DataFrame


class StepStop(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.1}
    stoploss = -0.025
    use_custom_stoploss = True
    startup_candle_count = 30

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["mean"] = ta.SMA(dataframe, timeperiod=25)
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=9)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[(dataframe["rsi"] < 45) & (dataframe["close"] > dataframe["mean"] * 0.99), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def custom_stoploss(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        current_rate: float,
        current_profit: float,
        after_fill: bool,
        **kwargs,
    ) -> float | None:
        if current_profit > 0.02:
            return stoploss_from_open(0.012, current_profit, is_short=trade.is_short, leverage=trade.leverage)
        if current_profit > 0.008:
            return stoploss_from_open(0.001, current_profit)
        if (current_time - trade.open_date_utc).total_seconds() > 4 * 3600:
            dataframe, _ = self.dp.get_analyzed_dataframe(pair, self.timeframe)
            return stoploss_from_absolute(dataframe["mean"].iloc[-1] * 0.995, current_rate)
        return None
