"""Public REST and market streams of a running simulator."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from .running import Client, Simulator, receive, talk, until

pytestmark = pytest.mark.slow

TRADE = {"e", "E", "s", "t", "p", "q", "T", "m", "M"}
DEPTH = {"e", "E", "s", "U", "u", "b", "a"}
TICKER = {"u", "s", "b", "B", "a", "A"}


def test_the_ready_line_names_what_is_served(simulator: Simulator):
    ready = simulator.ready
    assert set(ready) == {"rest", "stream", "ws_api", "keys_file", "shift_ns", "symbols", "streams", "pid"}
    assert ready["streams"] == ["trade", "depth@100ms", "bookTicker"]
    assert len(ready["symbols"]) >= 4
    assert (simulator.data_dir / "keys.json").stat().st_mode & 0o777 == 0o600


def test_streams_have_binances_fields_and_ids_without_gaps(simulator: Simulator):
    async def listen(client: Client) -> None:
        socket = await client.streams("btcusdt@trade", "btcusdt@depth@100ms", "btcusdt@bookTicker")
        seen: dict[str, list[dict[str, Any]]] = {"trade": [], "depth@100ms": [], "bookTicker": []}
        while min(map(len, seen.values())) < 8:
            message = await socket.receive_json()
            assert set(message) == {"stream", "data"}
            seen[message["stream"].partition("@")[2]].append(message["data"])
        await socket.close()
        assert {frozenset(each) for each in seen["trade"]} == {frozenset(TRADE)}
        assert {frozenset(each) for each in seen["depth@100ms"]} == {frozenset(DEPTH)}
        assert {frozenset(each) for each in seen["bookTicker"]} == {frozenset(TICKER)}
        ids = [each["t"] for each in seen["trade"]]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        depth = seen["depth@100ms"]
        assert [each["U"] for each in depth[1:]] == [each["u"] + 1 for each in depth[:-1]]
        assert all(len(each["p"].partition(".")[2]) == 8 for each in seen["trade"])

    talk(simulator, listen)


def test_a_snapshot_and_the_diffs_after_it_give_the_exchanges_own_book(simulator: Simulator):
    async def follow(client: Client) -> None:
        socket = await client.streams("ethusdt@depth@100ms")
        buffered = [(await socket.receive_json())["data"]]
        snapshot = await client.get("/api/v3/depth", symbol="ETHUSDT", limit=5000)
        sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        last = snapshot["lastUpdateId"]
        assert buffered[0]["U"] <= last
        for _ in range(400):
            event = buffered.pop() if buffered else (await socket.receive_json())["data"]
            if event["u"] <= last:
                continue
            assert event["U"] <= last + 1
            last = apply(sides, event)
            truth = await client.get("/sim/v1/book", symbol="ETHUSDT")
            if truth["lastUpdateId"] == last:
                break
        else:
            raise AssertionError("never saw the book at rest")
        assert sides == {"b": dict(truth["bids"]), "a": dict(truth["asks"])}
        await socket.close()

    talk(simulator, follow)


def apply(sides: dict[str, dict[str, str]], event: dict[str, Any]) -> int:
    for name, levels in sides.items():
        for price, size in event[name]:
            if float(size):
                levels[price] = size
            else:
                levels.pop(price, None)
    return int(event["u"])


def test_requests_on_a_stream_connection_are_answered_as_binance_answers(simulator: Simulator):
    async def ask(client: Client, request: Any, socket: aiohttp.ClientWebSocketResponse) -> Any:
        await socket.send_str(request if isinstance(request, str) else json.dumps(request))
        return await receive(socket, lambda each: "e" not in each and "u" not in each)

    async def run(client: Client) -> None:
        socket = await client.session.ws_connect(simulator.ready["stream"] + "/ws/btcusdt@trade")
        assert set(await socket.receive_json()) == TRADE
        wanted = ["ethusdt@depth", "nosuchcoin@trade"]
        subscribe = {"method": "SUBSCRIBE", "params": wanted, "id": 7}
        assert await ask(client, subscribe, socket) == {"result": None, "id": 7}
        answer = await ask(client, {"method": "LIST_SUBSCRIPTIONS", "id": "x"}, socket)
        assert answer == {"result": ["btcusdt@trade", *wanted], "id": "x"}
        unsubscribe = {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": None}
        assert await ask(client, unsubscribe, socket) == {"result": None, "id": None}
        answer = await ask(client, {"method": "SUBSCRIBE", "params": ["what is this"], "id": 9}, socket)
        assert answer == {"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": 9}
        await socket.close()
        socket = await client.session.ws_connect(simulator.ready["stream"] + "/ws")
        assert (await ask(client, "{not json", socket))["error"]["code"] == 3
        for number in range(6):  # five messages a second are allowed
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        async with asyncio.timeout(5):
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert socket.close_code == 1008

    talk(simulator, run)


@pytest.mark.parametrize(("symbol", "at_least"), [("BTCUSDT", 60), ("ADABTC", 1)])  # the second is mostly quiet
def test_trades_aggregates_and_klines_tell_the_same_story(simulator: Simulator, symbol: str, at_least: int):
    async def compare(client: Client) -> None:
        await until(lambda: enough(client))
        server_ms = await until(lambda: two_seconds_later(client))
        end_ms = server_ms // 1000 * 1000 - 1
        trades = await client.get("/sim/v1/trades", symbol=symbol, limit=100000)
        trades = [each for each in trades if each["time"] <= end_ms]
        assert [each["id"] for each in trades] == list(range(1, len(trades) + 1))
        klines = await client.get("/api/v3/klines", symbol=symbol, interval="1s", startTime=0, endTime=end_ms)
        assert [[*row[:6], row[8]] for row in klines] == slow_seconds(trades, end_ms)
        aggregates = await client.get("/api/v3/aggTrades", symbol=symbol, fromId=1, limit=1000)
        inside = {each["id"]: each for each in trades}
        for each in aggregates:
            parts = [inside[number] for number in range(each["f"], each["l"] + 1) if number in inside]
            if len(parts) == each["l"] - each["f"] + 1:
                assert {part["price"] for part in parts} == {each["p"]}
                assert round(sum(float(part["qty"]) for part in parts), 8) == float(each["q"])
        assert [each["f"] for each in aggregates[1:]] == [each["l"] + 1 for each in aggregates[:-1]]

    async def enough(client: Client) -> bool:
        return bool((await client.state())["symbols"][symbol]["trades"] >= at_least)

    async def two_seconds_later(client: Client) -> Any:
        first = (await client.get("/sim/v1/trades", symbol=symbol, limit=1))[0]["time"]
        server_ms = (await client.get("/api/v3/time"))["serverTime"]
        return server_ms if server_ms > first + 2_000 else None

    talk(simulator, compare)


def slow_seconds(trades: list[dict[str, Any]], end_ms: int) -> list[list[Any]]:
    """Open, high, low, close, volume and count of every second, flat ones included; sums by float and 8 places."""
    rows, close = [], trades[0]["price"]
    for open_ms in range(trades[0]["time"] // 1000 * 1000, end_ms, 1000):
        group = [each for each in trades if open_ms <= each["time"] < open_ms + 1000]
        prices = [each["price"] for each in group] or [close]
        close = prices[-1]
        volume = f"{sum(float(each['qty']) for each in group):.8f}"
        rows.append([open_ms, prices[0], max(prices, key=float), min(prices, key=float), close, volume, len(group)])
    return rows


def test_history_can_be_asked_by_id_and_by_time(simulator: Simulator):
    async def run(client: Client) -> None:
        await until(lambda: plenty(client))
        rows = await client.get("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=5, limit=7)
        assert [row["id"] for row in rows] == list(range(5, 12))
        at = rows[3]["time"]
        found = await client.get("/api/v3/aggTrades", symbol="BTCUSDT", startTime=at, endTime=at)
        assert {row["T"] for row in found} == {at}
        assert found[0]["f"] <= rows[3]["id"] <= found[-1]["l"]
        last = await client.get("/api/v3/trades", symbol="BTCUSDT", limit=3)
        assert [row["id"] for row in last] == list(range(last[0]["id"], last[0]["id"] + 3))

    async def plenty(client: Client) -> bool:
        return bool((await client.state())["symbols"]["BTCUSDT"]["trades"] > 20)

    talk(simulator, run)


def test_kline_streams_give_each_second_once_more_when_it_is_closed(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@kline_1s")
        first = (await receive(socket, lambda each: each["data"]["k"]["x"]))["data"]["k"]
        second = (await receive(socket, lambda each: each["data"]["k"]["x"]))["data"]["k"]
        assert second["t"] == first["t"] + 1000
        rows = await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1s", startTime=first["t"], limit=1)
        told = [first["t"], *(first[key] for key in "ohlcv"), first["T"], *(first[key] for key in "qnVQ"), "0"]
        assert rows == [told]
        await socket.close()

    talk(simulator, run)


def test_errors_and_weights_are_binances(simulator: Simulator):
    async def run(client: Client) -> None:
        async with client.session.get(simulator.rest + "/api/v3/depth?symbol=NOPE") as answer:
            assert answer.status == 400
            assert await answer.json() == {"code": -1121, "msg": "Invalid symbol."}
            before = int(answer.headers["X-MBX-USED-WEIGHT-1M"])
        async with client.session.get(simulator.rest + "/api/v3/depth?symbol=BTCUSDT&limit=1000") as answer:
            used = int(answer.headers["X-MBX-USED-WEIGHT-1M"])
            assert used in (before + 50, 50)  # a new minute may have begun
        assert (await client.get("/api/v3/klines", symbol="BTCUSDT", interval="7m"))["code"] == -1120
        assert (await client.get("/api/v3/depth", symbol="btc"))["code"] == -1100
        assert (await client.get("/api/v3/trades"))["code"] == -1102
        info = await client.get("/api/v3/exchangeInfo", symbols='["BTCUSDT","ADABTC"]')
        assert [each["symbol"] for each in info["symbols"]] == ["BTCUSDT", "ADABTC"]
        kinds = {each["filterType"] for each in info["symbols"][0]["filters"]}
        assert {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL"} <= kinds

    talk(simulator, run)


def test_too_many_requests_are_refused_with_429_and_a_time_to_wait(start):
    async def run(client: Client) -> None:
        for _ in range(60):
            async with client.session.get(client.simulator.rest + "/api/v3/depth?symbol=BTCUSDT&limit=5000") as answer:
                if answer.status == 429:
                    assert (await answer.json())["code"] == -1003
                    assert 0 < int(answer.headers["Retry-After"]) <= 60
                    return
        raise AssertionError("never refused")

    talk(start("--rate", "20"), run)
