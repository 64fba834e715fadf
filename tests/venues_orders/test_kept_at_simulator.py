"""Stops kept by the simulated exchange, a process of its own: they go off while we are down, and our books find it out."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from ninefold.market.records import AnyRecord, Asked, Flatten, Order
from tests.venues_orders.live import RULES, Live, cutting, get, play, running

KEEPS = msgspec.structs.replace(RULES, stops_at_venue=True)
FAR = {"stop": "20000", "take_profit": "200000"}


def asked(name: str, **more: str) -> Asked:
    plain = {"ask_id": name, "by": "ada", "side": 1, "size": "0.002", "pair": "BTC/USDT", **more}
    return msgspec.convert({"type": "asked", "seq": 0, "known_ns": time.time_ns(), **plain}, Asked)


class Keeping(Live):
    def __init__(self, simulator: dict[str, Any], ledger: list[AnyRecord], rest: str = "") -> None:
        super().__init__(simulator, ledger, rest, KEEPS)

    async def tick(self, *records: AnyRecord) -> None:
        """One tick at the exchange's best prices; what it decides leaves."""
        book = await asyncio.to_thread(get, self.rest, "/api/v3/depth?symbol=BTCUSDT&limit=5")
        approved = self.step(*records, desired={1: 0}, bid=book["bids"][0][0], ask=book["asks"][0][0])
        for each in approved:
            self.gateway.post(each, self.registry[1])
        for cancel in self.core.take_cancels():
            self.gateway.post_cancel(cancel.order, self.registry[1])

    async def ticks_until(self, done: Any) -> None:
        while not done():
            await self.tick()
            await asyncio.sleep(0.05)

    def kept(self) -> list[Order]:
        return [one.order for one in self.core.orders.values() if one.order.order_type == "kept_stop"]

    async def bracket(self, name: str, **more: str) -> None:
        """Bought, and its stop stands at the exchange."""
        await self.tick(asked(name, **{**FAR, **more}))
        await self.ticks_until(lambda: [one.status for one in self.kept()] == ["working"])
        while not self.core.account.locked["BTC"]:
            await asyncio.sleep(0.01)

    def held(self) -> dict[str, str]:
        return {one.order_type: one.status for one in self.core.desk.held.values()}

    async def over(self) -> None:
        await self.ticks_until(lambda: not self.core.unsettled() and self.core.account.positions[1] < 1_000)
        await self.settled()
        self.check()
        assert self.core.desk.held == {} and self.core.account.positions[1] >= 0


async def low(rest: str) -> str:
    """A trigger that the market will soon reach: a little below the best bid."""
    book = await asyncio.to_thread(get, rest, "/api/v3/depth?symbol=BTCUSDT&limit=5")
    return f"{float(book['bids'][0][0]) - 1:.2f}"


@pytest.mark.slow
def test_a_stop_that_went_off_while_we_were_down_is_found_at_the_start_and_nothing_is_sold_twice(simulator):
    async def work() -> None:
        ledger: list[AnyRecord] = []
        fills = get(simulator["rest"], "/sim/v1/state")["fills"]
        async with running(Keeping(simulator, ledger)) as live:
            await live.bracket("down", stop=await low(live.rest))
            written = list(ledger)
        while get(simulator["rest"], "/sim/v1/state")["fills"] < fills + 2:
            await asyncio.sleep(0.02)
        async with running(Keeping(simulator, written)) as again:
            assert again.kept()[0].status == "filled", "told before anything may trade"
            assert again.held() == {"stop": "intended", "take_profit": "intended"}
            await again.tick()
            assert again.held() == {}
            await again.over()

    play(work)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_flatten_ends_what_the_exchange_keeps_and_sells_also_when_every_answer_is_lost(simulator, method):
    async def work() -> None:
        async with (
            cutting(simulator["rest"], forward=True, method=method) as line,
            running(Keeping(simulator, [], line)) as live,
        ):
            await live.bracket(f"flatten {method}")
            await live.tick(Flatten(seq=0, known_ns=0, by="ada"))
            await live.ticks_until(lambda: live.core.account.positions[1] < 1_000)
            assert [one.status for one in live.kept()] == ["cancelled"]
            await live.over()

    play(work)


@pytest.mark.slow
def test_after_a_crash_with_the_stop_at_the_exchange_it_is_known_and_no_second_one_is_placed(simulator):
    async def work() -> None:
        ledger: list[AnyRecord] = []
        async with running(Keeping(simulator, ledger)) as live:
            await live.bracket("crash")
            written = [one for one in ledger if not (isinstance(one, Order) and one.status == "working")]
        orders = get(simulator["rest"], "/sim/v1/state")["orders"]
        async with running(Keeping(simulator, written)) as again:
            for _ in range(30):
                await again.tick()
            assert [one.status for one in again.kept()] == ["working"]
            assert get(simulator["rest"], "/sim/v1/state")["orders"] == orders
            await again.tick(Flatten(seq=0, known_ns=0, by="ada"))
            await again.over()

    play(work)
