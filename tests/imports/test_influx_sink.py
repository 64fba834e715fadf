"""The live copy in InfluxDB line protocol: the lines by hand, and a real InfluxDB that is away, refuses, and is sent things twice."""

import asyncio
import json
import threading
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.journal.inputs import CHUNK
from ninefold.journal.writer import LogWriter
from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, ID_INTEGER, ID_NONE, ID_UUID, rows
from ninefold.market.chunk import Chunk, encode
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Listed
from ninefold.market.time import MINUTE_NS, UNKNOWN_NS
from ninefold.services.influx import Influx, followed, request_of
from ninefold.services.influx_lines import Lines

pytestmark = pytest.mark.slow

NOW_NS = 1_700_000_000_000_000_000
MS = 1_000_000
BTC = Registry().add(msgspec.structs.replace(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.0001")))
HEAD = "trades,instrument=binance:BTC/USDT"


@dataclass
class Settings:
    url: str
    api: str = "v1"
    database: str = "market"
    org: str = ""
    user: str = ""
    password_env: str = "NONE_SET"
    token_env: str = "NONE_SET"


def trade(seq, at_ns=NOW_NS, id=None, price=6120310, size=5000, side=1, late_ns=0, kind=ID_INTEGER):
    known = at_ns == UNKNOWN_NS
    receive_ns = NOW_NS if known else at_ns + late_ns
    return (BTC.id, at_ns, receive_ns, seq, kind, 0, seq if id is None else id, price, size, side)


def chunk(seq, *trades, bars=(), values=(), known_ns=NOW_NS, list_btc=False):
    made = Chunk(seq, seq, known_ns)
    made.add("trades", rows("trades", list(trades)))
    made.add("bars", rows("bars", list(bars)))
    made.add("values", rows("values", list(values)))
    if list_btc:
        made.records.append(Listed(seq=seq, known_ns=known_ns, instrument=BTC))
    return made


def test_a_trade_is_a_point_with_its_digits_and_its_time():
    [line] = Lines([BTC]).of(chunk(7, trade(7)))
    assert line == f"{HEAD},side=buy price=61203.10,size=0.5000,trade_id=7i {NOW_NS}"


def test_trades_of_one_millisecond_are_told_apart_and_of_another_not_counted():
    lines = Lines([BTC]).of(chunk(3, trade(1), trade(2), trade(3, NOW_NS + 999_999), trade(4, NOW_NS + MS)))
    assert [line.split(" ")[0].removeprefix(HEAD) for line in lines] == [
        ",side=buy",
        ",n=1,side=buy",
        ",n=2,side=buy",
        ",side=buy",
    ]


def test_a_trade_that_comes_minutes_late_is_named_by_its_id():
    lines = Lines([BTC]).of(chunk(3, trade(1), trade(2, id=99, late_ns=2 * MINUTE_NS)))
    assert lines[1].startswith(f"{HEAD},n=late-99,side=buy")


def test_what_is_unknown_gives_no_field():
    uuid, none = trade(1, id=5, kind=ID_UUID), trade(2, UNKNOWN_NS, id=0, kind=ID_NONE, side=0)
    lines = Lines([BTC]).of(chunk(2, uuid, none))
    assert lines[0].endswith(f'size=0.5000,trade_text="{5:032x}" {NOW_NS}')
    assert lines[1] == f"{HEAD},n=1,side=unknown price=61203.10,size=0.5000 {NOW_NS}"


def bar(open_ns, state=BAR_OK, revision=0):
    return (
        BTC.id,
        MINUTE_NS,
        open_ns,
        open_ns + MINUTE_NS,
        100,
        120,
        90,
        110,
        7,
        3,
        2,
        0,
        0,
        0,
        0,
        state,
        revision,
        NOW_NS,
        1,
    )


def test_bars_and_indicators_stand_where_the_bar_opens_and_their_terms_are_escaped():
    open_ns = NOW_NS // MINUTE_NS * MINUTE_NS
    values = [
        (BTC.id, MINUTE_NS, open_ns + MINUTE_NS, b"sma(close, 10)", value, NOW_NS, 1) for value in (1.5, float("nan"))
    ]
    series = "instrument=binance:BTC/USDT,timeframe=1m"
    assert Lines([BTC]).of(chunk(1, bars=[bar(open_ns), bar(open_ns, BAR_UNKNOWN, 1)], values=values)) == [
        f"bars,{series} state=0i,revision=0i,open=1.00,high=1.20,low=0.90,close=1.10,volume=0.0007,buy_volume=0.0003,trades=2i {open_ns}",
        f"bars,{series} state=2i,revision=1i {open_ns}",
        f"indicators,{series},term=sma(close\\,\\ 10) value=1.5 {open_ns}",
    ]


def test_where_writes_go_and_how_they_are_signed(monkeypatch):
    monkeypatch.setenv("TOKEN", "t0")
    monkeypatch.setenv("WORD", "w0")
    v1, signed = request_of(Settings("http://h:8086/", user="me", password_env="WORD"))
    assert (v1, signed) == ("http://h:8086/write?db=market&precision=ns", {"Authorization": "Basic bWU6dzA="})
    assert request_of(Settings("http://h"))[1] == {}
    v2 = request_of(Settings("http://h", api="v2", org="us", token_env="TOKEN"))
    assert v2 == ("http://h/api/v2/write?org=us&bucket=market&precision=ns", {"Authorization": "Token t0"})
    v3 = request_of(Settings("http://h", api="v3", token_env="TOKEN"))
    assert v3 == ("http://h/api/v3/write_lp?db=market&precision=nanosecond", {"Authorization": "Bearer t0"})


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=25)


@given(STEPS, st.integers(0, 24))
def test_a_restart_anywhere_sends_the_same_lines(tmp_path_factory, steps, stop_after):
    """Trades of a few milliseconds, some late; what is sent behind a restart is what would have been sent without one."""
    at_ns, chunks = NOW_NS, [chunk(1, list_btc=True)]
    for seq, (forward, late) in enumerate(steps, 2):
        at_ns += forward * MS
        chunks.append(
            chunk(seq, trade(seq, at_ns, late_ns=late * 40_000_000_000), known_ns=at_ns + late * 40_000_000_000)
        )
    whole = Lines()
    expected = [whole.of(one) for one in chunks]
    folder = tmp_path_factory.mktemp("restart")
    first = Influx(Settings(""), folder, lambda: NOW_NS)
    stop_after = min(stop_after, len(chunks) - 1)
    for one in chunks[: stop_after + 1]:
        first._take(encode(one))
    first._keep()
    second = Influx(Settings(""), folder, lambda: NOW_NS)
    again = [one for one in chunks if one.last_seq > second.after_seq]
    for one in again:
        second._take(encode(one))
    assert second._waiting == [line for lines in expected[stop_after:] for line in lines]


class Server:
    """Runs the copy against an address until what is waited for is so."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.influx = Influx(settings, folder, lambda: NOW_NS)

    def run(self, until) -> None:
        asyncio.run(self._run(until))

    async def _run(self, until) -> None:
        stop = asyncio.Event()
        running = asyncio.ensure_future(self.influx.run(stop, followed(self.folder / "stream", self.influx.after_seq)))
        deadline = asyncio.get_running_loop().time() + 20
        while not until(self.influx) and not running.done():
            assert asyncio.get_running_loop().time() < deadline, self.influx.meter.detail
            await asyncio.sleep(0.01)
        stop.set()
        await running


def write_stream(folder: Path, chunks) -> None:
    log = LogWriter(folder / "stream")
    for one in chunks:
        log.append(CHUNK, 0, one.last_seq, one.known_ns, encode(one))
    log.flush()
    log.close()


def points(address: str, database: str, measurement: str) -> list[dict[str, object]]:
    query = urllib.parse.urlencode({"db": database, "epoch": "ns", "q": f"SELECT * FROM {measurement}"})
    with urllib.request.urlopen(f"{address}/query?{query}", timeout=10) as answer:
        [result] = json.load(answer)["results"]
    [series] = result.get("series", [{"columns": [], "values": []}])
    return [dict(zip(series["columns"], values, strict=True)) for values in series["values"]]


@pytest.fixture
def database(influxdb, request) -> str:
    name = f"db{abs(hash(request.node.name))}"
    with urllib.request.urlopen(f"{influxdb}/query?q=CREATE%20DATABASE%20{name}", b"", timeout=10):
        return name


def test_no_two_trades_of_one_millisecond_are_lost_and_a_second_sending_adds_none(influxdb, database, tmp_path):
    trades = [trade(seq, NOW_NS + seq // 50 * MS, side=1 if seq % 2 else -1) for seq in range(2, 402)]
    write_stream(tmp_path, [chunk(1, list_btc=True), *(chunk(row[3], row) for row in trades)])
    settings = Settings(influxdb, database=database)
    for _ in range(2):
        Server(tmp_path, settings).run(lambda influx: influx.meter.last_seq == 401)
        stored = points(influxdb, database, "trades")
        assert sorted(point["trade_id"] for point in stored) == list(range(2, 402))
        (tmp_path / "state" / "influx.json").unlink()  # everything is sent again


def test_a_server_that_is_away_is_waited_for_and_nothing_is_dropped(influxdb, database, tmp_path, monkeypatch):
    monkeypatch.setattr("ninefold.services.influx.FIRST_RETRY_S", 0.01)
    write_stream(tmp_path, [chunk(1, list_btc=True), chunk(2, trade(2)), chunk(3, trade(3))])
    away = Server(tmp_path, Settings("http://127.0.0.1:1", database=database))
    away.run(lambda influx: influx.meter.counters.get("failed", 0) >= 3)
    assert (away.influx.meter.last_seq, away.influx.meter.healthy, away.influx.meter.gauges["waiting"]) == (0, False, 2)
    assert "cannot be reached" in away.influx.meter.detail
    Server(tmp_path, Settings(influxdb, database=database)).run(lambda influx: influx.meter.last_seq == 3)
    assert len(points(influxdb, database, "trades")) == 2


def test_a_point_that_the_server_refuses_is_counted_and_the_others_are_written(influxdb, database, tmp_path):
    with urllib.request.urlopen(
        f"{influxdb}/write?db={database}", f'bars,seed=1 state="text" {NOW_NS}'.encode(), timeout=10
    ):
        pass  # `state` is text now, so no bar can be written in this shard; trades can
    write_stream(
        tmp_path,
        [chunk(1, list_btc=True), *(chunk(n, trade(n), bars=[bar(NOW_NS)] if n == 5 else []) for n in range(2, 9))],
    )
    server = Server(tmp_path, Settings(influxdb, database=database))
    server.run(lambda influx: influx.meter.last_seq == 8)
    assert server.influx.meter.counters == {"points": 7, "refused": 1}
    assert "field type conflict" in server.influx.meter.detail and "not written: bars," in server.influx.meter.detail
    assert len(points(influxdb, database, "trades")) == 7


def test_what_the_stream_let_go_of_before_it_was_sent_is_counted(influxdb, database, tmp_path):
    write_stream(tmp_path, [chunk(1, list_btc=True), chunk(2, trade(2)), chunk(9, trade(9))])
    server = Server(tmp_path, Settings(influxdb, database=database))
    server.run(lambda influx: influx.meter.last_seq == 9)
    assert server.influx.meter.counters == {"dropped_inputs": 6, "points": 2}
    assert "let go of 6 inputs before seq 9" in server.influx.meter.detail


class Busy(BaseHTTPRequestHandler):
    """Answers 503 with Retry-After once, then takes everything."""

    bodies: list[bytes] = []  # noqa: RUF012  (of all requests)

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(503 if len(self.bodies) == 1 else 204)
        if len(self.bodies) == 1:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_busy_server_is_asked_again_when_it_says_with_the_same_lines(tmp_path):
    write_stream(tmp_path, [chunk(1, list_btc=True), chunk(2, trade(2))])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        copy = Server(tmp_path, Settings(f"http://127.0.0.1:{server.server_port}", api="v2"))
        copy.run(lambda influx: influx.meter.last_seq == 2)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert len(Busy.bodies) == 2 and Busy.bodies[0] == Busy.bodies[1]
    assert copy.influx.meter.counters == {"failed": 1, "points": 1}
