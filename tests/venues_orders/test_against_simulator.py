"""Orders through the gateway to the simulated exchange, a process of its own: our books equal its account exactly."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from ninefold.market.records import (
    AnyRecord,
    Asked,
    CancelAsked,
    Found,
    Has,
    Order,
)
from ninefold.venues import binance_gateway
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_keys import check_keys
from tests.venues_orders.live import Live, cutting, get, play, running, signed


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


@pytest.mark.slow
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
