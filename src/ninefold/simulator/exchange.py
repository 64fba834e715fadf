"""The exchange's state, and the one place where it becomes durable and then visible.

In:  public trades, own executions and payloads from a market (generated or tape), within one step without awaits.
Out: `flush`: one commit of everything, then the frames and events that speak of it. A failing commit ends the process:
     nothing that was not written has been said.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from ninefold.simulator import events, ledger
from ninefold.simulator.accounts import Account, OwnFill, OwnOrder, fee_of
from ninefold.simulator.candles import Candles
from ninefold.simulator.engine import Match
from ninefold.simulator.history import History, candle_trade
from ninefold.simulator.hub import Hub
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.store import Store, TradeRow

Rows = list[tuple[int, int]]
MOST_AHEAD_MS = 1_000  # a tape played at full speed has said times far ahead; the clock does not follow it


class Market(Protocol):
    """Where orders meet: the generated market or a tape."""

    def depth(self, symbol: str, limit: int) -> tuple[int, Rows, Rows]:
        """Last update id, bids and asks as (ticks, lots), best first."""

    def walk(self, symbol: str, side: int, price_ticks: int | None, lots: int) -> Rows:
        """What an incoming order would get now."""

    def submit(self, order: OwnOrder, price_ticks: int | None, rest: bool) -> None:
        """Match an own order and report each execution to `Exchange.fill_own`; let the rest stay if `rest`."""

    def cancel(self, order: OwnOrder) -> None:
        """Take what rests of an own order out of the book."""


class Face(Protocol):
    """The same market in another venue's protocol. What it publishes leaves with the next flush."""

    name: str

    def traded(self, listing: "Listing", rows: list[TradeRow]) -> None:
        """What one order took; the book is the one after it."""

    def step(self, now_ms: int) -> None:
        """Publish what is due."""

    def settle(self, symbol: str) -> int:
        """Publish all changes of a book; the time of the newest message about it, ns; 0 if there was none."""


class Listing:
    """One traded symbol: its instrument, candles and the ids it has reached."""

    def __init__(self, instrument: Instrument, symbol_id: int, history: History) -> None:
        self.instrument = instrument
        self.symbol_id = symbol_id
        self.candles: Candles = history.candles(symbol_id)
        self.trades, first, self.last = history.span(symbol_id)
        self.first_trade_id = 0 if first is None else first.trade_id

    @property
    def last_trade_id(self) -> int:
        return 0 if self.last is None else self.last.trade_id


class Exchange:
    """Everything shared by the markets and the protocols."""

    def __init__(self, store: Store, hub: Hub, instruments: list[Instrument]) -> None:
        self.store = store
        self.hub = hub
        history = History(store.path)
        self.listings = {each.symbol: Listing(each, store.symbol_id(each.symbol), history) for each in instruments}
        history.close()
        assets = dict.fromkeys(asset for each in instruments for asset in (each.quote, each.base))
        self.account: Account = ledger.open_account(store, assets)
        self.account_asked = asyncio.Event()  # a tape waits for it: who trades asks for the account first
        self.open_orders = ledger.open_orders(store)
        self.orders_total, self.fills_total = ledger.counts(store)
        self.next_order_id = ledger.next_order_id(store)
        self.user_listeners: dict[Callable[[dict[str, Any]], None], None] = {}
        self.faces: list[Face] = []
        self._frames: list[tuple[str, bytes]] = []
        self._events: list[dict[str, Any]] = []
        said_ms = max((each.last.time_ms for each in self.listings.values() if each.last), default=0)
        self._last_ms = min(said_ms, time.time_ns() // 1_000_000 + MOST_AHEAD_MS)

    def now_ms(self) -> int:
        """The exchange's clock: real time, but never before what it has said already."""
        self._last_ms = max(self._last_ms, time.time_ns() // 1_000_000)
        return self._last_ms

    def judging_ms(self) -> int:
        """The clock that signed requests are judged by, and that the exchange tells as its own: a fault may move it."""
        off_ms = self.hub.faults.clock_ms()
        if off_ms:
            self.hub.faults.struck["clock_jump"] += 1
        return self.now_ms() + off_ms

    def publish(self, stream: str, payload: bytes) -> None:
        """Queue a market payload for the next flush, if anybody listens."""
        if stream in self.hub.topics:
            self._frames.append((stream, payload))

    def announce(self, event: dict[str, Any]) -> None:
        """Queue a user data event for the next flush."""
        self._events.append(event)

    def record_trade(self, listing: Listing, row: TradeRow) -> None:
        """Keep a public trade and fold it into the candles."""
        self.store.add_trade(row)
        closed = listing.candles.add(candle_trade(row))
        if closed is not None:
            self.store.add_minute(listing.symbol_id, closed)
        if listing.last is None:
            listing.first_trade_id = row.trade_id
        listing.last = row
        listing.trades += 1

    def accept(self, order: OwnOrder) -> None:
        """A new own order: keep it and say so."""
        self.orders_total += 1
        self.open_orders[order.order_id] = order
        self._report(order, "NEW")

    def fill_own(self, order_id: int, trade_id: int, match: Match, time_ms: int, is_maker: bool) -> None:
        """One execution of an own order: money, order and fill change together."""
        order = self.open_orders[order_id]
        instrument = self.listings[order.symbol].instrument
        value_e8 = instrument.value_e8(match.price_ticks, match.size_lots)
        fee_e8, fee_asset = fee_of(instrument, order.side, match.size_lots, value_e8, order.fee_in_quote)
        fill = OwnFill(
            order_id, trade_id, order.symbol, match.price_ticks, match.size_lots, value_e8, fee_e8, fee_asset,
            time_ms, order.side == 1, is_maker,
        )  # fmt: skip
        self.account.execute(instrument, order, fill, locked=order.type != "MARKET")
        order.update_ms = time_ms
        ledger.save_fill(self.store, fill)
        self.fills_total += 1
        if not order.open:
            del self.open_orders[order_id]
        self._report(order, "TRADE", fill)

    def end(self, order: OwnOrder, status: str, cancel_id: str | None = None) -> None:
        """CANCELED or EXPIRED: free what was locked and say so."""
        instrument = self.listings[order.symbol].instrument
        if order.type != "MARKET":
            self.account.release(instrument, order)
        order.status = status
        order.update_ms = self.now_ms()
        self.open_orders.pop(order.order_id, None)
        self._report(order, status, cancel_id=cancel_id)

    def flush(self) -> None:
        """Commit, then send: the only way out for frames and events."""
        assets = self.account.take_changed()
        for asset in assets:
            ledger.save_balance(self.store, self.account, asset)
        if assets:
            self._events.append(events.account_position(self.account, assets, self.now_ms()))
        self.store.commit()
        frames, self._frames = self._frames, []
        self.hub.publish(frames)
        said, self._events = self._events, []
        for event in said:
            for listener in list(self.user_listeners):
                listener(event)

    def _report(
        self, order: OwnOrder, execution: str, fill: OwnFill | None = None, cancel_id: str | None = None
    ) -> None:
        ledger.save_order(self.store, order)
        instrument = self.listings[order.symbol].instrument
        self._events.append(events.execution_report(instrument, order, execution, self.now_ms(), fill, cancel_id))
