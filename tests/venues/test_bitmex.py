"""The BitMEX adapter on samples after the documentation, and what the contract does not see: funding, liquidations, rules, a
level that is not there, the trades of a pause.
"""

import json

import pytest

from ninefold.market.arrays import ASK, BID, BUY, ID_UUID, SELL, SET_LEVEL
from ninefold.market.records import Funding, Gap, Liquidation, Malformed
from ninefold.market.time import HOUR_NS, UNKNOWN_NS
from ninefold.venues import bitmex
from ninefold.venues.asked import purpose_of

from .driven import SECOND, TEN, Driven, json_of, rules_of

RULES = "/api/v1/instrument/active"
PAST = "/api/v1/trade?symbol=XBTUSD&count=1000&reverse=true&startTime=2026-11-22T10:00:01.790Z"
ANEW = [{"op": op, "args": ["orderBookL2:XBTUSD"]} for op in ("unsubscribe", "subscribe")]


@pytest.fixture
def venue() -> Driven:
    made = Driven("bitmex", {"XBTUSD"}, (RULES, "active"))
    made.samples("book_partial")
    made.forget()
    return made


def test_trades_have_their_uuid(venue):
    venue.samples("trade_partial", "trade")
    assert [row[1:] for row in venue.trades()] == [("60120.5", "400", SELL), ("60121.0", "100", BUY)]
    first = venue.adapter.gathered.trades[0]
    assert (first[1], first[4], first[5]) == (TEN + SECOND + 789_000_000, ID_UUID, 0x00000000_006D_1000)


def test_levels_are_known_by_their_id_where_the_price_is_left_out(venue):
    venue.samples("book_insert", "book_update_2021", "book_delete_2021")
    assert venue.levels() == [
        (SET_LEVEL, BID, "60121.0", "700"),
        (SET_LEVEL, BID, "60120.5", "2600"),
        (SET_LEVEL, BID, "60121.0", "0"),
    ]
    venue.samples("book_delete")
    assert venue.levels()[-1] == (SET_LEVEL, ASK, "60121.0", "0")


def test_an_update_of_a_level_that_is_not_there_shows_that_something_was_missed(venue):
    venue.frame(venue.swapped("book_update_2021", "62400580207", "62400580299"))
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.healed, gap.from_ns) == ("books", False, venue.now)  # updates of 2021 had no time
    assert [json_of(one) for one in venue.said()] == ANEW
    venue.forget()
    venue.samples("book_update_2021", "book_insert")
    assert (venue.levels(), venue.gaps()) == ([], [])
    venue.samples("book_partial")
    assert len(venue.levels()) == 4


def test_a_delete_that_comes_twice_changes_nothing(venue):
    venue.samples("book_insert", "book_delete_2021")
    venue.forget()
    venue.samples("book_delete_2021")
    assert (venue.levels(), venue.gaps()) == ([], [])


def test_every_payment_of_funding_is_told_once(venue):
    venue.samples("funding", "funding")
    venue.frame(venue.swapped("funding", "12:00:00.000Z", "20:00:00.000Z"))
    at = TEN + 2 * HOUR_NS
    assert [(one.rate, one.due_ns) for one in venue.of(Funding)] == [("-0.000125", at), ("-0.000125", at + 8 * HOUR_NS)]


def test_a_liquidation_is_told_when_its_order_comes(venue):
    venue.samples("liquidation", "liquidation_delete")
    [forced] = venue.of(Liquidation)
    of = venue.instrument("XBTUSD")
    assert (forced.side, of.price_text(forced.price), of.size_text(forced.size)) == (BUY, "60500.5", "9200")
    assert forced.exchange_ns == UNKNOWN_NS


def test_the_rules_of_every_kind_but_spreads():
    made = Driven("bitmex", {"XBTUSD", "ETHUSDT", "XBTZ26", "XBT_USDT", "XBTM26-XBTU26"}, (RULES, "active")).listed()
    found = [rules_of(made[name]) for name in ("ETHUSDT", "XBTUSD", "XBTZ26", "XBT_USDT")]
    assert len(made) == len(found)
    assert [
        tuple(of[name] for name in ("symbol", "kind", "settle", "contract_size", "tick", "lot")) for of in found
    ] == [
        ("ETH/USDT:USDT", "swap", "USDT", "0.00001", "0.01", "1000"),
        ("BTC/USD:BTC", "swap", "BTC", "1", "0.1", "100"),
        ("BTC/USD:BTC-261225", "future", "BTC", "1", "0.5", "100"),
        ("BTC/USDT", "spot", "", "0.00000001", "0.5", "1000"),
    ]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("XBTUSD", "BTC/USD:BTC"),
        ("ETHUSD", "ETH/USD:BTC"),
        ("ETHUSDT", "ETH/USDT:USDT"),
        ("XBT_USDT", "BTC/USDT"),
        ("XBTZ26", "BTC/USD:BTC-261225"),
        ("XRPU21", "XRP/BTC:BTC-210924"),
    ],
)
def test_names_there_and_back(name, symbol):
    assert bitmex.venue_symbol(symbol) == name
    assert bitmex.Bitmex().unlisted(name).symbol == symbol


def test_after_a_loss_the_trades_since_then_are_asked_for(venue):
    venue.samples("trade")
    venue.reconnect()
    assert venue.asked() == [PAST]
    venue.forget()
    venue.answer(PAST, venue.sample("trades"))
    assert [row[1] for row in venue.trades()] == ["60121.5", "60122.0"]
    assert venue.gaps() == [("trades", 0, 0, True)]


def test_a_page_that_holds_all_since_the_loss_is_whole_without_a_known_trade(venue):
    venue.samples("trade")
    venue.reconnect()
    venue.forget()
    venue.answer(PAST, json.dumps(json.loads(venue.sample("trades"))[:1]).encode())
    assert venue.gaps() == [("trades", 0, 0, True)]


def test_a_restart_keeps_the_prices_of_levels(venue):
    venue.restart()
    venue.samples("book_update_2021")
    assert venue.levels() == [(SET_LEVEL, BID, "60120.5", "2600")]


def test_a_pong_is_no_json_and_a_refusal_is_told_in_the_words_of_the_venue(venue):
    venue.frame(b"pong")
    assert not venue.adapter.gathered.records
    venue.samples("error")
    assert "Unknown or expired symbol" in venue.of(Malformed)[0].reason


def test_what_is_said_purposes_and_the_clock(venue):
    line = bitmex.lines(["XBTUSD"], ("trade", "orderBookL2"))[0]
    assert json_of(line.say[0]) == {"op": "subscribe", "args": ["trade:XBTUSD", "orderBookL2:XBTUSD"]}
    assert (line.path, line.ping) == ("/realtime", b"ping")
    assert purpose_of("https://www.bitmex.com" + PAST) == "trade"
    assert bitmex.read_clock(venue.sample("api")) == TEN / SECOND + 0.5
