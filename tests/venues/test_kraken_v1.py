"""Kraken's websocket v1, as older recordings hold it: samples after the documentation, and a recorded session."""

import msgspec
import pytest

from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.journal.recordings import Recorded, open_source
from ninefold.market.arrays import ASK, BID, BUY, CLEAR_BOOK, ID_NONE, SELL, SET_LEVEL
from ninefold.market.book import Book
from ninefold.market.records import Gap, Listed, Malformed
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.asked import purpose_of
from ninefold.venues.kraken import KrakenSpot

from .kraken_venue import RECEIVED, RECORDING, SECOND, sample, swapped


@pytest.fixture
def old() -> KrakenSpot:
    """An adapter that takes what a recording holds, after a snapshot of v1."""
    adapter = KrakenSpot()
    adapter.frame(1, 1, RECEIVED, sample("v1_book_snapshot"))
    return adapter


def test_a_snapshot_of_v1_has_no_time_and_todays_names(old):
    assert [one.name for one in old.registry] == ["kraken:ETH/BTC"]
    rows = old.gathered.books
    assert [row[5:] for row in rows] == [
        (CLEAR_BOOK, BID, 0, 0),
        *((SET_LEVEL, ASK, 5050000 + 1000 * place, 1000000 * (place + 1)) for place in range(3)),
        *((SET_LEVEL, BID, 5040000 - 1000 * place, 100000500 + 100000000 * place) for place in range(3)),
    ]
    assert {row[1] for row in rows} == {UNKNOWN_NS}


def test_an_update_of_v1_has_two_sides_each_level_its_time_and_one_checksum(old):
    old.gathered.books.clear()
    old.frame(1, 2, RECEIVED, sample("v1_book_update"))
    at = 1_618_678_134 * SECOND
    assert [(row[1], *row[5:]) for row in old.gathered.books] == [
        (at + 1000, SET_LEVEL, ASK, 5045000, 50000000),
        (at + 2000, SET_LEVEL, BID, 5040000, 0),
        (at + 3000, SET_LEVEL, BID, 5041000, 700000000),
    ]
    assert old.gathered.stamps == [(1, at + 3000, RECEIVED)]
    assert [type(record) for record in old.gathered.records] == [Listed]


def test_a_changed_digit_in_v1_is_noticed(old):
    old.frame(1, 2, RECEIVED, swapped("v1_book_update", "7.00000000", "7.00000001"))
    assert [record.stream for record in old.gathered.records if isinstance(record, Gap)] == ["books"]


def test_trades_of_v1_have_no_ids(old):
    old.frame(1, 2, RECEIVED, sample("v1_trade"))
    at = 1_618_678_134 * SECOND
    assert old.gathered.trades == [
        (1, at + 321_597_000, RECEIVED, 2, ID_NONE, 0, 0, 5045000, 15850568, SELL),
        (1, at + 324_998_000, RECEIVED, 2, ID_NONE, 0, 0, 5046000, 2455000, BUY),
    ]


def test_best_bids_and_asks_of_v1(old):
    old.frame(1, 2, RECEIVED, sample("v1_ticker"))
    old.frame(1, 3, RECEIVED, sample("v1_spread"))
    best = (0, 5041000, 700000000, 5045000, 50000000)
    assert [(row[1], *row[4:]) for row in old.gathered.quotes] == [
        (UNKNOWN_NS, *best),
        (1_618_678_134 * SECOND + 4000, *best),
    ]


@pytest.mark.slow
def test_the_recorded_session_is_read_whole_every_checksum_is_right_and_no_book_crosses(recording):
    adapter, books, checked = KrakenSpot(), {}, 0
    session = open_source(recording(RECORDING), {"KRAKEN": Recorded("kraken", purpose_of)})
    for seq, one in enumerate(session, 1):
        if one.kind == inputs.ANSWER:
            adapter.answer(msgspec.msgpack.decode(one.payload, type=Answer), seq, one.receive_ns)
        elif one.kind == inputs.CONNECTION:
            change = msgspec.msgpack.decode(one.payload, type=ConnectionChange)
            adapter.connection(change, one.connection, seq, one.receive_ns)
        elif one.kind == inputs.FRAME:
            adapter.frame(one.connection, seq, one.receive_ns, one.payload)
            checked += b'"c":"' in one.payload and b'"book-1000"' in one.payload
            rows = adapter.gathered.arrays().get("books")
            if rows is not None:
                book = books.setdefault(rows["instrument"][0], Book())
                book.apply(rows)
                assert max(book.bids) < min(book.asks)
                assert len(book.bids) <= 1000 >= len(book.asks)
    assert not [record for record in adapter.gathered.records if isinstance(record, Malformed | Gap)]
    assert (len(books), checked) == (10, 4269)
    assert not [one for one in adapter.registry if not one.rules_known]
