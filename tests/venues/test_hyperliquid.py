"""The Hyperliquid adapter on samples after the documentation, and what the contract does not see: rules told on the websocket,
the hour of funding, trades told again after a pause.
"""

import json

import pytest

from ninefold.market.arrays import ASK, BID, BUY, CLEAR_BOOK, SELL, SET_LEVEL
from ninefold.market.records import Funding, Listed, Malformed
from ninefold.venues import hyperliquid

from .driven import SECOND, TEN, Driven, json_of, rules_of

HOUR = 3600 * SECOND
BTC = {
    "symbol": "BTC/USDC:USDC",
    "base": "BTC",
    "quote": "USDC",
    "kind": "swap",
    "settle": "USDC",
    "contract_size": "1",
    "min_notional": "0",
    "rules_known": True,
    "tick": "0.1",
    "lot": "0.00001",
}
NEXT_BOOK = [
    (CLEAR_BOOK, BID, "0.0", "0.00000"),
    (SET_LEVEL, BID, "60120.0", "4.11000"),
    (SET_LEVEL, ASK, "60121.5", "3.70000"),
    (SET_LEVEL, ASK, "60122.5", "0.03586"),
]


@pytest.fixture
def venue() -> Driven:
    made = Driven("hyperliquid", {"BTC", "kPEPE", "@107"})
    made.samples("meta", "spot_meta")
    return made


def trades(*ids: int, coin: str = "BTC") -> bytes:
    rows = [{"coin": coin, "side": "B", "px": "60120", "sz": "1", "time": TEN // 10**6 + id, "tid": id} for id in ids]
    return json.dumps({"channel": "trades", "data": rows}).encode()


def times(venue: Driven) -> list[int]:
    """Of the trades so far, in milliseconds: what `trades` has as id."""
    return [(row[1] - TEN) // 10**6 for row in venue.adapter.gathered.trades]


# rules


def test_the_rules_come_on_the_websocket_and_of_the_wanted_only(venue):
    listed = venue.listed()
    assert sorted(listed) == ["@107", "BTC", "kPEPE"]
    assert rules_of(listed["BTC"]) == BTC
    pepe = rules_of(listed["kPEPE"])
    assert [pepe[name] for name in ("symbol", "tick", "lot")] == ["KPEPE/USDC:USDC", "0.000001", "1"]
    hype = rules_of(listed["@107"])
    assert [hype[name] for name in ("symbol", "kind", "tick", "lot")] == ["HYPE/USDC", "spot", "0.000001", "0.01"]


def test_a_book_of_before_its_rules_is_told_anew_with_them():
    venue = Driven("hyperliquid", {"BTC"})
    venue.samples("l2Book")
    assert not venue.instrument("BTC").rules_known
    venue.samples("meta", "l2Book_next")
    assert [one.instrument.rules_known for one in venue.of(Listed)] == [False, True]
    assert venue.levels()[5:] == NEXT_BOOK


def test_a_pair_of_a_token_that_is_not_listed_is_told(venue):
    venue.forget()
    venue.frame(venue.swapped("spot_meta", '"index":150', '"index":151'))
    assert "tokens that are not listed" in venue.of(Malformed)[0].reason


# what messages become


def test_a_book_replaces_the_one_before(venue):
    venue.samples("l2Book")
    venue.forget()
    venue.samples("l2Book_next")
    assert venue.levels() == NEXT_BOOK


def test_half_a_quote_is_none(venue):
    venue.samples("bbo", "bbo_one_side")
    assert venue.bests() == [("60120.0", "4.11000", "60121.5", "3.70000")]


def test_trades_keep_the_side_of_the_taker(venue):
    venue.samples("trades_first", "trades_spot")
    assert [row[1:] for row in venue.trades()] == [
        ("60119.0", "0.00219", SELL),
        ("60120.0", "0.00015", BUY),
        ("32.051000", "10.50", SELL),
    ]


def test_funding_is_told_once_a_rate_and_hour(venue):
    venue.now = TEN + 1700 * SECOND
    venue.samples("activeAssetCtx", "activeAssetCtx", "activeSpotAssetCtx")
    venue.frame(venue.swapped("activeAssetCtx", "-0.0000015186", "0.0000125"))
    venue.now = TEN + HOUR  # the payment of this hour is done
    venue.frame(venue.swapped("activeAssetCtx", "-0.0000015186", "0.0000125"))
    assert [(one.rate, one.due_ns - TEN) for one in venue.of(Funding)] == [
        ("-0.0000015186", HOUR),
        ("0.0000125", HOUR),
        ("0.0000125", 2 * HOUR),
    ]
    assert venue.instrument("BTC").price_text(venue.of(Funding)[0].mark_price) == "60122.3"


@pytest.mark.parametrize("name", ["error", "post_error"])
def test_what_the_venue_refuses_is_told_in_its_words(venue, name):
    venue.forget()
    venue.samples(name)
    [told] = venue.of(Malformed)
    assert told.reason.startswith("the venue says: ")


# a pause


def test_trades_told_again_after_a_pause_fill_it(venue):
    venue.frame(trades(1, 2))
    venue.reconnect()
    venue.frame(trades(2, 3, 4))
    assert times(venue) == [1, 2, 3, 4]
    assert venue.gaps() == [("trades", 0, 0, True)]


def test_trades_told_again_that_do_not_reach_back_leave_a_gap(venue):
    venue.frame(trades(1, 2))
    venue.reconnect()
    venue.frame(trades(5, 6))
    venue.frame(trades(6, 7))
    assert times(venue) == [1, 2, 5, 6, 7]
    assert venue.gaps() == [("trades", 0, 0, False)]


def test_a_coin_that_did_not_trade_before_the_pause_has_nothing_to_miss(venue):
    venue.frame(trades(1))
    venue.reconnect()
    venue.frame(trades(9, coin="@107"))
    assert venue.gaps() == []


def test_a_restart_keeps_which_trades_are_known(venue):
    venue.frame(trades(1, 2))
    venue.restart()
    venue.reconnect()
    venue.frame(trades(1, 2, 3))
    assert times(venue) == [3]


# what is said


def test_the_rules_are_asked_for_before_the_streams():
    line = hyperliquid.lines(["BTC", "xyz:TSLA", "@107"])[0]
    said = [json_of(one) for one in line.say]
    asked = [one["request"]["payload"] for one in said[:3]]
    assert asked == [{"type": "meta", "dex": ""}, {"type": "meta", "dex": "xyz"}, {"type": "spotMeta"}]
    assert said[3] == {"method": "subscribe", "subscription": {"type": "trades", "coin": "BTC"}}
    assert [one["subscription"]["type"] for one in said[3:]].count("activeAssetCtx") == 2
    assert len(said) == 3 + 4 + 4 + 3


def test_the_clock_is_that_of_a_book(venue):
    assert hyperliquid.read_clock(venue.sample("info_l2Book")) == TEN / SECOND + 0.5
