"""Orders through the gateway to the simulated exchange, a process of its own: our books equal its account exactly."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from ninefold.execution.core import ExecutionCore
from ninefold.execution.risk import Approved
from ninefold.execution.rules import AccountRules
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.numbers import to_units
from ninefold.market.records import (
    AnyRecord,
    Asked,
    Balance,
    CancelAsked,
    Fill,
    Found,
    Has,
    Malformed,
    Order,
    Started,
    Tick,
)
from ninefold.venues import binance_gateway
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_gateway import BinanceGateway, Placed
from ninefold.venues.binance_keys import check_keys
from ninefold.venues.binance_orders import parse_account

RULES = AccountRules(
    account="main", venue="binance", quote="USDT", max_position=10**13, max_order=10**13, max_orders_per_minute=100
)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A simulated exchange with a generated market; what it printed when it was ready."""
    folder = tmp_path_factory.mktemp("simulator")
    command = [sys.executable, "-m", "ninefold.simulator", "--data-dir", str(folder / "data"), "--port", "0"]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen([*command, "--rate", "100"], stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (folder / "log.txt").read_text()
            yield json.loads(line)
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


class Live:
    """Core, parser and gateway wired as the pipeline wires them; `ledger` holds what is written before sending."""

    def __init__(self, simulator: dict[str, Any], ledger: list[AnyRecord], rest: str = "") -> None:
        self.rest = simulator["rest"]
        self.registry = registry(self.rest)
        self.core = ExecutionCore.restore(RULES, self.registry, ledger)
        self.ledger = ledger
        self.records: list[AnyRecord] = []
        self.seq = max((record.seq for record in ledger), default=0)
        keys = json.loads(Path(simulator["keys_file"]).read_text())
        secret = keys.pop("secret")
        (key,) = keys.values()
        self.gateway = BinanceGateway(
            rest or self.rest, simulator["ws_api"], key, secret, self.submit, self.unsettled, time.time_ns
        )
        self.step(Started(seq=self.seq + 1, known_ns=time.time_ns(), run="test"))

    def unsettled(self) -> list[Placed]:
        return [(order, self.registry[order.instrument]) for order in self.core.unsettled()]

    def submit(self, kind: str, payload: bytes) -> None:
        self.step(*parse_account(kind, payload, self.registry, self.seq + 1, time.time_ns()))

    def step(
        self, *records: AnyRecord, desired: dict[int, int] | None = None, bid: str = "", ask: str = ""
    ) -> list[Approved]:
        self.seq += 1
        now = time.time_ns()
        chunk = Chunk(self.seq, self.seq, now, records=list(records))
        if desired:
            instrument = self.registry[1]
            prices = [to_units(text, instrument.price_decimals) for text in (bid, ask)]
            quote = (1, now, now, self.seq, 1, prices[0], 1, prices[1], 1)
            chunk.add("quotes", rows("quotes", [quote]))
            chunk.records.append(Tick(seq=self.seq, known_ns=now, exchange_ns=now))
        approved = self.core.step(chunk, desired)
        self.records += chunk.records
        self.ledger += [record for record in chunk.records if isinstance(record, Order | Fill | Balance)]
        return approved

    async def want(self, size: int) -> list[Approved]:
        """Decide on the simulator's own best prices; the caller sends."""
        book = await asyncio.to_thread(get, self.rest, "/api/v3/depth?symbol=BTCUSDT&limit=5")
        approved = self.step(desired={1: size}, ask=book["asks"][0][0], bid=book["bids"][0][0])
        assert approved, [record for record in self.records if isinstance(record, Order)][-1:]
        return approved

    async def settled(self) -> None:
        """Wait until no order is under way and the venue's balances agree with our books."""
        while self.core.unsettled() or self.core.account.differences():
            await asyncio.sleep(0.01)

    def check(self) -> None:
        """Our books, the balances we were shown and the exchange's own account are the same, to the last unit."""
        assert not [record for record in self.records if isinstance(record, Malformed)]
        assert not self.core.contradictions
        truth = get(self.rest, "/sim/v1/state")["account"]["balances"]
        for asset, held in truth.items():
            total = to_units(held["free"], 8) + to_units(held["locked"], 8)
            assert self.core.account.total(asset) == total, asset
            assert self.core.account.booked.get(asset, total) == total, asset


def get(rest: str, path: str) -> Any:
    with urllib.request.urlopen(rest + path, timeout=10) as answer:
        return json.load(answer)


def registry(rest: str) -> Registry:
    known = Registry()
    for symbol in get(rest, "/api/v3/exchangeInfo")["symbols"]:
        rules = {each["filterType"]: each for each in symbol["filters"]}
        tick, lot = rules["PRICE_FILTER"]["tickSize"], rules["LOT_SIZE"]["stepSize"]
        base, quote = symbol["baseAsset"], symbol["quoteAsset"]
        known.add(listed("binance", symbol["symbol"], base, quote, tick=tick, lot=lot, min_notional="5"))
    return known


def play(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 30))


@contextlib.asynccontextmanager
async def running(live: Live) -> AsyncIterator[Live]:
    await live.gateway.start()
    try:
        await live.gateway.subscribed.wait()
        await live.gateway.reconcile()
        yield live
    finally:
        await live.gateway.close()


@contextlib.asynccontextmanager
async def cutting(rest: str, forward: bool, method: str = "POST") -> AsyncIterator[str]:
    """A line to the exchange that breaks at each new order (or at each cancel: DELETE): behind it (forward) or before it."""
    host, port = rest.removeprefix("http://").split(":")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        body = await reader.readexactly(length)
        order = head.startswith(f"{method} /api/v3/order".encode())
        if forward or not order:
            there, back = await asyncio.open_connection(host, int(port))
            back.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body)
            answer = await there.read()
            back.close()
            if not order:
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    finally:
        server.close()


def test_the_exchange_says_that_its_key_may_trade_and_not_withdraw(simulator):
    keys = json.loads(Path(simulator["keys_file"]).read_text())

    async def work() -> None:
        client = BinanceClient(simulator["rest"], keys["apiKey"], keys["secret"], time.time_ns)
        await client.start()
        await check_keys(client)
        await client.close()

    asyncio.run(work())


def test_orders_are_filled_and_our_books_equal_the_exchange_to_the_last_unit(simulator):
    async def work() -> None:
        async with running(Live(simulator, [])) as live:
            for size in (2_000, 500, 3_000):
                for approved in await live.want(size):
                    await live.gateway.send(approved, live.registry[1])
                await live.settled()
            live.check()
            told = [record for record in live.records if isinstance(record, Has)]
            assert [record.side for record in told] == [1, -1, 1]
            assert live.core.shown.worth(live.core.account.positions[1], "BTC", "USDT") is not None

    play(work)


def test_an_order_whose_answer_was_lost_is_found_again_and_counted_once(simulator):
    async def work() -> None:
        async with cutting(simulator["rest"], forward=True) as line:
            before = get(simulator["rest"], "/sim/v1/state")["orders"]
            async with running(Live(simulator, [], rest=line)) as live:
                (approved,) = await live.want(1_000)
                await live.gateway.send(approved, live.registry[1])
                await live.settled()
                assert "unknown" in {record.status for record in live.records if isinstance(record, Order)}
                assert live.core.orders[approved.order.client_order_id].order.status == "filled"
                live.check()
            assert get(simulator["rest"], "/sim/v1/state")["orders"] == before + 1

    play(work)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_limit_that_rests_is_cancelled_and_the_books_agree_also_when_every_answer_is_lost(simulator, method):
    asked = Asked(
        seq=0, known_ns=time.time_ns(), ask_id=method, by="ada", side=1, size="0.001", pair="BTC/USDT",
        order_type="post_only", price="30000", stop="20000",
    )  # fmt: skip
    prices = {"desired": {1: 0}, "bid": "60000.00", "ask": "60000.01"}

    async def work() -> None:
        async with (
            cutting(simulator["rest"], forward=True, method=method) as line,
            running(Live(simulator, [], rest=line)) as live,
        ):
            (approved,) = live.step(asked, **prices)
            await live.gateway.send(approved, live.registry[1])
            order_id = approved.order.client_order_id
            while live.core.orders[order_id].order.status != "working":
                await asyncio.sleep(0.01)
            live.step(CancelAsked(seq=0, known_ns=0, by="ada", client_order_id=order_id), **prices)
            (cancel,) = live.core.take_cancels()
            await live.gateway.cancel(cancel.order, live.registry[1])
            await live.settled()
            assert live.core.orders[order_id].order.status == "cancelled"
            live.step(**prices)
            assert live.core.desk.held == {}, "its stop is over with it"
            while live.core.account.locked["USDT"]:
                await asyncio.sleep(0.01)
            live.check()

    play(work)


def test_an_order_that_never_arrived_is_rejected_when_the_exchange_says_that_it_has_none(simulator, monkeypatch):
    monkeypatch.setattr(binance_gateway, "RECV_WINDOW_MS", 300)
    monkeypatch.setattr(binance_gateway, "AHEAD_MS", 0)

    async def work() -> None:
        async with (
            cutting(simulator["rest"], forward=False) as line,
            running(Live(simulator, [], rest=line)) as live,
        ):
            (approved,) = await live.want(1_000)
            await live.gateway.send(approved, live.registry[1])
            await live.settled()
            order = live.core.orders[approved.order.client_order_id].order
            assert order.status == "rejected"
            assert "never reached the venue" in order.reason
            live.check()

    play(work)


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_crash_between_the_ledger_and_the_answer_the_exchange_says_what_became_of_the_order(
    simulator, arrived, monkeypatch
):
    monkeypatch.setattr(binance_gateway, "RECV_WINDOW_MS", 300)
    monkeypatch.setattr(binance_gateway, "AHEAD_MS", 0)

    async def work() -> None:
        ledger: list[AnyRecord] = []
        async with running(Live(simulator, ledger)) as live:
            (approved,) = await live.want(1_500)
            written = list(ledger)
            if arrived:
                await live.gateway.send(approved, live.registry[1])
        async with running(Live(simulator, written)) as again:
            await again.settled()
            order = again.core.orders[approved.order.client_order_id].order
            assert order.status == ("filled" if arrived else "rejected")
            assert again.core.account.positions.get(1, 0) == (1_500 * 999 if arrived else 0)
            again.check()
            assert not any(isinstance(record, Order) and record.status == "refused" for record in again.records)

    play(work)


def test_an_order_that_has_not_left_yet_is_not_taken_for_one_that_never_arrived(simulator, monkeypatch):
    monkeypatch.setattr(binance_gateway, "RECV_WINDOW_MS", 10)
    monkeypatch.setattr(binance_gateway, "AHEAD_MS", 0)

    async def work() -> None:
        async with running(Live(simulator, [])) as live:
            (approved,) = await live.want(1_000)
            await asyncio.sleep(0.02)
            await live.gateway.reconcile()  # as after a broken line, while the ledger is still being synced
            assert live.core.orders[approved.order.client_order_id].order.status == "sent"
            monkeypatch.setattr(binance_gateway, "RECV_WINDOW_MS", 5_000)
            await live.gateway.send(approved, live.registry[1])
            await live.settled()
            assert live.core.orders[approved.order.client_order_id].order.status == "filled"
            live.check()

    play(work)


@pytest.mark.slow
def test_an_open_order_that_the_ledger_does_not_know_is_followed_if_it_is_ours_and_only_told_of_if_not(simulator):
    best = float(get(simulator["rest"], "/api/v3/depth?symbol=BTCUSDT&limit=5")["bids"][0][0])

    async def work() -> None:
        for order_id in ("nf-lostlostlostlostlost", "somebody-else"):
            await rest_order(simulator, order_id, f"{best * 0.9:.2f}")
        async with running(Live(simulator, [])) as live:
            found = {record.client_order_id: record for record in live.records if isinstance(record, Found)}
            assert {order_id: one.ours for order_id, one in found.items()} == {
                "nf-lostlostlostlostlost": True,
                "somebody-else": False,
            }
            (followed,) = live.core.unsettled()
            assert (followed.client_order_id, followed.status) == ("nf-lostlostlostlostlost", "working")
            assert not live.step(desired={1: 500}, bid="60000", ask="60001"), "its instrument is busy"
            live.check()
            for order_id in ("nf-lostlostlostlostlost", "somebody-else"):
                await signed(simulator, "DELETE", symbol="BTCUSDT", origClientOrderId=order_id)
            await live.settled()
            assert live.core.orders["nf-lostlostlostlostlost"].order.status == "cancelled"
            live.check()

    play(work)


async def rest_order(simulator: dict[str, Any], order_id: str, price: str) -> None:
    """An order that rests far from the market, sent by another program."""
    values = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.00100"}
    await signed(simulator, "POST", **values, price=price, newClientOrderId=order_id)


async def signed(simulator: dict[str, Any], method: str, **params: str) -> None:
    keys = json.loads(Path(simulator["keys_file"]).read_text())
    query = urlencode({"timestamp": time.time_ns() // 1_000_000, **params})
    signature = hmac.new(keys["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    url = f"{simulator['rest']}/api/v3/order?{query}&signature={signature}"
    headers = {"X-MBX-APIKEY": keys["apiKey"]}
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
