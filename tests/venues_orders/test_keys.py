"""Keys that may withdraw are refused, and so is one of which nobody says what it may do."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ninefold.config import parse
from ninefold.market.instruments import Registry
from ninefold.services.execute import Execute
from ninefold.services.play_again import Memory
from ninefold.services.trading import Trading
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_keys import PATH, KeysRefused, check_keys, refusal

MAY = {"enableReading": True, "enableWithdrawals": False, "enableSpotAndMarginTrading": True}


@pytest.mark.parametrize(
    ("status", "told", "said"),
    [
        (200, MAY, ""),
        (200, {**MAY, "enableWithdrawals": True}, "this API key may withdraw"),
        (200, {**MAY, "enableSpotAndMarginTrading": False}, "this API key may not trade"),
        (200, {"enableReading": True}, "did not say what this API key may do"),
        (200, {**MAY, "enableWithdrawals": "no"}, "did not say what this API key may do"),
        (200, [], "did not say what this API key may do"),
        (404, {}, "answered with http 404"),
        (0, {}, "answered with http 0"),
    ],
)
def test_only_a_key_that_may_trade_and_not_withdraw_is_taken(status, told, said):
    found = refusal(status, json.dumps(told))
    assert said in found
    assert bool(found) == bool(said)


@asynccontextmanager
async def venue(answers: list[tuple[int, object]], seen: list[str]) -> AsyncIterator[str]:
    """The address of a venue that answers so; seen: what it was asked for."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/api/v3/time":
            return web.json_response({"serverTime": time.time_ns() // 10**6})
        seen.append(f"{request.method} {request.path} {sorted(request.query)} {request.headers['X-MBX-APIKEY']}")
        status, told = answers.pop(0)
        return web.json_response(told, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def asked(answers: list[tuple[int, object]]) -> list[str]:
    seen: list[str] = []
    async with venue(answers, seen) as url:
        client = BinanceClient(url, "mykey", "mysecret", time.time_ns)
        try:
            await client.start()
            await check_keys(client)
        finally:
            await client.close()
    return seen


def test_it_is_asked_again_when_the_venue_is_in_trouble(monkeypatch):
    monkeypatch.setattr("ninefold.venues.binance_keys.FIRST_WAIT_S", 0.0)
    assert (
        asyncio.run(asked([(503, {}), (200, MAY)]))
        == [f"GET {PATH} ['recvWindow', 'signature', 'timestamp'] mykey"] * 2
    )


@pytest.mark.parametrize("answers", [[(503, {})] * 3, [(200, {**MAY, "enableWithdrawals": True})], [(404, {})] * 3])
def test_without_a_good_answer_there_is_no_trading(answers, monkeypatch):
    monkeypatch.setattr("ninefold.venues.binance_keys.FIRST_WAIT_S", 0.0)
    with pytest.raises(KeysRefused) as refused:
        asyncio.run(asked(answers))
    assert "mysecret" not in str(refused.value) and "mykey" not in str(refused.value)


def test_a_live_pipeline_with_such_a_key_asks_nothing_else_and_sends_nothing(monkeypatch):
    monkeypatch.setenv("NINEFOLD_API_KEY", "mykey")
    monkeypatch.setenv("NINEFOLD_API_SECRET", "mysecret")
    seen: list[str] = []

    async def work() -> None:
        async with venue([(200, {**MAY, "enableWithdrawals": True})], seen) as url:
            live = parse(f'mode = "live"\n[account]\norders = "exchange"\n[venue]\nrest_url = "{url}"\n')
            registry = Registry()
            execute = Execute(live, (), Memory([], 0), registry)
            await Trading(live, execute, lambda *_: None, time.time_ns, lambda: None).run()

    with pytest.raises(KeysRefused, match="may withdraw"):
        asyncio.run(work())
    assert [one.split()[1] for one in seen] == [PATH]
