"""A position from its entry to its exit, as strategies see it: the `Trade` of their callbacks.

In:  pair, rates, amounts, fees. Out: what it is worth, and where its stop is; the stop only rises.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from ninefold.freqtrade.money import cost_of, eight_decimals, next_above, proceeds_of


@dataclass(eq=False, slots=True)
class Order:
    """One that was filled at once, in whole."""

    ft_order_side: str
    ft_order_tag: str | None
    order_type: str
    price: float
    amount: float
    order_date_utc: datetime
    ft_is_open: bool = False
    status: str = "closed"

    side = property(lambda self: self.ft_order_side)
    average = safe_price = ft_price = property(lambda self: self.price)
    filled = safe_filled = safe_amount = property(lambda self: self.amount)
    cost = safe_cost = stake_amount = property(lambda self: self.amount * self.price)
    order_filled_utc = property(lambda self: self.order_date_utc)


class Book:
    """All trades of one back-test, in the order of their entries."""

    def __init__(self) -> None:
        self.open: list[Trade] = []
        self.closed: list[Trade] = []
        self.earned = 0.0  # by those that are closed, in quote

    @property
    def tied_up(self) -> float:
        return float(sum(trade.stake_amount for trade in self.open))

    def enter(self, trade: Trade) -> None:
        self.open.append(trade)

    def leave(self, trade: Trade) -> None:
        self.open.remove(trade)
        self.closed.append(trade)
        self.earned += trade.close_profit_abs or 0.0


@dataclass(eq=False, kw_only=True)
class Trade:
    """Dates are in UTC, rates in quote for one base, `stake_amount` in quote without fees."""

    book: ClassVar[Book] = Book()  # that of the back-test that runs; strategies ask the class for it

    id: int
    pair: str
    open_date: datetime
    open_rate: float
    amount: float
    stake_amount: float
    fee_open: float
    fee_close: float
    enter_tag: str | None = None
    strategy: str = ""
    exchange: str = ""
    timeframe: int = 0
    price_step: float | None = None
    leverage: float = 1.0
    is_short: bool = False

    stop_loss: float = 0.0
    stop_loss_pct: float = 0.0
    initial_stop_loss: float = 0.0
    initial_stop_loss_pct: float = 0.0
    is_stop_loss_trailing: bool = False
    min_rate: float = 0.0
    max_rate: float = 0.0
    close_date: datetime | None = None
    close_rate: float | None = None
    close_profit: float | None = None
    close_profit_abs: float | None = None
    exit_reason: str | None = None
    realized_profit: float = 0.0
    orders: list[Order] = field(default_factory=list)
    custom_data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open_trade_value = cost_of(self.amount, self.open_rate, self.fee_open)
        self.min_rate = self.max_rate = self.open_rate

    @property
    def is_open(self) -> bool:
        return self.close_date is None

    entry_side = property(lambda self: "sell" if self.is_short else "buy")
    exit_side = property(lambda self: "buy" if self.is_short else "sell")
    trade_direction = property(lambda self: "short" if self.is_short else "long")
    open_date_utc = date_entry_fill_utc = property(lambda self: self.open_date)
    close_date_utc = property(lambda self: self.close_date)
    date_last_filled_utc = property(lambda self: self.orders[-1].order_date_utc)
    open_rate_requested = property(lambda self: self.open_rate)
    max_stake_amount = property(lambda self: self.stake_amount)
    amount_requested = property(lambda self: self.amount)
    safe_base_currency = property(lambda self: self.pair.partition("/")[0])
    safe_quote_currency = property(lambda self: self.pair.partition("/")[2])
    stoploss_or_liquidation = property(lambda self: self.stop_loss)
    has_open_position = property(lambda self: self.is_open)
    has_open_orders = has_open_sl_orders = property(lambda self: False)
    nr_of_successful_entries = property(lambda self: len(self.orders) if self.is_open else len(self.orders) - 1)
    nr_of_successful_exits = property(lambda self: 0 if self.is_open else 1)

    def calc_profit(self, rate: float) -> float:
        """In quote, after both fees, were it closed at this rate."""
        return eight_decimals(proceeds_of(self.amount, rate, self.fee_close) - self.open_trade_value)

    def calc_profit_ratio(self, rate: float) -> float:
        """The same as a fraction of what it cost."""
        return eight_decimals(proceeds_of(self.amount, rate, self.fee_close) / self.open_trade_value - 1)

    def set_stop(self, rate: float, distance: float) -> None:
        """The stop it begins with: `distance` (a fraction) below the rate."""
        self.stop_loss = self.initial_stop_loss = self._below(rate, distance)
        self.stop_loss_pct = self.initial_stop_loss_pct = -abs(distance)

    def raise_stop(self, rate: float, distance: float) -> None:
        """Move the stop to `distance` below the rate, if that is higher than it is."""
        stop = self._below(rate, distance)
        if stop > self.stop_loss:
            self.stop_loss = stop
            self.stop_loss_pct = -abs(distance)
            self.is_stop_loss_trailing = True

    def _below(self, rate: float, distance: float) -> float:
        return next_above(float(rate * (1 - abs(distance / self.leverage))), self.price_step)

    def saw(self, high: float, low: float) -> None:
        self.max_rate, self.min_rate = max(self.max_rate, high), min(self.min_rate, low)

    def close(self, rate: float, date: datetime, reason: str) -> None:
        self.close_rate, self.close_date, self.exit_reason = rate, date, reason
        self.close_profit_abs = self.realized_profit = self.calc_profit(rate)
        self.close_profit = self.close_profit_abs / self.open_trade_value

    def set_custom_data(self, key: str, value: Any) -> None:
        self.custom_data[key] = value

    def get_custom_data(self, key: str, default: Any = None) -> Any:
        return self.custom_data.get(key, default)

    @classmethod
    def get_trades_proxy(
        cls,
        *,
        pair: str | None = None,
        is_open: bool | None = None,
        open_date: datetime | None = None,
        close_date: datetime | None = None,
    ) -> list[Trade]:
        """Those of the pair, open or closed, entered after `open_date`, left after `close_date`."""
        every: Iterable[Trade] = [
            *(cls.book.closed if is_open is not True else []),
            *(cls.book.open if is_open is not False else []),
        ]
        return [
            one
            for one in every
            if (pair is None or one.pair == pair)
            and (open_date is None or one.open_date > open_date)
            and (close_date is None or (one.close_date is not None and one.close_date > close_date))
        ]

    @classmethod
    def get_open_trades(cls) -> list[Trade]:
        return list(cls.book.open)

    @classmethod
    def get_open_trade_count(cls) -> int:
        return len(cls.book.open)

    @classmethod
    def get_total_closed_profit(cls) -> float:
        return cls.book.earned

    @classmethod
    def total_open_trades_stakes(cls) -> float:
        return cls.book.tied_up
