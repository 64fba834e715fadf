"""Orders through ccxt leave in time or not at all, and only while the fence holds: ccxt's own binanceus, and a peer on loopback
that counts what reaches it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec

import pytest
from aiohttp import web

from ninefold.config import Venue
from ninefold.execution.lease import TakenOver
from ninefold.services.ccxt_client import CcxtClient
from ninefold.services.ccxt_exchange import SHARING, exchange_of
from ninefold.venues.account_answers import NO_ANSWER, NOT_SENT
from ninefold.venues.ccxt_answers import GAVE
from ninefold.venues.order_table import ORDER_ENTRIES
from ninefold.venues.signed import Keys, Unsigned
from tests.conftest import missing
from tests.services.test_ccxt_feed import RULES

pytestmark = pytest.mark.slow

NAME = "ccxt.binanceus"
LONG_S, SHORT_S = 60.0, 0.05
ORDER = Unsigned(
    "CALL",
    "create_order",
    body={"symbol": "BNB/BTC", "type": "market", "side": "buy", "amount": "1.000", "params": {"clientOrderId": "nf-a"}},
)
CANCEL = Unsigned("CALL", "cancel_order", body={"id": "1", "symbol": "BNB/BTC"})
Work = Callable[[CcxtClient], Awaitable[None]]


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if find_spec("ccxt") is None:
        missing("ccxt is not installed: pip install 'ninefold[ccxt]'")


class Peer:
    """posted: how many orders have come. fence: what the client asks right before it sends."""

    def __init__(self, fence: Callable[[], None] = lambda: None) -> None:
        self.posted = self.cancelled = 0
        self._fence = fence

    def run(self, work: Work) -> None:
        asyncio.run(self._run(work))

    async def _run(self, work: Work) -> None:
        app = web.Application()
        app.router.add_get("/api/v3/exchangeInfo", self._rules)
        app.router.add_get("/api/v3/time", self._time)
        app.router.add_post("/api/v3/order", self._order)
        app.router.add_delete("/api/v3/order", self._cancel)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        at = Venue(name=NAME, pairs=("BNB/BTC",), rest_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
        client = CcxtClient(ORDER_ENTRIES[NAME], at, Keys("key", "secret"), time.time_ns, self._fence)
        try:
            await client.learn()
            await work(client)
        finally:
            await client.close()
            await runner.cleanup()

    async def _rules(self, request: web.Request) -> web.Response:
        return web.json_response({"symbols": [RULES | {"orderTypes": ["LIMIT", "MARKET"]}]})

    async def _time(self, request: web.Request) -> web.Response:
        return web.json_response({"serverTime": time.time_ns() // 10**6})

    async def _order(self, request: web.Request) -> web.Response:
        self.posted += 1
        return web.json_response({"orderId": self.posted, "symbol": "BNBBTC"})

    async def _cancel(self, request: web.Request) -> web.Response:
        self.cancelled += 1
        return web.json_response({"orderId": 1, "symbol": "BNBBTC"})


async def never(cost: float | None = None) -> None:
    await asyncio.Event().wait()


def test_an_order_that_has_room_is_sent_once():
    async def work(client: CcxtClient) -> None:
        status, body = await client.order(ORDER, LONG_S)
        assert (status, '"id":"1"' in body) == (GAVE, True)

    peer = Peer()
    peer.run(work)
    assert peer.posted == 1


def test_an_order_for_which_the_pace_leaves_no_room_in_time_does_not_leave():
    async def work(client: CcxtClient) -> None:
        client._pace = never
        status, reason = await client.order(ORDER, SHORT_S)
        assert status == NOT_SENT and "leaves no room in time" in reason

    peer = Peer()
    peer.run(work)
    assert peer.posted == 0


def test_a_call_of_which_something_has_left_already_is_unknown_and_not_unsent():
    async def work(client: CcxtClient) -> None:
        pace, calls = client._pace, []

        async def once(cost: float | None = None) -> None:
            calls.append(cost)
            await (pace(cost) if len(calls) == 1 else never())

        client._pace = once
        client._exchange.create_order = twice(client)
        assert (await client.order(ORDER, 0.5))[0] == NO_ANSWER

    def twice(client: CcxtClient) -> Callable[..., Awaitable[object]]:
        create = client._exchange.create_order

        async def made(**arguments: object) -> object:
            await create(**arguments)
            return await create(**arguments)

        return made

    peer = Peer()
    peer.run(work)
    assert peer.posted == 1


def test_an_order_that_waits_too_long_for_another_call_does_not_leave():
    async def work(client: CcxtClient) -> None:
        async with client._turn:
            status, reason = await client.order(ORDER, SHORT_S)
        assert status == NOT_SENT and "took more than" in reason
        assert (await client.order(ORDER, LONG_S))[0] == GAVE, "the turn was not kept"

    peer = Peer()
    peer.run(work)
    assert peer.posted == 1


def test_no_order_leaves_while_the_exchange_wants_quiet():
    async def work(client: CcxtClient) -> None:
        client._quiet_until_ms = time.time_ns() // 10**6 + 60_000
        assert (await client.order(ORDER, LONG_S))[0] == NOT_SENT

    peer = Peer()
    peer.run(work)
    assert peer.posted == 0


def test_the_fence_is_asked_after_the_wait_and_nothing_leaves_if_it_falls_meanwhile():
    fallen = []

    def fence() -> None:
        if fallen:
            raise TakenOver("another executor has the account")

    async def work(client: CcxtClient) -> None:
        pace = client._pace

        async def falls(cost: float | None = None) -> None:
            await pace(cost)
            fallen.append(True)

        client._pace = falls
        with pytest.raises(TakenOver):
            await client.order(ORDER, LONG_S)
        with pytest.raises(TakenOver):
            await client.cancel(CANCEL)
        await client.learn()  # questions need no fence

    peer = Peer(fence)
    peer.run(work)
    assert (peer.posted, peer.cancelled) == (0, 0)


def test_who_captures_and_who_trades_keep_to_half_of_the_pace_each():
    alone, half = (exchange_of(Venue(name=NAME), sharing).throttler.config for sharing in (1, SHARING))
    assert alone["algorithm"] == "leakyBucket"
    assert half["refillRate"] * SHARING == alone["refillRate"] > 0
