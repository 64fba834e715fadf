"""The ledger beside the hot loop: nothing leaves before what led to it is written, and nothing is forgotten."""

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
    """Books over a real ledger; `sent` says for each order how many events the ledger had when it left, and how often it was
    synced by then."""

    def __init__(self, folder: Path, strict: bool = False) -> None:
        self.folder = folder
        self.ledger = Ledger(folder)
        self.execute = Execute(Config(account=Account(orders="exchange")), (), self.ledger, Registry())
        self.sent: list[tuple[str, int, int]] = []
        self.books = Books(self.execute, self._send, strict)
        self.syncs, self.begun, self.go_on = 0, threading.Event(), threading.Event()
        self.go_on.set()
        self.execute.sync = self._sync  # type: ignore[method-assign]

    def put(self, seq: int, orders: int = 0) -> None:
        self.execute._to_send = [approved(seq)] * orders
        balance = Balance(seq=seq, known_ns=seq, asset="USDT", free=seq, locked=0)
        self.books.put(Chunk(seq, seq, seq, records=[balance]))

    def _send(self, orders) -> None:
        events = len(LedgerReader(self.folder).events())
        self.sent += [(each.order.client_order_id, events, self.syncs) for each in orders]

    def _sync(self) -> None:
        self.begun.set()
        self.go_on.wait(20)
        self.ledger.sync()
        self.syncs += 1


def test_an_order_leaves_once_all_that_led_to_it_is_written_and_is_synced_while_it_is_on_its_way(tmp_path):
    async def work() -> None:
        desk = Desk(tmp_path)
        desk.put(1)
        desk.put(2, orders=1)
        assert desk.sent == [("nf-2", 2, 0)] and not desk.books.whole
        await desk.books.written()
        assert desk.books.whole and desk.syncs == 1
        desk.put(3, orders=1)
        assert desk.sent[1:] == [("nf-3", 3, 1)]
        await desk.books.written()
        desk.books.close()

    asyncio.run(work())


def test_strict_an_order_leaves_once_it_is_synced(tmp_path):
    async def work() -> None:
        desk = Desk(tmp_path, strict=True)
        desk.put(1)
        desk.put(2, orders=2)
        assert desk.sent == [("nf-2", 2, 1), ("nf-2", 2, 1)] and desk.books.whole
        desk.books.close()

    asyncio.run(work())


def test_the_next_order_of_an_instrument_waits_for_the_sync_of_the_one_before(tmp_path):
    async def work() -> None:
        desk = Desk(tmp_path)
        desk.go_on.clear()
        desk.put(1, orders=1)
        waiting = asyncio.ensure_future(desk.books.written())
        await asyncio.to_thread(desk.begun.wait, 20)
        desk.put(2, orders=1)
        desk.put(3, orders=1)
        waiting.cancel()
        assert [name for name, *_ in desk.sent] == ["nf-1"]
        desk.go_on.set()
        await desk.books.written()
        assert [name for name, *_ in desk.sent] == ["nf-1", "nf-2", "nf-3"]
        assert [syncs for *_, syncs in desk.sent] == [0, 1, 2]
        desk.books.close()

    asyncio.run(work())


@pytest.mark.parametrize("part", ["note", "sync"])
def test_after_a_refused_write_nothing_leaves_and_the_books_are_not_whole(tmp_path, monkeypatch, part):
    async def work() -> None:
        desk = Desk(tmp_path, strict=True)

        def refuse(*_: object) -> None:
            raise StoreWriteFailed(28, "no space", "ledger.db")

        monkeypatch.setattr(desk.execute, part, refuse)
        with pytest.raises(StoreWriteFailed):
            desk.put(1, orders=1)
        monkeypatch.undo()
        desk.put(2, orders=1)
        await desk.books.written()
        assert desk.sent == [] and not desk.books.whole
        desk.books.close()

    asyncio.run(work())
