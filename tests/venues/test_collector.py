"""Several venues through one collector: each is read as if it were alone, whoever made the adapters, wherever it is cut."""

from itertools import count

import msgspec
import numpy as np
import pytest

from ninefold.config import Config, Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import ConnectionChange, Input, Run, encode
from ninefold.journal.segment import Record
from ninefold.market.chunk import Chunk
from ninefold.market.records import Connection, Late, Listed, Malformed, Tick
from ninefold.market.time import SECOND_NS
from ninefold.services.parsers import collector_of

from .hearing import load

SESSIONS = {
    "binance": "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz",
    "coinbase": "raw/cryptofeed/COINBASE_2021-04-17_first_half.jsonl.gz",
    "kraken": "raw/cryptofeed/KRAKEN_2021-04-17.jsonl.gz",
}
MOST = 750  # inputs of each
START_NS = 1_700_000_000 * SECOND_NS


@pytest.fixture(scope="module")
def sessions(recording) -> dict[str, list[Input]]:
    """Each venue's inputs, on connections of its own, all beginning at the same moment."""
    made = {}
    for place, (venue, path) in enumerate(SESSIONS.items(), 1):
        session = load(recording(path), MOST)
        shift_ns = START_NS - session[0].receive_ns
        made[venue] = [
            Input(one.kind, 100 * place + one.connection, one.receive_ns + shift_ns, one.payload) for one in session
        ]
    return made


def together(sessions: dict[str, list[Input]], leading: str) -> list[Record]:
    """One journal of all of them, in the order of receipt."""
    merged = sorted((one for session in sessions.values() for one in session), key=lambda one: one.receive_ns)
    started = Input(inputs.STARTED, 0, START_NS, encode(Run("a", False, leading)))
    numbers = count(1)
    return [Record(one.kind, one.connection, next(numbers), one.receive_ns, one.payload) for one in [started, *merged]]


def folded(records: list[Record], cut: int | None = None, **venues: tuple[str, ...]) -> list[Chunk]:
    """What a collector makes of a journal. venues: known from the beginning. cut: it is saved and loaded there."""
    collector = collector_of(_config(venues), replay=not venues)
    chunks = []
    for number, record in enumerate(records):
        if number == cut:
            chunks += collector.take()
            state, collector = collector.save(), collector_of(_config(venues), replay=not venues)
            collector.load(state)
        chunks += collector.feed(record)
    return [*chunks, *collector.take()]


def _config(venues: dict[str, tuple[str, ...]]) -> Config:
    first, *more = [Venue(name=name, pairs=pairs) for name, pairs in venues.items()] or [Venue()]
    return Config(venue=first, capture=tuple(more))


def rows(chunks: list[Chunk], kind: str) -> dict[str, list[tuple]]:
    """Rows of each venue, without ids and seq: (symbol, all other columns)."""
    names = {one.instrument.id: one.instrument for one in _records(chunks, Listed)}
    made: dict[str, list[tuple]] = {}
    for chunk in chunks:
        for row in chunk.rows(kind):
            instrument = names[int(row["instrument"])]
            rest = tuple(row[name].item() for name in row.dtype.names if name not in ("instrument", "seq"))
            made.setdefault(instrument.venue, []).append((instrument.symbol, *rest))
    return made


def _records(chunks: list[Chunk], kind: type) -> list:
    return [record for chunk in chunks for record in chunk.records if isinstance(record, kind)]


@pytest.fixture(scope="module")
def all_at_once(sessions: dict[str, list[Input]]) -> list[Chunk]:
    """Binance leads."""
    return folded(together(sessions, "binance"))


@pytest.mark.slow
def test_three_venues_at_once_give_what_each_gives_alone(sessions, all_at_once):
    alone = {venue: folded(together({venue: session}, venue)) for venue, session in sessions.items()}
    for kind in ("trades", "books", "quotes"):
        made = rows(all_at_once, kind)
        for venue in sessions:
            assert made.get(venue, []) == rows(alone[venue], kind).get(venue, [])
    assert set(rows(all_at_once, "trades")) == set(SESSIONS)
    seqs = np.concatenate([chunk.rows("trades")["seq"] for chunk in all_at_once])
    assert (np.diff(seqs) >= 0).all()


@pytest.mark.slow
def test_ids_are_one_series_over_all_venues(all_at_once):
    ids = [one.instrument.id for one in _records(all_at_once, Listed)]
    assert ids == list(range(1, len(ids) + 1))


@pytest.mark.parametrize("cut", [1, 350, 1_111, 2_000])
@pytest.mark.slow
def test_saved_and_loaded_anywhere_it_goes_on_the_same(sessions, all_at_once, cut):
    assert _bytes(folded(together(sessions, "binance"), cut)) == _bytes(all_at_once)


def _bytes(chunks: list[Chunk]) -> tuple[dict[str, bytes], list[bytes]]:
    kinds = ("trades", "books", "quotes")
    arrays = {kind: np.concatenate([chunk.rows(kind) for chunk in chunks]).tobytes() for kind in kinds}
    return arrays, [msgspec.json.encode(record) for chunk in chunks for record in chunk.records]


@pytest.mark.slow
def test_the_clock_of_the_venue_that_leads_ticks_whatever_the_others_say(sessions, all_at_once):
    ticks = {}
    for leading, chunks in (("binance", all_at_once), ("coinbase", folded(together(sessions, "coinbase")))):
        made = _records(chunks, Tick)
        ticks[leading] = [tick.exchange_ns for tick in made]
        assert ticks[leading] == sorted(set(ticks[leading]))
    assert abs(ticks["binance"][-1] - ticks["coinbase"][-1]) > SECOND_NS  # recorded in another month


def test_until_the_leading_venue_tells_its_time_another_ones_clock_ticks(sessions):
    records = together({"coinbase": sessions["coinbase"]}, "binance")
    assert len(_records(folded(records), Tick)) > 10


@pytest.mark.slow
def test_a_lost_connection_of_one_venue_empties_only_its_own_books(sessions):
    records = together(sessions, "binance")
    at = records[-1].receive_ns
    lost = encode(ConnectionChange("coinbase", "market", "lost", "closed by the venue"))
    chunks = folded([*records, Record(inputs.CONNECTION, 201, len(records) + 1, at, lost)])
    assert [one.venue for one in _records(chunks, Connection) if one.state == "lost"] == ["coinbase"]


def test_a_frame_of_a_connection_that_nobody_opened_is_told_and_nothing_else_happens():
    chunks = folded([Record(inputs.FRAME, 9, 1, START_NS, b'{"stream":"btcusdt@trade"}')], binance=("BTC/USDT",))
    [told] = _records(chunks, Malformed)
    assert "connection 9" in told.reason


def test_a_venue_without_an_adapter_is_told():
    opened = encode(ConnectionChange("mtgox", "market", "open"))
    [told] = _records(folded([Record(inputs.CONNECTION, 1, 1, START_NS, opened)]), Malformed)
    assert (told.venue, "mtgox" in told.reason, "binance" in told.reason) == ("mtgox", True, True)


def test_a_feed_whose_frames_grow_older_without_a_pause_is_told_within_twenty_seconds(sessions):
    """Its receive times look fine: one frame a second, each older than the one before."""
    numbers = count(1)
    opened = encode(ConnectionChange("binance", "market", "open"))
    records = [Record(inputs.CONNECTION, 1, next(numbers), START_NS, opened)]
    for second in range(120):
        late_s = max(0, second - 60)  # from the second minute on each frame is a second later still
        stamp_ms = (START_NS // SECOND_NS + second - late_s) * 1000
        frame = TRADE % (stamp_ms, second + 1, stamp_ms)
        receive_ns = START_NS + second * SECOND_NS
        records.append(Record(inputs.FRAME, 1, next(numbers), receive_ns, frame))
        records.append(Record(inputs.TICK, 0, next(numbers), receive_ns + SECOND_NS // 2, b""))
    told = [(one.known_ns - START_NS) / SECOND_NS for one in _records(folded(records), Late)]
    assert 60 + 2 < told[0] < 60 + 2 + 20


TRADE = (
    b'{"stream":"bnbbtc@trade","data":{"e":"trade","E":%d,"s":"BNBBTC","t":%d,"p":"0.001","q":"100","T":%d,"m":true}}'
)
