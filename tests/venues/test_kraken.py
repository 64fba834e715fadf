"""The Kraken adapter on samples after the documentation: what each message becomes, bad frames, restart. See also
test_kraken_book.py (the checksum), test_kraken_trades.py (ids) and test_kraken_v1.py (old recordings).
"""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.journal.inputs import Answer
from ninefold.market.arrays import ASK, BID, BUY, CLEAR_BOOK, ID_INTEGER, SELL, SET_LEVEL
from ninefold.market.records import Listed, Malformed
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues import kraken
from ninefold.venues.adapter import Question
from ninefold.venues.asked import purpose_of
from ninefold.venues.kraken import KrakenSpot
from ninefold.venues.told import number, time_ns

from .kraken_venue import INFO, RECEIVED, SECOND, TEN, TRADES, Venue, price, sample, size, swapped


@pytest.fixture
def venue() -> Venue:
    return Venue()


# what each message becomes


def test_trades_have_price_size_side_id_and_times_to_the_last_digit(venue):
    venue.frame(sample("trade"))
    at = TEN + SECOND + 123_456_000
    first = (1, at, RECEIVED, venue.seq, ID_INTEGER, 0, 70001, price("60123.4"), size("0.015"), BUY)
    second = (1, at + 789, RECEIVED, venue.seq, ID_INTEGER, 0, 70002, price("60120"), size("2.5"), SELL)
    assert venue.adapter.gathered.trades == [first, second]
    assert venue.adapter.gathered.stamps == [(1, at + 789, RECEIVED)]
    assert not venue.adapter.gathered.records


def test_trades_from_before_the_subscription_are_left_out(venue):
    venue.frame(swapped("trade", '"update"', '"snapshot"'))
    assert not venue.adapter.gathered.trades


def test_a_snapshot_clears_the_book_and_an_update_changes_it(venue):
    venue.frame(sample("book_snapshot"))
    rows, seq = venue.adapter.gathered.books, venue.seq
    assert len(rows) == 21
    assert rows[0] == (1, UNKNOWN_NS, RECEIVED, seq, 0, CLEAR_BOOK, BID, 0, 0)
    assert rows[1] == (1, UNKNOWN_NS, RECEIVED, seq, 0, SET_LEVEL, BID, price("60120.9"), size("0.1"))
    assert rows[20] == (1, UNKNOWN_NS, RECEIVED, seq, 0, SET_LEVEL, ASK, price("60121.9"), size("3.2"))
    venue.forget()
    venue.frame(sample("book_update"))
    head = (1, TEN + SECOND + 440_295_000, RECEIVED, venue.seq, 0, SET_LEVEL)
    assert venue.adapter.gathered.books == [
        (*head, BID, price("60121.0"), size("0.7")),
        (*head, BID, price("60121.0"), size("0.75")),
        (*head, ASK, price("60121.0"), 0),
        (*head, BID, price("60120.0"), 0),  # the eleventh bid; ten were subscribed
    ]
    assert not venue.adapter.gathered.records


def test_best_bid_and_ask(venue):
    venue.frame(sample("ticker"))
    best = (price("60121"), size("0.75"), price("60121.1"), size("0.02"))
    assert venue.adapter.gathered.quotes == [(1, TEN + SECOND + 440_300_000, RECEIVED, venue.seq, 0, *best)]


def test_a_best_bid_of_nothing_is_no_quote(venue):
    venue.frame(swapped("ticker", '"bid":60121.0', '"bid":0.0'))
    assert not venue.adapter.gathered.quotes
    assert not venue.adapter.gathered.records


def test_asset_pairs_give_the_rules_under_the_names_of_today():
    adapter = KrakenSpot(frozenset({"BTC/USD", "DOGE/USD"}))
    assert adapter.start_questions() == [Question("AssetPairs", "/0/public/AssetPairs?pair=XBTUSD,XDGUSD")]
    adapter.answer(Answer("kraken", "AssetPairs", INFO, 200, sample("AssetPairs")), 1, RECEIVED)
    bitcoin, doge = (record.instrument for record in adapter.gathered.records if isinstance(record, Listed))
    assert (bitcoin.name, bitcoin.base, bitcoin.quote, bitcoin.rules_known) == ("kraken:BTC/USD", "BTC", "USD", True)
    assert (bitcoin.price_decimals, bitcoin.size_decimals) == (3, 8)
    assert (bitcoin.tick_size, bitcoin.lot_size, bitcoin.min_size) == (price("0.1"), 1, size("0.00005"))
    assert bitcoin.min_notional == "0.5"
    assert (doge.name, doge.price_decimals, doge.tick_size, doge.min_size) == ("kraken:DOGE/USD", 9, 100, size("15"))


def test_the_instrument_channel_says_the_same_as_asset_pairs():
    adapter = KrakenSpot(frozenset({"DOGE/USD"}))
    adapter.frame(1, 1, RECEIVED, sample("instrument"))
    adapter.answer(Answer("kraken", "AssetPairs", INFO, 200, sample("AssetPairs")), 2, RECEIVED)
    [listed] = adapter.gathered.records
    assert listed.instrument.name == "kraken:DOGE/USD"


def test_rest_trades_are_trades_in_the_order_of_their_ids(venue):
    venue.trade(70003)
    venue.trade(70005)
    venue.reconnect()
    venue.forget()
    venue.past(TEN, [69998, 70004])  # what was before the first one is not wanted
    assert venue.ids() == [70004]
    fresh = KrakenSpot(frozenset({"BTC/USD"}))
    fresh.answer(Answer("kraken", "AssetPairs", INFO, 200, sample("AssetPairs")), 1, RECEIVED)
    fresh.answer(Answer("kraken", "Trades", TRADES.format(TEN), 200, sample("Trades")), 2, RECEIVED)
    assert [row[1:3] + row[4:] for row in fresh.gathered.trades] == [
        (TEN + 500_000_000, RECEIVED, ID_INTEGER, 0, 69999, price("60119.9"), size("0.001"), SELL),
        (TEN + 987_654_300, RECEIVED, ID_INTEGER, 0, 70000, price("60123"), size("0.25"), BUY),
    ]


def test_what_is_said_once_the_websocket_is_open():
    line = kraken.lines(["BTC/USD", "ETH/BTC"], ("trade", "book", "ticker"))[0]
    assert line.path == "/v2"
    assert [json.loads(said) for said in line.say] == [
        {"method": "subscribe", "params": {"channel": channel, "symbol": ["BTC/USD", "ETH/BTC"], **more}}
        for channel, more in (
            ("trade", {"snapshot": False}),
            ("book", {"depth": 1000, "snapshot": True}),
            ("ticker", {"snapshot": True, "event_trigger": "bbo"}),
        )
    ]
    assert (json.loads(line.ping), line.ping_s) == ({"method": "ping"}, 30.0)


def test_names_purposes_and_the_clock():
    assert (kraken.venue_symbol("BTC/USD"), kraken.venue_symbol("XBT/USD")) == ("BTC/USD", "BTC/USD")
    assert purpose_of("https://api.kraken.com/0/public/Trades?pair=XBTUSD") == "Trades"
    assert kraken.read_clock(sample("Time")) == 1795341602.0
    with pytest.raises(msgspec.DecodeError):
        kraken.read_clock(sample("error"))


@pytest.mark.parametrize("name", ["subscribed", "status", "heartbeat", "pong", "v1_status"])
def test_what_tells_nothing_makes_nothing(venue, name):
    venue.frame(sample(name))
    gathered = venue.adapter.gathered
    assert not (gathered.records or gathered.trades or gathered.books or gathered.quotes)


def test_each_stream_was_last_seen_with_its_last_frame(venue):
    streams = ("BTC/USD@book", "BTC/USD@ticker", "BTC/USD@trade")
    assert venue.adapter.seen == dict.fromkeys(streams, RECEIVED)
    for later, name in enumerate(("book_snapshot", "ticker", "trade"), 1):
        venue.now = RECEIVED + later
        venue.frame(sample(name))
    assert venue.adapter.seen == {stream: RECEIVED + later for later, stream in enumerate(streams, 1)}


# numbers and times


@pytest.mark.parametrize(
    ("text", "plain"), [("0.10000000", "0.10000000"), ("1e-08", "0.00000001"), ("1.5E3", "1500"), ('"12.30"', "12.30")]
)
def test_a_number_keeps_every_digit(text, plain):
    assert number(msgspec.Raw(text.encode())) == plain


@given(value=st.decimals(min_value=0, max_value=10**9, places=10))
def test_any_number_of_ten_decimals_comes_out_as_it_is(value):
    assert Decimal(number(msgspec.Raw(str(value).encode()))) == value


@pytest.mark.parametrize(
    ("text", "after_ns"),
    [("10:00:00Z", 0), ("10:00:00.5Z", SECOND // 2), ("10:00:00.000001Z", 1000), ("10:00:00.000000001Z", 1)],
)
def test_times_are_exact_to_the_nanosecond(text, after_ns):
    assert time_ns(f"2026-11-22T{text}") == TEN + after_ns


@pytest.mark.parametrize(
    "text", ["", "2026-11-22", "2026-02-30T10:00:00Z", "2026-11-22T24:00:00Z", "9999-01-01T00:00:00Z"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):
        time_ns(text)


# bad frames


MALFORMED = {
    "cut JSON": sample("trade")[:-10],
    "empty": b"",
    "not JSON": b"\xff\xfe\x00",
    "a number": b"7",
    "no kind": b"{}",
    "unknown channel": b'{"channel":"nonsense","data":[]}',
    "unknown symbol": swapped("trade", "BTC/USD", "ABC/USD"),
    "second trade bad": swapped("trade", "2.5", "-2.5"),
    "id as text": swapped("trade", "70001", '"70001"'),
    "id beyond int64": swapped("trade", "70001", str(2**63)),
    "negative id": swapped("trade", "70001", "-1"),
    "no price": swapped("trade", "60123.4", "null"),
    "price as list": swapped("trade", "60123.4", "[60123.4]"),
    "empty price": swapped("trade", "60123.4", '""'),
    "price with a word": swapped("trade", "60123.4", '"6o123.4"'),
    "more decimals than held": swapped("trade", "60123.4", "60123.4001"),
    "more decimals of a size than held": swapped("trade", "0.01500000", "0.015000001"),
    "negative price": swapped("trade", "60123.4", "-60123.4"),
    "huge size": swapped("trade", "0.01500000", "99999999999999999999.0"),
    "huge exponent": swapped("trade", "0.01500000", "1e999999999"),
    "no side": swapped("trade", '"buy"', '"bought"'),
    "no time": swapped("trade", "2026-11-22T10:00:01.123456Z", ""),
    "a day that is none": swapped("trade", "2026-11-22T10:00:01.123456Z", "2026-11-31T10:00:01.123456Z"),
    "level without a size": swapped("book_update", ',"qty":0.70000000', ""),
    "book of a strange type": swapped("book_update", '"update"', '"upd"'),
    "checksum beyond 32 bits": swapped("book_update", '"checksum":', '"checksum":9999999999'),
    "bad best bid": swapped("ticker", "60121.0", '"x"'),
    "precision beyond reason": swapped("instrument", '"price_precision":7', '"price_precision":99'),
    "refused": sample("refused"),
    "nested too deep": b'{"channel":"trade","type":"update","data":' + b"[" * 100_000,
    "deep and closed": b'{"channel":"trade","type":"update","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "v1 of no known channel": b'[1,[],"nonsense","XBT/USD"]',
    "v1 too short": b'[1,2,"trade"]',
    "v1 symbol that was not asked for": sample("v1_trade"),
    "v1 refused": sample("v1_refused"),
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_frame_is_told_and_nothing_else_changes(venue, payload):
    venue.frame(sample("book_snapshot"))
    venue.trade(70000)
    before = venue.adapter.save()
    venue.forget()
    venue.frame(payload)
    gathered = venue.adapter.gathered
    [told] = gathered.records
    assert isinstance(told, Malformed)
    assert (told.seq, told.venue, told.known_ns) == (venue.seq, "kraken", RECEIVED)
    assert told.reason
    assert len(told.excerpt) <= 160
    assert not (gathered.trades or gathered.books or gathered.quotes or gathered.stamps)
    assert not (venue.adapter.questions or venue.adapter.say)
    assert venue.adapter.save() == before
    venue.frame(sample("trade"))
    venue.frame(sample("book_update"))
    assert (venue.ids(), len(gathered.books), len(gathered.records)) == ([70001, 70002], 4, 1)


def test_what_the_venue_refuses_is_told_in_its_words(venue):
    venue.frame(sample("refused"))
    venue.frame(sample("v1_refused"))
    assert all("Currency pair not supported ABC/USD" in told.reason for told in venue.of(Malformed))


def test_an_unknown_symbol_is_not_listed_by_a_frame_that_cannot_be_read():
    adapter = KrakenSpot()
    adapter.frame(1, 1, RECEIVED, swapped("trade", "60123.4", "-1"))
    assert len(adapter.registry) == 0
    adapter.frame(1, 2, RECEIVED, sample("trade"))
    assert [one.name for one in adapter.registry] == ["kraken:BTC/USD"]


@settings(max_examples=150, deadline=None)
@given(
    purpose=st.sampled_from(["Trades", "AssetPairs", "Time", "other"]),
    cut=st.integers(0, 400),
    more=st.binary(max_size=4),
)
def test_no_answer_whatsoever_raises(purpose, cut, more):
    venue = Venue()
    body = sample(purpose if purpose != "other" else "error")[:cut] + more
    venue.answer(purpose, TRADES.format(5) if purpose == "Trades" else INFO, body)
    venue.adapter.gathered.arrays()


# restart


def test_an_adapter_that_was_saved_goes_on_as_if_it_had_never_stopped(venue):
    other = Venue()
    for one in (venue, other):
        one.frame(sample("book_snapshot"))
        one.trade(70000)
        one.trade(70004)
        one.frame(swapped("book_update", "0.75000000", "0.75000001"))
        one.now += SECOND
        one.frame(sample("book_snapshot"))
        one.forget()
    saved = venue.adapter.save()
    venue.adapter = KrakenSpot(frozenset({"BTC/USD"}))
    venue.adapter.load(saved)
    for one in (venue, other):
        one.frame(sample("book_update"))
        one.past(TEN, [70001, 70002, 70003])
        one.frame(sample("trade"))
        one.trade(70005)
        one.reconnect()
    assert venue.adapter.gathered == other.adapter.gathered
    assert venue.asked() == other.asked()
    assert venue.adapter.save() == other.adapter.save()
