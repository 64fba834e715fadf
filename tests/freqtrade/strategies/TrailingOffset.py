"""Let profits run behind a stop that begins to follow once the trade is 1.2 % ahead."""

import freqtrade.vendor.qtpylib.indicators as qtpylib
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class TrailingOffset(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.06}
    stoploss = -0.03
    trailing_stop = True
    trailing_stop_positive = 0.004
    trailing_stop_positive_offset = 0.012
    trailing_only_offset_is_reached = True
    startup_candle_count = 25

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["middle"] = qtpylib.sma(dataframe["close"], 20)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[qtpylib.crossed_below(dataframe["close"], dataframe["middle"] * 0.99), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe
