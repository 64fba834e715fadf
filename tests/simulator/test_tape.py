"""Recordings, played by a running simulator; and own orders against a tape's book, by hand."""

import gzip
import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from ninefold.simulator.accounts import OwnOrder
from ninefold.simulator.engine import BUY, SELL, Match
from ninefold.simulator.instruments import from_steps
from ninefold.simulator.tape import BadTape, Depth, Diff, Tape, read_tape
from ninefold.simulator.tapemarket import TapeMarket

from .running import Client, Simulator, talk, until

BTC = "orderbook/binance_spot_btcusdt_20240808.jsonl.gz"
MANY = "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz"
LINES = 9_000  # of the first one; all of it is torture
STAMP = re.compile(r'"([ET])":(\d{13})')


@cache
def recorded(path: Path) -> list[tuple[str, str]]:
    """(stream, data text) of every stream message in a recording, in order."""
    found = []
    with gzip.open(path, "rt") as file:
        for text in file:
            line = json.loads(text)
            if line.get("dir", "recv") == "recv" and (line["msg"] or "").startswith('{"stream":"'):
                stream = line["msg"].split('"', 4)[3]
                found.append((stream, line["msg"].partition('"data":')[2][:-1]))
    return found


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory, recording) -> Callable[..., Path]:
    """A function from a recording's name to the first lines of it, or to all of it."""

    @cache
    def cut(name: str, lines: int | None = LINES) -> Path:
        path: Path = recording(name)
        if lines is None:
            return path
        part = tmp_path_factory.mktemp("recording") / path.name
        with gzip.open(path) as whole, gzip.open(part, "wb", compresslevel=1) as file:
            file.writelines(islice(whole, lines))
        return part

    return cut


async def hear(client: Client, expected: int, names: list[str]) -> list[tuple[str, str]]:
    """Every frame of the tape, (stream, data text)."""
    socket = await client.streams(*names)
    await client.get("/api/v3/depth", symbol=client.simulator.ready["symbols"][0])
    frames = []
    while len(frames) < expected:
        text = await socket.receive_str(timeout=20)
        frames.append((text.split('"', 4)[3], text.partition('"data":')[2][:-1]))
    await socket.close()
    return frames


def all_streams(simulator: Simulator) -> list[str]:
    return [f"{each.lower()}@{kind}" for each in simulator.ready["symbols"] for kind in simulator.ready["streams"]]


class Played(NamedTuple):
    """A tape that was played to its end. began_s: when. heard: its frames, (stream, data text); kept: its trades by the exchange; book,
    minutes: of its first symbol, then."""

    simulator: Simulator
    began_s: float
    heard: list[tuple[str, str]]
    shift_ms: int
    kept: list[dict[str, Any]]
    book: dict[str, Any]
    minutes: list[list[Any]]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory, beginning) -> Iterator[Callable[..., Played]]:
    """A function that plays a tape, or the first lines of it, as fast as it goes, once."""
    running: list[Simulator] = []

    @cache
    def played(name: str, lines: int | None = LINES) -> Played:
        path = beginning(name, lines)
        began_s = time.time()
        running.append(Simulator(tmp_path_factory.mktemp("tape") / "exchange", "--tape", str(path), "--speed", "max"))
        simulator, expected = running[-1], len(recorded(path))
        symbol = simulator.ready["symbols"][0]

        async def run(client: Client) -> Played:
            heard = await hear(client, expected, all_streams(simulator))
            state = await until(lambda: done(client))
            shift_ms, rest = divmod(int(state["shift_ns"]), 1_000_000)
            assert rest == 0
            kept = await client.get("/sim/v1/trades", symbol=symbol, limit=100000)
            book = await client.get("/sim/v1/book", symbol=symbol)
            minutes = await client.get("/api/v3/klines", symbol=symbol, interval="1m", startTime=1, limit=1000)
            return Played(simulator, began_s, heard, shift_ms, kept, book, minutes)

        made: Played = talk(simulator, run)
        return made

    yield played
    for each in running:
        assert each.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lines"), [(BTC, LINES), (MANY, None), pytest.param(BTC, None, marks=pytest.mark.torture)]
)
def test_a_tape_goes_out_exactly_as_recorded_but_for_one_shift_of_its_stamps(
    play, beginning, name: str, lines: int | None
):
    tape, expected = play(name, lines), recorded(beginning(name, lines))

    def moved(text: str) -> str:
        return STAMP.sub(lambda at: f'"{at[1]}":{int(at[2]) + tape.shift_ms}', text)

    assert tape.heard == [(stream, moved(text)) for stream, text in expected]
    first = next(int(found[2]) for _, text in tape.heard if (found := STAMP.search(text)))
    assert abs(first - tape.began_s * 1000) < 30_000
    assert set(tape.simulator.ready["streams"]) == {stream.partition("@")[2] for stream, _ in expected}


async def done(client: Client) -> Any:
    state = await client.state()
    return state if state["tape_done"] else None


@pytest.mark.slow
def test_all_trades_of_a_tape_are_kept_and_the_book_is_that_of_its_snapshot_and_diffs(play, beginning):
    tape, frames = play(BTC), recorded(beginning(BTC))
    trades = [json.loads(text) for stream, text in frames if stream.endswith("@trade")]
    assert len(trades) == 1_608
    assert [(row["id"], row["price"], row["qty"], row["time"], row["isBuyerMaker"]) for row in tape.kept] == [
        (each["t"], each["p"], each["q"], each["T"] + tape.shift_ms, each["m"]) for each in trades
    ]
    sides, last = slow_book(beginning(BTC), frames)
    assert tape.book["lastUpdateId"] == last
    assert (dict(tape.book["bids"]), dict(tape.book["asks"])) == (sides["b"], sides["a"])
    counts: dict[int, int] = {}
    for each in trades:
        minute = (each["T"] + tape.shift_ms) // 60_000 * 60_000
        counts[minute] = counts.get(minute, 0) + 1
    assert {row[0]: row[8] for row in tape.minutes if row[8]} == counts


def slow_book(path: Path, frames: list[tuple[str, str]]) -> tuple[dict[str, dict[str, str]], int]:
    with gzip.open(path, "rt") as file:
        snapshot = json.loads(next(json.loads(line)["msg"] for line in file if "rest_depth_snapshot" in line))
    sides, last = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}, snapshot["lastUpdateId"]
    for stream, text in frames:
        if "@depth" not in stream or (event := json.loads(text))["u"] <= last:
            continue
        last = event["u"]
        for name, levels in sides.items():
            for price, size in event[name]:
                levels[price] = size
    return {name: {p: s for p, s in levels.items() if float(s)} for name, levels in sides.items()}, last


@pytest.mark.slow
def test_a_killed_tape_goes_on_where_it_was_without_repeating_a_trade(start, beginning):
    trades = [json.loads(text)["t"] for stream, text in recorded(beginning(BTC)) if stream.endswith("@trade")]
    first = start("--tape", str(beginning(BTC)), "--speed", "20")

    async def listen(client: Client) -> list[int]:
        socket = await client.streams("btcusdt@trade")
        await client.get("/api/v3/depth", symbol="BTCUSDT")
        ids = []
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            ids.append(message.json()["data"]["t"])
            if len(ids) == 300:
                client.simulator.process.send_signal(signal.SIGKILL)
        return ids

    heard = talk(first, listen)
    first.stop(signal.SIGKILL)
    second = start("--tape", str(beginning(BTC)), "--speed", "max")

    async def rest(client: Client) -> list[int]:
        socket = await client.streams("btcusdt@trade")
        ids = []
        while not ids or ids[-1] != trades[-1]:
            ids.append((await socket.receive_json(timeout=20))["data"]["t"])
        await socket.close()
        kept = await client.get("/sim/v1/trades", symbol="BTCUSDT", limit=100000)
        assert [each["id"] for each in kept] == trades
        assert [each["time"] for each in kept] == sorted(each["time"] for each in kept)
        return ids

    later = talk(second, rest)
    assert not set(heard) & set(later)
    assert len(heard) + len(later) <= len(
        trades
    )  # what was committed but not sent before the kill is only in the history


@pytest.mark.slow
def test_a_market_order_walks_the_tapes_book(start, beginning):
    simulator = start("--tape", str(beginning(BTC)), "--speed", "1")

    async def run(client: Client) -> None:
        asks = (await client.get("/api/v3/depth", symbol="BTCUSDT", limit=5))["asks"]
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1.0"}
        bought = await client.signed("POST", "order", **order)
        assert [(each["price"], each["qty"]) for each in bought["fills"]] == [(asks[0][0], "1.00000000")]
        assert float(asks[0][1]) < 2.0  # so that what is left of the best level is less than another whole one
        again = await client.signed("POST", "order", **{**order, "quantity": "0.6"})
        left = f"{float(asks[0][1]) - 1.0:.8f}"
        assert again["fills"][0]["qty"] == left

    talk(simulator, run)


@pytest.mark.parametrize("text", ["", "{}", '{"exchange":"BITSTAMP","msg":"x"}', '{"exchange":"BINANCE","msg":"{}"}'])
def test_what_is_no_recording_of_binance_spot_is_refused(tmp_path, text: str):
    path = tmp_path / "tape.jsonl.gz"
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(BadTape, match="playable are"):
        read_tape([path])


class Filled:
    """Stands where the exchange stands and keeps what it is told: (order id, price, lots, maker)."""

    def __init__(self) -> None:
        self.fills: list[tuple[int, int, int, bool]] = []
        self.orders: dict[int, OwnOrder] = {}
        self.store = self
        self.db = self

    def execute(self, *_: object) -> "Filled":
        return self

    def fetchone(self) -> tuple[None]:
        return (None,)

    def now_ms(self) -> int:
        return 0

    def fill_own(self, order_id: int, trade_id: int, match: Match, time_ms: int, is_maker: bool) -> None:
        order = self.orders[order_id]
        order.filled_lots += match.size_lots
        order.status = "PARTIALLY_FILLED" if order.left_lots else "FILLED"
        self.fills.append((order_id, match.price_ticks, match.size_lots, is_maker))


UNIT = 10**8


def hand_made(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> tuple[TapeMarket, Filled]:
    told = Filled()
    tape = Tape("t", [], {"BTCUSDT": Depth(1, bids, asks)}, [from_steps("BTCUSDT", 1, 1)], [])
    return TapeMarket(told, tape), told  # type: ignore[arg-type]


def order(told: Filled, number: int, side: int, price: int, size: int) -> OwnOrder:
    made = OwnOrder(number, "BTCUSDT", str(number), side, "LIMIT", "GTC", price * UNIT, size * UNIT, 0, 0)
    told.orders[number] = made
    return made


def test_the_same_shown_size_is_taken_once_until_its_level_is_updated():
    market, told = hand_made([], [("100", "3"), ("101", "5")])
    market.submit(order(told, 1, BUY, 101, 4), 101 * UNIT, rest=False)
    market.submit(order(told, 2, BUY, 101, 9), 101 * UNIT, rest=False)
    assert told.fills == [
        (1, 100 * UNIT, 3 * UNIT, False), (1, 101 * UNIT, 1 * UNIT, False), (2, 101 * UNIT, 4 * UNIT, False)
    ]  # fmt: skip
    market.books["BTCUSDT"].apply(Diff(2, 2, [], [("101", "2")]))
    assert market.walk("BTCUSDT", BUY, None, 9 * UNIT) == [(101 * UNIT, 2 * UNIT)]


def test_a_resting_order_waits_behind_the_queue_and_is_filled_when_traded_through():
    market, told = hand_made([("100", "5")], [("102", "5")])
    market.submit(order(told, 1, BUY, 100, 4), 100 * UNIT, rest=True)
    market.submit(order(told, 2, SELL, 103, 4), 103 * UNIT, rest=True)
    market.traded("BTCUSDT", 100 * UNIT, 3 * UNIT, True)
    assert told.fills == []  # two are still ahead
    market.books["BTCUSDT"].apply(Diff(2, 2, [("100", "1")], []))
    market.traded("BTCUSDT", 100 * UNIT, 2 * UNIT, True)
    assert told.fills == [(1, 100 * UNIT, 1 * UNIT, True)]
    market.traded("BTCUSDT", 99 * UNIT, 1, True)
    assert told.fills[1:] == [(1, 100 * UNIT, 3 * UNIT, True)]
    market.traded("BTCUSDT", 103 * UNIT, 9 * UNIT, True)  # a seller took: no business of a resting sale
    assert len(told.fills) == 2
    market.traded("BTCUSDT", 104 * UNIT, 1, False)
    assert told.fills[2:] == [(2, 103 * UNIT, 4 * UNIT, True)]
