"""Downloads from the simulated exchange, which knows its trades: also while it refuses, fails and hangs up."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from ninefold.history import asking
from ninefold.history.download import Wanted, download
from ninefold.market.time import SECOND_NS
from tests.simulator.running import Client, Simulator, talk, until

from .exchange import Bar, Trade, bars_of
from .running import silent, stored_bars, stored_trades, true_trades

SECONDS = 5


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """Five whole seconds of a market that is over for us, and all trades so far."""
    simulator = Simulator(tmp_path_factory.mktemp("simulated") / "exchange", "--rate", "1500")

    async def conversation(client: Client) -> tuple[list[Trade], tuple[int, int]]:
        first = (await until(lambda: client.get("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=0, limit=1)))[0]
        start_ms = (first["time"] // 1000 + 2) * 1000

        async def over() -> bool:
            return (await client.get("/api/v3/time"))["serverTime"] > start_ms + SECONDS * 1000 + 500

        await until(over, 30.0)
        found: list[Trade] = []
        while page := await client.get(
            "/sim/v1/trades", symbol="BTCUSDT", fromId=found[-1].id + 1 if found else 0, limit=100_000
        ):
            found += [
                Trade(one["id"], one["time"] * 10**6, one["price"], one["qty"], not one["isBuyerMaker"]) for one in page
            ]
            if found[-1].time_ns > (start_ms + SECONDS * 1000) * 10**6:
                break
        return found, (start_ms * 10**6, (start_ms + SECONDS * 1000) * 10**6)

    trades, span = talk(simulator, conversation)
    yield simulator, trades, span
    assert simulator.stop() == 0


def fetch(simulator: Simulator, data_dir: Path, span: tuple[int, int], *what: str):
    wanted = Wanted("binance", ("BTC/USDT", "ETH/USDT"), what, *span, simulator.rest, "")
    return {
        (one.pair, one.what): one
        for one in asyncio.run(download(wanted, data_dir, lambda: span[1] + 60 * SECOND_NS, silent, silent))
    }


def truth_of(trades: list[Trade], span: tuple[int, int]) -> dict[int, Bar]:
    return {one.open_ns: one for one in bars_of(trades, SECOND_NS, *span)}


def of_bitcoin(data_dir: Path, span: tuple[int, int]) -> list[tuple]:
    """Prices of the other pair are far below."""
    return [row for row in stored_trades(data_dir, span) if row[2] > Decimal(20_000)]


@pytest.mark.slow
def test_what_is_downloaded_is_the_exchange_s_truth(tmp_path, market):
    simulator, trades, span = market
    found = fetch(simulator, tmp_path, span, "trades", "1s")
    assert of_bitcoin(tmp_path, span) == true_trades(trades, span)
    bars = found["BTC/USDT", "1s"]
    assert (bars.asked, bars.stored, bars.compared, bars.differing, bars.holes) == (SECONDS, SECONDS, SECONDS, 0, [])
    assert found["ETH/USDT", "trades"].holes == []
    again = fetch(simulator, tmp_path, span, "trades", "1s")
    assert {one.stored for one in again.values()} == {0}
    assert of_bitcoin(tmp_path, span) == true_trades(trades, span)


@pytest.mark.slow
def test_bars_alone_are_the_truth_too(tmp_path, market):
    simulator, trades, span = market
    wanted = Wanted("binance", ("BTC/USDT",), ("1s",), *span, simulator.rest, "")
    asyncio.run(download(wanted, tmp_path, lambda: span[1] + 60 * SECOND_NS, silent, silent))
    assert stored_bars(tmp_path, "1s", span) == truth_of(trades, span)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "limit", "seconds": 2}, marks=pytest.mark.torture),
        pytest.param({"kind": "ban", "seconds": 2}, marks=pytest.mark.torture),
        pytest.param({"kind": "outage", "seconds": 1}, marks=pytest.mark.torture),
        pytest.param({"kind": "hangup", "count": 5}, marks=pytest.mark.torture),
        {"kind": "outage", "count": 6, "share": 0.5},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_faults_of_the_exchange_change_nothing(tmp_path, market, fault, monkeypatch):
    monkeypatch.setattr(asking, "FIRST_WAIT_S", 0.5)
    simulator, trades, span = market

    async def order(client: Client) -> None:
        await client.post("/sim/v1/faults", fault)

    async def running(client: Client) -> bool:
        return not (await client.get("/sim/v1/faults"))["running"]

    talk(simulator, order)
    fetch(simulator, tmp_path, span, "trades", "1s")
    assert of_bitcoin(tmp_path, span) == true_trades(trades, span)
    talk(simulator, lambda client: until(lambda: running(client)))
