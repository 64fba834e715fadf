"""Buy a candle that closes at its high; a near stop ends most trades, some of them in the candle they began in."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class TightStop(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.02}
    stoploss = -0.006
    use_exit_signal = False

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        span = (dataframe["high"] - dataframe["low"]).replace(0, float("nan"))
        dataframe["place"] = (dataframe["close"] - dataframe["low"]) / span
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["place"] > 0.9, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["place"] < 0.95, "exit_long"] = 1  # ends nothing here, but keeps trades from beginning
        return dataframe
