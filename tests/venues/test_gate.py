"""The Gate adapter on samples after the documentation, and what the contract does not see: rules, what is asked and said, and
messages that others have published.
"""

import json

import pytest

from ninefold.market.arrays import BUY, ID_INTEGER, ID_TEXT, SELL
from ninefold.market.records import Gap, Malformed
from ninefold.venues import gate
from ninefold.venues.adapter import Question

from .driven import SECOND, TEN, Driven, json_of, rules_of

RULES = "/api/v4/spot/currency_pairs/GT_USDT"
PAST = "/api/v4/spot/trades?currency_pair=GT_USDT&limit=1000&from={}"
BOOK = "/api/v4/spot/order_book?currency_pair=HAI_ETH&limit=400&with_id=true"
ANEW = [
    {"channel": "spot.obu", "event": event, "payload": ["ob.GT_USDT.400"]} for event in ("unsubscribe", "subscribe")
]


@pytest.fixture
def venue() -> Driven:
    made = Driven("gate", {"GT_USDT"}, (RULES, "currency_pair"))
    made.samples("obu_full")
    made.forget()
    return made


def trade(id: int, second: int) -> bytes:
    data = {"id": id, "id_market": id, "create_time_ms": f"{TEN // 10**6 + second * 1000}.5", "side": "buy"}
    data |= {"currency_pair": "GT_USDT", "amount": "0.25", "price": "16.47"}
    return json.dumps({"channel": "spot.trades", "event": "update", "result": data}).encode()


def past(ids: range) -> bytes:
    rows = [
        {
            "id": str(id),
            "sequence_id": str(id),
            "create_time_ms": f"{TEN // 10**6}",
            "side": "buy",
            "amount": "1",
            "price": "16",
        }
        for id in reversed(ids)
    ]
    return json.dumps(rows).encode()


def test_a_trade_has_its_id_in_the_pair_and_its_time_to_the_last_digit(venue):
    venue.samples("trade")
    assert venue.trades() == [(2390902, "16.4700", "0.250", SELL)]
    row = venue.adapter.gathered.trades[0]
    assert (row[1], row[4]) == (TEN + SECOND + 213_457_800, ID_INTEGER)


def test_an_older_trade_has_an_id_that_counts_nothing():
    venue = Driven("gate", {"HAI_ETH"})
    venue.samples("trade_2021")
    assert [(row[0], row[3]) for row in venue.trades()] == [(309143071, BUY)]
    assert venue.adapter.gathered.trades[0][4] == ID_TEXT


def test_a_hole_is_asked_for_since_the_trade_before_it_page_by_page_and_healed(venue):
    venue.frame(trade(5, 1))
    venue.frame(trade(1900, 8))
    venue.now += SECOND
    venue.samples("pong")
    assert venue.gaps() == [("trades", 6, 1899, False)]
    asked = PAST.format(TEN // SECOND + 1)
    assert venue.asked() == [asked]
    venue.forget()
    venue.answer(asked, past(range(900, 1900)))
    assert venue.asked() == [asked + "&page=2"]
    assert venue.gaps() == []
    venue.answer(asked + "&page=2", past(range(4, 900)))
    assert venue.gaps() == [("trades", 6, 1899, True)]
    assert venue.asked() == []
    assert len(venue.trades()) == 1894 + 1  # and the one before the first that we had


def test_a_reconnect_asks_since_the_newest_trade(venue):
    venue.frame(trade(5, 1))
    venue.reconnect()
    assert venue.asked() == [PAST.format(TEN // SECOND + 1)]
    venue.forget()
    venue.answer(PAST.format(TEN // SECOND + 1), past(range(5, 8)))
    assert [row[0] for row in venue.trades()] == [6, 7]
    assert venue.gaps()[-1][-1]


def test_a_missed_change_is_told_and_the_book_subscribed_anew(venue):
    venue.frame(venue.swapped("obu", "28606982", "28606983"))
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.from_id, gap.to_id) == ("books", 28606982, 28606982)
    assert [json_of(one) for one in venue.said()] == ANEW
    assert not venue.levels()


def test_the_older_book_is_asked_for_by_rest_once_a_change_waits_for_it():
    venue = Driven("gate", {"HAI_ETH"})
    venue.adapter = gate.Gate(frozenset({"HAI_ETH"}), ("spot.trades", "spot.order_book_update"))
    venue.samples("update_2021_old")
    assert venue.adapter.questions == [Question("order_book", BOOK, not_before_ns=venue.now)]
    venue.answer(BOOK, venue.sample("order_book_2021"))
    assert len(venue.levels()) == 5
    venue.samples("update_2021")
    assert len(venue.levels()) == 7


def test_the_rules_of_a_pair_and_of_all():
    one = Driven("gate", {"GT_USDT"}, (RULES, "currency_pair")).listed()["GT_USDT"]
    both = {"kind": "spot", "settle": "", "contract_size": "1", "rules_known": True}
    gt = {"symbol": "GT/USDT", "base": "GT", "quote": "USDT", "tick": "0.0001", "lot": "0.001", "min_notional": "3"}
    assert rules_of(one) == {**both, **gt}
    assert (one.size_decimals, one.size_text(one.min_size)) == (10, "0.010")
    ink = Driven("gate", {"INK_USDT"}, ("/api/v4/spot/currency_pairs", "currency_pairs")).listed()["INK_USDT"]
    assert (ink.size_decimals, rules_of(ink)["lot"], rules_of(ink)["tick"]) == (6, "1", "0.0000001")


def test_what_the_venue_complains_of_is_told_in_its_words(venue):
    venue.samples("error")
    assert "unknown currency pair NOPE_USDT" in venue.of(Malformed)[0].reason


def test_what_is_said_names_purposes_and_the_clock(venue):
    said = [json_of(one) for one in gate.lines(["GT_USDT", "BTC_USDT"])[0].say]
    assert [(one["channel"], one["payload"]) for one in said] == [
        ("spot.trades", ["GT_USDT", "BTC_USDT"]),
        ("spot.obu", ["ob.GT_USDT.400"]),
        ("spot.obu", ["ob.BTC_USDT.400"]),
        ("spot.book_ticker", ["GT_USDT", "BTC_USDT"]),
    ]
    assert json_of(gate.lines(["GT_USDT"], ("spot.order_book_update",))[0].say[0])["payload"] == ["GT_USDT", "100ms"]
    assert gate.venue_symbol("BTC/USDT") == "BTC_USDT"
    assert gate.purpose("https://api.gateio.ws" + RULES) == "currency_pairs"
    assert gate.read_clock(venue.sample("time")) == TEN / SECOND + 0.5
