"""The ledger beside the hot loop: nothing leaves before what led to it is synced, and nothing is forgotten."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from ninefold.config import Account, Config
from ninefold.execution.account import Account as Holdings
from ninefold.execution.risk import Approved, RiskState, check
from ninefold.execution.rules import AccountRules
from ninefold.execution.shown import Shown
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Balance, Order
from ninefold.services.books import Books
from ninefold.services.execute import Execute
from ninefold.store.data_dir import StoreWriteFailed
from ninefold.store.ledger import Ledger, LedgerReader


def approved(seq: int) -> Approved:
    registry = Registry()
    registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
    order = Order(seq=seq, known_ns=5, client_order_id=f"nf-{seq}", instrument=1, side=1, size=1_000, status="intended")
    shown, account = Shown(registry, "binance"), Holdings()
    shown.fold(Chunk(1, 1, 5, {"quotes": rows("quotes", [(1, 5, 5, 1, 1, 100, 9, 101, 9)])}))
    account.show(Balance(seq=1, known_ns=1, asset="USDT", free=10**15, locked=0))
    rules = AccountRules(
        account="main", venue="binance", quote="USDT", max_position=10**18, max_order=10**18, max_orders_per_minute=9
    )
    return check(RiskState(5, rules, registry, shown, account, None, [], []), [order])[0][0]


class Desk:
    """Books over a real ledger; `sent` says for each order how many events the ledger had when it left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.execute = Execute(Config(account=Account(orders="exchange")), (), Ledger(folder), Registry())
        self.sent: list[tuple[str, int]] = []
        self.books = Books(self.execute, self._send)

    def put(self, seq: int, orders: int = 0) -> None:
        self.execute._to_send = [approved(seq)] * orders
        balance = Balance(seq=seq, known_ns=seq, asset="USDT", free=seq, locked=0)
        self.books.put(Chunk(seq, seq, seq, records=[balance]))

    def events(self) -> int:
        return len(LedgerReader(self.folder).events())

    def _send(self, orders) -> None:
        self.sent += [(each.order.client_order_id, self.events()) for each in orders]


def test_orders_leave_in_order_once_all_that_led_to_them_is_in_the_ledger(tmp_path):
    async def work() -> None:
        desk = Desk(tmp_path)
        desk.put(1)
        desk.put(2, orders=1)
        assert desk.sent == [] and not desk.books.whole
        await desk.books.written()
        desk.put(3, orders=1)
        await desk.books.written()
        assert desk.sent == [("nf-2", 2), ("nf-3", 3)]
        assert desk.books.whole
        desk.books.close()

    asyncio.run(work())


def test_what_comes_while_it_writes_is_written_too_and_a_cancelled_wait_stops_nothing(tmp_path, monkeypatch):
    async def work() -> None:
        desk = Desk(tmp_path)
        go_on, append = threading.Event(), desk.execute.append

        def slowly(records, last_seq) -> None:
            go_on.wait(20)
            append(records, last_seq)

        monkeypatch.setattr(desk.execute, "append", slowly)
        running = asyncio.ensure_future(desk.books.run())
        desk.put(1, orders=1)
        while not desk.books._writing:
            await asyncio.sleep(0)
        desk.put(2, orders=1)
        running.cancel()
        go_on.set()
        await desk.books.written()
        assert [name for name, _ in desk.sent] == ["nf-1", "nf-2"]
        assert desk.events() == 2
        desk.books.close()

    asyncio.run(work())


def test_after_a_refused_write_nothing_leaves_and_the_books_are_not_whole(tmp_path, monkeypatch):
    async def work() -> None:
        desk = Desk(tmp_path)

        def refuse(records, last_seq) -> None:
            raise StoreWriteFailed(28, "no space", "ledger.db")

        monkeypatch.setattr(desk.execute, "append", refuse)
        desk.put(1, orders=1)
        with pytest.raises(StoreWriteFailed):
            await desk.books.run()
        assert desk.sent == [] and not desk.books.whole
        desk.books.close()

    asyncio.run(work())
