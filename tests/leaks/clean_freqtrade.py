"""Strategies written for freqtrade that look like those of `planted_freqtrade` and do not look ahead."""

import freqtrade.vendor.qtpylib.indicators as qtpylib
import numpy as np
import pandas as pd
import talib.abstract as ta
from freqtrade.strategy import DecimalParameter, IntParameter, IStrategy, informative, merge_informative_pair
from pandas import DataFrame


class Base(IStrategy):
    """Nothing to check: the settings of all."""

    timeframe = "5m"
    stoploss = -0.05


class TrailingMean(Base):
    """trailing window"""

    fast = IntParameter(3, 20, default=5, space="buy")
    share = DecimalParameter(0.9, 1.1, default=1.0, space="buy")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        for window in self.fast.range:
            dataframe[f"mean_{window}"] = dataframe["close"].rolling(window).mean()
        bands = qtpylib.bollinger_bands(qtpylib.typical_price(dataframe), window=20, stds=2)
        dataframe["lower"], dataframe["middle"] = bands["lower"], bands["mid"]
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        mean = dataframe[f"mean_{self.fast.value}"] * self.share.value
        dataframe.loc[qtpylib.crossed_above(dataframe["close"], mean) & (dataframe["volume"] > 0), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[qtpylib.crossed_below(dataframe["close"], dataframe["lower"]), "exit_long"] = 1
        return dataframe


class CandleBefore(Base):
    """positive shift"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        macd = ta.MACD(dataframe, fastperiod=12, slowperiod=26)
        dataframe["macd"], dataframe["signal_line"] = macd["macd"], macd["macdsignal"]
        stochastic = ta.STOCHF(dataframe, 5, 3, 0, 3, 0)
        dataframe["fastk"] = stochastic["fastk"]
        dataframe["rsi"] = ta.RSI(dataframe).fillna(50)
        return dataframe

    def populate_buy_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        conditions = [dataframe["rsi"] > dataframe["rsi"].shift(1), dataframe["macd"] > dataframe["signal_line"]]
        conditions.append(dataframe["volume"] > 0)
        together = conditions[0]
        for one in conditions[1:]:
            together = together & one
        dataframe.loc[together, "buy"] = 1
        return dataframe

    def populate_sell_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[(dataframe["fastk"] > 90), "sell"] = 1
        return dataframe


class HourThatIsOver(Base):
    """resampled"""

    @informative("1h")
    def populate_indicators_1h(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=5)
        return dataframe

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        quarters = self.dp.get_pair_dataframe(metadata["pair"], "15m")
        quarters["mean"] = quarters["close"].rolling(4).mean()
        return merge_informative_pair(dataframe, quarters, self.timeframe, "15m", ffill=True)

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[(dataframe["rsi_1h"] < 50) & (dataframe["close"] > dataframe["mean_15m"]), "enter_long"] = 1
        return dataframe


class HourMergedByHand(Base):
    """resampled"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        hours = self.dp.get_pair_dataframe(metadata["pair"], "1h")
        hours["known"] = hours["date"] + pd.to_timedelta("55min")
        return pd.merge_asof(
            dataframe, hours[["known", "high"]], left_on="date", right_on="known", suffixes=("", "_1h")
        )

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["enter_long"] = np.where(dataframe["close"] > dataframe["high_1h"], 1, 0)
        return dataframe


class HeikinAshi(Base):
    """trailing window"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        candles = qtpylib.heikinashi(dataframe)
        dataframe["ha_open"], dataframe["ha_close"] = candles["open"], candles["close"]
        dataframe["label"] = dataframe["close"].shift(-1)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["ha_close"] > dataframe["ha_open"], ["enter_long", "enter_tag"]] = (1, "green")
        return dataframe
