"""Content with less the longer it lasts and the calmer the market is; the table counts where it is lower."""

from datetime import datetime

import talib.abstract as ta
from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class OwnRoi(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.03, "150": 0.001}
    stoploss = -0.04
    use_custom_roi = True
    startup_candle_count = 20

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["natr"] = ta.NATR(dataframe, timeperiod=14)
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=8)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["rsi"] < 32, ["enter_long", "enter_tag"]] = (1, "low")
        dataframe.loc[(dataframe["rsi"] > 72) & (dataframe["natr"] > 0.3), ["enter_long", "enter_tag"]] = (1, "high")
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def custom_roi(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        trade_duration: int,
        entry_tag: str | None,
        side: str,
        **kwargs,
    ) -> float | None:
        if entry_tag == "high":
            return None if trade_duration < 15 else 0.006
        if trade_duration >= 60:
            return 0.002 if trade_duration < 90 else 0.012
        return 0.02 - trade_duration / 4000
