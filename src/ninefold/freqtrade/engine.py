"""The back-test of a strategy in freqtrade's way: candle by candle, pair by pair.

In:  a strategy, its rows by pair, settings. Out: trades in the order in which they ended.

A signal acts at the open of the next candle. One trade a pair, entries before exits: a trade may end in the candle it began in,
and another begins in the next at the earliest. Pairs with open trades come first, so that a slot they leave is free in the
same candle. Nothing begins on the last candle; what is open after it ends at its open. Where no trade is open and no pair has a
signal, no candle is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ninefold.freqtrade.asking import ask, ask_price, overrides
from ninefold.freqtrade.exits import FORCED, Candle, exits, nothing_can_happen, on_steps
from ninefold.freqtrade.frames import Rows
from ninefold.freqtrade.istrategy import IStrategy
from ninefold.freqtrade.money import cost_of, cut
from ninefold.freqtrade.trade import Book, Order, Trade
from ninefold.freqtrade.wallet import Settings, Wallets


class Backtest:
    """One run; `book` holds its trades."""

    def __init__(self, strategy: Any, rows: Mapping[str, Rows], settings: Settings, book: Book) -> None:
        self._strategy = strategy
        self._rows = rows
        self._settings = settings
        self._slots = settings.slots
        self._book = Trade.book = book
        self._step = 60 * strategy.timeframe_minutes if rows else 1
        self._begin = {pair: row.seconds[0] for pair, row in rows.items()}
        self._asks_loop = overrides(strategy, "bot_loop_start", IStrategy)
        strategy.asks_exit = any(overrides(strategy, name, IStrategy) for name in ("custom_exit", "custom_sell"))
        strategy.follows = (
            strategy.asks_exit or strategy.use_custom_stoploss or strategy.use_custom_roi or strategy.trailing_stop
        )
        strategy.least_roi = min((wanted for _, wanted in strategy.roi_falling), default=None)
        strategy.wallets = Wallets(settings, book)

    def run(self) -> list[Trade]:
        """raises: StrategyFailed."""
        if not self._rows:
            return []
        last = max(row.seconds[-1] for row in self._rows.values())
        for seconds in self._times(last):
            now = self._strategy.dp.now = datetime.fromtimestamp(seconds, UTC)
            if self._asks_loop:
                ask(self._strategy, "bot_loop_start", current_time=now)
            for pair in dict.fromkeys([*(trade.pair for trade in self._book.open), *self._rows]):
                at = (seconds - self._begin[pair]) // self._step
                if 0 <= at < len(self._rows[pair].seconds):
                    self._candle(pair, at, now, seconds == last)
        for trade in list(self._book.open):
            row = self._rows[trade.pair]
            self._leave(trade, row.open[-1], datetime.fromtimestamp(row.seconds[-1], UTC), FORCED)
        return self._book.closed

    def _times(self, last: int) -> Iterator[int]:
        """Seconds at which candles begin on which something can happen."""
        entries = {row.seconds[at] for row in self._rows.values() for at, enter in enumerate(row.enter) if enter}
        waiting = sorted(entries, reverse=True)
        now = min(self._begin.values())
        while now <= last:
            if not self._asks_loop and not self._book.open:
                while waiting and waiting[-1] < now:
                    waiting.pop()
                if not waiting:
                    return
                now = waiting[-1]
            yield now
            now += self._step

    def _candle(self, pair: str, at: int, now: datetime, is_last: bool) -> None:
        row = self._rows[pair]
        self._strategy.dp.upto[pair] = row.before + at
        trade = next((one for one in self._book.open if one.pair == pair), None)
        wanted = row.enter[at] and not row.leave[at]
        if trade is None and wanted and not is_last and len(self._book.open) < self._slots:
            trade = self._enter(pair, row, at, now)
        if trade is None:
            return
        high, low = row.high[at], row.low[at]
        if nothing_can_happen(self._strategy, trade, high, low, row.leave[at]):
            trade.saw(high, low)
        else:
            self._manage(trade, row, at, now)

    def _enter(self, pair: str, row: Rows, at: int, now: datetime) -> Trade | None:
        strategy, settings = self._strategy, self._settings
        if strategy.dp.locked(pair, now):
            return None
        rate, tag = row.open[at], row.enter_tag[at]
        about = {"current_time": now, "entry_tag": tag, "side": "long"}
        ask_price(strategy, "custom_entry_price", rate, pair=pair, trade=None, **about)
        stake = self._stake(pair, rate, about)
        amount = cut(stake / rate, settings.amount_step(pair))
        if amount <= 0:
            return None
        kind = strategy.order_types.get("entry", "limit")
        force = strategy.order_time_in_force.get("entry", "GTC")
        asked = {"pair": pair, "order_type": kind, "amount": amount, "rate": rate, "time_in_force": force, **about}
        if not ask(strategy, "confirm_trade_entry", **asked):
            return None
        trade = Trade(
            id=len(self._book.closed) + len(self._book.open) + 1,
            pair=pair,
            open_date=now,
            open_rate=rate,
            amount=amount,
            stake_amount=cost_of(amount, rate, 0.0),
            fee_open=settings.fee,
            fee_close=settings.fee,
            enter_tag=tag,
            strategy=type(strategy).__name__,
            timeframe=strategy.timeframe_minutes,
            price_step=row.price_step[at],
        )
        trade.set_stop(rate, strategy.stoploss)
        self._book.enter(trade)
        self._filled(trade, Order("buy", tag, kind, rate, amount, now))
        return trade

    def _stake(self, pair: str, rate: float, about: dict[str, Any]) -> float:
        """What the strategy wants to stake, at most what there is."""
        wallets: Wallets = self._strategy.wallets
        stake, available = wallets.proposed_stake(), wallets.get_available_stake_amount()
        if stake <= 0:
            return 0.0
        said = ask(
            self._strategy,
            "custom_stake_amount",
            pair=pair,
            current_rate=rate,
            proposed_stake=stake,
            min_stake=0.0,
            max_stake=available,
            leverage=1.0,
            **about,
        )
        return min(float(said or 0.0), float(available))

    def _manage(self, trade: Trade, row: Rows, at: int, now: datetime) -> None:
        """Leave by the first reason that nobody vetoes."""
        candle = Candle(
            now, row.open[at], row.high[at], row.low[at], row.close[at], row.enter[at], row.leave[at], row.exit_tag[at]
        )
        strategy = self._strategy
        for reason, rate in exits(strategy, trade, candle):
            asked = {"order_type": strategy.order_types.get("exit", "limit"), "amount": trade.amount, "rate": rate}
            asked |= {"time_in_force": strategy.order_time_in_force.get("exit", "GTC"), "exit_reason": reason}
            asked |= {"sell_reason": reason, "current_time": now, "pair": trade.pair, "trade": trade}
            if ask(strategy, "confirm_trade_exit", **asked):
                self._leave(trade, on_steps(trade, rate), now, reason)
                return

    def _leave(self, trade: Trade, rate: float, now: datetime, reason: str) -> None:
        trade.close(rate, now, reason)
        self._book.leave(trade)
        self._filled(trade, Order("sell", reason, "limit", rate, trade.amount, now))

    def _filled(self, trade: Trade, order: Order) -> None:
        trade.orders.append(order)
        ask(
            self._strategy, "order_filled", pair=trade.pair, trade=trade, order=order, current_time=order.order_date_utc
        )
