"""Several websockets of one venue, over loopback: each on its own, and what each says goes out where it was asked."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable
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
from ninefold.market.chunk import Chunk
from ninefold.market.records import Liquidation
from ninefold.market.time import SECOND_NS
from ninefold.services import market_line
from ninefold.services.collect import MarketFeed
from ninefold.services.intake import Intake
from ninefold.services.market_line import OPENING
from ninefold.services.parsers import collector_of
from ninefold.venues.limiter import Limiter
from ninefold.venues.table import VENUES

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parent.parent / "samples"
FORCED = (SAMPLES / "binanceusdm" / "forceOrder.json").read_text()
RULES = {
    "/fapi/v1/exchangeInfo": (SAMPLES / "binanceusdm" / "exchangeInfo.json").read_text(),
    "/v1/settings/common/market-symbols": '{"status":"ok","data":[]}',
}
Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


class Capture:
    """A venue on loopback, and what is captured of it. talks: what its websockets do, by path."""

    def __init__(self, folder: Path, venue: Venue, talks: dict[str, Talk], autoping: bool = True) -> None:
        self._folder, self._venue, self._talks, self._autoping = folder, venue, talks, autoping
        self.opened: Counter[str] = Counter()
        self.heard: list[tuple[str, str]] = []  # path and message
        self.open: dict[str, web.WebSocketResponse] = {}
        self.chunks: list[Chunk] = []
        self.moved = asyncio.Event()
        self.limiter = Limiter(())

    async def until(self, done: Callable[[], bool], adjust: Callable[[MarketFeed], None] = lambda feed: None) -> None:
        app = web.Application()
        for path in self._talks:
            app.router.add_get(path, self._line)
        for path in RULES:
            app.router.add_get(path, self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        venue = msgspec.structs.replace(self._venue, rest_url=f"http://{address}", stream_url=f"ws://{address}")
        journal = LogWriter(self._folder / "journal")
        collector = collector_of(Config(venue=venue))
        intake = Intake(journal, collector, self._take, Meter("collect", 0))
        clock = asyncio.get_running_loop().time
        numbers, limiter = count(1), self.limiter
        self.feed = MarketFeed(venue, intake, lambda: int(clock() * 1e9), collector, numbers, limiter)
        adjust(self.feed)
        running = asyncio.ensure_future(self.feed.run())
        while not done():
            self.moved.clear()
            waiting = asyncio.ensure_future(self.moved.wait())
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        running.cancel()
        await asyncio.wait({running})
        journal.close()
        await runner.cleanup()

    def journalled(self) -> list[ConnectionChange]:
        records = [one for one in read(self._folder / "journal") if one.kind == inputs.CONNECTION]
        return [msgspec.msgpack.decode(one.payload, type=ConnectionChange) for one in records]

    def changes(self) -> list[tuple[str, str, str]]:
        """(name, state, reason), in order."""
        return [(one.name, one.state, one.reason) for one in self.journalled()]

    def told(self, kind: type) -> list:
        return [record for chunk in self.chunks for record in chunk.records if isinstance(record, kind)]

    def _take(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        self.moved.set()

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(text=RULES[request.path], content_type="application/json")

    async def _line(self, request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse(autoping=self._autoping)
        await line.prepare(request)
        self.opened[request.path] += 1
        self.open[request.path] = line
        self.moved.set()
        await self._talks[request.path](line)
        async for message in line:
            if message.type == WSMsgType.TEXT:
                self.heard.append((request.path, message.data))
                self.moved.set()
            elif message.type == WSMsgType.CLOSE:
                break
        return line


async def nothing(line: web.WebSocketResponse) -> None:
    pass


async def forced(line: web.WebSocketResponse) -> None:
    await line.send_str(FORCED)


def run(capture: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(capture(), 20))


USDM = Venue(name="binanceusdm", pairs=("BTC/USDT:USDT",))


def test_liquidations_come_over_a_line_of_their_own_and_are_told(tmp_path):
    async def work() -> None:
        capture = Capture(tmp_path, USDM, {"/public/stream": nothing, "/market/stream": forced})
        await capture.until(lambda: bool(capture.told(Liquidation)) and capture.feed.connected)
        assert capture.opened == {"/public/stream": 1, "/market/stream": 1}
        assert sorted(capture.changes()) == [("market", "open", ""), ("market 2", "open", "")]
        assert {one.name: (one.symbols, one.streams, one.trades) for one in capture.journalled()} == {
            "market": (("BTCUSDT",), ("trade", "depth@100ms", "bookTicker"), True),
            "market 2": (("BTCUSDT",), ("markPrice", "forceOrder"), False),
        }

    run(work)


def test_a_line_that_is_lost_is_opened_again_and_the_other_stays_open(tmp_path):
    async def hang_up(line: web.WebSocketResponse) -> None:
        if capture.opened["/market/stream"] == 1:
            while "/public/stream" not in capture.open:
                await asyncio.sleep(0)
            await line.close()

    async def work() -> None:
        nonlocal capture
        capture = Capture(tmp_path, USDM, {"/public/stream": nothing, "/market/stream": hang_up})
        await capture.until(lambda: capture.opened["/market/stream"] == 2 and capture.feed.connected)
        assert capture.opened["/public/stream"] == 1
        assert [one[:2] for one in capture.changes() if one[0] == "market 2"] == [
            ("market 2", "open"),
            ("market 2", "lost"),
            ("market 2", "open"),
        ]
        assert [one[:2] for one in capture.changes() if one[0] == "market"] == [("market", "open")]

    capture: Capture
    run(work)


def quiet(feed: MarketFeed) -> None:
    for line in feed.lines.values():
        line.asked = replace(line.asked, quiet_s=math.inf, ping=b"", ping_s=0.0)


@pytest.mark.parametrize("answers", [True, False])
def test_a_quiet_line_is_left_alone_as_long_as_it_answers_pings(tmp_path, monkeypatch, answers):
    monkeypatch.setattr(market_line, "PONG_S", 0.3)
    monkeypatch.setattr(market_line, "LOOK_S", 0.05)

    async def pinged(line: web.WebSocketResponse) -> None:
        """Reads what comes by hand: pongs are counted, and sent only if it `answers`."""
        nonlocal pings
        async for message in line:
            if message.type == WSMsgType.PING:
                pings += 1
                if answers:
                    await line.pong(message.data)
                capture.moved.set()

    async def work() -> None:
        nonlocal capture
        venue = Venue(name="binanceusdm", pairs=USDM.pairs, streams=("forceOrder",))
        capture = Capture(tmp_path, venue, {"/market/stream": pinged}, autoping=False)
        await capture.until(lambda: pings >= 12 or capture.opened["/market/stream"] > 1, quiet)
        if answers:
            assert capture.opened["/market/stream"] == 1
        else:
            assert "no answer to a ping" in capture.changes()[1][2]

    pings = 0
    capture: Capture
    run(work)


def test_a_heartbeat_is_answered_on_the_line_that_asked(tmp_path):
    async def asks(line: web.WebSocketResponse) -> None:
        await line.send_str('{"ping":18212558000}')

    async def work() -> None:
        venue = Venue(name="htx", pairs=("BTC/USDT",), streams=("trade.detail", "mbp.150"))
        capture = Capture(tmp_path, venue, {"/ws": nothing, "/feed": asks})
        await capture.until(lambda: ("/feed", '{"pong":18212558000}') in capture.heard and len(capture.open) == 2)
        said = {(path, json.loads(text).get("sub", "pong")) for path, text in capture.heard}
        assert {("/feed", "market.btcusdt.mbp.150"), ("/feed", "pong")} <= said
        assert ("/ws", "pong") not in said

    run(work)


def test_no_more_websockets_are_opened_than_the_venue_lets(tmp_path):
    limiter = Limiter(())
    pairs = tuple(f"C{n}/USD" for n in range(200))
    collector = collector_of(Config(venue=Venue(name="bitfinex", pairs=pairs)))
    journal = LogWriter(tmp_path / "journal")
    intake = Intake(journal, collector, lambda chunk: None, Meter("collect", 0))
    feed = MarketFeed(Venue(name="bitfinex", pairs=pairs), intake, lambda: SECOND_NS, collector, count(1), limiter)
    assert len(feed.lines) == 25
    for _ in range(20):
        assert limiter.wait_ns(OPENING, SECOND_NS) == 0
        limiter.leave(OPENING, SECOND_NS)
    assert limiter.wait_ns(OPENING, SECOND_NS) > 0
    journal.close()


def test_lines_that_stay_open_keep_no_other_from_being_opened(tmp_path):
    async def work() -> None:
        capture = Capture(tmp_path, USDM, {"/public/stream": nothing, "/market/stream": nothing})
        await capture.until(lambda: hasattr(capture, "feed") and capture.feed.connected)
        later_ns = int(asyncio.get_running_loop().time() + 61) * SECOND_NS
        for _ in range(VENUES["binanceusdm"].opens):
            assert capture.limiter.wait_ns(OPENING, later_ns) == 0
            capture.limiter.leave(OPENING, later_ns)

    run(work)
