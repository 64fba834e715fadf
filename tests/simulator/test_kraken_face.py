"""The exchange as Kraken: websocket v2 and REST of a running simulator, held against its own truth.

The checksums are computed here from the texts of the messages, after "Book checksum (WebSocket v2)".
"""

import asyncio
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from .running import Client, Simulator, receive, talk, until

pytestmark = pytest.mark.slow

PAIR, REST_PAIR = "BTC/USDT", "XBTUSDT"
TRADE = {"symbol", "side", "price", "qty", "ord_type", "trade_id", "timestamp"}
TICKER = {
    *("symbol", "bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap", "low", "high", "change", "change_pct"),
    "timestamp",
}
Socket = aiohttp.ClientWebSocketResponse
Sides = dict[str, dict[str, str]]  # price to size, both as sent


async def connected(client: Client) -> Socket:
    return await client.session.ws_connect(client.simulator.ready["stream"] + "/kraken/v2")


async def say(socket: Socket, method: str, **params: Any) -> None:
    await socket.send_json({"method": method, "params": params, "req_id": 7})


async def hear(socket: Socket, channel: str, kind: str = "update") -> Any:
    """The next message of a channel, numbers as the texts that were sent."""
    async with asyncio.timeout(15):
        while True:
            one = json.loads((await socket.receive()).data, parse_float=str)
            if one.get("channel") == channel and one.get("type") == kind:
                return one["data"]


async def plenty(client: Client, most: int = 40) -> bool:
    return bool((await client.state())["symbols"]["BTCUSDT"]["trades"] > most)


async def ask(client: Client, question: str, **params: Any) -> Any:
    async with client.session.get(f"{client.simulator.rest}/kraken/0/public/{question}", params=params) as answer:
        assert answer.status == 200
        return json.loads(await answer.read(), parse_float=str)


def test_a_status_comes_first_and_every_symbol_is_acknowledged_before_its_snapshot(simulator: Simulator):
    async def run(client: Client) -> None:
        await until(lambda: plenty(client))
        socket = await connected(client)
        status = await socket.receive_json()
        assert (status["channel"], status["data"][0]["system"]) == ("status", "online")
        await say(socket, "subscribe", channel="ticker", symbol=[PAIR, "ETH/USDT", "NO/USD"], event_trigger="bbo")
        said = [one async for one in texts(socket, 5)]
        assert [one.get("method", one.get("channel")) for one in said] == [
            "subscribe",
            "ticker",
            "subscribe",
            "ticker",
            "subscribe",
        ]
        assert said[0]["result"] == {"channel": "ticker", "event_trigger": "bbo", "snapshot": True, "symbol": PAIR}
        assert (said[0]["success"], said[0]["req_id"]) == (True, 7)
        assert set(said[1]["data"][0]) == TICKER
        assert (said[4]["success"], said[4]["error"]) == (False, "Currency pair not supported NO/USD")
        await say(socket, "subscribe", channel="ticker", symbol=[PAIR], event_trigger="bbo")
        refused = await receive(socket, lambda one: "error" in one)
        assert refused["error"] == "Already subscribed"
        await socket.close()

    talk(simulator, run)


async def texts(socket: Socket, count: int) -> Any:
    """The next messages that are no update of a ticker."""
    while count:
        one = json.loads((await socket.receive()).data)
        if one.get("type") != "update":
            count -= 1
            yield one


def test_trades_are_the_exchanges_with_the_side_of_the_taker(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await connected(client)
        await say(socket, "subscribe", channel="trade", symbol=[PAIR], snapshot=True)
        before = await hear(socket, "trade", "snapshot")
        told: list[Any] = []
        while len(told) < 20:
            told += await hear(socket, "trade")
        assert {frozenset(one) for one in told} == {frozenset(TRADE)}
        ids = [one["trade_id"] for one in told]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        assert (len(before) <= 50, before[-1]["trade_id"]) == (True, ids[0] - 1)
        theirs = {one["id"]: one for one in await client.get("/sim/v1/trades", symbol="BTCUSDT", limit=100_000)}
        for one in told:
            same = theirs[one["trade_id"]]
            assert (one["price"], one["qty"]) == (same["price"][:-6], same["qty"])
            assert one["side"] == ("sell" if same["isBuyerMaker"] else "buy")
            assert one["timestamp"].endswith(f"{same['time'] % 1000:03}000Z")
        await socket.close()

    talk(simulator, run)


@pytest.mark.parametrize("depth", [10, 25, 1000])
def test_every_checksum_is_that_of_the_book_cut_to_its_depth(simulator: Simulator, depth: int):
    async def run(client: Client) -> None:
        socket = await connected(client)
        await say(socket, "subscribe", channel="book", symbol=[PAIR], depth=depth)
        [snapshot] = await hear(socket, "book", "snapshot")
        sides = {name: {one["price"]: one["qty"] for one in snapshot[name]} for name in ("bids", "asks")}
        assert checksum(sides) == snapshot["checksum"]
        assert len(sides["bids"]) <= depth
        for _ in range(60):
            [change] = await hear(socket, "book")
            apply(sides, change, depth)
            assert checksum(sides) == change["checksum"]
        truth = await client.get("/sim/v1/book", symbol="BTCUSDT", face="kraken")
        while (change := (await hear(socket, "book"))[0])["timestamp"] <= stamp(truth):
            apply(sides, change, depth)
        for name, levels in sides.items():
            assert levels == {price[:-6]: size for price, size in truth[name][:depth]}
        await socket.close()

    talk(simulator, run)


def apply(sides: Sides, change: Any, depth: int) -> None:
    for name, levels in sides.items():
        for one in change[name]:
            levels.pop(one["price"], None)
            if float(one["qty"]):
                levels[one["price"]] = one["qty"]
        for price in ranked(name, levels)[depth:]:
            del levels[price]


def checksum(sides: Sides) -> int:
    best = [
        text
        for name in ("asks", "bids")
        for price in ranked(name, sides[name])[:10]
        for text in (price, sides[name][price])
    ]
    return zlib.crc32("".join(text.replace(".", "").lstrip("0") for text in best).encode())


def ranked(name: str, levels: dict[str, str]) -> list[str]:
    return sorted(levels, key=float, reverse=name == "bids")


def stamp(truth: dict[str, Any]) -> str:
    """When the newest message about the book was, as the websocket writes it."""
    seconds, part = divmod(int(truth["told_ns"]), 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{part // 1000:06}Z"


def test_a_book_that_is_subscribed_anew_begins_with_a_new_snapshot(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await connected(client)
        await say(socket, "subscribe", channel="book", symbol=[PAIR], depth=1000)
        await hear(socket, "book")
        await say(socket, "unsubscribe", channel="book", symbol=[PAIR], depth=1000)
        left = await receive(socket, lambda one: one.get("method") == "unsubscribe")
        assert (left["success"], left["result"]) == (True, {"channel": "book", "depth": 1000, "symbol": PAIR})
        await say(socket, "subscribe", channel="book", symbol=[PAIR], depth=1000)
        assert (await receive(socket, lambda one: one.get("channel") == "book"))["type"] == "snapshot"
        await say(socket, "subscribe", channel="book", symbol=[PAIR], depth=7)
        refused = await receive(socket, lambda one: "error" in one)
        assert refused["error"] == "Subscription depth not supported"
        await socket.close()

    talk(simulator, run)


def test_pings_are_answered_and_the_instruments_told(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await connected(client)
        await socket.send_json({"method": "ping", "req_id": 3})
        pong = await receive(socket, lambda one: one.get("method") == "pong")
        assert (set(pong), pong["req_id"]) == ({"method", "req_id", "time_in", "time_out"}, 3)
        await say(socket, "subscribe", channel="instrument")
        told = await hear(socket, "instrument", "snapshot")
        [pair] = [one for one in told["pairs"] if one["symbol"] == PAIR]
        assert (pair["price_precision"], pair["price_increment"], pair["qty_precision"]) == (2, "0.01", 5)
        await socket.send_str("{no json")
        assert "error" in await receive(socket, lambda one: one.get("success") is False)
        await socket.close()

    talk(simulator, run)


def test_a_heartbeat_comes_about_every_second_where_nothing_else_does(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await connected(client)
        await say(socket, "subscribe", channel="trade", symbol=["ADA/BTC"])
        began = asyncio.get_running_loop().time()
        for _ in range(3):
            await receive(socket, lambda one: one == {"channel": "heartbeat"})
        assert 1.5 < asyncio.get_running_loop().time() - began < 8
        await socket.close()

    talk(simulator, run)


# REST


def test_trades_since_a_time_are_all_that_are_later_oldest_first(simulator: Simulator):
    async def run(client: Client) -> None:
        await until(lambda: plenty(client))
        theirs = await client.get("/sim/v1/trades", symbol="BTCUSDT", limit=100_000)
        at_ms = theirs[10]["time"]
        for since in (at_ms * 10**6, at_ms * 10**6 + 999_999):
            result = (await ask(client, "Trades", pair=REST_PAIR, since=since, count=5))["result"]
            later = [one for one in theirs if one["time"] > at_ms][:5]
            rows = result[REST_PAIR]
            assert [row[6] for row in rows] == [one["id"] for one in later]
            assert [[row[0], row[1]] for row in rows] == [[one["price"][:-6], one["qty"]] for one in later]
            assert [row[3] for row in rows] == ["s" if one["isBuyerMaker"] else "b" for one in later]
            assert [row[2].replace(".", "") for row in rows] == [str(one["time"]) for one in later]
            assert result["last"] == str(later[-1]["time"] * 10**6)
        newest = (await ask(client, "Trades", pair=PAIR))["result"][REST_PAIR]
        assert newest[-1][6] >= theirs[-1]["id"]
        nothing = (await ask(client, "Trades", pair=REST_PAIR, since=2 * 10**18))["result"]
        assert nothing == {REST_PAIR: [], "last": str(2 * 10**18)}
        assert (await ask(client, "Trades", pair="NOUSD"))["error"] == ["EQuery:Unknown asset pair"]

    talk(simulator, run)


def test_pairs_candles_depth_and_time_tell_of_the_same_market(simulator: Simulator):
    async def run(client: Client) -> None:
        await until(lambda: plenty(client))
        pairs = (await ask(client, "AssetPairs", pair=f"{REST_PAIR},XDGUSDT,ADAXBT"))["result"]
        assert {name: one["wsname"] for name, one in pairs.items()} == {
            "XBTUSDT": "XBT/USDT",
            "XDGUSDT": "XDG/USDT",
            "ADAXBT": "ADA/XBT",
        }
        of = pairs[REST_PAIR]
        assert (of["pair_decimals"], of["lot_decimals"], of["tick_size"], of["costmin"]) == (2, 5, "0.01", "5")
        assert len((await ask(client, "AssetPairs"))["result"]) == 5
        candles = (await ask(client, "OHLC", pair=REST_PAIR, interval=1))["result"]
        klines = await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=720)
        ours = {row[0]: row for row in candles[REST_PAIR]}
        for one in klines[:-1]:  # the last one still grows
            row = ours[one[0] // 1000]
            assert [float(text) for text in [*row[1:5], row[6]]] == [float(text) for text in one[1:6]]
            assert row[7] == one[8]
        book = (await ask(client, "Depth", pair=REST_PAIR, count=3))["result"][REST_PAIR]
        assert [len(book[side]) for side in ("asks", "bids")] == [3, 3]
        assert float(book["bids"][0][0]) < float(book["asks"][0][0])
        assert set((await ask(client, "Time"))["result"]) == {"unixtime", "rfc1123"}
        assert (await ask(client, "SystemStatus"))["result"]["status"] == "online"

    talk(simulator, run)


# faults


@pytest.mark.parametrize(
    ("kind", "says"), [("limit", "EGeneral:Too many requests"), ("ban", "EGeneral:Temporary lockout")]
)
def test_limits_are_told_in_the_error_list_of_this_face_alone(simulator: Simulator, kind: str, says: str):
    async def run(client: Client) -> None:
        await client.post("/sim/v1/faults", {"kind": kind, "count": 1, "only": "/kraken/"})
        assert "iso" in await client.get("/coinbase/time")
        assert await ask(client, "Time") == {"error": [says]}
        assert "result" in await ask(client, "Time")

    talk(simulator, run)


def test_a_dropped_change_is_in_no_log_of_numbers_and_the_stream_is_called_harmed_until_it_is_subscribed_anew(
    simulator: Simulator,
):
    stream = f"kraken:{PAIR}@book-1000"

    async def run(client: Client) -> None:
        async def harmed() -> bool:
            return stream in (await client.get("/sim/v1/faults"))["harmed"]

        socket = await connected(client)
        await say(socket, "subscribe", channel="book", symbol=[PAIR], depth=1000)
        await hear(socket, "book", "snapshot")
        assert not await harmed()
        await client.post("/sim/v1/faults", {"kind": "drop", "count": 1, "only": stream})
        await until(harmed)
        for method in ("unsubscribe", "subscribe"):
            await say(socket, method, channel="book", symbol=[PAIR], depth=1000)
        await hear(socket, "book", "snapshot")
        assert not await harmed()
        await socket.close()

    talk(simulator, run)


def test_broken_frames_come_besides_the_good_ones(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await connected(client)
        await say(socket, "subscribe", channel="trade", symbol=[PAIR])
        await hear(socket, "trade")
        await client.post("/sim/v1/faults", {"kind": "malformed", "count": 3, "only": f"kraken:{PAIR}@trade"})
        good, broken = [], []
        async with asyncio.timeout(15):
            while len({*broken}) < 3 or not good:
                text = (await socket.receive()).data
                try:
                    one = json.loads(text)
                except ValueError:
                    broken.append("cut")
                    continue
                for deal in one["data"] if one.get("channel") == "trade" else []:
                    named = deal["symbol"] == PAIR
                    good.append(deal["trade_id"]) if named else broken.append(json.dumps(deal["symbol"]))
        assert {*broken} == {"cut", '"NOSUCHCOIN"', '["NOSUCHCOIN"]'}
        assert good == list(range(good[0], good[0] + len(good)))
        await socket.close()

    talk(simulator, run)
