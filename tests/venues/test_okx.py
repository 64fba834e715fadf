"""OKX beyond the contract of all venues: instruments, trades told together, holes, books by ids and by checksum, funding."""

import json

import pytest

from ninefold.market.arrays import BUY, CLEAR_BOOK
from ninefold.market.records import Funding, Gap, Liquidation, Malformed
from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.venues.okx import lines, read_clock
from ninefold.venues.table import VENUES

from .contract_published import PAYLOADS, payloads
from .speaking import Speaking

MS = 1_000_000
RULES = "/api/v5/public/instruments?instType={}&instId={}"
BOOKS = "/api/v5/market/books?instId=BTC-USDT&sz=400"
HISTORY = "/api/v5/market/history-trades?instId=BTC-USDT&type=1&after={}&limit=100"


@pytest.fixture
def venue():
    speaking = Speaking("okx", "BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-270326")
    for kind, symbol in (("spot", "BTC-USDT"), ("swap", "BTC-USDT-SWAP"), ("futures", "BTC-USD-270326")):
        speaking.answer(RULES.format(kind.upper(), symbol), speaking.sample(f"instruments_{kind}"))
    speaking.connection("open")
    speaking.forget()
    return speaking


def trade(venue, id, count=1):
    message = venue.sample("trades")
    message["data"][0].update(tradeId=str(id), count=str(count))
    venue.frame(message)


def past(venue, from_id, *ids):
    one = venue.sample("history-trades")["data"][0]
    answer = {"code": "0", "msg": "", "data": [{**one, "tradeId": str(id)} for id in sorted(ids, reverse=True)]}
    venue.answer(HISTORY.format(from_id + 100), answer)


def book(venue, name, **data):
    message = venue.sample(name)
    message["data"][0].update(data)
    venue.frame(message)


def rest_book(venue, **data):
    answer = venue.sample("books_rest")
    answer["data"][0].update(data)
    venue.answer(BOOKS, answer)


def test_instruments_are_listed_under_their_unified_names(venue):
    pair, swap, future = (venue.named(name) for name in ("BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC-270326"))
    assert (pair.kind, pair.price_text(pair.tick_size), pair.size_text(pair.lot_size)) == ("spot", "0.1", "0.00000001")
    assert (swap.kind, swap.settle, swap.contract_size, swap.size_text(swap.lot_size)) == (
        "swap",
        "USDT",
        "0.01",
        "0.01",
    )
    assert (future.kind, future.settle, future.contract_size) == ("future", "BTC", "100")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("BTC/USDT", "BTC-USDT"),
        ("BTC/USDT:USDT", "BTC-USDT-SWAP"),
        ("BTC/USD:BTC", "BTC-USD-SWAP"),
        ("BTC/USD:BTC-270326", "BTC-USD-270326"),
    ],
)
def test_symbols_are_written_as_the_venue_writes_them(ours, theirs):
    assert VENUES["okx"].venue_symbol(ours) == theirs


def test_what_the_venue_does_not_trade_is_refused_with_examples():
    with pytest.raises(ValueError, match="pairs are written 'BTC/USDT'"):
        VENUES["okx"].venue_symbol("BTC/USDT:EUR")


def test_a_line_asks_for_what_there_is_of_each_instrument():
    [word] = lines(["BTC-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP"], ("trades", "funding-rate", "liquidation-orders"))[
        0
    ].say
    assert json.loads(word)["args"] == [
        {"channel": "trades", "instId": "BTC-USDT"},
        {"channel": "trades", "instId": "BTC-USDT-SWAP"},
        {"channel": "funding-rate", "instId": "BTC-USDT-SWAP"},
        {"channel": "liquidation-orders", "instType": "SWAP"},
        {"channel": "trades", "instId": "ETH-USDT-SWAP"},
        {"channel": "funding-rate", "instId": "ETH-USDT-SWAP"},
    ]


def test_single_trades_come_by_another_websocket():
    assert [one.path for one in lines(["BTC-USDT"])] == ["/ws/v5/public"]
    both = lines(["BTC-USDT"], ("trades-all", "books"))
    assert [(one.path, one.streams, one.trades) for one in both] == [
        ("/ws/v5/public", ("books",), False),
        ("/ws/v5/business", ("trades-all",), True),
    ]
    with pytest.raises(ValueError, match="name one of them"):
        lines(["BTC-USDT"], ("trades-all", "trades"))


def test_trades_that_are_told_together_are_no_hole(venue):
    trade(venue, 10)
    trade(venue, 14, count=4)
    trade(venue, 15)
    assert venue.ids() == [10, 14, 15]
    venue.now_ns += MINUTE_NS
    trade(venue, 16)
    [told] = venue.of(Gap)
    assert told.healed and (told.from_id, told.to_id) == (11, 13), "a certificate counts these ids as known"


def test_trades_that_are_told_together_twice_are_one(venue):
    for _ in range(2):
        trade(venue, 14, count=4)
    assert venue.ids() == [14]
    assert venue.adapter.gathered.duplicates == 1


def test_what_is_partly_known_is_told_one_by_one_by_rest(venue):
    trade(venue, 10)
    trade(venue, 12)
    trade(venue, 14, count=4)
    trade(venue, 15)
    venue.now_ns += SECOND_NS
    trade(venue, 16)
    assert venue.ids() == [10, 12, 15, 16]
    assert [(gap.from_id, gap.to_id) for gap in venue.of(Gap)] == [(11, 11), (13, 14)]


def test_a_hole_is_told_asked_for_by_its_ids_and_healed(venue):
    trade(venue, 1010)
    trade(venue, 1013)
    venue.now_ns += SECOND_NS
    trade(venue, 1014)
    assert venue.asked() == [HISTORY.format(1111)]
    past(venue, 1011, *range(1000, 1015))
    assert venue.ids() == [1010, 1013, 1014, 1011, 1012], "and none from before the first"
    assert [(gap.from_id, gap.to_id, gap.healed) for gap in venue.of(Gap)] == [(1011, 1012, False), (1011, 1014, True)]


def test_after_a_lost_connection_page_after_page_is_asked_for(venue):
    trade(venue, 1010)
    venue.connection("lost")
    venue.connection("open")
    assert venue.asked() == [HISTORY.format(1111)]
    past(venue, 1011, *range(1011, 1111))
    assert venue.asked() == [HISTORY.format(1211)]
    past(venue, 1111, *range(1050, 1150))
    assert venue.ids() == list(range(1010, 1150))
    assert not venue.asked()
    assert [gap.healed for gap in venue.of(Gap)] == [True]


def test_a_change_that_does_not_name_the_one_before_makes_the_book_unknown(venue):
    book(venue, "books_snapshot")
    book(venue, "books")
    assert len(venue.levels()) == 1 + 4 + 4
    book(venue, "books", prevSeqId=123460, seqId=123470)
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.from_id, gap.to_id) == ("books", 123458, 123460)
    assert not venue.levels() and venue.asked() == [BOOKS]
    rest_book(venue, seqId=123465)
    assert len(venue.levels()) == 1 + 2 + 4, "the change that waited begins before the snapshot and ends after it"


def test_a_book_whose_snapshot_the_stream_does_not_send_is_asked_for(venue):
    book(venue, "books", prevSeqId=90, seqId=95)
    assert venue.asked() == [BOOKS]
    rest_book(venue, seqId=89)
    assert not venue.levels(), "older than the first change that waits"
    venue.now_ns += SECOND_NS
    book(venue, "books", prevSeqId=95, seqId=99)
    assert venue.asked() == [BOOKS]
    rest_book(venue, seqId=95)
    assert len(venue.levels()) == 1 + 2 + 4
    assert not venue.of(Gap)


def test_a_message_without_a_change_and_numbers_that_begin_anew_are_no_hole(venue):
    book(venue, "books_snapshot")
    venue.forget()
    book(venue, "books", prevSeqId=123456, seqId=123456, asks=[], bids=[])
    book(venue, "books", prevSeqId=123456, seqId=3)
    venue.restart()
    book(venue, "books", prevSeqId=3, seqId=5)
    assert len(venue.levels()) == 4 and not venue.of(Gap)
    book(venue, "books", prevSeqId=6, seqId=7)
    assert venue.of(Gap)


def test_a_wrong_checksum_makes_a_book_of_old_unknown():
    venue = Speaking("okx", "ETH-USDT")
    venue.connection("open")
    venue.frame(venue.sample("2021_books_snapshot"))
    assert venue.levels()[0][0] == CLEAR_BOOK and not venue.of(Gap)
    book(venue, "2021_books", checksum=7)
    [gap] = venue.of(Gap)
    assert gap.stream == "books"


def test_funding_is_told_when_it_changes(venue):
    for _ in range(2):
        venue.frame(venue.sample("funding-rate"))
    [told] = venue.of(Funding)
    assert (told.rate, told.due_ns, told.exchange_ns) == (
        "0.0001875391284828",
        1795363200000 * MS,
        1795343425402 * MS,
    )


def test_liquidations_of_the_wanted_instruments_are_told(venue):
    venue.frame(venue.sample("liquidation-orders"))
    [told] = venue.of(Liquidation)
    of = venue.named("BTC/USDT:USDT")
    assert (told.side, of.price_text(told.price), of.size_text(told.size)) == (BUY, "87042.5", "2.50")
    assert told.instrument == of.id


def test_what_the_venue_refuses_is_told_and_pongs_are_not(venue):
    venue.frame(venue.sample("error"))
    venue.frame(venue.sample("notice"))
    venue.adapter.frame(1, 9, venue.now_ns, b"pong")
    [told] = venue.of(Malformed)
    assert "Wrong URL or channel" in told.reason


def test_an_instrument_that_the_venue_does_not_know_is_told():
    venue = Speaking("okx", "BTTC-USDT")
    venue.answer(RULES.format("SPOT", "BTTC-USDT"), venue.sample("instruments_none"))
    [told] = venue.of(Malformed)
    assert "51001" in told.reason


def test_the_venues_time_is_read():
    assert read_clock(json.dumps(Speaking("okx").sample("time")).encode()) == 1795343427.026


def test_instruments_that_others_published_are_listed(recording):
    [one] = [one for one in payloads(recording(PAYLOADS.format("okx"))) if "instruments_futures" in one.file]
    venue = Speaking("okx")
    venue.answer("/api/v5/public/instruments?instType=FUTURES", json.loads(one.text))
    assert not venue.of(Malformed)
