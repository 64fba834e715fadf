"""The Deribit adapter on samples after the documentation, and what the contract does not see: funding, liquidations, rules,
what is asked and said.
"""

import json

import pytest

from ninefold.market.arrays import BUY, SELL
from ninefold.market.records import Funding, Gap, Liquidation, Malformed
from ninefold.venues import deribit
from ninefold.venues.asked import purpose_of

from .driven import SECOND, TEN, Driven, json_of, rules_of
from .readings.deribit import PAST

RULES = "/api/v2/public/get_instrument?instrument_name=BTC-PERPETUAL"
LIST = "/api/v2/public/get_instruments?currency=BTC&expired=false"


@pytest.fixture
def venue() -> Driven:
    made = Driven("deribit", {"BTC-PERPETUAL"}, (RULES, "instrument"))
    made.samples("book_snapshot")
    made.forget()
    return made


def trade(seq: int, second: int = 1) -> bytes:
    data = {"instrument_name": "BTC-PERPETUAL", "trade_seq": seq, "timestamp": TEN // 10**6 + second * 1000}
    data |= {"price": 60000.5, "amount": 10.0, "direction": "buy"}
    params = {"channel": "trades.BTC-PERPETUAL.100ms", "data": [data]}
    return json.dumps({"method": "subscription", "params": params}).encode()


def test_trades_have_the_number_in_their_instrument(venue):
    venue.samples("trades")
    assert venue.trades() == [(30289442, "60120.0", "10", SELL), (30289443, "60120.5", "50", BUY)]
    assert venue.adapter.gathered.stamps == [(1, TEN + SECOND + 175_000_000, venue.now)]


def test_a_maker_under_liquidation_was_closed_on_the_other_side(venue):
    venue.samples("trades")
    [forced] = venue.of(Liquidation)
    assert (forced.side, forced.exchange_ns) == (SELL, TEN + SECOND + 175_000_000)
    venue.forget()
    venue.frame(venue.swapped("trades", '"M"', '"MT"').replace(b"3028944", b"3028954"))
    assert [one.side for one in venue.of(Liquidation)] == [SELL, BUY]


def test_funding_is_told_when_the_rate_changes(venue):
    venue.samples("ticker", "ticker")
    venue.frame(venue.swapped("ticker", "0.00012344", "-1.5e-5"))
    rates = [(one.rate, one.due_ns, one.exchange_ns) for one in venue.of(Funding)]
    at = TEN + SECOND + 900_000_000
    assert rates == [("0.00012344", at, at), ("-0.000015", at, at)]
    assert venue.instrument("BTC-PERPETUAL").price_text(venue.of(Funding)[0].mark_price) == "60121.23"


def test_the_rules_of_every_kind():
    wanted = {
        "BTC-25DEC26-100000-C",
        "BTC_USDC-25DEC26",
        "ETH_USDC",
        "BTC-STRG-25DEC26-74000_79000",
        "XRP_USDC-25DEC26-0d625-P",
    }
    made = Driven("deribit", wanted, (LIST, "instruments")).listed()
    found = {name: rules_of(of) for name, of in made.items()}
    assert {name: (of["symbol"], of["kind"], of["settle"], of["tick"], of["lot"]) for name, of in found.items()} == {
        "BTC-25DEC26-100000-C": ("BTC/USD:BTC-261225-100000-C", "option", "BTC", "0.0001", "0.1"),
        "BTC_USDC-25DEC26": ("BTC/USDC:USDC-261225", "future", "USDC", "2.5", "0.01"),
        "ETH_USDC": ("ETH/USDC", "spot", "", "0.05", "0.0001"),
        "XRP_USDC-25DEC26-0d625-P": ("XRP/USDC:USDC-261225-0.625-P", "option", "USDC", "0.0001", "1000"),
    }


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTC-PERPETUAL", "BTC/USD:BTC"),
        ("ETH_USDC-PERPETUAL", "ETH/USDC:USDC"),
        ("BTC-5JUN20", "BTC/USD:BTC-200605"),
        ("XRP_USDC-25DEC26-0d625-P", "XRP/USDC:USDC-261225-0.625-P"),
        ("ETH_USDC", "ETH/USDC"),
    ],
)
def test_names_there_and_back(name, symbol):
    assert deribit.venue_symbol(symbol) == name
    assert deribit.Deribit().unlisted(name).symbol == symbol


def test_a_hole_is_asked_for_by_number_and_healed(venue):
    for seq in (5, 9):
        venue.frame(trade(seq))
    venue.now += SECOND
    venue.samples("test")
    assert venue.gaps() == [("trades", 6, 8, False)]
    assert venue.asked() == [PAST.format("BTC-PERPETUAL", 6)]
    venue.forget()
    rows = [json.loads(trade(seq))["params"]["data"][0] for seq in (6, 7, 8, 9)]
    venue.answer(PAST.format("BTC-PERPETUAL", 6), json.dumps({"result": {"trades": rows, "has_more": False}}).encode())
    assert [row[0] for row in venue.trades()] == [6, 7, 8]
    assert venue.gaps() == [("trades", 6, 9, True)]


def test_a_missed_change_is_told_and_the_book_subscribed_anew(venue):
    venue.frame(venue.swapped("book_change", "297217", "297219").replace(b"297218", b"297220"))
    [gap] = venue.of(Gap)
    assert (gap.from_id, gap.to_id, gap.from_ns) == (297218, 297219, TEN + SECOND + 800_000_000)
    assert [json_of(one)["method"] for one in venue.said()] == ["public/unsubscribe", "public/subscribe"]
    assert not venue.levels()


def test_a_book_that_was_empty_begins_with_its_first_change(venue):
    venue.frame(venue.swapped("book_snapshot", '"change_id":297217', '"change_id":0'))
    venue.frame(venue.swapped("book_change", "297217", "0"))
    assert venue.gaps() == []


def test_the_venue_is_answered_when_it_asks_whether_we_are_there(venue):
    venue.samples("test_request")
    assert json_of(venue.said()[0])["method"] == "public/test"


def test_what_the_venue_complains_of_is_told_in_its_words(venue):
    venue.samples("error")
    assert "too_many_requests" in venue.of(Malformed)[0].reason


def test_what_is_said_purposes_and_the_clock(venue):
    [said] = deribit.lines(["BTC-PERPETUAL"])[0].say
    assert json_of(said)["params"]["channels"] == json_of(venue.sample("subscribed"))["result"]
    assert purpose_of("https://www.deribit.com" + LIST) == "get_instruments"
    assert deribit.read_clock(venue.sample("time")) == TEN / SECOND + 0.5
