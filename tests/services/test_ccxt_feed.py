"""ccxt against the simulated exchange: what is journalled of it, and that the trades made of it are the exchange's own.

ccxt's binanceus speaks Binance spot's protocol, and so does the simulated exchange.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from aiohttp import web

from ninefold.bus.status import Meter
from ninefold.config import BadConfig, Config, Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.journal.reader import read
from ninefold.journal.writer import LogWriter
from ninefold.market.arrays import ID_TEXT, empty
from ninefold.market.chunk import Chunk
from ninefold.market.records import Connection, Gap, Malformed
from ninefold.services import ccxt_feed
from ninefold.services.ccxt_exchange import exchange_of
from ninefold.services.ccxt_feed import CcxtFeed
from ninefold.services.intake import Intake
from ninefold.services.parsers import collector_of
from ninefold.venues.ccxt_names import NATIVE
from ninefold.venues.collector import Collector
from ninefold.venues.refused import Refused
from tests.conftest import missing
from tests.pipeline.running import Program

pytestmark = pytest.mark.slow

PAIRS = ("BTC/USDT", "ETH/USDT")
ENOUGH = 120
FRAMES = 9  # pages, or what a stream told at once
PATIENCE_S = 150.0
Deal = tuple[int, int, int, int, int]  # id, price and size in 10**-10, time in ms, taker's side


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if find_spec("ccxt") is None:
        missing("ccxt is not installed: pip install 'ninefold[ccxt]'")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp("exchange")
    program = Program(folder / "exchange", "--data-dir", folder / "exchange", module="ninefold.simulator")
    try:
        yield json.loads(program.line())
    finally:
        program.end()


class Followed:
    """A venue followed through ccxt until a condition holds, and all that came of it."""

    def __init__(self, folder: Path, venue: Venue, make: Callable[[Venue], Any] = exchange_of) -> None:
        self.folder, self.venue, self._make = folder, venue, make
        self.collector: Collector = collector_of(Config(venue=venue))
        self.chunks: list[Chunk] = []
        self.counts: Counter[Any] = Counter()  # of trades by instrument, of rows and records by kind

    def take(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        self.counts.update(chunk.rows("trades")["instrument"].tolist())
        self.counts.update({kind: len(rows) for kind, rows in chunk.arrays.items()})
        self.counts.update(type(record) for record in chunk.records)

    def until(self, condition: Callable[[], bool]) -> None:
        asyncio.run(self._until(condition))

    async def _until(self, condition: Callable[[], bool]) -> None:
        journal = LogWriter(self.folder / "journal")
        intake = Intake(journal, self.collector, self.take, Meter("collect", 0))
        feed = CcxtFeed(self.venue, intake, time.time_ns, self.collector, count(1), self._make)
        running = asyncio.ensure_future(feed.run())
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not running.done() and not condition():
                assert time.monotonic() < deadline, (
                    self.counts,
                    [str(record)[:900] for record in self.of(Malformed)][-3:],
                )
                await asyncio.wait({running}, timeout=0.02)
            if running.done():
                running.result()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            intake.flush()
            journal.close()

    def rows(self, kind: str = "trades") -> np.ndarray:
        return np.concatenate([empty(kind), *(chunk.rows(kind) for chunk in self.chunks)])

    def records(self) -> list[Any]:
        return [record for chunk in self.chunks for record in chunk.records]

    def of(self, kind: type) -> list[Any]:
        return [record for record in self.records() if isinstance(record, kind)]

    def states(self) -> list[str]:
        return [change.state for change in self.changes()]

    def changes(self) -> list[ConnectionChange]:
        found = [record.payload for record in read(self.folder / "journal") if record.kind == inputs.CONNECTION]
        return [msgspec.msgpack.decode(payload, type=ConnectionChange) for payload in found]

    def deals(self, pair: str) -> list[Deal]:
        """The trades of a pair in the order in which they were told."""
        of = self.collector.registry.named(f"{self.venue.name}:{pair}")
        rows = self.rows()
        assert set(rows["id_kind"].tolist()) <= {ID_TEXT}
        mine = rows[rows["instrument"] == of.id][["id_lo", "price", "size", "exchange_ns", "taker_side"]].tolist()
        prices, sizes = 10 ** (10 - of.price_decimals), 10 ** (10 - of.size_decimals)
        return [(id, price * prices, size * sizes, at // 10**6, side) for id, price, size, at, side in mine]

    def enough(self) -> bool:
        ids = [one.id for one in self.collector.registry]
        return len(ids) == len(PAIRS) and all(self.counts[id] >= ENOUGH for id in ids)


def at(exchange: dict[str, Any], **more: Any) -> Venue:
    said: dict[str, Any] = {"name": "ccxt.binanceus", "pairs": PAIRS, "rest_url": exchange["rest"]}
    return Venue(**{**said, "stream_url": exchange["stream"], **more})


def truth(exchange: dict[str, Any], pair: str) -> dict[int, Deal]:
    told = ask(f"{exchange['rest']}/sim/v1/trades?symbol={pair.replace('/', '')}&limit=100000")
    return {
        row["id"]: (row["id"], e10(row["price"]), e10(row["qty"]), row["time"], -1 if row["isBuyerMaker"] else 1)
        for row in told
    }


def e10(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 10**10 + int(part.ljust(10, "0"))


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=20) as answer:
        return json.load(answer)


def by_rest(venue: Venue) -> Any:
    """An exchange of which ccxt has no stream."""
    made = exchange_of(venue)
    made.has["watchTrades"] = False
    return made


def connected_late(venue: Venue) -> Any:
    """One whose line opens once more just after all lines were closed: connecting was under way, and nobody could stop it."""
    made = exchange_of(venue)
    close = made.close_ws_clients

    async def close_and_open() -> None:
        await close()
        asyncio.get_running_loop().call_later(0.01, made.on_connected, SimpleNamespace(url=""))

    made.close_ws_clients = close_and_open
    return made


def equal_to_the_truth(followed: Followed, exchange: dict[str, Any]) -> None:
    for pair in PAIRS:
        deals, told = followed.deals(pair), truth(exchange, pair)
        ids = sorted(deal[0] for deal in deals)
        assert ids == list(range(ids[0], ids[-1] + 1)), f"{pair}: a hole or a double"
        assert deals == [told[deal[0]] for deal in deals]
    assert not followed.of(Malformed)


@pytest.mark.parametrize("make", [exchange_of, by_rest], ids=["websocket", "REST"])
def test_the_trades_are_the_exchanges_own(tmp_path, exchange, make):
    followed = Followed(tmp_path, at(exchange), make)
    followed.until(lambda: followed.enough() and followed.collector.frames >= FRAMES)
    equal_to_the_truth(followed, exchange)
    assert (followed.states(), followed.of(Gap)) == (["open"], [])
    assert followed.rows("trades")["receive_ns"].min() > 0
    rules = [one for one in followed.collector.registry if one.rules_known]
    assert [one.price_text(one.tick_size) for one in rules] == ["0.01", "0.01"]


@pytest.mark.parametrize("make", [exchange_of, by_rest], ids=["websocket", "REST"])
def test_the_journal_alone_gives_the_same_rows_without_ccxt(tmp_path, exchange, make, monkeypatch):
    followed = Followed(tmp_path, at(exchange), make)
    followed.until(lambda: followed.enough() and followed.collector.frames >= FRAMES)
    monkeypatch.setitem(sys.modules, "ccxt", None)
    again = collector_of(Config(venue=Venue(name="ccxt.binanceus")), replay=True)
    chunks = [chunk for record in read(tmp_path / "journal") for chunk in again.feed(record)] + again.take()
    rows = np.concatenate([empty("trades"), *(chunk.rows("trades") for chunk in chunks)])
    assert rows.tobytes() == followed.rows().tobytes()
    assert list(again.registry) == list(followed.collector.registry)


@pytest.mark.parametrize(
    ("fault", "make"),
    [
        ({"kind": "disconnect", "seconds": 0.5}, exchange_of),
        ({"kind": "disconnect", "seconds": 0.5}, connected_late),
        ({"kind": "malformed", "count": 1, "only": "btcusdt@trade"}, exchange_of),
        ({"kind": "outage", "seconds": 3.0, "only": "/trades"}, by_rest),
        ({"kind": "hangup", "seconds": 3.0, "only": "/trades"}, by_rest),
    ],
    ids=lambda found: found["kind"] if isinstance(found, dict) else found.__name__,
)
def test_what_broke_is_told_and_what_was_missed_is_fetched_without_doubles(tmp_path, exchange, fault, make):
    followed = Followed(tmp_path, at(exchange), make)
    broken: list[int] = []

    def healed() -> bool:
        unheard = not followed.of(Gap) and bool(broken) and followed.counts["trades"] > broken[-1] + ENOUGH
        again = (
            unheard and fault["kind"] == "malformed"
        )  # it may go to the line before, which is closed and hears nothing
        if followed.enough() and (again or not broken):
            ask(f"{exchange['rest']}/sim/v1/faults", fault)
            broken.append(followed.counts["trades"])
        healed = len({gap.instrument for gap in followed.of(Gap)}) == len(PAIRS)  # one may be told of twice first
        goes_on = followed.counts["trades"] > broken[-1] + ENOUGH if broken else False
        return healed and goes_on and followed.states()[-1] == "open"

    followed.until(healed)
    states = followed.states()
    assert states[:2] == ["open", "lost"]
    assert states[-1] == "open"
    assert all(change.reason for change in followed.changes() if change.state != "open")
    assert {gap.instrument for gap in followed.of(Gap)} == {1, 2}
    assert all(gap.healed for gap in followed.of(Gap))
    for pair in PAIRS:
        deals, told = followed.deals(pair), truth(exchange, pair)
        ids = sorted(deal[0] for deal in deals)
        assert ids == list(range(ids[0], ids[-1] + 1)), f"{pair}: a hole or a double"
        assert deals == [told[deal[0]] for deal in deals]


def test_candles_become_bars_and_the_exchange_tells_its_time(tmp_path, exchange):
    followed = Followed(tmp_path, at(exchange, streams=("candles:1s",)))
    followed.until(lambda: followed.counts["bars"] > 8)
    bars = followed.rows("bars")
    told = ask(f"{exchange['rest']}/api/v3/klines?symbol=BTCUSDT&interval=1s&limit=1000")
    klines = {row[0]: [e10(text) for text in row[1:6]] for row in told}
    of = followed.collector.registry.named("ccxt.binanceus:BTC/USDT")
    scale = [10 ** (10 - of.price_decimals)] * 4 + [10 ** (10 - of.size_decimals)]
    mine = bars[bars["instrument"] == of.id]
    assert len(mine) > 2
    for row in mine[["open_ns", "open", "high", "low", "close", "volume"]].tolist():
        assert [value * by for value, by in zip(row[1:], scale, strict=True)] == klines[row[0] // 10**6]
    assert followed.collector.offsets()
    assert len(followed.rows()) == 0


def test_a_pair_that_is_not_traded_there_is_refused_with_the_nearest_ones(tmp_path, exchange):
    with pytest.raises(Refused) as refused:
        Followed(tmp_path, at(exchange, pairs=("BTC/USTD",))).until(lambda: False)
    assert "did you mean 'BTC/USDT'" in str(refused.value)


def test_markets_that_cannot_be_had_are_asked_for_until_they_come(tmp_path, exchange):
    ask(f"{exchange['rest']}/sim/v1/faults", {"kind": "outage", "count": 2, "only": "/exchangeInfo"})
    followed = Followed(tmp_path, at(exchange))
    followed.until(lambda: followed.counts["trades"] > 0)
    found = [msgspec.msgpack.decode(one.payload, type=Answer) for one in read(tmp_path / "journal") if one.kind == 2]
    assert [answer.status for answer in found][-1] == 200
    assert all(answer.status == 0 and b"ExchangeNotAvailable" in answer.body for answer in found[:-1])
    assert len(found) == 3


# a peer that is not the simulated exchange


RULES = {
    "symbol": "BNBBTC", "status": "TRADING", "baseAsset": "BNB", "quoteAsset": "BTC", "isSpotTradingAllowed": True,
    "permissions": ["SPOT"], "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.00000001", "maxPrice": "1000.0", "tickSize": "0.00000001"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000.0", "stepSize": "0.001"},
    ],
}  # fmt: skip
TRADE = '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":7,"p":%s,"q":"100","T":1672515782136,"m":true}'


class Peer:
    """An exchange on loopback whose stream begins with what it is given."""

    def __init__(self, *frames: str, streams: tuple[str, ...] = ()) -> None:
        self._frames, self._streams = frames, streams

    def follow(self, folder: Path, condition: Callable[[Followed], bool]) -> Followed:
        async def run() -> Followed:
            app = web.Application()
            app.router.add_get("/api/v3/exchangeInfo", self._rules)
            app.router.add_get("/ws/{name}", self._stream)
            app.router.add_get("/api/v3/depth", self._book)
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
            addresses = {"rest_url": f"http://127.0.0.1:{port}", "stream_url": f"ws://127.0.0.1:{port}"}
            followed = Followed(
                folder, Venue(name="ccxt.binanceus", pairs=("BNB/BTC",), **addresses, streams=self._streams)
            )
            await followed._until(lambda: condition(followed))
            await runner.cleanup()
            return followed

        return asyncio.run(run())

    async def _rules(self, request: web.Request) -> web.Response:
        return web.json_response({"symbols": [RULES]})

    async def _book(self, request: web.Request) -> web.Response:
        return web.json_response({"lastUpdateId": 1, "bids": [["0.4", "2"], ["0.3", "1"]], "asks": [["0.6", "3"]]})

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        asked = await line.receive_json()
        await line.send_json({"result": None, "id": asked["id"]})
        for frame in self._frames:
            await line.send_str(frame)
        async for _ in line:
            pass
        return line


def test_numbers_that_are_none_in_binary_keep_all_their_digits(tmp_path):
    followed = Peer(TRADE % "0.1234567890123456789").follow(tmp_path, lambda one: one.collector.frames > 0)
    [frame] = [record.payload for record in read(tmp_path / "journal") if record.kind == inputs.FRAME]
    assert json.loads(frame)["told"][0]["price"] == "0.1234567890123456789"
    assert "10 decimals" in followed.of(Malformed)[0].reason  # held finer than its step, and yet not fine enough


@pytest.mark.parametrize("frame", ['{"e":"trade","s":"BNB', '{"e":"trade","s":"BNBBTC","T":"soon"}', '["x"]'])
def test_a_frame_that_ccxt_cannot_read_is_taken_or_ends_the_connection_and_never_the_program(tmp_path, frame):
    Peer(frame, TRADE % '"0.5"').follow(tmp_path, lambda one: one.counts[Connection] >= 2 or one.counts["trades"] > 0)


def test_a_line_that_breaks_while_nobody_waits_for_its_next_message_is_lost_and_the_next_one_is_another(tmp_path):
    """Frames that come at once are all handled before the first of them is taken: whoever waited has been answered then."""
    at_once = (TRADE % '"0.5"', '{"e":"trade","s":"BNB', TRADE % '"0.5"')
    followed = Peer(*at_once).follow(tmp_path, lambda one: one.counts[Connection] >= 3)
    assert followed.states()[:3] == ["open", "lost", "open"]
    assert "nobody waited" in followed.changes()[1].reason


def test_a_stream_that_falls_silent_is_told_and_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(ccxt_feed, "SILENT_S", 0.4)
    monkeypatch.setattr(ccxt_feed, "LOOK_S", 0.1)
    followed = Peer(TRADE % '"0.5"').follow(tmp_path, lambda one: one.counts[Connection] >= 3)
    assert followed.states()[:3] == ["open", "lost", "open"]
    assert followed.changes()[1].reason == "silent for 0 s"
    assert len(followed.rows()) == 1, "what the new connection told again"


def test_quotes_that_go_on_do_not_hide_that_the_trades_fell_silent(tmp_path, monkeypatch):
    for name, seconds in (("SILENT_S", 0.8), ("LOOK_S", 0.1), ("POLL_S", 0.05)):
        monkeypatch.setattr(ccxt_feed, name, seconds)
    peer = Peer(TRADE % '"0.5"', streams=("trades", "quotes"))
    followed = peer.follow(tmp_path, lambda one: one.counts[Connection] >= 2 and one.counts["quotes"] > 3)
    assert followed.states()[:2] == ["open", "lost"]
    assert "silent" in followed.changes()[1].reason
    of = followed.collector.registry.named("ccxt.binanceus:BNB/BTC")
    quotes = set(followed.rows("quotes")[["bid", "bid_size", "ask", "ask_size"]].tolist())
    assert {(*map(of.price_text, row[::2]), *map(of.size_text, row[1::2])) for row in quotes} == {
        ("0.40000000", "0.60000000", "2.000", "3.000")
    }


# exchanges there are, and are not


def test_an_exchange_that_ccxt_does_not_know_is_refused_with_the_nearest_names():
    with pytest.raises(BadConfig) as refused:
        exchange_of(Venue(name="ccxt.bitvawo"))
    assert "did you mean 'ccxt.bitvavo'" in str(refused.value)


def test_without_ccxt_it_is_said_how_to_have_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "ccxt.pro", raising=False)
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(BadConfig) as refused:
        exchange_of(Venue(name="ccxt.bitvavo"))
    assert 'pip install "ninefold[ccxt]"' in str(refused.value)


@pytest.mark.parametrize("step", [30, pytest.param(1, marks=pytest.mark.torture)], ids=["one in thirty", "all"])
def test_every_exchange_that_has_no_adapter_can_be_made_and_gives_trades_or_candles(step):
    """To make one of each takes five seconds, nearly all of it ccxt's."""
    import ccxt  # a second, in every worker, for this one

    for name in [name for name in ccxt.exchanges if name not in NATIVE][::step]:
        made = exchange_of(Venue(name=f"ccxt.{name}", rest_url="http://127.0.0.1:9", stream_url="ws://127.0.0.1:9"))
        assert any(made.has.get(call) for call in ("watchTrades", "fetchTrades", "fetchOHLCV")), name
        assert "https://" not in str(made.urls["api"]), name
