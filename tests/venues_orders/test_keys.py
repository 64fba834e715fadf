"""Keys that may withdraw are refused, and so is one of which nobody says what it may do."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ninefold.config import parse
from ninefold.market.instruments import Registry
from ninefold.services.execute import Execute
from ninefold.services.play_again import Memory
from ninefold.services.trading import Trading
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_keys import PATH, check_keys, read
from ninefold.venues.key_rights import KeysRefused, Rights, check_rights
from ninefold.venues.order_table import ORDER_ENTRIES

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
    assert_refused(said, read, status, json.dumps(told))


def assert_refused(said: str, read: Callable[[int, str], Rights], status: int, body: str) -> None:
    """said: what the refusal says; empty for a key that is taken."""

    async def ask() -> tuple[int, str]:
        return status, body

    async def nothing() -> None:
        """Between two tries."""

    refused = ""
    try:
        asyncio.run(check_rights("Binance", ask, read, nothing))
    except KeysRefused as error:
        refused = str(error)
    assert said in refused
    assert bool(refused) == bool(said)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    monkeypatch.setattr("ninefold.venues.key_rights.WAIT_S", 0.0)


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


def test_it_is_asked_again_when_the_venue_is_in_trouble():
    assert (
        asyncio.run(asked([(503, {}), (200, MAY)]))
        == [f"GET {PATH} ['recvWindow', 'signature', 'timestamp'] mykey"] * 2
    )


@pytest.mark.parametrize("answers", [[(503, {})] * 3, [(200, {**MAY, "enableWithdrawals": True})], [(404, {})] * 3])
def test_without_a_good_answer_there_is_no_trading(answers):
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


RIGHTS = [  # of each venue: what its page shows of a key that may trade, of one that may withdraw, and of one that only reads
    (
        "bybit",  # bybit-exchange.github.io/docs/v5/user/apikey-info
        {"retCode": 0, "retMsg": "", "result": {"readOnly": 0, "permissions": {"Spot": ["SpotTrade"], "Wallet": []}}},
        {"retCode": 0, "result": {"readOnly": 0, "permissions": {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}}},
        {"retCode": 0, "result": {"readOnly": 1, "permissions": {"Spot": ["SpotTrade"], "Wallet": []}}},
    ),
    (
        "coinbase",  # docs.cdp.coinbase.com: Get API Key Permissions
        {"can_view": True, "can_trade": True, "can_transfer": False, "portfolio_uuid": "", "portfolio_type": "DEFAULT"},
        {"can_view": True, "can_trade": True, "can_transfer": True, "portfolio_uuid": "", "portfolio_type": "DEFAULT"},
        {
            "can_view": True,
            "can_trade": False,
            "can_transfer": False,
            "portfolio_uuid": "",
            "portfolio_type": "DEFAULT",
        },
    ),
    (
        "kraken",  # docs.kraken.com/api-reference/account-data/get-api-key-info
        {"error": [], "result": {"permissions": ["query-funds", "query-open-trades", "modify-trades"]}},
        {"error": [], "result": {"permissions": ["query-funds", "withdraw-funds", "modify-trades"]}},
        {"error": [], "result": {"permissions": ["query-funds", "query-open-trades"]}},
    ),
    (
        "okx",  # www.okx.com/docs-v5/en: Get account configuration
        {"code": "0", "msg": "", "data": [{"uid": "1", "perm": "read_only,trade"}]},
        {"code": "0", "msg": "", "data": [{"uid": "1", "perm": "read_only,trade,withdraw"}]},
        {"code": "0", "msg": "", "data": [{"uid": "1", "perm": "read_only"}]},
    ),
]


@pytest.mark.parametrize(("name", "taken", "withdraws", "reads"), RIGHTS)
def test_every_venues_answer_is_read(name, taken, withdraws, reads):
    told = ORDER_ENTRIES[name].reading.rights_told
    assert_refused("", told, 200, json.dumps(taken))
    assert_refused("may withdraw", told, 200, json.dumps(withdraws))
    assert_refused("may not trade", told, 200, json.dumps(reads))
    for status, body in ((200, "{}"), (200, "[]"), (0, "no answer: TimeoutError"), (503, json.dumps(taken)), (401, "")):
        assert_refused("did not say what this API key may do", told, status, body)
