"""Buy below the lower band of typical prices, sell at the middle; averaged candles must be green."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame
from technical import qtpylib


class BandReturn(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.025, "90": 0.01}
    stoploss = -0.04
    startup_candle_count = 20

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        bands = qtpylib.bollinger_bands(qtpylib.typical_price(dataframe), window=20, stds=1.6)
        dataframe["lower"], dataframe["mid"] = bands["lower"], bands["mid"]
        averaged = qtpylib.heikinashi(dataframe)
        dataframe["green"] = averaged["close"] > averaged["open"]
        dataframe["ao"] = qtpylib.awesome_oscillator(dataframe)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        below = qtpylib.crossed_above(dataframe["close"], dataframe["lower"])
        dataframe.loc[below | (dataframe["green"] & (dataframe["low"] < dataframe["lower"])), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[
            qtpylib.crossed_above(dataframe["close"], dataframe["mid"]) & (dataframe["ao"] > 0), "exit_long"
        ] = 1
        return dataframe
