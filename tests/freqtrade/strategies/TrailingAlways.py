"""A stop that follows from the first candle on, nearer once a little is earned."""

import talib.abstract as ta
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class TrailingAlways(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "15m"
    minimal_roi = {"0": 0.05, "120": 0.02}
    stoploss = -0.02
    trailing_stop = True
    trailing_stop_positive = 0.007
    trailing_stop_positive_offset = 0.01
    exit_profit_only = True
    exit_profit_offset = 0.003
    startup_candle_count = 40

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        macd = ta.MACD(dataframe)
        dataframe["macd"], dataframe["signal"] = macd["macd"], macd["macdsignal"]
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["macd"] > dataframe["signal"], "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["macd"] < dataframe["signal"], "exit_long"] = 1
        return dataframe
