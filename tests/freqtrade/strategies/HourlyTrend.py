"""Trade dips of five minutes only while the hour, and the hour of another pair, go up: `informative_pairs` and the merge."""

import talib.abstract as ta
from freqtrade.strategy import IStrategy, merge_informative_pair
from pandas import DataFrame


class HourlyTrend(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    wide = "1h"
    minimal_roi = {"0": 0.015}
    stoploss = -0.015
    startup_candle_count = 24

    def informative_pairs(self):
        return [(pair, self.wide) for pair in self.dp.current_whitelist()] + [("AAA/USDT", self.wide)]

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        wide = self.dp.get_pair_dataframe(pair=metadata["pair"], timeframe=self.wide)
        wide["mean"] = ta.SMA(wide, timeperiod=6)
        dataframe = merge_informative_pair(dataframe, wide, self.timeframe, self.wide, ffill=True)
        leader = self.dp.get_pair_dataframe(pair="AAA/USDT", timeframe=self.wide)
        leader["change"] = leader["close"].pct_change(3)
        leader = leader[["date", "change"]].rename(columns={"date": "leader_date", "change": "leader_change"})
        dataframe = merge_informative_pair(
            dataframe, leader, self.timeframe, self.wide, append_timeframe=False, date_column="leader_date"
        )
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=7)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        up = (dataframe["close_1h"] > dataframe["mean_1h"]) & (dataframe["leader_change"] > 0)
        dataframe.loc[up & (dataframe["rsi"] < 40), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["rsi"] > 75, "exit_long"] = 1
        return dataframe
