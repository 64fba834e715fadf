"""Whether a candle ends a trade, why and at which rate.

In:  an open trade, one candle and the signals known when it began. Out: reasons to leave, the first first, each with a rate that
     the candle shows. The stop moves on the way.

Within a candle the high is taken to come before the low: a trailing stop follows the high and the low may reach it. The order
of reasons is signal, stop, ROI, trailing stop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ninefold.freqtrade.asking import ask, ask_price
from ninefold.freqtrade.money import nearest
from ninefold.freqtrade.trade import Trade

SIGNAL, CUSTOM, STOP, TRAILING, ROI, FORCED = (
    "exit_signal",
    "custom_exit",
    "stop_loss",
    "trailing_stop_loss",
    "roi",
    "force_exit",
)
LONGEST_REASON = 255
SAFE = 1e-6  # of a rate: more than profits of eight decimals are off by


@dataclass(frozen=True, slots=True)
class Candle:
    """enter, leave, exit_tag: signals of the candle before it."""

    time: datetime
    open: float
    high: float
    low: float
    close: float
    enter: bool
    leave: bool
    exit_tag: str | None


class Exit(NamedTuple):
    reason: str
    rate: float


def exits(strategy: Any, trade: Trade, candle: Candle) -> Iterator[Exit]:
    """Every reason to leave in this candle; a reason that is vetoed lets the next one count.

    raises: StrategyFailed.
    """
    trade.saw(candle.high, candle.low)
    move_stop(strategy, trade, candle)
    stopped = trade.stop_loss >= candle.low
    trailing = trade.is_stop_loss_trailing
    minutes = int((candle.time - trade.open_date).total_seconds() // 60)
    roi = roi_of(strategy, trade, candle, minutes)
    paid = (
        roi is not None
        and not (candle.enter and strategy.ignore_roi_if_entry_signal)
        and trade.calc_profit_ratio(candle.high) > roi[1]
    )
    reason = signal(strategy, trade, candle)
    if reason:
        profit = trade.calc_profit_ratio(candle.open)
        about = {"current_time": candle.time, "current_profit": profit, "exit_tag": reason}
        ask_price(strategy, "custom_exit_price", candle.open, pair=trade.pair, trade=trade, **about)
        yield Exit(reason, candle.open)
    if stopped and not trailing:
        yield Exit(STOP, stop_rate(strategy, trade, candle, minutes))
    if paid and roi is not None:
        yield Exit(ROI, roi_rate(strategy, trade, candle, minutes, roi))
    if stopped and trailing:
        yield Exit(TRAILING, stop_rate(strategy, trade, candle, minutes))


def nothing_can_happen(strategy: Any, trade: Trade, high: float, low: float, leave: bool) -> bool:
    """Told cheaply: there is no signal, nothing follows the price, the stop is below the low and all ROI above the high."""
    if leave or strategy.follows or low <= trade.stop_loss:
        return False
    least = strategy.least_roi
    return least is None or high < earning(trade, least) * (1 - SAFE)


def signal(strategy: Any, trade: Trade, candle: Candle) -> str | None:
    """The reason of an exit at the candle's open: the strategy's column, else its `custom_exit`."""
    if not strategy.use_exit_signal:
        return None
    profit = trade.calc_profit_ratio(candle.open) if strategy.exit_profit_only or strategy.asks_exit else 0.0
    if strategy.exit_profit_only and profit <= strategy.exit_profit_offset:
        return None
    if candle.leave and not candle.enter:
        return candle.exit_tag or SIGNAL
    if not strategy.asks_exit:
        return None
    said = ask(
        strategy,
        "custom_exit",
        pair=trade.pair,
        trade=trade,
        current_time=candle.time,
        current_rate=candle.open,
        current_profit=profit,
    )
    if not said:
        return None
    return said[:LONGEST_REASON] if isinstance(said, str) else CUSTOM


def move_stop(strategy: Any, trade: Trade, candle: Candle) -> None:
    """Let the stop follow the candle's high, unless its low is at the stop already."""
    if trade.stop_loss >= candle.low:
        return
    if strategy.use_custom_stoploss:
        said = ask(
            strategy,
            "custom_stoploss",
            pair=trade.pair,
            trade=trade,
            current_time=candle.time,
            current_rate=candle.high,
            current_profit=trade.calc_profit_ratio(candle.high),
            after_fill=False,
        )
        if said and math.isfinite(said):
            trade.raise_stop(candle.high, said)
    if strategy.trailing_stop:
        distance, offset = strategy.stoploss, strategy.trailing_stop_positive_offset
        best = trade.calc_profit_ratio(candle.high)
        if strategy.trailing_only_offset_is_reached and best < offset:
            return
        if strategy.trailing_stop_positive is not None and best > offset:
            distance = strategy.trailing_stop_positive
        trade.raise_stop(candle.high, distance)


def stop_rate(strategy: Any, trade: Trade, candle: Candle, minutes: int) -> float:
    """The stop itself; the open if the candle began below it; in the candle of the entry the worst that a trailing stop allows."""
    if trade.stop_loss > candle.high:
        return candle.open
    if not (trade.is_stop_loss_trailing and minutes == 0):
        return trade.stop_loss
    offset, positive = strategy.trailing_stop_positive_offset, strategy.trailing_stop_positive
    plain = strategy.trailing_stop and not strategy.use_custom_stoploss
    if plain and strategy.trailing_only_offset_is_reached and offset is not None and positive:
        worst: float = candle.open * (1 + abs(offset) - abs(positive / trade.leverage))
    else:
        worst = candle.open * (1 - abs(trade.stop_loss_pct / trade.leverage))
    return max(candle.low, float(worst))


def roi_of(strategy: Any, trade: Trade, candle: Candle, minutes: int) -> tuple[int, float] | None:
    """The profit that is enough after so many minutes and since when it is: the row of the table that holds, or what the
    strategy says now if that is less."""
    held = next(((since, wanted) for since, wanted in strategy.roi_falling if since <= minutes), None)
    if not strategy.use_custom_roi:
        return held
    said = ask(
        strategy,
        "custom_roi",
        pair=trade.pair,
        trade=trade,
        current_time=candle.time,
        trade_duration=minutes,
        entry_tag=trade.enter_tag,
        side=trade.trade_direction,
    )
    if said is None or not math.isfinite(said) or (held is not None and said >= held[1]):
        return held
    return minutes, said


def roi_rate(strategy: Any, trade: Trade, candle: Candle, minutes: int, roi: tuple[int, float]) -> float:
    """Where the profit is just reached, both fees paid; the open if a new row of the table begins to hold with the candle."""
    since, wanted = roi
    begins = since % strategy.timeframe_minutes == 0
    if wanted == -1 and begins:
        return candle.open
    reached = earning(trade, wanted)
    if 0 < minutes == since and begins and candle.open > reached:
        return candle.open
    return min(max(reached, candle.low), candle.high)


def earning(trade: Trade, profit: float) -> float:
    """The rate that brings this profit, both fees paid."""
    return trade.open_rate * (1 + trade.fee_open) * (1 + profit) / (1 - trade.fee_close)


def on_steps(trade: Trade, rate: float) -> float:
    return nearest(rate, trade.price_step)
