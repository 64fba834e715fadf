"""The gateway of the table of order entries, against a venue on loopback that answers as its samples do, and fails on
demand: no answer, dropped sockets, a broken line."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import web

from ninefold.execution import risk
from ninefold.execution.risk import Approved
from ninefold.market.records import Order
from ninefold.venues import bybit_requests, entry_client, entry_gateway, entry_lines
from ninefold.venues.account_answers import Reply
from ninefold.venues.entry_client import EntryClient
from ninefold.venues.entry_gateway import EntryGateway, Placed
from ninefold.venues.entry_lines import EntryLines
from ninefold.venues.order_table import ORDER_ENTRIES
from tests.venues_orders.answers import line, sample
from tests.venues_orders.order_cases import INSTRUMENTS, REGISTRY, keys_of, order_of

CREATE, REALTIME, HISTORY = "POST /v5/order/create", "GET /v5/order/realtime", "GET /v5/order/history"
EXECUTIONS, WALLET = "GET /v5/execution/list", "GET /v5/account/wallet-balance"
NONE = (200, {"retCode": 0, "retMsg": "OK", "result": {"list": [], "nextPageCursor": "", "category": "spot"}})
BUSY = (200, {"retCode": 10016, "retMsg": "internal system error"})
OPENED = {"success": True, "ret_msg": "", "op": "auth", "conn_id": "1"}
Handed = list[tuple[str, bytes]]
Work = Callable[["Venue", EntryGateway, Handed], Awaitable[None]]


def told(venue: str, name: str) -> tuple[int, Any]:
    return 200, sample(venue, name)["told"]


def approved(kind: str = "limit", venue: str = "bybit") -> Approved:
    """Past the gate, which has tests of its own."""
    return Approved(order_of(INSTRUMENTS[venue][0], kind, 1), risk._SEAL)


class Venue:
    """Answers are (status, JSON) or "drop", by method and path; the last one of a list stays."""

    def __init__(self, name: str = "bybit") -> None:
        self.name = name
        self.answers: dict[str, list[Any]] = {
            REALTIME: [NONE],
            HISTORY: [NONE],
            EXECUTIONS: [told("bybit", "my_trades")],
        }
        self.answers[WALLET] = [told("bybit", "account")]
        self.asked: list[tuple[str, str]] = []
        self.times: list[str] = []
        self.taken_over = False
        self.lines: list[web.WebSocketResponse] = []
        self.hello = [OPENED, {"success": True, "op": "subscribe"}]
        self.unsettled: list[Placed] = []  # as our books have it

    def fence(self) -> None:
        """Asked before whatever could move money."""
        if self.taken_over:
            raise PermissionError("another executor has the account")

    async def rest(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/clock":
            return web.json_response(time.time() + 3600)
        name = f"{request.method} {request.path}"
        self.asked.append((name, request.query_string + await request.text()))
        self.times.append(request.headers.get("X-BAPI-TIMESTAMP", ""))
        answers = self.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == "drop":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answer[1], status=answer[0]) if answer != "drop" else web.Response()

    async def line(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for answer in self.hello:
            await socket.receive()
            await socket.send_json(answer)
        self.lines.append(socket)
        async for _ in socket:
            pass
        return socket

    def count(self, name: str) -> int:
        return sum(asked == name for asked, _ in self.asked)


def play(work: Work, venue: Venue | None = None) -> None:
    asyncio.run(_play(work, venue or Venue()))


async def _play(work: Work, venue: Venue) -> None:
    app = web.Application()
    app.router.add_get("/ws{tail:.*}", venue.line)
    app.router.add_route("*", "/{tail:.*}", venue.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    handed: Handed = []
    entry, clock = ORDER_ENTRIES[venue.name], (f"http://{host}:{port}/clock", float)
    client = EntryClient(entry, f"http://{host}:{port}", keys_of(venue.name), clock, time.time_ns, venue.fence)
    gateway = EntryGateway(
        entry,
        client,
        lambda heard, opened: EntryLines(
            entry, client, lambda url: f"ws://{host}:{port}/ws{urlsplit(url).path}", heard, opened
        ),
        REGISTRY,
        lambda kind, payload: handed.append((kind, payload)),
        lambda: venue.unsettled,
        time.time_ns,
    )
    await gateway.start()
    try:
        await asyncio.wait_for(work(venue, gateway, handed), 20)
        assert not gateway.failed.done()
    finally:
        await gateway.close()
        await runner.cleanup()


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def lines_of(handed: Handed, kind: str, venue: str = "bybit") -> list[str]:
    """What the answers of a kind tell."""
    parse = ORDER_ENTRIES[venue].reading.parse
    return [line(one) for each, payload in handed if each == kind for one in parse(kind, payload, REGISTRY, 7, 8)]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    for module in (entry_client, entry_gateway, entry_lines):
        monkeypatch.setattr(module, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(bybit_requests, "ARRIVES_WITHIN_MS", 0)
    monkeypatch.setattr(entry_gateway, "AHEAD_S", 0.05)


PLACES = {
    "binanceusdm": "POST /fapi/v1/order",
    "bybit": CREATE,
    "coinbase": "POST /api/v3/brokerage/orders",
    "kraken": "POST /0/private/AddOrder",
    "okx": "POST /api/v5/trade/order",
}


@pytest.mark.parametrize("name", PLACES)
def test_an_order_is_sent_once_and_its_answer_is_handed_on_unread(name):
    async def work(venue, gateway, handed):
        venue.answers[PLACES[name]] = [told(name, "order_answer")]
        await gateway.send(approved(venue=name), INSTRUMENTS[name][0])
        assert venue.count(PLACES[name]) == 1
        [payload] = [payload for kind, payload in handed if kind == "order_answer"]
        reply = msgspec.json.decode(payload, type=Reply)
        assert (reply.http_status, json.loads(reply.body)) == told(name, "order_answer")
        assert reply.order == approved(venue=name).order

    play(work, Venue(name))


@pytest.mark.parametrize("lost", ["drop", (500, {}), (504, {}), BUSY])
def test_an_order_without_a_clear_answer_is_asked_for_until_it_is_found_and_never_sent_again(lost):
    async def work(venue, gateway, handed):
        venue.answers[CREATE] = [lost]
        venue.answers[REALTIME] = ["drop", (503, {}), BUSY, NONE]
        venue.answers[HISTORY] = [told("bybit", "order_status")]
        await gateway.send(approved(), INSTRUMENTS["bybit"][0])
        await until(lambda: lines_of(handed, "my_trades"))
        assert venue.count(CREATE) == 1
        [answer] = lines_of(handed, "order_answer")
        assert " unknown 0 -" in answer
        [status] = lines_of(handed, "order_status")
        assert " partly_filled 0.004 8f1c2a60" in status
        assert len(lines_of(handed, "my_trades")) == 2

    play(work)


def test_an_order_that_no_question_finds_never_arrived_once_its_time_is_over():
    async def work(venue, gateway, handed):
        venue.answers[CREATE] = ["drop"]
        await gateway.send(approved(), INSTRUMENTS["bybit"][0])
        await until(lambda: lines_of(handed, "order_status"))
        [status] = lines_of(handed, "order_status")
        assert "rejected 0 - it never reached the venue" in status
        assert venue.count(HISTORY) >= 2  # asked again after the time in which it could arrive
        assert venue.count(EXECUTIONS) == 0

    play(work)


def test_what_was_held_here_leaves_as_what_it_sets_off():
    async def work(venue, gateway, handed):
        venue.answers[CREATE] = [told("bybit", "order_answer")]
        await gateway.send(approved("stop"), INSTRUMENTS["bybit"][0])
        [(_, body)] = [each for each in venue.asked if each[0] == CREATE]
        assert '"orderType":"Market"' in body
        assert "trigger" not in body

    play(work)


def test_an_order_of_a_kind_that_the_venue_does_not_keep_is_withheld_and_says_why():
    async def work(venue, gateway, handed):
        await gateway.send(approved("market reduce only"), INSTRUMENTS["bybit"][0])
        [answer] = lines_of(handed, "order_answer")
        assert " rejected 0 - not sent: bybit keeps no reduce-only market order without a limit" in answer

    play(work)


def test_events_are_handed_on_once_the_line_stands_and_asked_for_after_it_broke():
    async def work(venue, gateway, handed):
        await asyncio.wait_for(gateway.subscribed.wait(), 5)
        assert gateway.problem == ""
        await venue.lines[0].send_json(sample("bybit", "event_order")["told"])
        await venue.lines[0].send_json({"op": "pong"})
        await until(lambda: lines_of(handed, "user_event"))
        assert [kind for kind, _ in handed] == ["user_event"]
        await venue.lines[0].close()
        await until(lambda: lines_of(handed, "account"))
        assert [kind for kind, _ in handed][1:] == ["open_orders"] * 3 + ["account"]  # spot, linear, inverse
        await until(gateway.subscribed.is_set)

    play(work)


def test_a_login_that_is_refused_is_said_and_tried_again():
    async def work(venue, gateway, handed):
        venue.hello = [{"success": False, "ret_msg": "Params Error", "op": "auth", "conn_id": "1"}]
        await until(lambda: "Params Error" in gateway.problem)
        assert not gateway.subscribed.is_set()
        venue.hello = [OPENED, OPENED]
        await asyncio.wait_for(gateway.subscribed.wait(), 5)

    play(work)


def test_a_frame_that_names_an_order_of_ours_and_tells_nothing_of_it_is_a_reason_to_ask():
    async def work(venue, gateway, handed):
        token = (200, {"error": [], "result": {"token": "abc", "expires": 900}})
        venue.answers = {
            "POST /0/private/GetWebSocketsToken": [token],
            "POST /0/private/QueryOrders": [told("kraken", "order_status")],
            "POST /0/private/TradesHistory": [told("kraken", "my_trades")],
        }
        venue.hello = [{"method": "subscribe", "success": True, "result": {"channel": "executions"}}]
        await asyncio.wait_for(gateway.subscribed.wait(), 5)
        working: Order = msgspec.structs.replace(approved(venue="kraken").order, venue_order_id="OQCLML-BW3P3-BUCMWZ")
        venue.unsettled = [(working, INSTRUMENTS["kraken"][0])]
        await venue.lines[0].send_json(sample("kraken", "event_cancelled")["told"])
        await until(lambda: lines_of(handed, "my_trades", "kraken"))
        [status] = lines_of(handed, "order_status", "kraken")
        assert " cancelled 0.004 " in status
        nonces = [int(body.split("nonce=")[1].split("&")[0]) for _, body in venue.asked]
        assert nonces == sorted(set(nonces))

    play(work, Venue("kraken"))


def test_an_order_that_is_cancelled_by_number_is_asked_for_its_number_and_cancelled_until_it_is_over():
    [open_row, _] = told("coinbase", "open_orders")[1]["orders"]
    cancelled = (200, {"order": {**open_row, "status": "CANCELLED"}})

    async def work(venue, gateway, handed):
        venue.answers = {
            "GET /api/v3/brokerage/orders/historical/batch": [told("coinbase", "open_orders")],
            "POST /api/v3/brokerage/orders/batch_cancel": [(200, {"results": [{"success": True}]})],
            "GET /api/v3/brokerage/orders/historical/fills": [(200, {"fills": [], "cursor": ""})],
            "GET /api/v3/brokerage/orders/historical/0b1c2d3e-4f50-4617-8899-aabbccddeeff": [
                told("coinbase", "order_status"),
                cancelled,
            ],
        }
        await gateway.cancel(approved(venue="coinbase").order, INSTRUMENTS["coinbase"][0])
        bodies = [json.loads(body) for name, body in venue.asked if name.endswith("batch_cancel")]
        assert (
            bodies == [{"order_ids": ["0b1c2d3e-4f50-4617-8899-aabbccddeeff"]}] * 2
        )  # once it was still open after it
        kinds = [kind for kind, _ in handed if kind not in ("my_trades", "user_event")]
        assert kinds == ["order_status", "cancel_answer", "order_status", "cancel_answer", "order_status"]

    coinbase = Venue("coinbase")
    coinbase.unsettled = [(approved(venue="coinbase").order, INSTRUMENTS["coinbase"][0])]
    play(work, coinbase)


def test_an_order_that_has_not_left_is_neither_asked_for_nor_cancelled():
    """It is still being written: "no such order" would be true now and false a moment later."""

    async def work(venue, gateway, handed):
        await asyncio.wait_for(gateway.subscribed.wait(), 5)
        venue.unsettled = [(approved().order, INSTRUMENTS["bybit"][0])]
        await gateway.reconcile()
        await gateway.cancel(*venue.unsettled[0])
        assert venue.count(HISTORY) == venue.count("POST /v5/order/cancel") == 0
        assert lines_of(handed, "account")
        venue.answers[CREATE] = ["drop"]
        venue.answers[REALTIME] = [told("bybit", "order_status")]
        await gateway.send(approved(), INSTRUMENTS["bybit"][0])
        await until(lambda: lines_of(handed, "order_status"))
        assert venue.count(CREATE) == 1

    play(work)


def test_who_was_taken_over_may_ask_and_sends_neither_orders_nor_cancels():
    async def work(venue, gateway, handed):
        venue.taken_over = True
        await gateway.ask_balances()
        for sends in (
            gateway.send(approved(), INSTRUMENTS["bybit"][0]),
            gateway.cancel(approved().order, INSTRUMENTS["bybit"][0]),
        ):
            with pytest.raises(PermissionError):
                await sends
        assert venue.count(CREATE) == venue.count("POST /v5/order/cancel") == 0

    play(work)


def test_a_question_is_asked_until_it_is_answered_and_only_that_answer_is_handed_on():
    async def work(venue, gateway, handed):
        venue.answers[WALLET] = ["drop", (503, {}), BUSY, (401, {}), told("bybit", "account")]
        await gateway.ask_balances()
        assert venue.count(WALLET) == 5
        assert lines_of(handed, "account") == ["USDT 849.52345678 + 150.6", "BTC 0.004 + 0"]
        assert [kind for kind, _ in handed] == ["account"]

    play(work)


def test_the_time_that_is_signed_is_the_venues():
    async def work(venue, gateway, handed):
        await gateway.ask_balances()
        assert abs(int(venue.times[-1]) - (time.time_ns() // 10**6 + 3_600_000)) < 5_000  # its clock is an hour ahead

    play(work)
