"""Signed requests and the user data stream of a running simulator."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from .running import Client, Simulator, receive, talk, until

FAR = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "40000.00"}
MAKER = {"type": "LIMIT_MAKER", "timeInForce": ""}
REPORT = set("eEscSofqpPFgCxXrilzLnNTtIwmMOZYQWV")


async def subscribe(client: Client) -> Any:
    """A user data subscription over the WebSocket API."""
    socket = await client.session.ws_connect(client.simulator.ready["ws_api"])
    await socket.send_json(signed_call(client.simulator, "userDataStream.subscribe.signature", {}))
    answer = await socket.receive_json()
    assert (answer["id"], answer["status"], answer["result"]) == ("call", 200, {"subscriptionId": 0})
    return socket


def signed_call(simulator: Simulator, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """All parameters but the signature are signed sorted by name."""
    filled = {"apiKey": simulator.key, "timestamp": time.time_ns() // 1_000_000, **params}
    query = simulator.signature("&".join(f"{name}={filled[name]}" for name in sorted(filled)))
    return {"id": "call", "method": method, "params": {**filled, "signature": query}}


def test_an_order_is_placed_seen_and_canceled_and_the_user_stream_tells_each_step(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await subscribe(client)
        placed = await client.signed("POST", "order", **FAR, quantity="0.01", newClientOrderId="seen-1")
        assert (placed["status"], placed["clientOrderId"], placed["fills"]) == ("NEW", "seen-1", [])
        report = (await receive(socket, lambda each: each["event"]["e"] == "executionReport"))["event"]
        assert set(report) == REPORT
        assert (report["c"], report["x"], report["X"], report["i"]) == ("seen-1", "NEW", "NEW", placed["orderId"])
        position = (await receive(socket, lambda each: each["event"]["e"] == "outboundAccountPosition"))["event"]
        assert [(each["a"], each["l"]) for each in position["B"]] == [("USDT", "400.00000000")]
        [opened] = await client.signed("GET", "openOrders", symbol="BTCUSDT")
        assert opened["orderId"] == placed["orderId"]
        canceled = await client.signed("DELETE", "order", symbol="BTCUSDT", origClientOrderId="seen-1")
        assert (canceled["status"], canceled["origClientOrderId"]) == ("CANCELED", "seen-1")
        report = (await receive(socket, lambda each: each["event"]["e"] == "executionReport"))["event"]
        assert (report["x"], report["X"], report["C"]) == ("CANCELED", "CANCELED", "seen-1")
        found = await client.signed("GET", "order", symbol="BTCUSDT", orderId=placed["orderId"])
        assert found["status"] == "CANCELED"
        await socket.close()

    talk(simulator, run)


def test_a_market_order_takes_what_the_book_shows_and_the_account_adds_up(simulator: Simulator):
    async def run(client: Client) -> None:
        before = balances(await client.signed("GET", "account"))
        socket = await subscribe(client)
        order = {"symbol": "ETHUSDT", "type": "MARKET", "quantity": "1.5"}
        bought = await client.signed("POST", "order", **order, side="BUY")
        assert bought["status"] == "FILLED"
        assert sum(Decimal(each["qty"]) for each in bought["fills"]) == Decimal("1.5")
        cost = sum(Decimal(each["qty"]) * Decimal(each["price"]) for each in bought["fills"])
        assert Decimal(bought["cummulativeQuoteQty"]) == cost
        sold = await client.signed("POST", "order", **order, side="SELL")
        after = balances(await client.signed("GET", "account"))
        fees: dict[str, Decimal] = {}
        for each in bought["fills"] + sold["fills"]:
            fees[each["commissionAsset"]] = fees.get(each["commissionAsset"], Decimal(0)) + Decimal(each["commission"])
        assert after["ETH"] == before["ETH"] - fees["ETH"]
        assert after["USDT"] == before["USDT"] - cost + Decimal(sold["cummulativeQuoteQty"]) - fees["USDT"]
        trades = await client.signed("GET", "myTrades", symbol="ETHUSDT", orderId=bought["orderId"])
        assert [each["id"] for each in trades] == [each["tradeId"] for each in bought["fills"]]
        public = {each["id"]: each for each in await client.get("/sim/v1/trades", symbol="ETHUSDT", limit=100000)}
        assert all(public[each["id"]]["price"] == each["price"] for each in trades)
        report = await receive(socket, lambda each: each["event"].get("x") == "TRADE")
        assert report["event"]["t"] == bought["fills"][0]["tradeId"]
        await socket.close()

    talk(simulator, run)


def balances(account: dict[str, Any]) -> dict[str, Decimal]:
    return {each["asset"]: Decimal(each["free"]) + Decimal(each["locked"]) for each in account["balances"]}


def test_resting_orders_at_the_touch_are_filled_by_the_crowd_as_maker(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await subscribe(client)
        prices = {}
        for side, field in (("SELL", "askPrice"), ("BUY", "bidPrice")):
            order = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT_MAKER", "quantity": "0.00020"}

            async def at_the_touch(order: dict[str, str] = order, field: str = field) -> Any:
                best = await client.get("/api/v3/ticker/bookTicker", symbol="BTCUSDT")
                placed = await client.signed("POST", "order", **order, price=best[field])
                return (placed, best[field]) if "orderId" in placed else None  # the market may just have moved there

            placed, price = await until(at_the_touch)
            assert set(placed) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
            prices[placed["orderId"]] = price
        report = (await receive(socket, lambda each: each["event"].get("X") == "FILLED", 60))["event"]
        assert (report["x"], report["m"], report["L"]) == ("TRADE", True, prices[report["i"]])
        trades = await client.signed("GET", "myTrades", symbol="BTCUSDT", orderId=report["i"])
        assert all(each["isMaker"] and each["price"] == prices[report["i"]] for each in trades)
        await client.signed("DELETE", "openOrders", symbol="BTCUSDT")
        await socket.close()

    talk(simulator, run)


def test_immediate_orders_never_rest(simulator: Simulator):
    async def run(client: Client) -> None:
        far = {**FAR, "quantity": "0.001"}
        none = await client.signed("POST", "order", **{**far, "timeInForce": "IOC"})
        assert (none["status"], none["executedQty"]) == ("EXPIRED", "0.00000000")
        some = {"symbol": "SOLUSDT", "side": "SELL", "type": "LIMIT", "price": "10.00", "quantity": "1"}
        filled = await client.signed("POST", "order", **some, timeInForce="FOK")
        assert filled["status"] == "FILLED"
        best = await client.get("/api/v3/ticker/bookTicker", symbol="SOLUSDT")
        large = {**some, "side": "BUY", "price": best["askPrice"], "quantity": "300"}
        assert (await client.signed("POST", "order", **large, timeInForce="FOK"))["executedQty"] == "0.00000000"
        assert await client.signed("GET", "openOrders") == []
        account = await client.signed("GET", "account")
        assert all(each["locked"] == "0.00000000" for each in account["balances"])

    talk(simulator, run)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"price": "40000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.00010"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "5"}, -2010, "Account has insufficient balance for requested action."),
        ({"quantity": "0.0100000001"}, -1111, "Parameter 'quantity' has too much precision."),
        ({"quantity": "abc"}, -1100, None),
        ({"timeInForce": "EVER"}, -1115, "Invalid timeInForce."),
        ({"timeInForce": ""}, -1102, None),
        ({"type": "WISH"}, -1116, "Invalid orderType."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
        ({**MAKER, "price": "90000"}, -2010, "Order would immediately match and take."),
        ({"newClientOrderId": "no spaces"}, -1100, None),
        ({"timestamp": 1}, -1021, "Timestamp for this request is outside of the recvWindow."),
        ({"recvWindow": 70000}, -1131, "recvWindow must be less than 60000."),
    ],
)
def test_a_bad_order_is_refused_with_binances_code(simulator, changes, code, message):
    async def run(client: Client) -> None:
        answer = await client.signed("POST", "order", **{**FAR, "quantity": "0.001", **changes})
        assert answer["code"] == code
        assert message in (None, answer["msg"])
        tested = await client.signed("POST", "order/test", **{**FAR, "quantity": "0.001"})
        assert tested == {}

    talk(simulator, run)


def test_a_client_id_may_be_used_again_only_when_its_order_is_done(simulator: Simulator):
    async def run(client: Client) -> None:
        order = {**FAR, "quantity": "0.001", "newClientOrderId": "twice"}
        first = await client.signed("POST", "order", **order)
        assert await client.signed("POST", "order", **order) == {"code": -2010, "msg": "Duplicate order sent."}
        await client.signed("DELETE", "openOrders", symbol="BTCUSDT")
        second = await client.signed("POST", "order", **order)
        assert second["orderId"] > first["orderId"]
        await client.signed("DELETE", "order", symbol="BTCUSDT", orderId=second["orderId"])
        unknown = await client.signed("DELETE", "order", symbol="BTCUSDT", orderId=second["orderId"])
        assert unknown == {"code": -2011, "msg": "Unknown order sent."}
        nothing = await client.signed("GET", "order", symbol="BTCUSDT", orderId=10**9)
        assert nothing == {"code": -2013, "msg": "Order does not exist."}

    talk(simulator, run)


def test_keys_and_signatures_are_checked_before_anything_else(simulator: Simulator):
    async def run(client: Client) -> None:
        url = f"{simulator.rest}/api/v3/account?"
        good = simulator.sign({})
        cases = [
            (good, {}, 401, -2014),
            (good, {"X-MBX-APIKEY": "a" * 64}, 401, -2015),
            (good[:-1] + ("0" if good[-1] != "0" else "1"), {"X-MBX-APIKEY": simulator.key}, 400, -1022),
            (good.partition("&signature")[0], {"X-MBX-APIKEY": simulator.key}, 400, -1102),
        ]
        for query, headers, status, code in cases:
            async with client.session.get(url + query, headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (status, code)
        query, body = "symbol=BTCUSDT&side=BUY", "type=LIMIT&timeInForce=GTC&quantity=0.001&price=40000"
        body += f"&timestamp={time.time_ns() // 1_000_000}"
        signature = simulator.signature(query + body)  # no & between query and body
        async with client.session.post(
            f"{simulator.rest}/api/v3/order/test?{query}",
            data=f"{body}&signature={signature}",
            headers={"X-MBX-APIKEY": simulator.key, "Content-Type": "application/x-www-form-urlencoded"},
        ) as answer:
            assert await answer.json() == {}

    talk(simulator, run)


@pytest.mark.slow
def test_the_websocket_api_answers_calls_and_errors_in_its_own_envelope(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await subscribe(client)
        await socket.send_json(signed_call(simulator, "userDataStream.subscribe.signature", {}))
        assert (await socket.receive_json())["error"]["code"] == -2035
        order = {**FAR, "quantity": "0.001", "newClientOrderId": "over-ws"}
        await socket.send_json(signed_call(simulator, "order.place", order))
        answer = await receive(socket, lambda each: "id" in each)
        assert (answer["status"], answer["result"]["status"]) == (200, "NEW")
        assert answer["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
        cancel = {"symbol": "BTCUSDT", "origClientOrderId": "over-ws"}
        await socket.send_json(signed_call(simulator, "order.cancel", cancel))
        assert (await receive(socket, lambda each: "id" in each))["result"]["status"] == "CANCELED"
        bad = signed_call(simulator, "order.status", cancel)
        bad["params"]["signature"] = "0" * 64
        await socket.send_json(bad)
        answer = await receive(socket, lambda each: "id" in each)
        assert (answer["status"], answer["error"]["code"]) == (400, -1022)
        await client.post("/sim/v1/deposit", {"asset": "SOL", "amount": "1.5"})
        event = await receive(socket, lambda each: each.get("event", {}).get("e") == "balanceUpdate")
        assert (event["subscriptionId"], event["event"]["a"], event["event"]["d"]) == (0, "SOL", "1.50000000")
        await socket.send_json({"id": 3, "method": "userDataStream.unsubscribe"})
        assert (await receive(socket, lambda each: each.get("id") == 3))["result"] == {}
        await socket.send_str("{")
        assert (await socket.receive_json())["error"]["code"] == -1135
        await socket.close()
        async with client.session.post(simulator.rest + "/api/v3/userDataStream") as gone:
            assert gone.status == 410

    talk(simulator, run)


@pytest.mark.slow
def test_the_state_counts_what_the_account_did(simulator: Simulator):
    async def run(client: Client) -> None:
        state = await client.state()
        orders = [await client.signed("GET", "allOrders", symbol=symbol, limit=1000) for symbol in state["symbols"]]
        assert sum(map(len, orders)) == state["orders"]
        account = await client.signed("GET", "account")
        told = {each["asset"]: {"free": each["free"], "locked": each["locked"]} for each in account["balances"]}
        assert told == state["account"]["balances"]
        assert account["canWithdraw"] is False
        assert json.dumps(state)

    talk(simulator, run)
