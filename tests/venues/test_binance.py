"""The Binance adapter on samples after the documentation: what each message becomes, the book rule, holes in trade ids, bad frames."""

import json
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.arrays import ASK, BID, BUY, CLEAR_BOOK, ID_AGGREGATE, ID_INTEGER, SELL, SET_LEVEL
from ninefold.market.book import Book
from ninefold.market.instruments import Instrument
from ninefold.market.records import Connection, Gap, Listed, Malformed
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.adapter import Question
from ninefold.venues.binance import BinanceSpot, lines
from ninefold.venues.trade_series import LATE_NS

SAMPLES = Path(__file__).parent.parent / "samples" / "binance"
FRAMES = ("trade", "aggTrade", "depth", "bookTicker")
MS = 1_000_000
SEQ, RECEIVED = 9, 1_672_515_782_500 * MS
DEPTH = "/api/v3/depth?symbol=BNBBTC&limit=1000"
TRADES = "/api/v3/historicalTrades?symbol=BNBBTC&fromId={}&limit=1000"
INFO = '/api/v3/exchangeInfo?symbols=["BNBBTC"]'


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes().strip()


def price(text: str) -> int:
    return int(Decimal(text).scaleb(rules().price_decimals))


def size(text: str) -> int:
    return int(Decimal(text).scaleb(rules().size_decimals))


@cache
def rules() -> Instrument:
    adapter = BinanceSpot(frozenset({"BNBBTC"}))
    adapter.answer(Answer("binance", "exchangeInfo", INFO, 200, sample("exchangeInfo")), 1, RECEIVED)
    return adapter.registry.named("binance:BNB/BTC")


def changed(name: str, **data: object) -> bytes:
    """A sample frame with other values in its data."""
    frame = json.loads(sample(name))
    frame["data"].update(data)
    return json.dumps(frame).encode()


def text(units: int, decimals: int) -> str:
    return f"{Decimal(units).scaleb(-decimals).normalize():f}"


class Venue:
    """An adapter that knows BNB/BTC's rules and is connected, and short ways to feed it."""

    def __init__(self) -> None:
        self.adapter = BinanceSpot(frozenset({"BNBBTC"}))
        self.seq = 0
        self.answer("exchangeInfo", INFO, sample("exchangeInfo"))
        self.connection("open")
        self.forget()

    def frame(self, payload: bytes) -> None:
        self.seq += 1
        self.adapter.frame(1, self.seq, RECEIVED, payload)

    def trade(self, id: int, **data: object) -> None:
        self.frame(changed("trade", t=id, **data))

    def depth(self, first: int, last: int, bids: list = (), asks: list = ()) -> None:
        self.frame(changed("depth", U=first, u=last, b=list(bids), a=list(asks)))

    def snapshot(self, last: int, bids: list = (), asks: list = ()) -> None:
        self.answer("depth", DEPTH, json.dumps({"lastUpdateId": last, "bids": list(bids), "asks": list(asks)}).encode())

    def past(self, from_id: int, *ids: int) -> None:
        trade = json.loads(sample("historicalTrades"))[0]
        self.answer("trades", TRADES.format(from_id), json.dumps([{**trade, "id": id} for id in ids]).encode())

    def wait(self) -> None:
        """A frame without a trade, after late trades would have come."""
        self.seq += 1
        self.adapter.frame(1, self.seq, RECEIVED + LATE_NS, sample("bookTicker"))

    def answer(self, purpose: str, url: str, body: bytes, status: int = 200) -> None:
        self.seq += 1
        self.adapter.answer(Answer("binance", purpose, url, status, body), self.seq, RECEIVED)

    def connection(self, state: str) -> None:
        self.seq += 1
        self.adapter.connection(ConnectionChange("binance", "market", state), 1, self.seq, RECEIVED)

    def forget(self) -> None:
        gathered = self.adapter.gathered
        for made in (
            gathered.trades,
            gathered.books,
            gathered.quotes,
            gathered.records,
            gathered.stamps,
            self.adapter.questions,
        ):
            made.clear()

    def ids(self) -> list[int]:
        return [row[6] for row in self.adapter.gathered.trades]

    def asked(self) -> list[str]:
        questions, self.adapter.questions = self.adapter.questions, []
        return [question.path for question in questions]

    def of(self, kind: type) -> list:
        return [record for record in self.adapter.gathered.records if isinstance(record, kind)]

    def gaps(self) -> list[tuple]:
        return [(gap.stream, gap.from_id, gap.to_id, gap.healed) for gap in self.of(Gap)]

    def book(self) -> tuple:
        """Bids and asks as short decimal text."""
        book = Book()
        book.apply(self.adapter.gathered.arrays()["books"])
        of = rules()
        return tuple(
            [(text(price, of.price_decimals), text(size, of.size_decimals)) for price, size in side]
            for side in book.top(10)
        )


@pytest.fixture
def venue() -> Venue:
    return Venue()


# what each message becomes


def test_a_trade_has_its_price_size_side_id_and_times(venue):
    venue.frame(sample("trade"))
    [row] = venue.adapter.gathered.trades
    assert row == (
        1,
        1_672_515_782_134 * MS,
        RECEIVED,
        venue.seq,
        ID_INTEGER,
        0,
        12345,
        price("0.001203"),
        size("100.5"),
        SELL,
    )
    assert venue.adapter.gathered.stamps == [(1, 1_672_515_782_136 * MS, RECEIVED)]
    assert not venue.adapter.gathered.records


def test_the_taker_buys_if_the_buyer_is_no_maker(venue):
    venue.trade(1, m=False)
    assert venue.adapter.gathered.trades[0][-1] == BUY


def test_an_aggregate_trade_is_marked_as_one(venue):
    venue.frame(sample("aggTrade"))
    [row] = venue.adapter.gathered.trades
    assert row == (
        1,
        1_672_515_782_134 * MS,
        RECEIVED,
        venue.seq,
        ID_AGGREGATE,
        0,
        777,
        price("0.001203"),
        size("100.5"),
        BUY,
    )


BEST = (price("0.001202"), size("31.21"), price("0.001204"), size("40.66"))


def test_best_bid_and_ask_carry_no_venue_time(venue):
    venue.frame(sample("bookTicker"))
    [row] = venue.adapter.gathered.quotes
    assert row == (1, UNKNOWN_NS, RECEIVED, venue.seq, 400900217, *BEST)
    assert not venue.adapter.gathered.stamps


def test_depth_and_snapshot_make_the_book(venue):
    venue.frame(sample("depth"))
    assert not venue.adapter.gathered.books
    venue.answer("depth", DEPTH, sample("depth_snapshot"))
    books = venue.adapter.gathered.books
    at = 1_672_515_782_236 * MS
    assert books[:4] == [
        (1, UNKNOWN_NS, RECEIVED, venue.seq, 158, CLEAR_BOOK, BID, 0, 0),
        (1, UNKNOWN_NS, RECEIVED, venue.seq, 158, SET_LEVEL, BID, price("0.001202"), size("431")),
        (1, UNKNOWN_NS, RECEIVED, venue.seq, 158, SET_LEVEL, BID, price("0.0012"), size("5")),
        (1, UNKNOWN_NS, RECEIVED, venue.seq, 158, SET_LEVEL, ASK, price("0.001205"), size("12")),
    ]
    assert books[4] == (1, at, RECEIVED, venue.seq, 160, SET_LEVEL, BID, price("0.001202"), size("10"))
    best = (price("0.001202"), size("431"), price("0.001205"), size("12"))
    assert venue.adapter.gathered.quotes == [(1, UNKNOWN_NS, RECEIVED, venue.seq, 158, *best)]
    assert venue.book() == (
        [("0.001202", "10"), ("0.0012", "5")],
        [("0.001204", "25"), ("0.001205", "12")],
    )


def test_exchange_info_gives_the_rules():
    adapter = BinanceSpot(frozenset({"BNBBTC"}))
    assert adapter.start_questions() == [Question("exchangeInfo", INFO, weight=20)]
    adapter.answer(Answer("binance", "exchangeInfo", INFO, 200, sample("exchangeInfo")), SEQ, RECEIVED)
    [listed] = adapter.gathered.records
    assert isinstance(listed, Listed)
    of = listed.instrument
    assert (of.name, of.id, of.base, of.quote, of.rules_known) == ("binance:BNB/BTC", 1, "BNB", "BTC", True)
    assert (of.tick_size, of.lot_size, of.min_size) == (price("0.000001"), size("0.01"), size("0.01"))
    assert (of.min_notional, of.price_band) == ("0.00010000", None)


BY_SIDE = {"bidMultiplierUp": "1.2", "bidMultiplierDown": "0.2", "askMultiplierUp": "5", "askMultiplierDown": "0.8"}


@pytest.mark.parametrize(
    ("told", "band"),
    [
        ({"filterType": "PERCENT_PRICE_BY_SIDE", **BY_SIDE}, ("0.2", "1.2", "0.8", "5")),
        ({"filterType": "PERCENT_PRICE", "multiplierUp": "1.3", "multiplierDown": "0.7"}, ("0.7", "1.3", "0.7", "1.3")),
        ({"filterType": "PERCENT_PRICE_BY_SIDE", **BY_SIDE, "askMultiplierUp": "much"}, None),
        ({"filterType": "PERCENT_PRICE", "multiplierUp": "1.3"}, None),
    ],
)
def test_exchange_info_gives_the_price_band_and_one_that_cannot_be_read_is_refused(told, band):
    info = json.loads(sample("exchangeInfo"))
    info["symbols"][0]["filters"].append(told)
    adapter = BinanceSpot(frozenset({"BNBBTC"}))
    adapter.start_questions()
    adapter.answer(Answer("binance", "exchangeInfo", INFO, 200, json.dumps(info).encode()), SEQ, RECEIVED)
    [record] = adapter.gathered.records
    if band is None:
        assert isinstance(record, Malformed) and "price band" in record.reason
    else:
        assert record.instrument.price_band == band


def test_past_trades_are_trades(venue):
    venue.answer("trades", TRADES.format(12343), sample("historicalTrades"))
    assert [row[4:] for row in venue.adapter.gathered.trades] == [
        (ID_INTEGER, 0, 12343, price("0.0012"), size("1"), SELL),
        (ID_INTEGER, 0, 12344, price("0.001201"), size("2"), BUY),
    ]


def test_the_path_of_a_combined_stream_names_every_stream_in_small_letters():
    assert lines(["BTCUSDT", "ETHUSDT"], ("trade", "depth@100ms"))[0].path == (
        "/stream?streams=btcusdt@trade/btcusdt@depth@100ms/ethusdt@trade/ethusdt@depth@100ms"
    )


def test_the_answer_to_a_subscription_is_no_malformed_frame(venue):
    venue.frame(b'{"result":null,"id":1}')
    assert not venue.of(Malformed)


# the book rule


def test_changes_before_the_snapshot_are_dropped_and_the_first_one_may_overlap_it(venue):
    venue.depth(90, 95, bids=[["0.00000100", "1"]])
    venue.depth(96, 103, bids=[["0.00000200", "2"]])
    venue.depth(104, 104, bids=[["0.00000300", "3"]])
    venue.snapshot(100)
    assert venue.book() == ([("0.000003", "3"), ("0.000002", "2")], [])
    assert not venue.asked()


def test_a_change_that_follows_directly_is_applied_and_an_old_one_is_not(venue):
    venue.snapshot(100, bids=[["0.00000100", "1"]])
    venue.depth(101, 102, asks=[["0.00000900", "4"]])
    venue.depth(95, 102, bids=[["0.00000100", "0"]])
    assert venue.book() == ([("0.000001", "1")], [("0.000009", "4")])


def test_a_missing_change_is_a_gap_and_asks_for_a_new_snapshot(venue):
    venue.snapshot(100, bids=[["0.00000100", "1"]])
    venue.depth(101, 102)
    venue.forget()
    venue.depth(105, 106, bids=[["0.00000200", "2"]])
    assert venue.gaps() == [("books", 103, 104, False)]
    assert venue.asked() == [DEPTH]
    assert not venue.adapter.gathered.books
    venue.depth(107, 107, bids=[["0.00000300", "3"]])
    venue.snapshot(105, bids=[["0.00000500", "5"]])
    assert venue.book() == ([("0.000005", "5"), ("0.000003", "3"), ("0.000002", "2")], [])


def test_a_snapshot_older_than_the_first_waiting_change_is_asked_for_again(venue):
    venue.depth(105, 106)
    venue.snapshot(100)
    assert not venue.adapter.gathered.books
    assert venue.asked() == [DEPTH]


def test_a_change_missing_among_the_waiting_ones_asks_again_instead_of_waiting_forever(venue):
    venue.depth(101, 101)
    venue.frame(changed("depth", U=102, u=102, b=[["bad", "1"]]))
    venue.depth(103, 103)
    venue.snapshot(100)
    assert venue.asked() == [DEPTH]
    venue.snapshot(103, bids=[["0.00000500", "5"]])
    venue.depth(104, 104, asks=[["0.00000900", "4"]])
    assert venue.book() == ([("0.000005", "5")], [("0.000009", "4")])


def test_a_new_connection_asks_for_the_book_again(venue):
    venue.snapshot(100)
    venue.connection("lost")
    venue.connection("open")
    assert venue.asked() == [DEPTH]
    venue.forget()
    venue.depth(101, 101, bids=[["0.00000100", "1"]])
    assert not venue.adapter.gathered.books


def test_a_snapshot_that_cannot_be_understood_leaves_the_book_as_it_is(venue):
    venue.depth(101, 101, bids=[["0.00000200", "2"]])
    venue.snapshot(100, bids=[["0.00000100", "x"]])
    assert len(venue.of(Malformed)) == 1
    venue.snapshot(100, bids=[["0.00000100", "1"]])
    assert venue.book() == ([("0.000002", "2"), ("0.000001", "1")], [])


# trade ids


def test_a_trade_that_comes_twice_is_stored_once(venue):
    for id in (5, 6, 6, 5, 7):
        venue.trade(id)
    assert venue.ids() == [5, 6, 7]
    assert venue.adapter.gathered.duplicates == 2


def test_a_hole_in_the_ids_is_a_gap_and_is_asked_for(venue):
    venue.trade(5, T=1_672_515_782_000)
    venue.trade(9, T=1_672_515_782_700)
    assert venue.gaps() == []
    venue.wait()
    assert venue.gaps() == [("trades", 6, 8, False)]
    [gap] = venue.of(Gap)
    assert (gap.from_ns, gap.to_ns) == (1_672_515_782_000 * MS, 1_672_515_782_700 * MS)
    assert venue.asked() == [TRADES.format(6)]


def test_a_trade_that_comes_a_little_late_was_no_gap(venue):
    for id in (5, 8, 6, 9):
        venue.trade(id)
    venue.wait()
    assert venue.ids() == [5, 8, 6, 9]
    assert venue.gaps() == [("trades", 7, 7, False)]


def test_the_answer_closes_the_gap_with_just_the_missing_trades(venue):
    venue.trade(5)
    venue.trade(9)
    venue.forget()
    venue.past(6, 6, 7, 8, 9)
    assert venue.ids() == [6, 7, 8]
    assert venue.gaps() == [("trades", 6, 9, True)]
    venue.trade(10)
    assert len(venue.gaps()) == 1


def test_an_answer_that_lacks_some_of_the_missing_trades_heals_nothing(venue):
    venue.trade(5)
    venue.trade(9)
    venue.forget()
    venue.past(6, 6, 8, 9)
    assert venue.gaps() == []


def test_an_answer_that_did_not_come_is_asked_for_again_a_second_later(venue):
    venue.answer("trades", TRADES.format(6), b"", status=503)
    assert venue.adapter.questions == [Question("trades", TRADES.format(6), 25, RECEIVED + 10**9)]


def test_a_full_page_of_past_trades_asks_for_the_next_one(venue):
    venue.trade(5)
    venue.trade(2000)
    venue.wait()
    venue.forget()
    venue.past(6, *range(6, 1006))
    assert venue.asked() == [TRADES.format(1006)]
    assert venue.gaps() == []
    venue.past(1006, *range(1006, 2001))
    assert venue.gaps() == [("trades", 6, 2000, True)]
    assert venue.ids() == list(range(6, 2000))


def test_of_hundreds_of_holes_none_is_forgotten_and_one_question_at_a_time_heals_them(venue):
    for id in range(1, 1001, 2):
        venue.trade(id)
    venue.connection("lost")
    assert venue.asked() == [TRADES.format(2)]
    venue.connection("open")
    venue.forget()
    venue.past(2, *range(2, 1002))
    venue.past(1002)
    assert venue.ids() == [*range(2, 1001, 2), 1001]
    assert venue.gaps()[-1] == ("trades", 2, 1001, True)


def test_what_an_answer_healed_while_the_connection_was_lost_is_told_after_the_next_one(venue):
    venue.trade(5)
    venue.trade(9)
    venue.connection("lost")
    venue.past(6, 6, 7, 8, 9, 10)
    venue.connection("open")
    assert TRADES.format(11) in venue.asked()
    venue.forget()
    venue.past(11)
    assert venue.gaps() == [("trades", 6, 10, True)]


def test_a_trade_before_the_first_one_that_came_is_new_too(venue):
    venue.trade(7)
    venue.trade(6)
    venue.trade(8)
    assert venue.ids() == [7, 6, 8]
    assert venue.gaps() == []


def test_a_reconnect_asks_for_what_came_meanwhile_and_no_trade_proves_that_nothing_did(venue):
    venue.trade(5)
    venue.connection("lost")
    venue.connection("open")
    assert TRADES.format(6) in venue.asked()
    assert [change.state for change in venue.of(Connection)] == ["lost", "open"]
    venue.forget()
    venue.past(6)
    assert venue.gaps() == [("trades", 6, 5, True)]


def test_the_next_trade_in_line_proves_that_a_reconnect_missed_nothing(venue):
    venue.trade(5)
    venue.connection("lost")
    venue.connection("open")
    venue.forget()
    venue.trade(6)
    assert venue.gaps() == [("trades", 6, 5, True)]
    venue.trade(7)
    assert len(venue.gaps()) == 1


def test_a_trade_further_on_after_a_reconnect_is_a_gap(venue):
    venue.trade(5)
    venue.connection("lost")
    venue.connection("open")
    venue.forget()
    venue.trade(8)
    venue.wait()
    assert venue.gaps() == [("trades", 6, 7, False)]


def test_an_answer_from_before_the_connection_was_lost_proves_nothing(venue):
    venue.trade(5)
    venue.connection("lost")
    venue.forget()
    venue.past(6)
    assert venue.gaps() == []


def test_a_reconnect_asks_from_the_oldest_trade_still_missing(venue):
    venue.trade(5)
    venue.trade(9)
    venue.connection("lost")
    venue.forget()
    venue.connection("open")
    assert TRADES.format(6) in venue.asked()


def test_a_hole_in_aggregate_ids_is_never_asked_for_as_trade_ids(venue):
    venue.frame(changed("aggTrade", a=5))
    venue.frame(changed("aggTrade", a=9))
    venue.wait()
    assert venue.gaps() == [("trades", 6, 8, False)]
    venue.connection("lost")
    venue.connection("open")
    assert venue.asked() == [DEPTH]


# bad frames


MALFORMED = {
    "cut JSON": sample("trade")[:-10],
    "empty": b"",
    "not JSON": b"\xff\xfe\x00",
    "a number": b"7",
    "no wrapper": b'{"e":"trade"}',
    "unknown stream": b'{"stream":"bnbbtc@nonsense","data":{}}',
    "unknown symbol": changed("trade", s="DOGEBTC"),
    "id as text": changed("trade", t="12345"),
    "id beyond 64 bits": changed("trade", t=2**64),
    "id beyond int64": changed("trade", t=2**63),
    "negative id": changed("trade", t=-1),
    "price as number": changed("trade", p=0.0012),
    "no price": changed("trade", p=None),
    "empty price": changed("trade", p=""),
    "exponent": changed("trade", p="1.2E-3"),
    "more decimals than held": changed("trade", p="0.001203501"),
    "more decimals of a size than held": changed("trade", q="0.001000001"),
    "negative price": changed("trade", p="-0.00120300"),
    "negative size": changed("trade", q="-1.00000000"),
    "huge size": changed("trade", q="99999999999999999999.00000000"),
    "huge time": changed("trade", T=10**16),
    "huge event time": changed("trade", E=10**16),
    "level without a size": changed("depth", b=[["0.00120200"]]),
    "more decimals of a level than held": changed("depth", b=[["0.001202501", "1.00000000"]]),
    "level as number": changed("depth", a=[[1.5, 2]]),
    "update id beyond int64": changed("depth", u=2**63),
    "bad best bid": changed("bookTicker", b="x"),
    "nested too deep": b'{"stream":"bnbbtc@trade","data":' + b"[" * 100_000,
    "deep and closed": b'{"stream":"bnbbtc@trade","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_frame_is_told_and_nothing_else_changes(venue, payload):
    venue.snapshot(156)
    venue.trade(12344)
    before = venue.adapter.save()
    venue.forget()
    venue.frame(payload)
    gathered = venue.adapter.gathered
    [told] = gathered.records
    assert isinstance(told, Malformed)
    assert (told.seq, told.venue, told.known_ns) == (venue.seq, "binance", RECEIVED)
    assert told.reason
    assert len(told.excerpt) <= 160
    assert not (gathered.trades or gathered.books or gathered.quotes or gathered.stamps or venue.adapter.questions)
    assert venue.adapter.save() == before
    venue.frame(sample("trade"))
    venue.frame(sample("depth"))
    assert (venue.ids(), len(gathered.books)) == ([12345], 3)


@st.composite
def mutated(draw) -> bytes:
    """A sample frame with a value replaced or some of its bytes changed, cut or doubled."""
    payload = sample(draw(st.sampled_from(FRAMES)))
    if draw(st.booleans()):
        frame = json.loads(payload)
        key = draw(st.sampled_from(sorted(frame["data"])))
        value = st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.decimals().map(str),
            lambda inner: st.lists(inner, max_size=3),
        )
        frame["data"][key] = draw(value)
        payload = json.dumps(frame).encode()
    raw = bytearray(payload)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(raw)


@pytest.mark.slow
@given(payloads=st.lists(mutated(), min_size=1, max_size=6))
def test_no_frame_whatsoever_raises_or_makes_rows_that_do_not_fit(payloads):
    venue = Venue()
    venue.snapshot(156)
    for payload in payloads:
        venue.frame(payload)
    for rows in venue.adapter.gathered.arrays().values():
        assert (rows["instrument"] == 1).all()


@settings(max_examples=100, deadline=None)
@given(
    purpose=st.sampled_from(["depth", "exchangeInfo", "trades", "other"]),
    cut=st.integers(0, 400),
    more=st.binary(max_size=4),
)
def test_no_answer_whatsoever_raises(purpose, cut, more):
    venue = Venue()
    body = sample({"depth": "depth_snapshot", "trades": "historicalTrades"}.get(purpose, "exchangeInfo"))[:cut] + more
    url = {"depth": DEPTH, "trades": TRADES.format(5)}.get(purpose, INFO)
    venue.answer(purpose, url, body)
    venue.adapter.gathered.arrays()


# restart


def test_an_adapter_that_was_saved_goes_on_as_if_it_had_never_stopped(venue):
    other = Venue()
    for one in (venue, other):
        one.depth(101, 102, bids=[["0.00000200", "2"]])
        one.trade(5)
        one.trade(9)
        one.frame(sample("bookTicker"))
        one.forget()
    saved = venue.adapter.save()
    venue.adapter = BinanceSpot(frozenset({"BNBBTC"}))
    venue.adapter.load(saved)
    for one in (venue, other):
        one.snapshot(100, bids=[["0.00000100", "1"]], asks=[["0.00000900", "1"]])
        one.past(6, 6, 7, 8)
        one.trade(9)
        one.trade(10)
    assert venue.adapter.gathered == other.adapter.gathered
    assert venue.adapter.save() == other.adapter.save()


def test_a_symbol_becomes_known_with_the_first_of_its_messages_that_can_be_read():
    adapter = BinanceSpot()
    before = adapter.save()
    adapter.frame(1, 1, RECEIVED, changed("trade", p="0.001203,0"))
    [told] = adapter.gathered.records
    assert isinstance(told, Malformed)
    assert (adapter.save(), len(adapter.registry)) == (before, 0)
    adapter.frame(1, 2, RECEIVED, changed("trade"))
    assert [one.name for one in adapter.registry] == ["binance:BNB/BTC"]
