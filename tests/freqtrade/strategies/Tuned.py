"""Parameters with defaults, some of them overridden by what a search found."""

import freqtrade.vendor.qtpylib.indicators as qtpylib
import talib.abstract as ta
from freqtrade.strategy import BooleanParameter, CategoricalParameter, DecimalParameter, IntParameter, IStrategy
from pandas import DataFrame


class Tuned(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.02}
    stoploss = -0.03
    startup_candle_count = 50

    buy_params = {"buy_rsi": 38, "buy_volume": True}
    sell_params = {"sell_factor": 1.0042}

    buy_rsi = IntParameter(20, 50, default=30, space="buy")
    buy_window = IntParameter([5, 50], default=18, space="buy")
    buy_volume = BooleanParameter(default=False, space="buy")
    buy_kind = CategoricalParameter(["EMA", "SMA"], default="SMA", space="buy")
    sell_factor = DecimalParameter(1.0, 1.02, decimals=3, default=1.01, space="sell")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        for window in self.buy_window.range:
            dataframe[f"mean_{window}"] = getattr(ta, self.buy_kind.value)(dataframe, timeperiod=window)
        dataframe["rsi"] = ta.RSI(dataframe)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        wanted = qtpylib.crossed_below(dataframe["rsi"], self.buy_rsi.value)
        if self.buy_volume.value:
            wanted &= dataframe["volume"] > dataframe["volume"].rolling(10).mean()
        dataframe.loc[wanted, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        mean = dataframe[f"mean_{self.buy_window.value}"]
        dataframe.loc[dataframe["close"] > mean * self.sell_factor.value, "exit_long"] = 1
        return dataframe
