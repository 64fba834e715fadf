"""Kraken Futures beyond the contract of all venues: products, numbered trades and their pages, books, funding, liquidations."""

import json

import pytest

from ninefold.market.arrays import CLEAR_BOOK, ID_UUID, SELL
from ninefold.market.records import Funding, Gap, Liquidation, Malformed
from ninefold.market.time import SECOND_NS
from ninefold.venues.krakenfutures import lines, read_clock
from ninefold.venues.table import VENUES

from .contract_published import PAYLOADS, payloads
from .speaking import Speaking

MS = 1_000_000
ANEW = ["unsubscribe", "subscribe"]


@pytest.fixture
def venue():
    speaking = Speaking("krakenfutures", "PF_XBTUSD", "FI_ETHUSD_270326")
    speaking.answer("/derivatives/api/v3/instruments", speaking.sample("instruments"))
    speaking.connection("open")
    speaking.forget()
    return speaking


def trade(venue, number, **data):
    uid = f"00000000-0000-0000-0000-{number:012x}"
    venue.frame({**venue.sample("trade"), "seq": number, "uid": uid, **data})


def page(venue, *numbers, at_ms=1795343457781):
    one = venue.sample("trade_snapshot")["trades"][0]
    trades = [
        {**one, "seq": number, "uid": f"00000000-0000-0000-0000-{number:012x}", "time": at_ms} for number in numbers
    ]
    venue.frame({**venue.sample("trade_snapshot"), "trades": sorted(trades, key=lambda one: -one["seq"])})


def level(venue, number, **data):
    venue.frame({**venue.sample("book"), "seq": number, **data})


def words(venue):
    return [(word["event"], word["feed"], word["product_ids"]) for word in map(json.loads, venue.said())]


def test_a_product_is_listed_under_its_unified_name_with_steps_and_settlement(venue):
    swap, future = venue.named("BTC/USD:USD"), venue.named("ETH/USD:ETH-270326")
    assert (swap.kind, swap.settle, swap.venue_symbol, swap.rules_known) == ("swap", "USD", "PF_XBTUSD", True)
    assert (swap.size_text(swap.lot_size), swap.price_text(swap.tick_size)) == ("0.0001", "1")
    assert (future.kind, future.settle, future.price_text(future.tick_size)) == ("future", "ETH", "0.05")


def test_lots_may_be_thousands():
    venue = Speaking("krakenfutures", "PF_SHIBUSD")
    venue.answer("/derivatives/api/v3/instruments", venue.sample("instruments"))
    of = venue.named("SHIB/USD:USD")
    assert (of.size_text(of.lot_size), of.price_text(of.tick_size)) == ("1000", "0.00000001")


def test_a_price_may_have_ten_decimals():
    venue = Speaking("krakenfutures", "PF_SHIBUSD")
    rules = {**venue.sample("instruments")["instruments"][3], "tickSize": 1e-10}
    venue.answer("/derivatives/api/v3/instruments", {"instruments": [rules]})
    of = venue.named("SHIB/USD:USD")
    assert of.price_text(of.tick_size) == "0.0000000001"


def test_steps_too_fine_to_be_held_are_told():
    venue = Speaking("krakenfutures", "PF_SHIBUSD")
    venue.answer(
        "/derivatives/api/v3/instruments",
        {"instruments": [{**venue.sample("instruments")["instruments"][3], "contractValueTradePrecision": 9}]},
    )
    [told] = venue.of(Malformed)
    assert "sizes 8 decimals" in told.reason


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("BTC/USD:USD", "PF_XBTUSD"),
        ("BTC/USD:BTC", "PI_XBTUSD"),
        ("BTC/USD:BTC-270326", "FI_XBTUSD_270326"),
        ("ETH/USD:USD-270326", "FF_ETHUSD_270326"),
    ],
)
def test_symbols_are_written_as_the_venue_writes_them(ours, theirs):
    assert VENUES["krakenfutures"].venue_symbol(ours) == theirs


def test_what_is_no_contract_is_refused_with_an_example():
    with pytest.raises(ValueError, match="written 'BTC/USD:USD'"):
        VENUES["krakenfutures"].venue_symbol("BTC/USD")


def test_a_line_asks_for_every_feed_and_a_heartbeat():
    said = [json.loads(word) for word in lines(["PF_XBTUSD"], ("trade", "ticker"))[0].say]
    assert [word["feed"] for word in said] == ["trade", "ticker", "heartbeat"]
    assert said[0] == {"event": "subscribe", "feed": "trade", "product_ids": ["PF_XBTUSD"]}


def test_the_venues_time_is_in_every_answer():
    assert read_clock(json.dumps(Speaking("krakenfutures").sample("tickers")).encode()) == 1795343462.125


def test_the_first_page_tells_nothing_but_where_the_feed_begins(venue):
    page(venue, 5, 6, 7)
    assert not venue.ids() and not venue.of(Gap)
    trade(venue, 9)
    venue.now_ns += SECOND_NS
    trade(venue, 10)
    [gap] = venue.of(Gap)
    assert (gap.from_id, gap.to_id) == (8, 8), "the first trade after the page was missed"


def test_a_hole_is_healed_by_the_page_of_a_new_subscription(venue):
    page(venue, 7)
    trade(venue, 8)
    trade(venue, 11)
    venue.now_ns += SECOND_NS
    trade(venue, 12)
    assert words(venue) == [(event, "trade", ["PF_XBTUSD"]) for event in ANEW]
    page(venue, *range(5, 13))
    assert venue.ids() == [8, 11, 12, 9, 10], "and none from before the feed began"
    assert {row[4] for row in venue.adapter.gathered.trades} <= {ID_UUID}
    assert [(gap.from_id, gap.to_id, gap.healed) for gap in venue.of(Gap)] == [(9, 10, False), (8, 12, True)]


def test_after_a_lost_connection_the_page_brings_what_came_meanwhile(venue):
    page(venue, 7)
    trade(venue, 8)
    venue.connection("lost")
    venue.connection("open")
    assert not venue.said(), "the line itself subscribes"
    venue.restart()
    venue.forget()
    page(venue, *range(1, 11))
    assert venue.ids() == [9, 10]
    [told] = venue.of(Gap)
    assert told.healed and told.to_id == 10


def test_a_page_that_does_not_reach_back_leaves_a_hole(venue):
    page(venue, 7)
    trade(venue, 8)
    venue.connection("lost")
    venue.connection("open")
    venue.forget()
    page(venue, *range(200, 300))
    venue.now_ns += SECOND_NS
    trade(venue, 300)
    assert [(gap.from_id, gap.to_id, gap.healed) for gap in venue.of(Gap)] == [(9, 199, False)]


def test_numbers_that_start_anew_leave_it_unknown_what_came_before_them(venue):
    page(venue, 700)
    trade(venue, 701, time=1795343460519)
    venue.connection("lost")
    venue.connection("open")
    venue.forget()
    page(venue, 1, 2, at_ms=1795343499000)
    assert venue.ids() == [1, 2]
    [gap] = [gap for gap in venue.of(Gap) if not gap.healed]
    assert (gap.from_ns, gap.to_ns) == (1795343460519 * MS, 1795343499000 * MS)
    trade(venue, 3)
    assert venue.ids() == [3]


def test_a_hole_in_a_book_makes_it_unknown_until_a_new_snapshot(venue):
    venue.frame({**venue.sample("book_snapshot"), "seq": 10})
    level(venue, 11)
    assert len(venue.levels()) == 1 + 4 + 1
    level(venue, 13)
    level(venue, 14)
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.from_id, gap.to_id) == ("books", 12, 12)
    assert not venue.levels()
    assert words(venue) == [(event, "book", ["PF_XBTUSD"]) for event in ANEW]
    venue.frame({**venue.sample("book_snapshot"), "seq": 20})
    assert venue.levels()[0][0] == CLEAR_BOOK


def test_a_liquidation_is_a_trade_and_a_record_once(venue):
    for _ in range(2):
        venue.frame(venue.sample("trade_liquidation"))
    [told] = venue.of(Liquidation)
    of = venue.named("BTC/USD:USD")
    assert (told.side, of.price_text(told.price), of.size_text(told.size)) == (SELL, "86870", "1.2500")
    assert len(venue.ids()) == 1


def test_the_relative_funding_rate_is_told_when_it_changes(venue):
    venue.frame(venue.sample("ticker"))
    venue.frame({**venue.sample("ticker"), "time": 1795343462406})
    [told] = venue.of(Funding)
    assert (told.rate, told.due_ns) == ("-0.000007205222222", 1795345200000 * MS)
    assert venue.named("BTC/USD:USD").price_text(told.mark_price) == "86897.6"
    without = venue.sample("ticker")
    del without["relative_funding_rate"]
    venue.frame(without)
    assert [told.rate for told in venue.of(Funding)] == ["0"], "the venue leaves out what is 0"


def test_what_the_venue_refuses_is_told(venue):
    venue.frame(venue.sample("error"))
    [told] = venue.of(Malformed)
    assert "Invalid product id" in told.reason


def test_the_products_that_others_published_are_listed(recording):
    [one] = [one for one in payloads(recording(PAYLOADS.format("kraken"))) if "futures_instruments" in one.file]
    venue = Speaking("krakenfutures", "PI_XBTUSD", "PF_ETHUSD")
    venue.answer("/derivatives/api/v3/instruments", json.loads(one.text))
    assert venue.named("BTC/USD:BTC").contract_size == "1"
    assert venue.named("ETH/USD:USD").size_text(venue.named("ETH/USD:USD").lot_size) == "0.001"
