"""The exchange as Coinbase Exchange: the feed and REST of a running simulator, held against its own truth."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from .running import Client, Simulator, receive, talk, until

pytestmark = pytest.mark.slow

PRODUCT = "BTC-USDT"
MATCH = {
    *(
        "type",
        "trade_id",
        "maker_order_id",
        "taker_order_id",
        "side",
        "size",
        "price",
        "product_id",
        "sequence",
        "time",
    ),
}
TICKER = {
    *("type", "sequence", "product_id", "price", "open_24h", "volume_24h", "low_24h", "high_24h", "volume_30d"),
    *("best_bid", "best_bid_size", "best_ask", "best_ask_size", "side", "time", "trade_id", "last_size"),
}
Socket = aiohttp.ClientWebSocketResponse


async def subscribed(client: Client, *channels: Any, products: tuple[str, ...] = (PRODUCT,)) -> Socket:
    socket = await client.session.ws_connect(client.simulator.ready["stream"] + "/coinbase/")
    await socket.send_json({"type": "subscribe", "product_ids": list(products), "channels": list(channels)})
    return socket


async def plenty(client: Client, most: int = 40) -> bool:
    return bool((await client.state())["symbols"]["BTCUSDT"]["trades"] > most)


async def the_trades(client: Client, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
    return list(await client.get("/sim/v1/trades", symbol=symbol, limit=100_000))


def test_a_subscription_is_answered_and_begins_with_what_each_channel_begins_with(simulator: Simulator):
    async def run(client: Client) -> None:
        await until(lambda: plenty(client))
        socket = await subscribed(client, "matches", "level2_batch", "ticker", "heartbeat", "status")
        said = [await socket.receive_json() for _ in range(5)]
        assert [one["type"] for one in said] == ["subscriptions", "last_match", "snapshot", "ticker", "status"]
        channels = {one["name"]: one["product_ids"] for one in said[0]["channels"]}
        assert channels == {name: [PRODUCT] for name in ("matches", "level2_50", "ticker", "heartbeat")} | {
            "status": []
        }
        assert set(said[1]) == MATCH
        assert set(said[2]) == {"type", "product_id", "bids", "asks", "time"}
        assert set(said[3]) == TICKER
        assert said[4]["products"][0].keys() >= {
            "id",
            "base_increment",
            "quote_increment",
            "min_market_funds",
            "status",
        }
        first = await receive(socket, lambda one: one["type"] == "match")
        assert (set(first), first["trade_id"]) == (MATCH, said[1]["trade_id"] + 1)
        await socket.close()

    talk(simulator, run)


def test_matches_are_the_trades_with_the_side_of_the_maker(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await subscribed(client, "matches")
        told: list[dict[str, Any]] = []
        while len(told) < 20:
            told.append(await receive(socket, lambda one: one["type"] == "match"))
        ids = [one["trade_id"] for one in told]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        theirs = {one["id"]: one for one in await the_trades(client)}
        for one in told:
            same = theirs[one["trade_id"]]
            assert (one["price"], one["size"]) == (same["price"][:-6], same["qty"])
            assert one["side"] == ("buy" if same["isBuyerMaker"] else "sell")
            assert one["time"].endswith(f"{same['time'] % 1000:03}000Z")
        await socket.close()

    talk(simulator, run)


def test_a_heartbeat_a_second_names_the_last_trade(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await subscribed(client, "heartbeat", "matches")
        last, beats = 0, []
        async with asyncio.timeout(15):
            while len(beats) < 3:
                one = await socket.receive_json()
                if one["type"] in ("match", "last_match"):
                    last = one["trade_id"]
                elif one["type"] == "heartbeat":
                    assert set(one) == {"type", "last_trade_id", "product_id", "sequence", "time"}
                    assert one["last_trade_id"] == last
                    beats.append(one["time"])
        assert beats == sorted(set(beats))
        await socket.close()

    talk(simulator, run)


def test_a_snapshot_and_the_changes_after_it_are_the_exchanges_own_book(simulator: Simulator):
    async def follow(client: Client) -> None:
        socket = await subscribed(client, "level2_batch", products=("ETH-USDT",))
        snapshot = await receive(socket, lambda one: one["type"] == "snapshot")
        sides = {"buy": dict(snapshot["bids"]), "sell": dict(snapshot["asks"])}
        for _ in range(5):
            apply(sides, await receive(socket, lambda one: one["type"] == "l2update"))
        truth = await client.get("/sim/v1/book", symbol="ETHUSDT", face="coinbase")
        while (change := await receive(socket, lambda one: one["type"] == "l2update"))["time"] <= stamp(truth):
            apply(sides, change)
        assert sides["buy"] == {price[:-6]: size for price, size in truth["bids"]}
        assert sides["sell"] == {price[:-6]: size for price, size in truth["asks"]}
        await socket.close()

    talk(simulator, follow)


def apply(sides: dict[str, dict[str, str]], change: dict[str, Any]) -> None:
    for side, price, size in change["changes"]:
        sides[side].pop(price, None)
        if float(size):
            sides[side][price] = size


def stamp(truth: dict[str, Any]) -> str:
    """When the newest message about the book was, as the feed writes it."""
    seconds, part = divmod(int(truth["told_ns"]), 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{part // 1000:06}Z"


REFUSED = {
    "level2": ("level2, level3, and full channels now require authentication", "Failed to subscribe"),
    "nonsense": ("nonsense is not a valid channel", "Failed to subscribe"),
}


@pytest.mark.parametrize("channel", REFUSED)
def test_what_cannot_be_subscribed_is_refused_in_the_venues_words(simulator: Simulator, channel: str):
    async def run(client: Client) -> None:
        socket = await subscribed(client, channel)
        told = await socket.receive_json()
        reason, message = REFUSED[channel]
        assert (told["type"], told["message"]) == ("error", message)
        assert told["reason"].startswith(reason)
        await socket.send_json({"type": "subscribe", "product_ids": ["NO-USD"], "channels": ["matches"]})
        assert (await socket.receive_json())["reason"] == "NO-USD is not a valid product"
        await socket.send_str("{no json")
        assert (await socket.receive_json())["message"] == "Malformed JSON"
        await socket.close()

    talk(simulator, run)


def test_what_is_unsubscribed_is_heard_no_more(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await subscribed(client, "matches", {"name": "heartbeat", "product_ids": ["ETH-USDT"]})
        await receive(socket, lambda one: one["type"] == "match")
        await socket.send_json({"type": "unsubscribe", "product_ids": [PRODUCT], "channels": ["matches"]})
        left = await receive(socket, lambda one: one["type"] == "subscriptions" and len(one["channels"]) == 1)
        assert left["channels"][0]["product_ids"] == ["ETH-USDT"]
        for _ in range(2):
            assert (await socket.receive_json())["type"] == "heartbeat"
        await socket.close()

    talk(simulator, run)


def test_who_subscribes_nothing_in_five_seconds_is_disconnected(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.session.ws_connect(client.simulator.ready["stream"] + "/coinbase/")
        async with asyncio.timeout(10):
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE

    talk(simulator, run)


# REST


def test_pages_of_trades_run_from_new_to_old_and_are_turned_by_cursors(simulator: Simulator):
    async def page(client: Client, **params: Any) -> tuple[list[int], str, str]:
        url = f"{client.simulator.rest}/coinbase/products/{PRODUCT}/trades"
        async with client.session.get(url, params=params) as answer:
            ids = [one["trade_id"] for one in await answer.json()]
            return ids, answer.headers.get("CB-BEFORE", ""), answer.headers.get("CB-AFTER", "")

    async def run(client: Client) -> None:
        await until(lambda: plenty(client))
        newest, before, after = await page(client, limit=5)
        assert newest == list(range(newest[0], newest[0] - 5, -1))
        assert (before, after) == (str(newest[0]), str(newest[-1]))
        assert await page(client, after=20, limit=3) == ([19, 18, 17], "19", "17")
        assert (await page(client, after=4, limit=10))[0] == [3, 2, 1]
        later, _, _ = await page(client, before=newest[0] - 3, limit=1000)
        assert later[-1] == newest[0] - 2
        assert len((await page(client, before=1, limit=4))[0]) == 4
        assert (await page(client, before=1, limit=4))[0][-1] > 2  # the newest of those that are newer
        assert await page(client, before=10**9) == ([], "", "")

    talk(simulator, run)


def test_products_book_candles_and_time_tell_of_the_same_market(simulator: Simulator):
    async def run(client: Client) -> None:
        await until(lambda: plenty(client))
        products = await client.get("/coinbase/products")
        [of] = [one for one in products if one["id"] == PRODUCT]
        assert (of["base_currency"], of["quote_currency"], of["status"]) == ("BTC", "USDT", "online")
        assert (of["quote_increment"], of["base_increment"], of["min_market_funds"]) == ("0.01", "0.00001", "5")
        assert await client.get(f"/coinbase/products/{PRODUCT}") == of
        assert (await client.get("/coinbase/products/NO-USD/trades"))["message"] == "NotFound"
        book = await client.get(f"/coinbase/products/{PRODUCT}/book", level=2)
        assert float(book["bids"][0][0]) < float(book["asks"][0][0])
        assert set(await client.get("/coinbase/time")) == {"iso", "epoch"}
        candles = await client.get(f"/coinbase/products/{PRODUCT}/candles", granularity=60)
        klines = await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=300)
        whole = [one for one in klines if one[8]][:-1]  # the last one still grows
        ours = {one[0]: [float(price) for price in one[1:]] for one in candles}
        for one in whole:
            low, high, opened, closed, volume = ours[one[0] // 1000]
            assert [opened, high, low, closed, volume] == [float(text) for text in one[1:6]]
        refused = await client.get(f"/coinbase/products/{PRODUCT}/candles", granularity=7)
        assert refused["message"] == "Unsupported granularity"

    talk(simulator, run)


# faults


def test_a_fault_of_this_face_alone_strikes_no_other_and_is_told_by_name(simulator: Simulator):
    async def run(client: Client) -> None:
        ours, theirs = await subscribed(client, "matches"), await client.streams("btcusdt@trade")
        await receive(ours, lambda one: one["type"] == "match")
        begin = len((await client.get("/sim/v1/faults"))["withheld"])
        await client.post("/sim/v1/faults", {"kind": "drop", "count": 2, "only": f"coinbase:{PRODUCT}@matches"})

        async def logged() -> Any:
            found = (await client.get("/sim/v1/faults", **{"from": begin}))["withheld"]
            return found if len(found) == 2 else None

        lost = [one["first_id"] for one in await until(logged)]
        assert {(one["stream"], one["fault"]) for one in await logged()} == {(f"coinbase:{PRODUCT}@matches", "drop")}
        heard = [one["trade_id"] for one in [await receive(ours, lambda one: one["type"] == "match") for _ in range(3)]]
        assert not {*lost} & {*heard}
        everything = [(await theirs.receive_json())["data"]["t"]]
        while everything[-1] < lost[-1]:
            everything.append((await theirs.receive_json())["data"]["t"])
        assert everything == list(range(everything[0], everything[-1] + 1))
        for socket in (ours, theirs):
            await socket.close()

    talk(simulator, run)


def test_a_disconnect_of_this_face_cuts_its_clients_only_and_tells_what_they_missed(simulator: Simulator):
    async def run(client: Client) -> None:
        ours, theirs = await subscribed(client, "matches"), await client.streams("btcusdt@trade")
        last = (await receive(ours, lambda one: one["type"] == "match"))["trade_id"]
        await theirs.receive_json()  # what nobody heard before it is noted by now
        begin = len((await client.get("/sim/v1/faults"))["withheld"])
        await client.post("/sim/v1/faults", {"kind": "disconnect", "seconds": 1, "only": "coinbase"})
        async with asyncio.timeout(5):
            while (message := await ours.receive()).type is aiohttp.WSMsgType.TEXT:
                last = message.json()["trade_id"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await subscribed(client, "matches")
        again: list[Socket] = []

        async def back() -> bool:
            try:
                again.append(await subscribed(client, "matches"))
            except aiohttp.WSServerHandshakeError:
                return False
            return True

        await until(back)
        first = await receive(again[0], lambda one: one["type"] == "match")
        [logged] = (await client.get("/sim/v1/faults", **{"from": begin}))["withheld"]
        assert (logged["fault"], logged["first_id"] - 1 >= last) == ("disconnect", True)
        assert logged["last_id"] == first["trade_id"] - 1
        while (await theirs.receive_json())["data"]["t"] < first["trade_id"]:  # fails if it was cut
            pass
        for socket in (theirs, again[0]):
            await socket.close()

    talk(simulator, run)


@pytest.mark.parametrize(("kind", "status"), [("limit", 429), ("ban", 429), ("outage", 503)])
def test_a_venue_in_trouble_refuses_questions_of_this_face_alone(simulator: Simulator, kind: str, status: int):
    async def run(client: Client) -> None:
        await client.post("/sim/v1/faults", {"kind": kind, "count": 1, "only": "/coinbase/"})
        assert "serverTime" in await client.get("/api/v3/time")
        async with client.session.get(simulator.rest + "/coinbase/time") as answer:
            assert (answer.status, "message" in await answer.json()) == (status, True)
        assert "iso" in await client.get("/coinbase/time")

    talk(simulator, run)
