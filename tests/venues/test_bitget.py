"""The Bitget adapter on samples after the documentation, and what the contract does not see: numbers and checksums of books,
funding, rules, the trades of a pause.
"""

import json

import pytest

from ninefold.market.arrays import BUY, ID_NONE, ID_TEXT, SELL
from ninefold.market.records import Funding, Gap, Malformed
from ninefold.market.time import HOUR_NS
from ninefold.venues import bitget

from .driven import SECOND, TEN, Driven, json_of, rules_of

RULES = "/api/v2/spot/public/symbols"
SWAPS = "/api/v2/mix/market/contracts?productType=USDT-FUTURES"
PAST = "/api/v2/spot/market/fills-history?symbol=BTCUSDT&limit=1000"
BOOK = {"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"}


@pytest.fixture
def venue() -> Driven:
    made = Driven("bitget", {"BTCUSDT", "USDT-FUTURES:BTCUSDT"}, (RULES, "symbols"))
    made.answer(SWAPS, made.sample("contracts"))
    made.samples("books_snapshot")
    made.forget()
    return made


def test_trades_come_newest_first_and_are_told_in_their_order(venue):
    venue.samples("trade_snapshot", "trade", "trade_swap")
    assert venue.trades() == [
        (1294151170834636801, "60120.80", "0.250000", SELL),
        (1294151170843025500, "60121.00", "0.000900", BUY),
        (1294151170843025777, "60131.5", "0.5000", SELL),
    ]
    assert [row[4] for row in venue.adapter.gathered.trades] == [ID_TEXT] * 3


def test_trades_of_v1_have_no_id():
    venue = Driven("bitget", {"ALPHAUSDT"}, ("/api/spot/v1/public/products", "v1_products"))
    venue.samples("v1_trade")
    assert [row[4] for row in venue.adapter.gathered.trades] == [ID_NONE] * 2


def test_a_change_that_does_not_name_the_one_before_it_is_told_and_the_book_subscribed_anew(venue):
    venue.frame(venue.swapped("books_update", '"pseq":1343064377779269632', '"pseq":1343064377779269690'))
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.from_id, gap.to_id) == ("books", 1343064377779269633, 1343064377779269690)
    assert [json_of(one) for one in venue.said()] == [{"op": op, "args": [BOOK]} for op in ("unsubscribe", "subscribe")]
    assert not venue.levels()


def test_the_first_change_may_begin_before_the_snapshot(venue):
    venue.frame(venue.swapped("books_update", '"pseq":1343064377779269632', '"pseq":1343064377779269000'))
    assert (venue.gaps(), len(venue.levels())) == ([], 3)


def test_a_change_that_begins_anew_without_a_snapshot_loses_the_book(venue):
    venue.frame(venue.swapped("books_update", '"pseq":1343064377779269632', '"pseq":0'))
    assert venue.gaps() == [("books", 0, 0, False)]


def test_a_book_of_v1_is_held_against_its_checksum():
    venue = Driven("bitget", {"ALPHAUSDT"}, ("/api/spot/v1/public/products", "v1_products"))
    venue.samples("v1_books_snapshot", "v1_books_update")
    assert venue.gaps() == []
    venue.samples("v1_books_snapshot")
    venue.frame(venue.swapped("v1_books_update", '"100.00"', '"100.01"'))
    assert venue.gaps() == [("books", 0, 0, False)]
    venue.forget()
    venue.samples("v1_books_update")
    assert not venue.levels()


def test_best_bid_and_ask_are_those_of_the_book_of_one_level(venue):
    venue.samples("books1")
    assert venue.bests() == [("60120.80", "0.001000", "60121.10", "0.400000")]


def test_funding_of_a_contract(venue):
    venue.samples("ticker_swap", "ticker_swap")
    [due] = venue.of(Funding)
    assert (due.rate, due.due_ns, due.exchange_ns) == ("-0.000096", TEN + 6 * HOUR_NS, TEN + 2 * SECOND + 811_000_000)
    assert venue.instrument("USDT-FUTURES:BTCUSDT").price_text(due.mark_price) == "60131.4"


def test_the_rules_of_a_pair_and_of_a_contract(venue):
    pair, swap = (rules_of(venue.instrument(name)) for name in ("BTCUSDT", "USDT-FUTURES:BTCUSDT"))
    both = {"base": "BTC", "quote": "USDT", "contract_size": "1", "rules_known": True}
    spot = {"symbol": "BTC/USDT", "kind": "spot", "settle": "", "tick": "0.01", "lot": "0.000001", "min_notional": "1"}
    assert pair == {**both, **spot}
    of = {
        "symbol": "BTC/USDT:USDT",
        "kind": "swap",
        "settle": "USDT",
        "tick": "0.5",
        "lot": "0.0001",
        "min_notional": "5",
    }
    assert swap == {**both, **of}


def test_after_a_loss_the_latest_trades_are_asked_for(venue):
    venue.samples("trade")
    venue.reconnect()
    assert venue.asked() == [PAST]
    venue.forget()
    venue.answer(PAST, venue.sample("fills"))
    assert [row[0] for row in venue.trades()] == [1294151170843025800, 1294151170843025900]
    assert venue.gaps() == [("trades", 0, 0, True)]


def test_latest_trades_that_do_not_reach_back_leave_a_gap(venue):
    venue.samples("trade")
    venue.reconnect()
    venue.forget()
    fills = json.loads(venue.sample("fills"))
    venue.answer(PAST, json.dumps({**fills, "data": fills["data"][:1]}).encode())
    [gap] = venue.of(Gap)
    assert (gap.healed, gap.from_ns, gap.to_ns) == (False, TEN + SECOND + 823_000_000, TEN + 3 * SECOND)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTC/USDT", "BTCUSDT"),
        ("BTC/USDT:USDT", "USDT-FUTURES:BTCUSDT"),
        ("BTC/USDC:USDC", "USDC-FUTURES:BTCPERP"),
        ("BTC/USD:BTC", "COIN-FUTURES:BTCUSD"),
    ],
)
def test_names_there_and_back(symbol, name):
    assert bitget.venue_symbol(symbol) == name
    assert bitget.Bitget().unlisted(name).symbol == symbol


def test_what_is_said_and_what_the_venue_complains_of(venue):
    line = bitget.lines(["BTCUSDT", "USDT-FUTURES:BTCUSDT"])[0]
    args = [one for said in line.say for one in json_of(said)["args"]]
    assert [(one["instType"], one["channel"]) for one in args] == [
        *(("SPOT", "trade"), ("SPOT", "books"), ("SPOT", "books1")),
        *(("USDT-FUTURES", one) for one in ("trade", "books", "books1", "ticker")),
    ]
    assert max(len(said) for said in bitget.lines([f"COIN{i}USDT" for i in range(200)])[0].say) <= 4096
    venue.samples("error")
    assert "does not exist" in venue.of(Malformed)[0].reason
    venue.frame(b"pong")
    assert len(venue.of(Malformed)) == 1


def test_purposes_and_the_clock(venue):
    assert bitget.purpose("https://api.bitget.com/api/spot/v1/public/products") == "symbols"
    assert bitget.read_clock(venue.sample("time")) == TEN / SECOND + 0.5
