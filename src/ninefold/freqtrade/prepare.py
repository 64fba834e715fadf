"""Make a strategy ready to run: older names of its settings, its parameters' values, its ROI table in order.

In:  a strategy, what is stored of its parameters. Out: the same strategy, checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.parameters import set_parameters
from ninefold.freqtrade.timeframes import timeframe_to_minutes

OLD_SETTINGS = {
    "ticker_interval": "timeframe",
    "use_sell_signal": "use_exit_signal",
    "sell_profit_only": "exit_profit_only",
    "sell_profit_offset": "exit_profit_offset",
    "ignore_roi_if_buy_signal": "ignore_roi_if_entry_signal",
}
OLD_ORDERS = {"buy": "entry", "sell": "exit"}
NOT_THERE_FLAGS = {
    "can_short": "short trades",
    "position_adjustment_enable": "trades that are added to or left in parts",
}
FREQAI = "feature_engineering_expand_all"


def prepare(strategy: Any, stored: Mapping[str, Mapping[str, Any]]) -> None:
    """stored: of the file NAME.json beside it: values by space, and roi, stoploss, trailing, max_open_trades.

    raises: StrategyFailed naming what is missing, or not there.
    """
    of = type(strategy)
    for old, new in OLD_SETTINGS.items():
        if hasattr(of, old) and new not in vars(of):
            setattr(strategy, new, getattr(strategy, old))
    strategy.order_types = {OLD_ORDERS.get(name, name): kind for name, kind in strategy.order_types.items()}
    set_parameters(strategy, stored)
    for space in ("stoploss", "trailing", "max_open_trades"):
        for name, value in stored.get(space, {}).items():
            setattr(strategy, name, value)
    table = stored.get("roi", strategy.minimal_roi)
    strategy.roi_falling = sorted(((int(since), float(wanted)) for since, wanted in table.items()), reverse=True)
    _check(strategy)
    strategy.timeframe_minutes = timeframe_to_minutes(strategy.timeframe)


def _check(strategy: Any) -> None:
    of = type(strategy)
    if not strategy.timeframe:
        raise StrategyFailed(f'{of.__name__} has no timeframe; set one in its class, such as timeframe = "5m"')
    if strategy.stoploss is None or not strategy.stoploss < 0:
        raise StrategyFailed(
            f"{of.__name__} has stoploss {strategy.stoploss!r}; set a fraction below 0 in its class, such as stoploss = -0.10"
        )
    for flag, what in NOT_THERE_FLAGS.items():
        if getattr(strategy, flag):
            raise StrategyFailed(f"{of.__name__} sets {flag}; {what} are not there yet: run it with {flag} = False")
    if hasattr(of, FREQAI):
        raise StrategyFailed(f"{of.__name__} has {FREQAI}(); FreqAI is not there: run a strategy without it")
