"""Several pairs compete for few slots; tags say why; a pair that lost is left alone for an hour."""

from datetime import datetime, timedelta

import talib.abstract as ta
from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class ManyPairs(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.012, "45": 0.004}
    stoploss = -0.01
    max_open_trades = 2
    startup_candle_count = 12

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["change"] = dataframe["close"].pct_change(6)
        dataframe["adx"] = ta.ADX(dataframe, timeperiod=5)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        base = metadata["pair"].split("/")[0].lower()
        dataframe.loc[dataframe["change"] < -0.006, ["enter_long", "enter_tag"]] = (1, f"{base} fell")
        dataframe.loc[(dataframe["change"] > 0.008) & (dataframe["adx"] > 25), ["enter_long", "enter_tag"]] = (
            1,
            f"{base} rose",
        )
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["change"].abs() < 0.0002, ["exit_long", "exit_tag"]] = (1, "quiet")
        return dataframe

    def confirm_trade_entry(
        self,
        pair: str,
        order_type: str,
        amount: float,
        rate: float,
        time_in_force: str,
        current_time: datetime,
        entry_tag: str | None,
        side: str,
        **kwargs,
    ) -> bool:
        ended = Trade.get_trades_proxy(pair=pair, is_open=False, close_date=current_time - timedelta(hours=1))
        return all(trade.close_profit > 0 for trade in ended)
