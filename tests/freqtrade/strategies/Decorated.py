"""The same by decorator: two widths of the pair itself and one of the leader."""

import talib.abstract as ta
from freqtrade.strategy import IStrategy, informative
from pandas import DataFrame


class Decorated(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.02, "60": 0.005}
    stoploss = -0.02
    startup_candle_count = 20

    @informative("15m")
    @informative("1h")
    def populate_indicators_wide(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=10)
        return dataframe

    @informative("1h", "AAA/{stake}")
    def populate_indicators_leader(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=10)
        return dataframe

    @informative("15m", "AAA/{stake}", "{base}_{column}_quarter")
    def populate_indicators_leader_named(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["up"] = (dataframe["close"] > dataframe["open"]).astype(int)
        return dataframe

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=10)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        stake = self.config["stake_currency"].lower()
        wide = (dataframe["rsi_1h"] > 50) | (dataframe[f"aaa_{stake}_rsi_1h"] > 55)
        dataframe.loc[wide & (dataframe["rsi_15m"] < 60) & (dataframe["rsi"] < 45), ["enter_long", "enter_tag"]] = (
            1,
            "wide",
        )
        dataframe.loc[(dataframe["aaa_up_quarter"] == 1) & (dataframe["rsi"] < 35), ["enter_long", "enter_tag"]] = (
            1,
            "leader",
        )
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["rsi"] > 68, "exit_long"] = 1
        return dataframe
