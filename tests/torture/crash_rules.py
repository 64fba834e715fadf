"""The rules of recovery, and for each a program without it: the crash table must turn red for every one.

In:  the name of a rule, in a process that is about to trade. Out: the same program, less that rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ninefold.execution import rejections
from ninefold.execution.account import Account
from ninefold.execution.core import ExecutionCore
from ninefold.execution.kept import Kept
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument
from ninefold.market.records import AnyRecord, Fill, Order
from ninefold.services.books import Books
from ninefold.services.execute import Execute
from ninefold.services.trading import Trading
from ninefold.venues import binance_gateway, binance_orders
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_gateway import BinanceGateway

LATER_S = 0.005


def nobody_asks_for_unsettled_orders() -> None:
    async def reconcile(self: BinanceGateway) -> None:
        for kind, ask in (("open_orders", binance_gateway.ask_open_orders), ("account", binance_gateway.ask_account)):
            status, body = await self._client.until_answered(ask)
            self._submit(kind, msgspec.json.encode(binance_orders.Envelope("", "", "", "", status, body)))

    async def remind(self: BinanceGateway) -> None:
        return

    _set(BinanceGateway, "reconcile", reconcile)
    _set(BinanceGateway, "_remind", remind)
    _wait_for_balances_alone()


def sent_is_not_written_with_intended() -> None:
    records = Execute.account_records

    def without_sent(self: Execute, chunk: Chunk) -> list[AnyRecord]:
        return [one for one in records(self, chunk) if not (isinstance(one, Order) and one.status == "sent")]

    _set(Execute, "account_records", without_sent)


def orders_leave_before_they_are_written() -> None:
    """By as long as it takes a request to leave, which it does when the loop comes to it."""
    put = Books.put

    def at_once(self: Books, chunk: Chunk) -> None:
        self._send(self._execute.take_orders())
        asyncio.get_running_loop().call_later(LATER_S, put, self, chunk)

    _set(Books, "put", at_once)


def what_is_unsure_is_sent_again() -> None:
    call = BinanceClient.call

    async def again(self: BinanceClient, request: Any) -> tuple[int, str]:
        status, body = await call(self, request)
        if request.method == "POST" and (status == 0 or status >= 500):
            status, body = await call(self, request)
        return status, body

    _set(BinanceClient, "call", again)


def an_error_of_the_venue_is_a_rejection() -> None:
    sure = binance_orders.SURE_STATUSES | {0, 500, 502, 503, 504}
    _set(binance_orders, "SURE_STATUSES", sure)
    _set(binance_orders, "UNSURE_CODES", frozenset())


def no_such_order_counts_at_once() -> None:
    """Nor does the next order wait after a rejection: that rule would hide it here, where a late order arrives meanwhile."""
    _set(binance_gateway, "RECV_WINDOW_MS", -60_000)
    _set(rejections, "FIRST_NS", 0)
    _set(rejections, "FIRST_OUT_NS", 0)


def trades_are_not_asked_for() -> None:
    _set(binance_gateway, "_found", lambda body: None)


def nothing_is_awaited_before_trading() -> None:
    start = ExecutionCore._start

    def trades_at_once(self: ExecutionCore, started: Any) -> list[AnyRecord]:
        made = start(self, started)
        self._awaited = {}
        return made

    _set(ExecutionCore, "_start", trades_at_once)


def trades_told_twice_count_twice() -> None:
    book = Account.book

    def twice(self: Account, fill: Fill, instrument: Instrument) -> bool:
        self._seen.clear()
        return book(self, fill, instrument)

    _set(Account, "book", twice)


def several_orders_of_an_instrument_are_under_way() -> None:
    decide = ExecutionCore._decide

    def not_busy(self: ExecutionCore, *arguments: Any) -> Any:
        under_way, self._under_way = self._under_way, {}
        made = decide(self, *arguments)
        self._under_way = {**under_way, **self._under_way}
        return made

    _set(ExecutionCore, "_decide", not_busy)


def balances_that_differ_are_not_asked_for_again() -> None:
    async def never(self: Trading, gateway: BinanceGateway) -> None:
        return

    _set(Trading, "_compare", never)


def nothing_waits_for_what_the_venue_keeps() -> None:
    _set(Kept, "blocks", lambda self, order, family, tick: False)


def the_ledger_stays_ahead_of_the_journal() -> None:
    def stays(self: Execute, seq: int) -> None:
        return

    _set(Execute, "go_back", stays)


def _wait_for_balances_alone() -> None:
    def start(self: ExecutionCore, started: Any) -> Iterable[AnyRecord]:
        self._awaited = {"its balances": None}
        return []

    _set(ExecutionCore, "_start", start)


def _set(place: Any, name: str, value: Any) -> None:
    if not hasattr(place, name):
        raise AttributeError(f"{place} has no {name}: the rule has moved, and so must the program without it")
    setattr(place, name, value)


RULES: dict[str, Callable[[], None]] = {
    "unsettled orders are asked for at the start": nobody_asks_for_unsettled_orders,
    "sent is written together with intended": sent_is_not_written_with_intended,
    "an order is written before it leaves": orders_leave_before_they_are_written,
    "an order is never sent twice": what_is_unsure_is_sent_again,
    "an error of the venue leaves an order unknown": an_error_of_the_venue_is_a_rejection,
    "no such order counts only after the receive window": no_such_order_counts_at_once,
    "trades are asked for after the status": trades_are_not_asked_for,
    "orders and balances are reconciled before trading": nothing_is_awaited_before_trading,
    "a trade that is told twice counts once": trades_told_twice_count_twice,
    "one order of an instrument is under way at a time": several_orders_of_an_instrument_are_under_way,
    "balances that differ are asked for again": balances_that_differ_are_not_asked_for_again,
    "the ledger is done up to the journal's end at most": the_ledger_stays_ahead_of_the_journal,
    "what the venue keeps is over before the rest is sold": nothing_waits_for_what_the_venue_keeps,
}
