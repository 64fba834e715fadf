"""The gateway against a venue on loopback that fails on demand: no answer, dropped sockets, 429, a broken line."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import WSMsgType, web

from ninefold.execution.account import Account
from ninefold.execution.risk import Approved, RiskState, check
from ninefold.execution.rules import AccountRules
from ninefold.execution.shown import Shown
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Balance, Order
from ninefold.venues import binance_client, binance_gateway
from ninefold.venues.binance_gateway import BinanceGateway, Placed

KEY, SECRET = "key-not-to-be-seen", "secret-not-to-be-seen"
REGISTRY = Registry()
BTC_USDT = REGISTRY.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
NO_SUCH_ORDER = (400, {"code": -2013, "msg": "Order does not exist."})
EVENT = {"subscriptionId": 0, "event": {"e": "outboundAccountPosition", "E": 1, "u": 1, "B": []}}


def approved(name: str = "nf-a") -> Approved:
    order = Order(seq=5, known_ns=5, client_order_id=name, instrument=1, side=1, size=1_000, status="intended")
    shown, account = Shown(REGISTRY, "binance"), Account()
    shown.fold(Chunk(1, 1, 5, {"quotes": rows("quotes", [(1, 5, 5, 1, 1, 100, 9, 101, 9)])}))
    account.show(Balance(seq=1, known_ns=1, asset="USDT", free=10**15, locked=0))
    rules = AccountRules(
        account="main", venue="binance", quote="USDT", max_position=10**18, max_order=10**18, max_orders_per_minute=9
    )
    return check(RiskState(5, rules, REGISTRY, shown, account, None, [], []), [order])[0][0]


class Venue:
    """Answers are (status, JSON) or "drop" or "hang", by method and path; the last one of a list stays."""

    def __init__(self, ahead_ms: int = 0) -> None:
        self.ahead_ms = ahead_ms
        self.answers: dict[str, list[Any]] = {
            "GET /api/v3/exchangeInfo": [(200, {"rateLimits": []})],
            "GET /api/v3/account": [(200, {"balances": []})],
            "GET /api/v3/openOrders": [(200, [])],
            "GET /api/v3/myTrades": [(200, [])],
        }
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.lines: list[web.WebSocketResponse] = []
        self.headers: dict[str, str] = {}
        self.unsettled: list[Placed] = []  # as our books have it

    def now_ms(self) -> int:
        return time.time_ns() // 10**6 + self.ahead_ms

    async def rest(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/api/v3/time":
            return web.json_response({"serverTime": self.now_ms()})
        name = f"{request.method} {request.path}"
        self.asked.append((name, {**request.query, **await request.post()}))
        answer = self.answers[name].pop(0) if len(self.answers[name]) > 1 else self.answers[name][0]
        if answer == "drop":
            assert request.transport is not None
            request.transport.abort()
        elif answer == "hang":
            await asyncio.sleep(60)
        return web.json_response(answer[1], status=answer[0], headers=self.headers)

    async def line(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            asked = msgspec.json.decode(message.data)
            assert asked["params"]["apiKey"] == KEY
            await socket.send_str('{"id":"user","status":200,"result":{"subscriptionId":0}}')
            self.lines.append(socket)
        return socket

    def count(self, name: str) -> int:
        return sum(asked == name for asked, _ in self.asked)


Work = Callable[[Venue, BinanceGateway, list[tuple[str, dict[str, Any]]]], Awaitable[None]]


def play(work: Work, venue: Venue | None = None) -> None:
    asyncio.run(_play(work, venue or Venue()))


async def _play(work: Work, venue: Venue) -> None:
    app = web.Application()
    app.router.add_get("/ws", venue.line)
    app.router.add_route("*", "/{tail:.*}", venue.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    handed: list[tuple[str, dict[str, Any]]] = []

    def submit(kind: str, payload: bytes) -> None:
        assert KEY.encode() not in payload and SECRET.encode() not in payload
        handed.append((kind, msgspec.json.decode(payload)))

    rest, line = f"http://{host}:{port}", f"ws://{host}:{port}/ws"
    gateway = BinanceGateway(rest, line, KEY, SECRET, submit, lambda: venue.unsettled, time.time_ns)
    await gateway.start()
    try:
        await asyncio.wait_for(work(venue, gateway, handed), 20)
    finally:
        await gateway.close()
        await runner.cleanup()


def there() -> Order:
    """An order that the venue has told of."""
    return msgspec.structs.replace(approved().order, venue_order_id="77")


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def of(handed: list[tuple[str, dict[str, Any]]], kind: str) -> list[tuple[int, str]]:
    return [(body["http_status"], body["body"]) for each, body in handed if each == kind]


PLACED = {"orderId": 77, "status": "FILLED"}


def test_an_order_is_posted_once_with_the_time_of_the_venue_and_its_answer_is_handed_on_unread():
    async def work(venue, gateway, handed):
        venue.answers["POST /api/v3/order"] = [(200, PLACED)]
        await gateway.send(approved(), BTC_USDT)
        assert of(handed, "order_answer") == [(200, '{"orderId": 77, "status": "FILLED"}')]
        (sent,) = [params for name, params in venue.asked if name == "POST /api/v3/order"]
        assert sent["newClientOrderId"] == "nf-a"
        assert abs(int(sent["timestamp"]) - venue.now_ms()) < 1_000

    play(work, Venue(ahead_ms=3_600_000))


@pytest.mark.parametrize("failure", ["drop", "hang", (503, {}), (400, {"code": -1007, "msg": "Timeout"})])
def test_after_an_unsure_answer_the_venue_is_asked_and_never_sent_the_order_again(failure, monkeypatch):
    monkeypatch.setattr(binance_client, "TIMEOUT_S", 0.2)

    async def work(venue, gateway, handed):
        venue.answers["POST /api/v3/order"] = [failure]
        venue.answers["GET /api/v3/order"] = [(200, PLACED)]
        await gateway.send(approved(), BTC_USDT)
        status, body = of(handed, "order_answer")[0]
        assert status == (0 if isinstance(failure, str) else failure[0])
        assert "http" not in body
        await until(lambda: of(handed, "my_trades"))
        assert of(handed, "order_status")[0][0] == 200
        assert [params["orderId"] for name, params in venue.asked if name == "GET /api/v3/myTrades"] == ["77"]
        assert venue.count("POST /api/v3/order") == 1

    play(work)


def test_no_such_order_counts_only_when_the_order_can_no_longer_arrive(monkeypatch):
    monkeypatch.setattr(binance_gateway, "RECV_WINDOW_MS", 300)
    monkeypatch.setattr(binance_gateway, "AHEAD_MS", 0)

    async def work(venue, gateway, handed):
        venue.answers["POST /api/v3/order"] = ["drop"]
        venue.answers["GET /api/v3/order"] = [NO_SUCH_ORDER]
        sent_ms = venue.now_ms()
        await gateway.send(approved(), BTC_USDT)
        await until(lambda: of(handed, "order_status"))
        assert venue.now_ms() - sent_ms >= 300
        assert venue.count("GET /api/v3/order") == 2

    play(work)


def test_an_order_that_arrives_late_is_found_by_the_second_question(monkeypatch):
    monkeypatch.setattr(binance_gateway, "RECV_WINDOW_MS", 300)
    monkeypatch.setattr(binance_gateway, "AHEAD_MS", 0)

    async def work(venue, gateway, handed):
        venue.answers["POST /api/v3/order"] = ["drop"]
        venue.answers["GET /api/v3/order"] = [NO_SUCH_ORDER, (200, PLACED)]
        await gateway.send(approved(), BTC_USDT)
        await until(lambda: of(handed, "order_status"))
        assert of(handed, "order_status")[0][0] == 200

    play(work)


def test_reconciling_asks_for_each_order_its_trades_and_open_orders_and_last_for_the_account():
    async def work(venue, gateway, handed):
        venue.answers["GET /api/v3/order"] = [(500, {}), (200, PLACED)]
        venue.unsettled = [(there(), BTC_USDT)]
        await gateway.reconcile()
        kinds = [kind for kind, _ in handed]
        assert kinds == ["order_status", "my_trades", "open_orders", "account"]
        assert venue.count("GET /api/v3/order") == 2

    play(work)


def test_an_order_of_which_nothing_was_heard_for_long_is_asked_for(monkeypatch):
    monkeypatch.setattr(binance_gateway, "OVERDUE_S", 0.05)

    async def work(venue, gateway, handed):
        venue.answers["GET /api/v3/order"] = [(200, PLACED)]
        fresh = msgspec.structs.replace(approved("nf-fresh").order, known_ns=time.time_ns() + 10**12)
        venue.unsettled = [(fresh, BTC_USDT), (there(), BTC_USDT)]
        await until(lambda: of(handed, "my_trades"))
        asked = {params["origClientOrderId"] for name, params in venue.asked if name == "GET /api/v3/order"}
        assert asked == {"nf-a"}

    play(work)


def test_when_told_to_wait_nothing_is_sent_until_the_time_is_over():
    async def work(venue, gateway, handed):
        venue.headers = {"Retry-After": "1"}
        venue.answers["POST /api/v3/order"] = [(429, {"code": -1003, "msg": "Too many requests."})]
        await gateway.send(approved(), BTC_USDT)
        await gateway.send(approved("nf-b"), BTC_USDT)
        assert venue.count("POST /api/v3/order") == 1
        status, reason = of(handed, "order_answer")[1]
        assert (status, "the venue asked us to wait" in reason) == (-1, True)
        told_ms = venue.now_ms()
        venue.answers["GET /api/v3/order"] = [(200, PLACED)]
        venue.unsettled = [(approved().order, BTC_USDT)]
        await gateway.reconcile()
        assert venue.now_ms() - told_ms > 900

    play(work)


def test_events_are_handed_on_and_after_a_broken_line_it_subscribes_again_and_asks_for_what_was_missed():
    async def work(venue, gateway, handed):
        await gateway.subscribed.wait()
        await venue.lines[0].send_json(EVENT)
        await until(lambda: ("user_event", EVENT) in handed)
        assert not of(handed, "account")
        await venue.lines[0].close()
        await until(lambda: of(handed, "account"))
        assert gateway.subscribed.is_set()
        await venue.lines[1].send_json(EVENT)
        await until(lambda: handed.count(("user_event", EVENT)) == 2)

    play(work)


def test_a_venue_that_is_down_is_tried_again_and_no_key_is_in_the_words_about_it():
    async def work():
        rest, line = "http://127.0.0.1:9", "ws://127.0.0.1:9/ws"
        gateway = BinanceGateway(rest, line, KEY, SECRET, lambda kind, body: None, list, time.time_ns)
        await gateway.start()
        await until(lambda: "no line of account events" in gateway.problem)
        assert KEY not in repr(gateway) + gateway.problem
        assert SECRET not in repr(gateway) + gateway.problem
        await gateway.close()

    asyncio.run(asyncio.wait_for(work(), 10))
