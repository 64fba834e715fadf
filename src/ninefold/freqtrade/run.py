"""One back-test of a strategy: its candles, its analysis, its trades.

In:  a strategy, series of candles by pair and width, a range, settings. Out: the trades and the range they were looked for in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from ninefold.freqtrade.asking import ask
from ninefold.freqtrade.engine import Backtest
from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.frames import analyse
from ninefold.freqtrade.prepare import prepare
from ninefold.freqtrade.provider import DataProvider, RunMode
from ninefold.freqtrade.series import Series
from ninefold.freqtrade.timeframes import timeframe_to_seconds
from ninefold.freqtrade.trade import Book, Trade
from ninefold.freqtrade.wallet import UNLIMITED, Settings

SeriesOf = Callable[[str, int], Series]  # of a pair, in candles of so many seconds


class Range(NamedTuple):
    """Seconds since 1970 at which candles begin, both included; None is open."""

    start_s: int | None = None
    end_s: int | None = None


class Found(NamedTuple):
    """seconds: when each candle of the back-test begins."""

    strategy: Any
    settings: Settings
    trades: list[Trade]
    seconds: range


def backtest(
    of: Callable[[dict[str, Any]], Any],
    series_of: SeriesOf,
    pairs: Sequence[str],
    within: Range,
    settings: Settings,
    stored: Mapping[str, Mapping[str, Any]] | None = None,
    timeframe: str | None = None,
) -> Found:
    """of: the strategy's class. stored: of its parameters. timeframe: instead of the strategy's.

    raises: StrategyFailed; what `series_of` raises.
    """
    strategy = ask_class(of, settings, pairs)
    if timeframe:
        strategy.timeframe = timeframe
    prepare(strategy, stored or {})
    if settings.max_open_trades is None and strategy.max_open_trades is not None:
        settings = replace(settings, max_open_trades=int(strategy.max_open_trades))
    if settings.stake_amount == UNLIMITED and settings.slots == math.inf:
        raise StrategyFailed(
            "stake and max_open_trades cannot both be unlimited: give --stake-amount or --max-open-trades"
        )
    strategy.config |= {"timeframe": strategy.timeframe, "max_open_trades": settings.slots}

    def candles(pair: str, of_width: str) -> pd.DataFrame:
        """From as many candles of the width before the start as the strategy warms up."""
        width_s = timeframe_to_seconds(of_width)
        early = None if within.start_s is None else within.start_s - width_s * strategy.startup_candle_count
        return series_of(pair, width_s).frame(early, within.end_s)

    strategy.dp = DataProvider(candles, pairs, strategy.timeframe)
    ask(strategy, "bot_start")
    rows = analyse(strategy, pairs, candles)
    if not rows:
        raise StrategyFailed(
            f"no pair has candles of {strategy.timeframe} beyond the {strategy.startup_candle_count} that {type(strategy).__name__} "
            "warms up with: give a wider --timerange, or more bars"
        )
    trades = Backtest(strategy, rows, settings, Book()).run()
    step = timeframe_to_seconds(strategy.timeframe)
    first = min(row.seconds[0] for row in rows.values()) - step
    return Found(strategy, settings, trades, range(first, max(row.seconds[-1] for row in rows.values()) + step, step))


def ask_class(of: Callable[[dict[str, Any]], Any], settings: Settings, pairs: Sequence[str]) -> Any:
    """An object of the class, with the configuration that freqtrade would give it."""
    return of(
        {
            "stake_currency": settings.stake_currency,
            "stake_amount": settings.stake_amount,
            "max_open_trades": settings.slots,
            "dry_run": True,
            "dry_run_wallet": settings.wallet,
            "fee": settings.fee,
            "runmode": RunMode.BACKTEST,
            "trading_mode": "spot",
            "margin_mode": "",
            "exchange": {"name": "", "pair_whitelist": list(pairs), "pair_blacklist": []},
            "user_data_dir": "",
        }
    )
