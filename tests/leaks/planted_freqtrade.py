"""Strategies written for freqtrade that look ahead, one mistake each; the docstring of each begins with its kind."""

import numpy as np
import pandas as pd
import talib.abstract as ta
from freqtrade.strategy import IStrategy, merge_informative_pair
from pandas import DataFrame


class Base(IStrategy):
    """Nothing to check: the settings of all."""

    timeframe = "5m"
    stoploss = -0.05


class CentredMean(Base):
    """centred window"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["smooth"] = dataframe["close"].rolling(11, center=True).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["close"] < dataframe["smooth"], "enter_long"] = 1
        return dataframe


class NextCandle(Base):
    """negative shift"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["rsi"] = ta.RSI(dataframe)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        rises = dataframe["rsi"].shift(-1) > dataframe["rsi"]
        dataframe.loc[rises & (dataframe["volume"] > 0), ["enter_long", "enter_tag"]] = (1, "rises")
        return dataframe


class ScaledByAll(Base):
    """whole-sample scaling"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        low, high = dataframe["close"].min(), dataframe["close"].max()
        dataframe["scaled"] = (dataframe["close"] - low) / (high - low)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["enter_long"] = np.where(dataframe["scaled"] < 0.3, 1, 0)
        return dataframe


class HourByItsLabel(Base):
    """resample label"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        hours = self.dp.get_pair_dataframe(metadata["pair"], "1h")
        hours["mean"] = hours["close"].rolling(3).mean()
        dataframe = pd.merge_asof(dataframe, hours[["date", "mean"]], on="date")
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["close"] > dataframe["mean"], "enter_long"] = 1
        return dataframe


class HourAsIfItWereFiveMinutes(Base):
    """resample label"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        hours = self.dp.get_pair_dataframe(metadata["pair"], "1h")
        return merge_informative_pair(dataframe, hours, "5m", "5m", suffix="1h", append_timeframe=False)

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["close"] > dataframe["close_1h"], "enter_long"] = 1
        return dataframe


class TargetAsIndicator(Base):
    """target leakage"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["gain"] = dataframe["close"].shift(-12) / dataframe["close"] - 1
        dataframe["score"] = ta.EMA(dataframe["gain"].fillna(0), timeperiod=5)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["score"] < 0, "exit_long"] = 1
        return dataframe


class LastCandleDecides(Base):
    """peeking callback"""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["up"] = dataframe.apply(lambda row: row["close"] > dataframe["open"].iat[-1], axis=1)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["up"], "enter_long"] = 1
        return dataframe
