"""Core, gateway and a simulated exchange that is a process of its own, for tests in which orders really leave.

In:  what a running simulator printed. Out: `Live`, and the exchange's own word on orders and account.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from ninefold.execution.core import ExecutionCore
from ninefold.execution.risk import Approved
from ninefold.execution.rules import AccountRules
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.numbers import to_units
from ninefold.market.records import (
    AnyRecord,
    Balance,
    Fill,
    Malformed,
    Order,
    Started,
    Tick,
)
from ninefold.venues.binance_gateway import BinanceGateway, Placed
from ninefold.venues.binance_orders import parse_account
from ninefold.venues.binance_wire import Symbol, listing

RULES = AccountRules(
    account="main", venue="binance", quote="USDT", max_position=10**13, max_order=10**13, max_orders_per_minute=100
)


class Live:
    """Core, parser and gateway wired as the pipeline wires them; `ledger` holds what is written before sending."""

    def __init__(
        self, simulator: dict[str, Any], ledger: list[AnyRecord], rest: str = "", rules: AccountRules = RULES
    ) -> None:
        self.rest = simulator["rest"]
        self.registry = registry(self.rest)
        self.core = ExecutionCore.restore(rules, self.registry, ledger)
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
        known.add(
            listed("binance", symbol["symbol"], base, quote, tick=tick, lot=lot, min_notional="5", keeps=kept(symbol))
        )
    return known


def kept(symbol: dict[str, Any]) -> tuple[str, ...]:
    """Which stops it keeps, as our own reading of its rules has it."""
    return listing(msgspec.convert(symbol, Symbol)).keeps


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
        with contextlib.closing(writer):  # also where the test ends while the exchange is being asked
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            order = head.startswith(f"{method} /api/v3/order".encode())
            if forward or not order:
                there, back = await asyncio.open_connection(host, int(port))
                with contextlib.closing(back):
                    back.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body)
                    answer = await there.read()
                if not order:
                    writer.write(answer)
                    await writer.drain()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    finally:
        server.close()


async def signed(simulator: dict[str, Any], method: str, **params: str) -> None:
    keys = json.loads(Path(simulator["keys_file"]).read_text())
    query = urlencode({"timestamp": time.time_ns() // 1_000_000, **params})
    signature = hmac.new(keys["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    url = f"{simulator['rest']}/api/v3/order?{query}&signature={signature}"
    headers = {"X-MBX-APIKEY": keys["apiKey"]}
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
