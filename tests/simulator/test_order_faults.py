"""Faults of orders and of the account's events, met on real sockets."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest

from .running import Client, Simulator, talk, until

pytestmark = pytest.mark.slow

ORDER: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01000"}


@pytest.fixture
def exchange(simulator: Simulator) -> Iterator[Simulator]:
    yield simulator
    talk(simulator, clear)


async def clear(client: Client) -> None:
    async with client.session.delete(client.simulator.rest + "/sim/v1/faults") as answer:
        assert answer.status == 200


async def place(client: Client, fault: dict[str, Any], order_id: str) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of the answer to an order that meets a fault; status 0 if none came."""
    assert await client.post("/sim/v1/faults", {"count": 1, "only": "POST", **fault}) == {}
    url = f"{client.simulator.rest}/api/v3/order?{client.simulator.sign({**ORDER, 'newClientOrderId': order_id})}"
    try:
        async with client.session.post(url, headers={"X-MBX-APIKEY": client.simulator.key}) as answer:
            return answer.status, await answer.read(), dict(answer.headers)
    except (aiohttp.ClientError, TimeoutError):
        return 0, None, {}


async def found(client: Client, order_id: str) -> Any:
    return await client.signed("GET", "order", symbol="BTCUSDT", origClientOrderId=order_id)


TAKEN = {"reply_lost": (0, "FILLED"), "accepted_5xx": (504, "FILLED"), "partial_fill": (0, "EXPIRED")}
NOT_TAKEN = {"refused_5xx": 503, "order_limit": 429}


@pytest.mark.parametrize("kind", TAKEN)
def test_an_order_is_carried_out_although_the_answer_does_not_say_so(exchange: Simulator, kind: str):
    async def run(client: Client) -> None:
        status, _, _ = await place(client, {"kind": kind}, f"taken-{kind}")
        order = await found(client, f"taken-{kind}")
        assert (status, order["status"]) == TAKEN[kind]
        assert order["executedQty"] == ("0.00500000" if kind == "partial_fill" else "0.01000000")

    talk(exchange, run)


@pytest.mark.parametrize("kind", NOT_TAKEN)
def test_an_order_is_turned_away_and_never_there(exchange: Simulator, kind: str):
    async def run(client: Client) -> None:
        status, _, headers = await place(client, {"kind": kind, "seconds": 2}, f"away-{kind}")
        assert status == NOT_TAKEN[kind]
        assert kind != "order_limit" or headers["Retry-After"] == "2"
        await clear(client)
        assert (await found(client, f"away-{kind}"))["code"] == -2013

    talk(exchange, run)


def test_a_late_order_is_not_there_yet_and_then_it_is(exchange: Simulator):
    async def run(client: Client) -> None:
        status, _, _ = await place(client, {"kind": "late", "by_ms": 200}, "late")
        assert status == 0
        assert (await found(client, "late"))["code"] == -2013

        async def there() -> bool:
            return (await found(client, "late")).get("status") == "FILLED"

        await until(there)

    talk(exchange, run)


def test_half_open_lines_neither_answer_nor_close(exchange: Simulator):
    async def run(client: Client) -> None:
        events = await subscribed(client)
        assert await client.post("/sim/v1/faults", {"kind": "half_open", "count": 1, "only": "POST"}) == {}
        url = f"{client.simulator.rest}/api/v3/order?{client.simulator.sign(ORDER)}"
        headers = {"X-MBX-APIKEY": client.simulator.key}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), client.session.post(url, headers=headers):
                pass
        assert "orderId" in await client.signed("POST", "order", **ORDER)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(events.receive(), 0.3)
        assert not events.closed
        await events.close()

    talk(exchange, run)


async def subscribed(client: Client) -> aiohttp.ClientWebSocketResponse:
    """A line on which the account's events come."""
    simulator = client.simulator
    socket = await client.session.ws_connect(simulator.ready["ws_api"], timeout=aiohttp.ClientWSTimeout(ws_close=0.1))
    now_ms = time.time_ns() // 1_000_000
    signature = simulator.signature(f"apiKey={simulator.key}&timestamp={now_ms}")
    params = {"apiKey": simulator.key, "timestamp": now_ms, "signature": signature}
    await socket.send_json({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
    assert (await socket.receive_json())["status"] == 200
    return socket


EVENTS: dict[str, Callable[[list[str]], bool]] = {
    "event_gap": lambda heard: heard == ["TRADE", "position"],
    "event_duplicate": lambda heard: heard == ["NEW", "NEW", "TRADE", "position"],
    "event_reorder": lambda heard: heard == ["TRADE", "NEW", "position"],
}


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_of_the_account_is_lost_or_told_twice_or_told_too_late(exchange: Simulator, kind: str):
    async def run(client: Client) -> None:
        events = await subscribed(client)
        assert await client.post("/sim/v1/faults", {"kind": kind, "count": 1}) == {}
        await client.signed("POST", "order", **{**ORDER, "quantity": "0.00100"})
        heard: list[str] = []
        while heard[-1:] != ["position"]:
            event = (await events.receive_json())["event"]
            name = event.get("x", "position")
            if name != "TRADE" or heard[-1:] != ["TRADE"]:  # one for each level that it met
                heard.append(name)
        assert EVENTS[kind](heard), heard
        assert (await client.get("/sim/v1/faults"))["struck"][kind] >= 1
        await events.close()

    talk(exchange, run)


def test_under_maintenance_nothing_is_answered_and_every_line_is_cut(exchange: Simulator):
    async def run(client: Client) -> None:
        events = await subscribed(client)
        market = await client.streams("btcusdt@trade")
        assert await client.post("/sim/v1/faults", {"kind": "maintenance", "seconds": 30}) == {}
        for path in ("/api/v3/time", "/api/v3/account"):
            async with client.session.get(client.simulator.rest + path) as answer:
                assert answer.status == 503
        for address in ("ws_api", "stream"):
            path = "" if address == "ws_api" else "/ws/btcusdt@trade"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.session.ws_connect(client.simulator.ready[address] + path)
        for line in (events, market):
            while (await line.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert line.closed
        await clear(client)
        assert "balances" in await client.signed("GET", "account")

    talk(exchange, run)


@pytest.mark.parametrize("by_ms", [-6_000, 6_000])
def test_a_clock_that_jumped_judges_requests_until_it_is_asked(exchange: Simulator, by_ms: int):
    async def run(client: Client) -> None:
        assert await client.post("/sim/v1/faults", {"kind": "clock_jump", "seconds": 30, "by_ms": by_ms}) == {}
        assert (await client.signed("GET", "account"))["code"] == -1021
        told_ms = (await client.get("/api/v3/time"))["serverTime"]
        assert "balances" in await client.signed("GET", "account", timestamp=told_ms)

    talk(exchange, run)


WRONG = {
    "no length": ({"kind": "reply_lost"}, "needs seconds or count"),
    "no duration": ({"kind": "maintenance", "count": 3}, "needs seconds above 0"),
    "no distance": ({"kind": "clock_jump", "seconds": 3}, "needs by_ms"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_fault_of_orders_that_makes_no_sense_is_refused(exchange: Simulator, wrong: str):
    body, words = WRONG[wrong]

    async def run(client: Client) -> None:
        assert words in json.dumps(await client.post("/sim/v1/faults", body))

    talk(exchange, run)
