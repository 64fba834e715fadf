"""The socket of a venue as people meet it: a peer that says nothing more, and one that is checked by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import msgspec
import pytest
from aiohttp import WSMsgType, web

from ninefold.bus.status import Meter
from ninefold.config import Config, Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import ConnectionChange
from ninefold.journal.reader import read
from ninefold.journal.writer import LogWriter
from ninefold.services import market_line
from ninefold.services.check import check
from ninefold.services.collect import MarketFeed
from ninefold.services.intake import Intake
from ninefold.services.parsers import collector_of
from ninefold.venues import binance_paths
from ninefold.venues.table import VENUES
from tests.pipeline.running import Program, ninefold

pytestmark = pytest.mark.slow

TRADE = (
    b'{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC","t":%d,"p":"0.001","q":"100",'
    b'"T":1672515782136,"m":true}}'
)
BINANCE = {"/api/v3/exchangeInfo": {"symbols": []}, "/api/v3/depth": {"lastUpdateId": 1, "bids": [], "asks": []}}


class Peer:
    """A venue on loopback. talk: what its websocket does."""

    def __init__(self, talk: Callable[[web.WebSocketResponse], Awaitable[None]]) -> None:
        self._talk = talk
        self.lines = 0

    async def __aenter__(self) -> Peer:
        app = web.Application()
        app.router.add_get("/stream", self._line)
        for path in BINANCE:
            app.router.add_get(path, self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)  # a line that was cut never says so
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.venue = Venue(pairs=("BNB/BTC",), rest_url=f"http://127.0.0.1:{port}", stream_url=f"ws://127.0.0.1:{port}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        return web.json_response(BINANCE[request.path])

    async def _line(self, request: web.Request) -> web.WebSocketResponse:
        self.lines += 1
        line = web.WebSocketResponse(autoping=False)
        await line.prepare(request)
        await self._talk(line)
        async for message in line:  # until we hang up
            if message.type == WSMsgType.CLOSE:
                break
        return line


async def one_trade(line: web.WebSocketResponse) -> None:
    await line.send_str((TRADE % 1).decode())


async def one_trade_and_pings(line: web.WebSocketResponse) -> None:
    """A line that is alive by the protocol, and yet nothing of the market comes."""
    await one_trade(line)
    while not line.closed:
        await line.ping()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("talk", [one_trade, one_trade_and_pings])
def test_a_socket_that_stays_open_and_says_nothing_more_is_cut_and_made_anew(tmp_path, monkeypatch, talk):
    monkeypatch.setattr(market_line, "LOOK_S", 0.1)

    async def work() -> None:
        async with Peer(talk) as peer:
            journal = LogWriter(tmp_path / "journal")
            collector = collector_of(Config(venue=peer.venue))
            intake = Intake(journal, collector, lambda chunk: None, Meter("collect", 0))
            clock = asyncio.get_running_loop().time
            feed = MarketFeed(peer.venue, intake, lambda: int(clock() * 1e9), collector, count(1))
            for line in feed.lines.values():
                line.asked = replace(line.asked, quiet_s=0.4)
            running = asyncio.ensure_future(feed.run())
            while peer.lines < 2:
                await asyncio.sleep(0.02)
            running.cancel()
            await asyncio.wait({running})
            journal.close()

    asyncio.run(asyncio.wait_for(work(), 20))
    changes = [
        (record.receive_ns, record.connection, msgspec.msgpack.decode(record.payload, type=ConnectionChange))
        for record in read(tmp_path / "journal")
        if record.kind == inputs.CONNECTION
    ]
    opened, lost = changes[0], changes[1]
    assert (opened[2].state, lost[2].state, lost[1]) == ("open", "lost", 1)
    assert "silent" in lost[2].reason
    assert 0.4 <= (lost[0] - opened[0]) / 1e9 < 8.0  # on a machine with other work a look may come late


def test_a_check_of_a_venue_that_cannot_be_reached_says_so():
    async def work() -> list[str]:
        venue = Venue(pairs=("BNB/BTC",), rest_url="http://127.0.0.1:9", stream_url="ws://127.0.0.1:9")
        return (await check(venue, 2.0)).problems

    problems = asyncio.run(work())
    assert problems[0] == "not connected at the end"
    assert any("exchangeInfo" in problem for problem in problems)


def test_a_check_says_what_came_and_what_is_wrong():
    async def talk(line: web.WebSocketResponse) -> None:
        await one_trade(line)
        await line.send_str('{"stream":"bnbbtc@trade","data":{"e":"trade"}}')

    async def work():
        async with Peer(talk) as peer:
            return await check(peer.venue, 1.5)

    report = asyncio.run(work())
    assert (report.connected, report.frames) == (True, 2)
    [shown] = report.instruments
    assert (shown.instrument, shown.trades, shown.rules_known) == ("binance:BNB/BTC", 1, False)
    assert report.streams["bnbbtc@trade"] is not None
    assert report.streams["bnbbtc@bookTicker"] is None
    assert [problem for problem in report.problems if "not understood" in problem]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory) -> Iterator[dict[str, str]]:
    folder: Path = tmp_path_factory.mktemp("exchange")
    program = Program(folder / "exchange", "--data-dir", folder / "exchange", module="ninefold.simulator")
    try:
        yield json.loads(program.line())
    finally:
        program.end()


def test_collect_check_reports_a_venue_that_is_well(exchange):
    addresses = ("--rest-url", exchange["rest"], "--stream-url", exchange["stream"])
    done = ninefold("collect", "--check", "binance", "--seconds", "3", "--json", *addresses)
    assert done.status == 0, done.out + done.err
    report = done.json
    assert report["problems"] == []
    for shown in report["instruments"]:
        assert shown["trades"] > 0
        assert float(shown["bid"]) < float(shown["ask"])
    table = ninefold("collect", "--check", "binance", "--seconds", "2", *addresses)
    assert "binance:BTC/USDT" in table.out
    assert "connected" in table.out


def test_over_several_lines_whose_paths_are_full_the_exchange_tells_the_same(exchange, monkeypatch):
    """Six streams a line, of which two stand in its path and four are asked for by messages."""
    monkeypatch.setattr(binance_paths, "STREAMS_MOST", 6)
    monkeypatch.setattr(binance_paths, "PATH_MOST", 40)
    monkeypatch.setattr(binance_paths, "NAMES_MOST", 2)
    pairs = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "DOGE/USDT")
    venue = Venue(pairs=pairs, rest_url=exchange["rest"], stream_url=exchange["stream"])
    first, second = VENUES["binance"].lines(
        [pair.replace("/", "") for pair in pairs], ("trade", "depth@100ms", "bookTicker")
    )
    assert (first.symbols, second.name) == (("BTCUSDT", "ETHUSDT"), "market 2")
    assert len(first.say) == len(second.say) == 2
    report = asyncio.run(check(venue, 3.0))
    assert report.connected
    assert not [problem for problem in report.problems if not problem.startswith("books ")]  # subscribed a moment later
    assert None not in report.streams.values() and len(report.streams) == 12
    assert all(shown.trades for shown in report.instruments)


def test_collect_check_of_a_pair_that_the_venue_does_not_have_says_so(exchange):
    addresses = ("--rest-url", exchange["rest"], "--stream-url", exchange["stream"])
    done = ninefold("collect", "--check", "binance", "--pairs", "NO/SUCH", "--seconds", "5", *addresses)
    assert done.status == 2
    assert "refuses" in done.err


def test_collect_check_of_an_unknown_venue_lists_those_there_are():
    done = ninefold("collect", "--check", "mtgox")
    assert done.status == 2
    assert "'mtgox'" in done.err
    assert "'binance'" in done.err
