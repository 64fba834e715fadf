"""The Coinbase adapter on samples after the documentation: what each message becomes, holes in trade ids and how they
heal, heartbeats, lost connections, bad frames; and on what others recorded.
"""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.arrays import ASK, BID, BUY, CLEAR_BOOK, ID_INTEGER, SELL, SET_LEVEL
from ninefold.market.book import Book
from ninefold.market.records import Connection, Gap, Listed, Malformed
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues import sequence
from ninefold.venues.adapter import Question
from ninefold.venues.asked import purpose_of
from ninefold.venues.coinbase import CoinbaseExchange, lines, read_clock, venue_symbol
from ninefold.venues.coinbase_wire import STREAMS, nanoseconds
from ninefold.venues.trade_holes import LATE_NS

SAMPLES = Path(__file__).parent.parent / "samples" / "coinbase"
SESSION = "raw/cryptofeed/COINBASE_2021-04-17_first_half.jsonl.gz"
PAIRS = "raw/pairs/tardis_raw_to_normalised.jsonl.gz"
PRODUCT = "SOL-USD"
HALF_PAST_NINE = 1_795_339_800 * SECOND_NS  # 2026-11-22T09:30:00Z
RECEIVED = HALF_PAST_NINE + 5 * SECOND_NS
TRADES = "/products/SOL-USD/trades?"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes().strip()


def changed(name: str, **fields: object) -> bytes:
    """A sample frame with other values."""
    return json.dumps({**json.loads(sample(name)), **fields}).encode()


def price(text: str) -> int:
    return int(Decimal(text).scaleb(4))  # steps of 0.01 and two decimals more


def size(text: str) -> int:
    return int(Decimal(text).scaleb(6))  # steps of 0.001 and three decimals more


class Venue:
    """An adapter that knows SOL-USD's rules and is connected, and short ways to feed it."""

    def __init__(self) -> None:
        self.adapter = CoinbaseExchange(frozenset({PRODUCT}))
        self.seq = 0
        self.answer("products", "/products", sample("products"))
        self.connection("open")
        self.forget()

    def frame(self, payload: bytes) -> None:
        self.seq += 1
        self.adapter.frame(1, self.seq, RECEIVED, payload)

    def trade(self, *ids: int, **fields: object) -> None:
        for id in ids:
            self.frame(changed("match", trade_id=id, **fields))

    def beat(self, last_id: int) -> None:
        self.frame(changed("heartbeat", last_trade_id=last_id))

    def page(self, query: str, *ids: int) -> None:
        """An answer with these trades, newest first."""
        trade = json.loads(sample("trades"))[0]
        told = [{**trade, "trade_id": id} for id in sorted(ids, reverse=True)]
        self.answer("trades", TRADES + query, json.dumps(told).encode())

    def late(self) -> None:
        """Let the time pass after which a trade was missed and is not only late."""
        self.seq += 1
        self.adapter.frame(1, self.seq, RECEIVED + LATE_NS, sample("subscriptions"))

    def answer(self, purpose: str, url: str, body: bytes, status: int = 200) -> None:
        self.seq += 1
        self.adapter.answer(Answer("coinbase", purpose, url, status, body), self.seq, RECEIVED)

    def connection(self, state: str) -> None:
        self.seq += 1
        self.adapter.connection(ConnectionChange("coinbase", "market", state), 1, self.seq, RECEIVED)

    def reconnect(self) -> None:
        self.connection("lost")
        self.connection("open")

    def forget(self) -> None:
        self.late()
        gathered = self.adapter.gathered
        for made in (gathered.trades, gathered.books, gathered.quotes, gathered.records, gathered.stamps):
            made.clear()
        self.adapter.questions.clear()

    def ids(self) -> list[int]:
        return [row[6] for row in self.adapter.gathered.trades]

    def asked(self) -> list[str]:
        self.late()
        questions, self.adapter.questions = self.adapter.questions, []
        return [question.path.removeprefix(TRADES) for question in questions]

    def of(self, kind: type) -> list:
        return [record for record in self.adapter.gathered.records if isinstance(record, kind)]

    def gaps(self) -> list[tuple]:
        self.late()
        return [(gap.from_id, gap.to_id, "healed" if gap.healed else "missed") for gap in self.of(Gap)]


@pytest.fixture
def venue() -> Venue:
    return Venue()


# what each message becomes


def test_a_trade_has_its_price_size_id_and_times_and_the_side_of_the_taker(venue):
    venue.frame(sample("match"))  # the maker sold, so the taker bought
    at = HALF_PAST_NINE + 1_234_567_000
    row = (1, at, RECEIVED, venue.seq, ID_INTEGER, 0, 42, price("131.42"), size("1.25"), BUY)
    assert venue.adapter.gathered.trades == [row]
    assert venue.adapter.gathered.stamps == [(1, at, RECEIVED)]
    assert not venue.adapter.gathered.records
    assert venue.adapter.seen["SOL-USD@matches"] == RECEIVED


def test_the_taker_sells_if_the_maker_bought(venue):
    venue.trade(1, side="buy")
    assert venue.adapter.gathered.trades[0][-1] == SELL


def test_snapshot_and_changes_make_the_book(venue):
    venue.frame(sample("snapshot"))
    venue.frame(sample("l2update"))
    first, second = HALF_PAST_NINE + 100_000_000, HALF_PAST_NINE + 1_250_000_000
    one, two = venue.seq - 1, venue.seq
    assert venue.adapter.gathered.books == [
        (1, first, RECEIVED, one, 0, CLEAR_BOOK, BID, 0, 0),
        (1, first, RECEIVED, one, 0, SET_LEVEL, BID, price("131.40"), size("12.5")),
        (1, first, RECEIVED, one, 0, SET_LEVEL, BID, price("131.39"), size("0.75")),
        (1, first, RECEIVED, one, 0, SET_LEVEL, ASK, price("131.42"), size("3.1")),
        (1, first, RECEIVED, one, 0, SET_LEVEL, ASK, price("131.50"), size("40")),
        (1, second, RECEIVED, two, 0, SET_LEVEL, BID, price("131.41"), size("2")),
        (1, second, RECEIVED, two, 0, SET_LEVEL, ASK, price("131.42"), 0),
        (1, second, RECEIVED, two, 0, SET_LEVEL, ASK, price("131.43"), size("0.0001")),  # finer than a step
    ]
    book = Book()
    book.apply(venue.adapter.gathered.arrays()["books"])
    assert book.top() == ([(price("131.41"), size("2"))], [(price("131.43"), size("0.0001"))])


def test_best_bid_and_ask_are_as_of_the_tickers_trade(venue):
    venue.frame(sample("ticker"))
    best = (price("131.40"), size("12.5"), price("131.42"), size("1.85"))
    at = HALF_PAST_NINE + 1_234_567_000
    assert venue.adapter.gathered.quotes == [(1, at, RECEIVED, venue.seq, 950, *best)]
    assert not venue.adapter.gathered.stamps  # the first ticker of a quiet product tells of a trade of long ago


def test_products_give_the_rules_of_those_wanted():
    adapter = CoinbaseExchange(frozenset({PRODUCT}))
    assert adapter.start_questions() == [Question("products", "/products")]
    adapter.answer(Answer("coinbase", "products", "/products", 200, sample("products")), 1, RECEIVED)
    [listed] = adapter.gathered.records
    assert isinstance(listed, Listed)
    of = listed.instrument
    assert (of.name, of.id, of.venue_symbol, of.rules_known) == ("coinbase:SOL/USD", 1, "SOL-USD", True)
    assert (of.price_decimals, of.size_decimals) == (4, 6)
    assert (of.tick_size, of.lot_size, of.min_size) == (price("0.01"), size("0.001"), size("0.001"))
    assert of.min_notional == "1"


def test_a_wanted_product_that_the_venue_does_not_list_is_told():
    adapter = CoinbaseExchange(frozenset({PRODUCT, "NOT-USD"}))
    adapter.answer(Answer("coinbase", "products", "/products", 200, sample("products")), 1, RECEIVED)
    assert [type(record) for record in adapter.gathered.records] == [Malformed, Listed]
    assert "'NOT-USD' is not among the 2" in adapter.gathered.records[0].reason


def test_a_page_of_past_trades_is_trades_oldest_first(venue):
    venue.answer("trades", TRADES + "before=42&limit=1000", sample("trades"))
    first, second = HALF_PAST_NINE + 3_000_001_000, HALF_PAST_NINE + 4_500_000_000
    assert venue.adapter.gathered.trades == [
        (1, first, RECEIVED, venue.seq, ID_INTEGER, 0, 43, price("131.43"), size("2"), SELL),
        (1, second, RECEIVED, venue.seq, ID_INTEGER, 0, 44, price("131.44"), size("0.1"), BUY),
    ]


def test_all_is_subscribed_in_one_message_without_a_key():
    made = lines(["BTC-USD", "ETH-EUR"])[0]
    assert made.path == "/"
    assert [json.loads(said) for said in made.say] == [
        {
            "type": "subscribe",
            "product_ids": ["BTC-USD", "ETH-EUR"],
            "channels": ["matches", "level2_batch", "ticker", "heartbeat"],
        }
    ]


def test_the_answer_to_a_subscription_says_nothing(venue):
    before = venue.adapter.save()
    venue.frame(sample("subscriptions"))
    assert venue.adapter.save() == before
    assert not venue.adapter.gathered.records


def test_names_and_the_clock():
    assert venue_symbol("BTC/USD") == "BTC-USD"
    assert read_clock(sample("time")) == 1_795_339_800.25
    urls = ("https://api.pro.coinbase.com/products", "/products/BTC-USD/trades?after=7&limit=2", "/time")
    assert [purpose_of(url) for url in urls] == ["products", "trades", "time"]


TIMES = {
    "1970-01-01T00:00:00Z": 0,
    "1970-01-01T00:00:01.5Z": 1_500_000_000,
    "2026-11-22T09:30:00.000001Z": HALF_PAST_NINE + 1_000,
    "2026-11-22T09:30:00.123456789Z": HALF_PAST_NINE + 123_456_789,
    "2024-02-29T00:00:00.999999Z": 1_709_164_800 * SECOND_NS + 999_999_000,
}


@pytest.mark.parametrize(("text", "expected"), TIMES.items(), ids=TIMES)
def test_every_digit_of_a_time_is_kept(text, expected):
    assert nanoseconds(text) == expected


@given(st.integers(0, 2**63 - 1))
def test_a_time_written_and_read_again_is_the_same(at_ns):
    whole, part = divmod(at_ns, SECOND_NS)
    assert nanoseconds(f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{part:09}Z") == at_ns


# books


def test_a_change_before_the_snapshot_is_no_book(venue):
    venue.frame(sample("l2update"))
    assert not venue.adapter.gathered.books
    assert not venue.adapter.gathered.records


def test_after_a_lost_connection_no_change_counts_until_the_next_snapshot(venue):
    venue.frame(sample("snapshot"))
    venue.reconnect()
    venue.forget()
    venue.frame(sample("l2update"))
    assert not venue.adapter.gathered.books
    venue.frame(sample("snapshot"))
    venue.frame(sample("l2update"))
    assert len(venue.adapter.gathered.books) == 8


def test_a_change_of_unknown_time_counts_and_is_no_stamp(venue):
    venue.frame(sample("snapshot"))
    venue.forget()
    venue.frame(changed("l2update", time="0001-01-01T00:00:00.000000Z"))
    assert {row[1] for row in venue.adapter.gathered.books} == {UNKNOWN_NS}
    assert not venue.adapter.gathered.stamps


def test_a_size_below_zero_means_that_nothing_rests_there(venue):
    venue.frame(changed("snapshot", bids=[["131.40", "12.5"], ["131.39", "0.-10000"]], asks=[["131.50", "0"]]))
    assert [row[5:] for row in venue.adapter.gathered.books] == [
        (CLEAR_BOOK, BID, 0, 0),
        (SET_LEVEL, BID, price("131.40"), size("12.5")),
    ]
    venue.forget()
    venue.frame(changed("l2update", changes=[["buy", "131.40", "0.-1"]]))
    assert [row[5:] for row in venue.adapter.gathered.books] == [(SET_LEVEL, BID, price("131.40"), 0)]
    assert not venue.of(Malformed)


# trade ids


def test_a_trade_that_comes_twice_is_stored_once(venue):
    venue.trade(5, 6, 6, 5, 7)
    assert venue.ids() == [5, 6, 7]
    assert venue.adapter.gathered.duplicates == 2


def test_a_hole_in_the_ids_is_a_gap_and_is_asked_for_just_as_long_as_it_is(venue):
    venue.trade(5, time="2026-11-22T09:30:00Z")
    venue.trade(9, time="2026-11-22T09:30:00.7Z")
    assert venue.gaps() == [(6, 8, "missed")]
    [gap] = venue.of(Gap)
    assert (gap.from_ns, gap.to_ns, gap.stream) == (HALF_PAST_NINE, HALF_PAST_NINE + 700_000_000, "trades")
    assert venue.asked() == ["after=9&limit=3"]


def test_the_answer_closes_the_gap_with_the_missing_trades(venue):
    venue.trade(5, 9)
    venue.forget()
    venue.page("after=9&limit=3", 6, 7, 8)
    assert venue.ids() == [6, 7, 8]
    assert venue.gaps() == [(6, 8, "healed")]
    assert not venue.asked()
    venue.trade(10)
    assert len(venue.gaps()) == 1


def test_a_long_hole_is_asked_for_page_by_page_from_its_end(venue):
    venue.trade(5, 2506)
    assert venue.asked() == ["after=2506&limit=1000"]
    venue.forget()
    venue.page("after=2506&limit=1000", *range(1506, 2506))
    assert venue.asked() == ["after=1506&limit=1000"]
    venue.page("after=1506&limit=1000", *range(506, 1506))
    assert venue.asked() == ["after=506&limit=500"]
    assert venue.gaps() == []
    venue.page("after=506&limit=500", *range(6, 506))
    assert venue.gaps() == [(6, 2505, "healed")]
    assert sorted(venue.ids()) == list(range(6, 2506))
    assert not venue.asked()


def test_of_what_a_page_leaves_missing_the_latest_is_asked_for_first(venue):
    venue.trade(5, 20)
    venue.forget()
    venue.page("after=20&limit=14", 10, 11, 12)
    assert venue.asked() == ["after=20&limit=14"]
    venue.page("after=20&limit=14", *range(13, 20))
    assert venue.asked() == ["after=10&limit=4"]
    venue.page("after=10&limit=4", *range(6, 10))
    assert venue.gaps() == [(6, 19, "healed")]


def test_an_answer_that_lacks_the_trades_is_no_healing_and_is_asked_for_later_and_later(venue):
    venue.trade(5, 9)
    venue.forget()
    pauses = []
    for _ in range(11):
        venue.page("after=9&limit=3", 3, 4, 5)
        pauses += [(question.path, question.not_before_ns - RECEIVED) for question in venue.adapter.questions]
        venue.adapter.questions.clear()
    assert pauses == [(TRADES + "after=9&limit=3", 2**tries * SECOND_NS) for tries in range(1, 11)]
    assert venue.gaps() == []
    venue.page("after=9&limit=3", 6, 8)
    assert venue.asked() == ["after=8&limit=1"]
    venue.page("after=8&limit=1", 7)
    assert venue.gaps() == [(6, 8, "healed")]


def test_a_trade_that_comes_a_little_late_was_not_missed(venue):
    venue.trade(5, 7, 6)
    assert venue.gaps() == []
    assert venue.ids() == [5, 7, 6]


def test_a_trade_that_comes_after_its_gap_was_told_heals_it(venue):
    venue.trade(5, 7)
    venue.late()
    venue.trade(6)
    assert venue.gaps() == [(6, 6, "missed"), (6, 6, "healed")]
    assert venue.ids() == [5, 7, 6]


def test_of_a_hole_only_what_did_not_come_late_is_told(venue):
    venue.trade(5, 9, 7)
    assert venue.gaps() == [(6, 6, "missed"), (8, 8, "missed")]
    assert venue.asked() == ["after=9&limit=3"]


def test_many_holes_are_asked_for_with_one_question_at_a_time_that_reaches_back_to_the_first(venue):
    venue.trade(1, 3)
    venue.late()
    venue.trade(*range(5, 602, 2))
    assert venue.asked() == ["after=3&limit=1"]
    venue.page("after=3&limit=1", 2)
    assert venue.asked() == ["after=601&limit=597"]
    venue.page("after=601&limit=597", *range(4, 601))
    assert venue.asked() == []
    assert [gap for gap in venue.gaps() if gap[2] == "healed"] == [(id, id, "healed") for id in range(2, 601, 2)]


def test_a_new_hole_does_not_wait_for_one_that_the_venue_does_not_fill(venue):
    venue.trade(5, 7)
    venue.forget()
    venue.page("after=7&limit=1")
    [waiting] = venue.adapter.questions
    assert (waiting.path, waiting.not_before_ns) == (TRADES + "after=7&limit=1", RECEIVED + 2 * SECOND_NS)
    venue.forget()
    venue.trade(9)
    assert venue.asked() == ["after=9&limit=3"]
    venue.page("after=9&limit=3", 8)
    assert venue.asked() == []  # the other one still waits
    venue.trade(11)
    assert venue.asked() == ["after=11&limit=5"]


def test_a_gap_is_healed_only_after_every_older_one(venue):
    venue.trade(5, 7, 9)
    venue.forget()
    venue.page("after=9&limit=1", 8)
    assert venue.gaps() == []
    venue.page("after=7&limit=1", 6)
    assert venue.gaps() == [(6, 6, "healed"), (8, 8, "healed")]


def test_a_hole_too_many_is_forgotten_and_never_called_healed(venue, monkeypatch):
    monkeypatch.setattr(sequence, "MISSING_MOST", 64)
    for id in range(1, 134, 2):  # 66 holes, of which 64 are remembered: 2 and 4 are not
        venue.trade(id)
        venue.late()
    assert venue.gaps() == [(id, id, "missed") for id in range(2, 133, 2)]
    venue.forget()
    for id in range(6, 134, 2):
        venue.page(f"after={id + 1}&limit=1", id)
    assert venue.gaps() == [(id, id, "healed") for id in range(6, 133, 2)]


def test_an_answer_that_did_not_come_is_asked_for_again(venue):
    path = TRADES + "after=9&limit=3"
    venue.trade(5, 9)
    venue.forget()
    venue.answer("trades", path, b"", status=503)
    venue.answer("trades", path, b"", status=429)
    assert venue.adapter.questions == [
        Question("trades", path, not_before_ns=RECEIVED + SECOND_NS),
        Question("trades", path, not_before_ns=RECEIVED + 10 * SECOND_NS),
    ]
    venue.adapter.questions.clear()
    venue.trade(11)
    assert venue.asked() == []  # one question at a time, in trouble too


# heartbeats and last matches


def test_a_trade_missed_at_a_quiet_time_is_uncovered_by_the_second_heartbeat_that_knows_of_it(venue):
    venue.trade(5)
    venue.beat(7)
    assert venue.gaps() == []  # it may have run ahead of the trades
    venue.beat(7)
    assert venue.gaps() == [(6, 7, "missed")]
    assert venue.asked() == ["after=8&limit=2"]
    venue.page("after=8&limit=2", 6, 7)
    assert venue.gaps() == [(6, 7, "missed"), (6, 7, "healed")]
    venue.beat(7)
    venue.trade(8)
    assert len(venue.gaps()) == 2


def test_a_heartbeat_that_runs_ahead_of_its_trades_is_no_gap(venue):
    venue.trade(5)
    venue.beat(7)
    venue.trade(6, 7)
    venue.beat(8)
    assert venue.gaps() == []


def test_only_what_both_heartbeats_know_of_was_missed(venue):
    venue.trade(5)
    venue.beat(6)
    venue.beat(9)
    assert venue.gaps() == [(6, 6, "missed")]


def test_heartbeats_alone_uncover_nothing(venue):
    venue.beat(7)
    venue.beat(7)
    venue.trade(9)
    assert venue.gaps() == []


def test_trades_count_from_the_last_match_on_which_is_none_of_ours(venue):
    venue.frame(sample("last_match"))
    assert not venue.adapter.gathered.trades
    assert not venue.adapter.gathered.stamps
    venue.trade(43)
    assert venue.gaps() == [(42, 42, "missed")]
    assert venue.ids() == [43]


# lost connections


def test_a_reconnect_asks_for_what_came_meanwhile_and_an_empty_page_proves_that_nothing_did(venue):
    venue.trade(5)
    venue.reconnect()
    assert venue.asked() == ["before=5&limit=1000"]
    assert [change.state for change in venue.of(Connection)] == ["lost", "open"]
    venue.page("before=5&limit=1000")
    assert venue.gaps() == [(6, 5, "healed")]


def test_the_page_after_a_reconnect_brings_what_was_missed(venue):
    venue.trade(5)
    venue.reconnect()
    venue.page("before=5&limit=1000", 6, 7)
    assert venue.ids() == [5, 6, 7]
    assert venue.gaps() == [(6, 7, "healed")]


def test_a_hole_that_is_filled_while_nobody_is_connected_is_healed_once_the_pause_is_proven(venue):
    venue.trade(5, 9)
    venue.connection("lost")
    venue.forget()
    venue.page("after=9&limit=3", 6, 7, 8)
    assert venue.gaps() == []  # a healed gap would say that the pause has cost nothing
    venue.connection("open")
    venue.frame(changed("last_match", trade_id=10))
    assert venue.gaps() == [(10, 10, "missed"), (6, 8, "healed")]


def test_a_page_that_does_not_reach_back_to_the_last_known_trade_leaves_a_gap_that_is_asked_for(venue):
    venue.trade(5)
    venue.reconnect()
    venue.forget()
    venue.page("before=5&limit=1000", *range(8, 1008))  # the newest thousand
    assert venue.gaps() == [(6, 7, "missed")]
    assert venue.asked() == ["after=8&limit=2"]


PROOFS = {
    "the next trade": lambda venue: venue.trade(6),
    "the last match": lambda venue: venue.frame(changed("last_match", trade_id=5)),
    "two heartbeats": lambda venue: [venue.beat(5), venue.beat(5)],
}


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_it_is_proven_once_that_a_reconnect_missed_nothing(venue, proof):
    venue.trade(5)
    venue.reconnect()
    venue.forget()
    proof(venue)
    [(from_id, to_id, healed)] = venue.gaps()
    assert (from_id > to_id, healed) == (True, "healed")
    venue.page("before=5&limit=1000")
    venue.trade(venue.adapter.gathered.trades[-1][6] + 1 if venue.ids() else 6)
    assert len(venue.gaps()) == 1


def test_the_last_match_after_a_reconnect_uncovers_what_was_missed(venue):
    venue.trade(5)
    venue.reconnect()
    venue.forget()
    venue.frame(changed("last_match", trade_id=8))
    assert venue.gaps() == [(6, 8, "missed")]
    assert venue.asked() == ["after=9&limit=3"]


def test_an_answer_while_there_is_no_connection_proves_nothing(venue):
    venue.trade(5)
    venue.connection("lost")
    venue.page("before=5&limit=1000", 6)
    assert venue.gaps() == []
    assert venue.ids() == [5, 6]


def test_a_heartbeat_of_the_lost_connection_counts_no_more(venue):
    venue.trade(5)
    venue.beat(7)
    venue.reconnect()
    venue.forget()
    venue.beat(7)
    assert venue.gaps() == []


def test_a_reconnect_asks_for_holes_again_and_questions_keep_to_ten_a_second(venue):
    venue.trade(5, 7, 9)
    venue.connection("lost")
    venue.forget()
    venue.connection("open")
    waits = [question.not_before_ns - RECEIVED for question in venue.adapter.questions]
    assert waits == [0, SECOND_NS // 10]
    assert venue.asked() == ["after=9&limit=3", "before=9&limit=1000"]


def test_every_stream_that_was_subscribed_is_watched_from_the_connection_on(venue):
    assert venue.adapter.seen == {f"SOL-USD@{stream}": RECEIVED for stream in STREAMS}


@given(data=st.data())
@pytest.mark.slow
def test_whatever_is_lost_doubled_or_late_what_is_told_and_stored_adds_up(data):
    """Frames of trades 1 to 30 in any order, some lost: in the end stored and missing are all of them, none twice."""
    venue = Venue()
    last = 30
    kept = data.draw(st.lists(st.integers(1, last - 1), max_size=60))
    venue.trade(1, *kept, last)
    venue.beat(last)
    venue.beat(last)
    told = {id for first, to, state in venue.gaps() if state == "missed" for id in range(first, to + 1)}
    assert set(venue.ids()) | told == set(range(1, last + 1))
    assert len(venue.ids()) == len(set(venue.ids()))
    while paths := venue.asked():
        for path in paths:
            after, limit = (int(part.partition("=")[2]) for part in path.split("&"))
            venue.page(path, *range(max(after - limit, 1), after))
    assert sorted(venue.ids()) == list(range(1, last + 1))
    states = Counter((first, to) for first, to, state in venue.gaps() if state == "missed")
    assert states == Counter((first, to) for first, to, state in venue.gaps() if state == "healed")


# bad frames


MALFORMED = {
    "cut JSON": sample("match")[:-10],
    "empty": b"",
    "not JSON": b"\xff\xfe\x00",
    "a number": b"7",
    "no type": b'{"product_id":"SOL-USD"}',
    "unknown type": changed("match", type="rfq_match"),
    "an error of the venue": sample("error"),
    "unknown product": changed("match", product_id="DOGE-USD"),
    "id as text": changed("match", trade_id="43"),
    "id beyond int64": changed("match", trade_id=2**63),
    "negative id": changed("match", trade_id=-1),
    "unknown side": changed("match", side="both"),
    "price as number": changed("match", price=131.42),
    "no price": changed("match", price=None),
    "exponent": changed("match", price="1.3E2"),
    "more decimals than held": changed("match", price="131.42001"),
    "more decimals of a size than held": changed("match", size="1.2500001"),
    "negative price": changed("match", price="-131.42"),
    "size of a trade below zero": changed("match", size="0.-10000"),
    "huge size": changed("match", size="99999999999999999999"),
    "a trade without a time": changed("match", time="0001-01-01T00:00:00.000000Z"),
    "no such day": changed("match", time="2026-02-30T00:00:00Z"),
    "another time zone": changed("match", time="2026-11-22T09:30:00+01:00"),
    "a time before 1970": changed("match", time="1969-12-31T23:59:59Z"),
    "a time beyond 64 bits": changed("match", time="2263-01-01T00:00:00Z"),
    "level without a size": changed("snapshot", bids=[["131.40"]]),
    "level as number": changed("snapshot", asks=[[131.5, 2]]),
    "one bad level of many": changed("snapshot", asks=[["131.50", "2"], ["131.51", "x"]]),
    "change of unknown side": changed("l2update", changes=[["bid", "131.40", "1"]]),
    "one bad change of many": changed("l2update", changes=[["buy", "131.40", "1"], ["buy", "131.39", "-1"]]),
    "bad best bid": changed("ticker", best_bid="x"),
    "heartbeat without an id": changed("heartbeat", last_trade_id=None),
    "nested too deep": b'{"type":"match","product_id":' + b"[" * 100_000,
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_frame_is_told_and_nothing_else_changes(venue, payload):
    venue.frame(sample("snapshot"))
    venue.trade(41)
    before = venue.adapter.save()
    venue.forget()
    venue.frame(payload)
    gathered = venue.adapter.gathered
    [told] = gathered.records
    assert isinstance(told, Malformed)
    assert (told.seq, told.venue, told.known_ns) == (venue.seq, "coinbase", RECEIVED)
    assert told.reason
    assert not (gathered.trades or gathered.books or gathered.quotes or gathered.stamps or venue.adapter.questions)
    assert venue.adapter.save() == before
    venue.frame(sample("match"))
    venue.frame(sample("l2update"))
    assert (venue.ids(), len(gathered.books)) == ([42], 3)


def test_what_the_venue_refuses_is_told_in_its_words(venue):
    venue.frame(sample("error"))
    [told] = venue.of(Malformed)
    assert told.reason == "the venue says: Failed to subscribe SOL-USDX is not a valid product"


def test_a_malformed_first_frame_of_a_product_lists_nothing():
    adapter = CoinbaseExchange()
    before = adapter.save()
    adapter.frame(1, 1, RECEIVED, changed("match", price="x"))
    assert adapter.save() == before
    adapter.frame(1, 2, RECEIVED, sample("match"))
    assert adapter.registry.named("coinbase:SOL/USD").id == adapter.gathered.trades[0][0] == 1


BAD_PAGES = {
    "cut": sample("trades")[:-3],
    "one bad trade": sample("trades").replace(b"131.43000000", b"x"),
    "no list": b'{"message":"NotFound"}',
}


@pytest.mark.parametrize("body", BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_page_that_cannot_be_understood_is_told_and_brings_nothing(venue, body):
    venue.answer("trades", TRADES + "before=42&limit=1000", body)
    assert [type(record) for record in venue.adapter.gathered.records] == [Malformed]
    assert not venue.adapter.gathered.trades


# restart


def test_an_adapter_that_was_saved_goes_on_as_if_it_had_never_stopped(venue):
    other = Venue()
    for one in (venue, other):
        one.frame(sample("snapshot"))
        one.trade(5, 9)
        one.beat(11)
        one.forget()
    saved = venue.adapter.save()
    venue.adapter = CoinbaseExchange(frozenset({PRODUCT}))
    venue.adapter.load(saved)
    for one in (venue, other):
        one.frame(sample("l2update"))
        one.beat(11)
        one.page("after=9&limit=3", 6, 7, 8)
        one.trade(9, 12)
        one.reconnect()
    assert venue.adapter.gathered == other.adapter.gathered
    assert venue.gaps() == [(10, 11, "missed"), (6, 8, "healed")]
    assert venue.adapter.questions == other.adapter.questions
    assert venue.adapter.save() == other.adapter.save()


# what others recorded


@pytest.mark.slow
def test_a_recorded_session_of_2021_is_understood_and_its_books_never_cross(recording):
    adapter, books, frames = CoinbaseExchange(), {}, Counter()
    with gzip.open(recording(SESSION), "rt") as lines:
        for seq, text in enumerate(lines, 1):
            said = json.loads(text)
            if said["dir"] == "http":
                url = said["url"]
                adapter.answer(Answer("coinbase", purpose_of(url), url, 200, said["msg"].encode()), seq, RECEIVED)
            elif said["dir"] == "recv":
                adapter.frame(1, seq, RECEIVED, said["msg"].encode())
                frames[json.loads(said["msg"])["type"]] += 1
            rows = adapter.gathered.arrays()
            for id in {*rows["books"]["instrument"].tolist()} if "books" in rows else ():
                book = books.setdefault(id, Book())
                book.apply(rows["books"][rows["books"]["instrument"] == id])
                bid, ask = max(book.bids), min(book.asks)
                assert bid < ask, f"line {seq}: {adapter.registry[id].name} {bid} {ask}"
            frames["trades"] += len(rows.get("trades", ()))
            frames["quotes"] += len(rows.get("quotes", ()))
    assert {type(record) for record in adapter.gathered.records} == {Listed}
    assert (frames["match"], frames["trades"], frames["ticker"], frames["quotes"]) == (31, 31, 41, 41)
    assert len(books) == 10
    assert adapter.registry.named("coinbase:SKL/BTC").tick_size == 1
