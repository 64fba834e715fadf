"""A venue over two lines gives what it gives over one, wherever it is cut, and whoever reads the journal; a lost line makes
unknown what came over it, and nothing else.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ninefold.config import Config, Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange, Run, encode
from ninefold.journal.segment import Record
from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, rows
from ninefold.market.bars import BarMaker
from ninefold.market.chunk import Chunk
from ninefold.market.records import Connection, Gap, Late, Listed, Malformed, Tick
from ninefold.market.time import SECOND_NS
from ninefold.services.parsers import collector_of
from ninefold.venues.clocks import Clocks
from ninefold.venues.collector import Collector

from .hearing import load
from .speaking import SAMPLES

SESSION = "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz"
MOST = 600  # inputs
BTC, ETH = ("BTCUSDT",), ("ETHUSDT",)
STREAMS = ("trade", "depth@100ms", "bookTicker")
START_NS = 1_700_000_000 * SECOND_NS


def over(name: str, state: str, symbols: tuple[str, ...], trades: bool = True) -> bytes:
    return encode(ConnectionChange("binance", name, state, "", symbols, STREAMS, trades))


@pytest.fixture(scope="module")
def split(recording) -> tuple[list[Record], list[Record]]:
    """A session over one line, and the same with every other symbol over a second one."""
    session = [one for one in load(recording(SESSION), MOST) if one.kind != inputs.CONNECTION]
    begin_ns = session[0].receive_ns
    symbols = sorted({_symbol(one.payload) for one in session if one.kind == inputs.FRAME})
    assert len(symbols) > 1
    parts = tuple(symbols[::2]), tuple(symbols[1::2])
    one = [(inputs.CONNECTION, 1, begin_ns, encode(ConnectionChange("binance", "market", "open")))]
    two = [
        (inputs.CONNECTION, 1, begin_ns, over("market", "open", parts[0])),
        (inputs.CONNECTION, 2, begin_ns, over("market 2", "open", parts[1])),
    ]
    for each in session:
        if each.kind == inputs.FRAME:
            one.append((each.kind, 1, each.receive_ns, each.payload))
            two.append((each.kind, 1 + (_symbol(each.payload) in parts[1]), each.receive_ns, each.payload))
        else:
            answer = msgspec.msgpack.decode(each.payload, type=Answer)
            symbol = answer.url.partition("symbol=")[2].partition("&")[0]
            name = "market 2" if symbol in parts[1] else "market"
            one.append((each.kind, 0, each.receive_ns, each.payload))
            two.append((each.kind, 0, each.receive_ns, encode(msgspec.structs.replace(answer, name=name))))
    return _numbered(one), _numbered(two)


def _symbol(payload: bytes) -> str:
    return payload.partition(b'"stream":')[2].partition(b"@")[0].strip(b' "').decode().upper()


def _numbered(inputs_: list[tuple[int, int, int, bytes]]) -> list[Record]:
    return [Record(kind, number, seq, at_ns, body) for seq, (kind, number, at_ns, body) in enumerate(inputs_, 1)]


def folded(records: list[Record], cut: int = 0, config: Config | None = None) -> list[Chunk]:
    def fresh() -> Collector:
        return collector_of(config or Config(venue=Venue()), replay=config is None)

    collector, chunks = fresh(), []
    for number, record in enumerate(records):
        if number == cut and cut:
            chunks += collector.take()
            state, collector = collector.save(), fresh()
            collector.load(state)
        chunks += collector.feed(record)
    return [*chunks, *collector.take()]


def told(chunks: list[Chunk], kind: str) -> dict[str, list[tuple]]:
    """Rows of each symbol, without ids and seq."""
    names = {one.instrument.id: one.instrument.symbol for one in of(chunks, Listed)}
    made: dict[str, list[tuple]] = {}
    for row in np.concatenate([chunk.rows(kind) for chunk in chunks]):
        rest = tuple(row[name].item() for name in row.dtype.names if name not in ("instrument", "seq"))
        made.setdefault(names[int(row["instrument"])], []).append(rest)
    return made


def of(chunks: list[Chunk], kind: type) -> list:
    return [record for chunk in chunks for record in chunk.records if isinstance(record, kind)]


def as_bytes(chunks: list[Chunk]) -> tuple[list[bytes], list[bytes]]:
    arrays = [
        np.concatenate([chunk.rows(kind) for chunk in chunks]).tobytes() for kind in ("trades", "books", "quotes")
    ]
    return arrays, [msgspec.json.encode(record) for chunk in chunks for record in chunk.records]


@pytest.mark.slow
def test_two_lines_give_what_one_gives(split):
    one, two = map(folded, split)
    for kind in ("trades", "books", "quotes"):
        assert told(two, kind) == told(one, kind)
    assert of(two, Malformed) == of(one, Malformed)
    assert {(gap.stream, gap.from_id) for gap in of(two, Gap)} == {(gap.stream, gap.from_id) for gap in of(one, Gap)}


@pytest.mark.slow
@pytest.mark.parametrize("cut", [2, 3, 77, 300, 555])
def test_saved_and_loaded_anywhere_two_lines_go_on_the_same(split, cut):
    assert as_bytes(folded(split[1], cut)) == as_bytes(folded(split[1]))


# by hand: BTC over the first line, ETH over the second


class Hand:
    def __init__(self) -> None:
        pairs = ("BTC/USDT", "ETH/USDT")
        self.config = Config(venue=Venue(pairs=pairs))
        self.collector = collector_of(self.config)
        self.bars = BarMaker()
        self.chunks: list[Chunk] = []
        self.seq, self.now_ns = 0, START_NS

    def put(self, kind: int, connection: int, payload: bytes) -> None:
        self.seq += 1
        for chunk in self.collector.feed(Record(kind, connection, self.seq, self.now_ns, payload)):
            self.chunks.append(self.bars.step(chunk))

    def change(self, connection: int, name: str, state: str, symbols: tuple[str, ...], trades: bool = True) -> None:
        self.put(inputs.CONNECTION, connection, over(name, state, symbols, trades))

    def trade(self, connection: int, symbol: str, id: int, after_s: float = 0.1) -> None:
        self.now_ns += int(after_s * SECOND_NS)
        ms = self.now_ns // 10**6
        deal = {"e": "trade", "E": ms, "s": symbol, "t": id, "p": "100", "q": "1", "T": ms, "m": True, "M": True}
        frame = {"stream": f"{symbol.lower()}@trade", "data": deal}
        self.put(inputs.FRAME, connection, msgspec.json.encode(frame))

    def begin(self) -> None:
        self.put(inputs.STARTED, 0, encode(Run("run", False, "binance")))

    def restart(self) -> None:
        state, self.collector = self.collector.save(), collector_of(self.config)
        self.collector.load(state)
        self.begin()

    def states(self) -> dict[str, set[int]]:
        """Of the bars of a second, as they were made."""
        names = {one.instrument.id: one.instrument.symbol for one in of(self.chunks, Listed)}
        found: dict[str, set[int]] = {}
        for chunk in self.chunks:
            for row in chunk.rows("bars"):
                if row["width_ns"] == SECOND_NS:
                    found.setdefault(names[int(row["instrument"])], set()).add(int(row["state"]))
        return found

    def asked(self, line: str) -> list[str]:
        return [one.path for one in self.collector.take_outgoing(line)[0] if "historical" in one.path]


@pytest.fixture
def hand() -> Hand:
    hand = Hand()
    hand.begin()
    hand.change(1, "market", "open", BTC)
    hand.change(2, "market 2", "open", ETH)
    for id in range(1, 41):
        hand.trade(1, "BTCUSDT", id)
        hand.trade(2, "ETHUSDT", id)
    return hand


def test_a_lost_line_makes_unknown_only_the_bars_of_what_came_over_it(hand):
    known = {symbol: set(states) for symbol, states in hand.states().items()}
    assert BAR_OK in known["BTC/USDT"] & known["ETH/USDT"]
    hand.chunks = [chunk for chunk in hand.chunks if of([chunk], Listed)]
    hand.change(2, "market 2", "lost", ETH)
    for id in range(41, 141):
        hand.trade(1, "BTCUSDT", id)
    states = hand.states()
    assert BAR_UNKNOWN not in states["BTC/USDT"] and BAR_UNKNOWN in states["ETH/USDT"]


def test_a_lost_line_without_trades_makes_no_bar_unknown(hand):
    hand.change(3, "market 3", "open", (*BTC, *ETH), trades=False)
    hand.change(3, "market 3", "lost", (*BTC, *ETH), trades=False)
    hand.chunks = [chunk for chunk in hand.chunks if of([chunk], Listed)]
    for id in range(41, 141):
        hand.trade(1, "BTCUSDT", id)
        hand.trade(2, "ETHUSDT", id)
    assert hand.states() == {"BTC/USDT": {BAR_OK}, "ETH/USDT": {BAR_OK}}


def test_a_line_that_comes_back_asks_for_what_it_missed_and_the_other_for_nothing(hand):
    hand.asked("binance"), hand.asked("binance 2")
    hand.change(2, "market 2", "lost", ETH)
    hand.change(3, "market 2", "open", ETH)
    assert hand.asked("binance") == []
    [asked] = hand.asked("binance 2")
    assert "symbol=ETHUSDT" in asked and "fromId=41" in asked


def test_records_say_which_line_it_was_and_whose_trades_came_over_it(hand):
    hand.change(2, "market 2", "lost", ETH)
    hand.put(inputs.TICK, 0, b"")
    told = [one for one in of([*hand.chunks, *hand.collector.take()], Connection) if one.state == "lost"]
    eth = hand.collector.registry.find("binance", "ETHUSDT")
    assert [(one.name, one.instruments) for one in told] == [("market 2", (eth.id,))]


@pytest.mark.parametrize("lines", [{"market": (*BTC, *ETH)}, {"market": ETH, "market 2": BTC}])
def test_a_pair_that_comes_over_another_line_after_a_start_goes_on_where_it_was(hand, lines):
    hand.restart()
    for number, (name, symbols) in enumerate(lines.items(), 1):
        hand.change(number, name, "open", symbols)
    asked = [path for line in ("binance", "binance 2") for path in hand.asked(line)]
    assert sorted("BTCUSDT" in path for path in asked) == [False, True]
    assert all("fromId=41" in path for path in asked)


def test_a_line_knows_the_rules_that_the_first_one_was_told():
    """Also where nobody says which pairs are wanted, and nothing of the pair came over the first line."""
    collector = collector_of(Config(venue=Venue()), replay=True)
    info = (SAMPLES / "binance" / "exchangeInfo.json").read_bytes()
    [rules] = [one for one in msgspec.json.decode(info)["symbols"] if one["symbol"] == "BNBBTC"]
    body = msgspec.json.encode({"symbols": [rules]})
    trade = (SAMPLES / "binance" / "trade.json").read_bytes()
    records = [
        (inputs.CONNECTION, 1, START_NS, over("market", "open", BTC)),
        (inputs.ANSWER, 0, START_NS, encode(Answer("binance", "exchangeInfo", "/api/v3/exchangeInfo", 200, body))),
        (inputs.CONNECTION, 2, START_NS, over("market 2", "open", ("BNBBTC",))),
        (inputs.FRAME, 2, START_NS, trade),
    ]
    for record in _numbered(records):
        collector.feed(record)
    known = collector.registry.find("binance", "BNBBTC")
    assert known is not None and known.rules_known


def test_streams_of_a_pair_that_moved_are_told_as_silent_by_one_line_alone(hand):
    hand.restart()
    hand.change(1, "market", "open", (*BTC, *ETH))
    seen = [stream for adapter in hand.collector.adapters.values() for stream in adapter.seen]
    assert len(seen) == len(set(seen)) == 2 * len(STREAMS)


def test_a_venue_is_as_late_as_its_latest_line():
    clocks = Clocks()
    for line in ("binance", "binance 2"):
        clocks.add(line)
    told: list[Late] = []
    for lags in ((0, 0), (5, 3), (5, 0), (0, 0)):
        for line, lag in zip(("binance", "binance 2"), lags, strict=True):
            clocks.stamp(line, [(1, START_NS, START_NS + lag * SECOND_NS)])
        told += clocks.told_lateness(1, START_NS)
    assert [(one.venue, one.behind_ns // SECOND_NS) for one in told] == [("binance", 5), ("binance", 5), ("binance", 0)]


def test_after_a_start_the_clock_goes_by_the_new_connection_alone(hand):
    """A number that another connection had before is not mixed up with it, and the short way is open again."""
    hand.change(9, "market", "open", BTC)
    hand.trade(9, "BTCUSDT", 41)
    hand.restart()
    hand.change(2, "market", "open", BTC)
    hand.trade(2, "BTCUSDT", 42)
    assert hand.collector._clocks.of["binance"].certain_of(2)


def test_journals_of_before_are_read():
    """Answers and connections without what was added to them."""
    answer = msgspec.msgpack.encode(["binance", "depth", "/api/v3/depth", 200, b"{}"])
    assert msgspec.msgpack.decode(answer, type=Answer).name == "market"
    change = msgspec.msgpack.decode(msgspec.msgpack.encode(["binance", "market", "open"]), type=ConnectionChange)
    assert (change.symbols, change.trades, change.line) == (None, True, "binance")
    old = {"type": "connection", "seq": 1, "known_ns": 2, "venue": "binance", "name": "market", "state": "lost"}
    assert msgspec.convert(old, type=Connection, strict=False).instruments is None


def test_a_bar_of_before_is_unknown_where_an_old_journal_lost_all_of_a_venue():
    maker = BarMaker()
    opened, lost = (
        Connection(seq=1, known_ns=START_NS, venue="binance", name="market", state=state) for state in ("open", "lost")
    )
    ticks = [Tick(seq=1, known_ns=START_NS, exchange_ns=START_NS + at * SECOND_NS) for at in range(20)]
    maker.step(Chunk(1, 1, START_NS, {}, [opened, *ticks[:2]]))
    trades = rows("trades", [(1, START_NS + 3 * SECOND_NS, START_NS, 1, 1, 0, 1, 100, 1, 1)])
    maker.step(Chunk(2, 2, START_NS, {"trades": trades}, ticks[2:5]))
    made = maker.step(Chunk(3, 3, START_NS, {}, [lost, *ticks[5:]]))
    assert BAR_UNKNOWN in made.rows("bars")["state"]
