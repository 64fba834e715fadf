"""SMA 10/30, long or flat; both programs run this file."""

from freqtrade.strategy import IStrategy


class SmaCross(IStrategy):
    timeframe = "1m"
    minimal_roi = {}  # noqa: RUF012
    stoploss = -0.99
    startup_candle_count = 30

    def populate_indicators(self, dataframe, metadata):
        dataframe["fast"] = dataframe["close"].rolling(10).mean()
        dataframe["slow"] = dataframe["close"].rolling(30).mean()
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["fast"] > dataframe["slow"], "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["fast"] <= dataframe["slow"], "exit_long"] = 1
        return dataframe
