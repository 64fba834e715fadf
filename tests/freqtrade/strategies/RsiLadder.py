"""Buy what has fallen; a table of falling profits, and the RSI, decide when to be content."""

import freqtrade.vendor.qtpylib.indicators as qtpylib
import talib.abstract as ta
from freqtrade.exchange import timeframe_to_minutes
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class RsiLadder(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minutes = timeframe_to_minutes(timeframe)
    minimal_roi = {"0": 0.03, str(4 * minutes): 0.015, "33": 0.008, str(24 * minutes): 0.002, "240": -1}
    stoploss = -0.2
    startup_candle_count = 20
    ignore_roi_if_entry_signal = True

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=14)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["rsi"] < 35, ["enter_long", "enter_tag"]] = (1, "fallen")
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        tired = qtpylib.crossed_above(dataframe["rsi"], 70)
        dataframe.loc[tired, ["exit_long", "exit_tag"]] = (1, "risen enough")
        return dataframe
