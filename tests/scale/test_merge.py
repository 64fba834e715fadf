"""Several collectors' chunks as one stream, worked by hand and cut at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.bus.parcel import BadParcel, pack, unpack
from ninefold.config import Keep, Retention
from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import read
from ninefold.journal.writer import LogWriter
from ninefold.market.arrays import BUY, ID_INTEGER, TRADES
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, listed
from ninefold.market.records import Gap, Listed, Tick
from ninefold.market.time import SECOND_NS
from ninefold.services import snapshot
from ninefold.services.host_logs import let_logs_go
from ninefold.services.merge import CannotMerge, Merger

NAMES = ("tokyo", "berlin")


def instrument(venue: str, symbol: str, id: int) -> Instrument:
    return listed(venue, symbol, symbol[:3], "USD", tick="0.01", lot="0.001", id=id)


def lists(seq: int, one: Instrument) -> Chunk:
    return Chunk(seq, seq, seq, records=[Listed(seq=seq, known_ns=seq, instrument=one)])


def trade(seq: int, instrument: int = 1, at: int | None = None) -> np.ndarray:
    when = seq if at is None else at
    return np.array([(instrument, when, when, seq, ID_INTEGER, 0, seq, 100 + seq, 1, BUY)], TRADES)


def trades(first: int, last: int, instrument: int = 1) -> Chunk:
    rows = np.concatenate([trade(seq, instrument) for seq in range(first, last + 1)])
    return Chunk(first, last, last, {"trades": rows})


def take(merger: Merger, name: str, chunk: Chunk) -> Chunk | None:
    merger.learn(name, chunk)
    return merger.take(name, chunk)


def begun() -> Merger:
    """Both have listed one instrument: the recorder's numbers go to 2."""
    merger = Merger(NAMES)
    take(merger, "tokyo", lists(1, instrument("kraken", "BTCUSD", 1)))
    take(merger, "berlin", lists(1, instrument("bitstamp", "BTCUSD", 1)))
    return merger


def test_each_input_gets_the_next_number_and_each_instrument_an_id_of_the_recorder():
    merger = begun()
    one, two = take(merger, "berlin", trades(2, 4)), take(merger, "tokyo", trades(2, 3))
    assert (one.first_seq, one.last_seq, two.first_seq, two.last_seq) == (3, 5, 6, 7)
    assert one.rows("trades")[["instrument", "seq"]].tolist() == [(2, 3), (2, 4), (2, 5)]
    assert two.rows("trades")[["instrument", "seq"]].tolist() == [(1, 6), (1, 7)]
    assert (merger.position("tokyo"), merger.position("berlin"), merger.last_seq) == (3, 4, 7)


def test_records_keep_what_they_say_under_the_recorders_numbers():
    merger = begun()
    gap = Gap(seq=2, known_ns=9, instrument=1, stream="trades", from_id=1, to_id=2, from_ns=3, to_ns=4)
    made = take(merger, "berlin", Chunk(2, 2, 9, records=[gap]))
    assert made.records == [
        Gap(seq=3, known_ns=9, instrument=2, stream="trades", from_id=1, to_id=2, from_ns=3, to_ns=4)
    ]
    (named,) = take(merger, "tokyo", lists(2, instrument("kraken", "ETHUSD", 2))).records
    assert (named.seq, named.instrument.id, named.instrument.name) == (4, 3, "kraken:ETH/USD")


def test_what_comes_again_is_taken_once_however_it_is_cut():
    merger = begun()
    take(merger, "tokyo", trades(2, 4))
    assert take(merger, "tokyo", trades(2, 4)) is None
    assert take(merger, "tokyo", trades(3, 3)) is None
    made = take(merger, "tokyo", trades(3, 6))
    assert made.rows("trades")["exchange_ns"].tolist() == [5, 6]
    assert (made.first_seq, made.last_seq) == (6, 7)


def test_a_hole_is_told_and_nothing_behind_it_is_taken():
    merger = begun()
    with pytest.raises(CannotMerge, match="from 2 on are missing"):
        take(merger, "tokyo", trades(3, 5))
    assert (merger.position("tokyo"), merger.last_seq) == (1, 2)
    assert take(merger, "tokyo", trades(2, 5)) is not None


def test_the_clock_of_all_never_goes_back():
    merger = begun()

    def ticks(name: str, seq: int, exchange_ns: int) -> list[int]:
        made = take(merger, name, Chunk(seq, seq, seq, records=[Tick(seq=seq, known_ns=seq, exchange_ns=exchange_ns)]))
        return [record.exchange_ns for record in made.records]

    assert ticks("tokyo", 2, 100) == [100]
    assert ticks("berlin", 2, 90) == []
    assert ticks("berlin", 3, 110) == [110]
    assert ticks("tokyo", 3, 110) == []


def test_a_pair_that_two_collectors_capture_at_once_is_refused():
    merger = begun()
    take(merger, "tokyo", trades(2, 9))
    merger.learn("berlin", lists(2, instrument("kraken", "BTCUSD", 2)))
    take(merger, "berlin", lists(2, instrument("kraken", "BTCUSD", 2)))
    doubled = Chunk(3, 3, 3, {"trades": trade(3, instrument=2, at=5)})
    with pytest.raises(CannotMerge, match=r"kraken:BTC/USD is captured by the collectors 'tokyo' and 'berlin'"):
        take(merger, "berlin", doubled)
    assert merger.position("berlin") == 2


def test_a_pair_may_move_from_one_collector_to_another_and_back():
    merger = begun()
    take(merger, "tokyo", trades(2, 9))
    take(merger, "berlin", lists(2, instrument("kraken", "BTCUSD", 2)))
    assert take(merger, "berlin", Chunk(3, 3, 3, {"trades": trade(3, instrument=2, at=20)})) is not None
    assert take(merger, "tokyo", Chunk(10, 10, 10, {"trades": trade(10, at=15)})) is not None, (
        "sent late, collected before"
    )
    assert take(merger, "tokyo", Chunk(11, 11, 11, {"trades": trade(11, at=30)})) is not None
    with pytest.raises(CannotMerge):
        take(merger, "berlin", Chunk(4, 4, 4, {"trades": trade(4, instrument=2, at=30)}))


def test_rows_of_an_instrument_that_was_never_listed_are_refused():
    with pytest.raises(CannotMerge, match="never listed"):
        take(begun(), "tokyo", trades(2, 2, instrument=7))


@settings(deadline=None)
@given(st.lists(st.sampled_from(NAMES), max_size=30), st.integers(0, 29), st.booleans())
def test_a_recorder_that_was_killed_goes_on_as_if_it_never_stopped(order, killed_at, saved_late):
    whole, killed = begun(), begun()
    state, log = killed.save(), []
    for place, name in enumerate(order):
        seq = whole.position(name) + 1
        chunk = trades(seq, seq + place % 3)
        expected = take(whole, name, chunk)
        if place == killed_at:
            restarted = Merger(NAMES)
            restarted.load(state)
            for number, made in log:
                restarted.again(number, made)
            killed = restarted
        made = take(killed, name, chunk)
        log.append((killed.number(name), made))
        if saved_late and place % 5 == 0:
            state, log = killed.save(), []
        assert (made.first_seq, made.last_seq) == (expected.first_seq, expected.last_seq)
        assert made.rows("trades").tolist() == expected.rows("trades").tolist()
    assert killed.save() == whole.save()


def test_a_collector_that_is_named_later_gets_a_number_of_its_own():
    merger = Merger(("tokyo", "berlin", "oslo"))
    merger.load(begun().save())
    assert [merger.number(name) for name in ("tokyo", "berlin", "oslo")] == [1, 2, 3]
    assert merger.position("oslo") == 0


def test_a_parcel_holds_its_chunks_in_order_and_anything_else_is_refused():
    assert unpack(pack([b"one", b"", b"two"])) == [b"one", b"", b"two"]
    with pytest.raises(BadParcel):
        unpack(b"no parcel")


def test_a_host_lets_go_only_what_the_recorder_has(tmp_path):
    for log in ("stream", "journal"):
        writer = LogWriter(tmp_path / log, segment_bytes=100)
        for seq in range(1, 31):
            writer.append(CHUNK, 0, seq, seq * SECOND_NS, b"x" * 60)
            writer.flush()
        writer.close()
    snapshot.write(tmp_path, "collect", 30, {})
    nothing = Retention(stream=Keep(days=1e-9))
    now = 100 * SECOND_NS
    assert let_logs_go(tmp_path, nothing, now, 0, "collect") == ""
    assert first_seq(tmp_path / "stream") == 1, "nobody has it"
    assert let_logs_go(tmp_path, nothing, now, 12, "collect") == ""
    assert first_seq(tmp_path / "stream") == 13
    assert first_seq(tmp_path / "journal") == 1, "of the journal no limit was given"
    assert let_logs_go(tmp_path, Retention(), now, 30, "collect") == ""
    assert first_seq(tmp_path / "stream") == 13


def first_seq(folder: Path) -> int:
    return next(read(folder)).seq
