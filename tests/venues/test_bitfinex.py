"""The Bitfinex adapter on samples after the documentation, and what the contract does not see: numbers of the connection,
checksums, status, rules, the trades of a pause.
"""

import json

import pytest

from ninefold.market.arrays import BUY, CLEAR_BOOK, SELL
from ninefold.market.records import Funding, Gap, Liquidation, Malformed
from ninefold.market.time import HOUR_NS
from ninefold.venues import bitfinex

from .driven import SECOND, TEN, Driven, json_of, rules_of

CONF = "/v2/conf/pub:info:pair,pub:info:pair:futures"
PAST = "/v2/trades/tBTCUSD/hist?limit=10000&sort=-1&start={}"
START = ("conf", "subscribed_trades", "trades_snapshot", "subscribed_book", "book_snapshot")
ANEW = [
    {"event": "unsubscribe", "chanId": 17082},
    {"event": "subscribe", "channel": "book", "symbol": "tBTCUSD", "prec": "P0", "freq": "F0", "len": "250"},
]


@pytest.fixture
def venue() -> Driven:
    made = Driven("bitfinex", {"tBTCUSD", "tBTCF0:USTF0"}, (CONF, "pairs"))
    made.samples(*START)
    made.forget()
    return made


def te(id: int, number: int) -> bytes:
    return f'[17470,"te",[{id},{TEN // 10**6 + 1000 + id},0.5,60120],{number},{TEN // 10**6 + 1000}]'.encode()


# what messages become


def test_the_sign_of_an_amount_is_the_side_of_the_taker(venue):
    venue.samples("book", "book_gone", "checksum", "te", "tu", "subscribed_swap")
    assert venue.trades() == [(401597395, "60119.98969503", "0.03750000", SELL)]
    assert venue.adapter.gathered.trades[0][1] == TEN + SECOND + 475_000_000


def test_funding_and_a_forced_sale(venue):
    venue.frame(venue.swapped("subscribed_status", "335856", "335856"))
    venue.frame(venue.swapped("status", ",10,", ",3,"))
    venue.samples("subscribed_liquidations")
    venue.frame(venue.swapped("liquidation", ",11,", ",4,"))
    [due], [forced] = venue.of(Funding), venue.of(Liquidation)
    assert (due.rate, due.due_ns, due.exchange_ns) == ("-0.01381344", TEN + 6 * HOUR_NS, TEN + 2 * SECOND)
    swap = venue.instrument("tBTCF0:USTF0")
    assert swap.price_text(due.mark_price) == "60131.76640000"
    assert (forced.side, swap.price_text(forced.price), swap.size_text(forced.size)) == (
        BUY,
        "60150.25000000",
        "8.50000000",
    )


@pytest.mark.parametrize(
    ("old", "new"), [("null,1,1,null,60150.25", "null,0,1,null,60150.25"), ("tBTCF0:USTF0", "tETHF0:USTF0")]
)
def test_a_liquidation_that_was_only_triggered_or_is_of_another_pair_is_none(venue, old, new):
    venue.samples("subscribed_liquidations")
    venue.frame(venue.swapped("liquidation", old, new).replace(b",11,", b",3,"))
    assert not venue.adapter.gathered.records


def test_the_list_of_pairs_gives_names_of_today(venue):
    made = Driven("bitfinex", {"tBTCUSD", "tAVAX:USD", "tBTCF0:USTF0"}, (CONF, "pairs")).listed()
    assert [one.symbol for one in made.values()] == ["BTC/USD", "AVAX/USD", "BTC/USDT:USDT"]
    swap = made["tBTCF0:USTF0"]
    assert (swap.kind, swap.settle, swap.size_text(swap.min_size)) == ("swap", "USDT", "0.00010000")
    assert rules_of(made["tBTCUSD"])["tick"] == "0.00000001"


def test_what_the_venue_complains_of_is_told_in_its_words(venue):
    venue.samples("error")
    assert "symbol: invalid" in venue.of(Malformed)[0].reason


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTC/USD", "tBTCUSD"),
        ("BTC/USDT", "tBTCUST"),
        ("AVAX/USD", "tAVAX:USD"),
        ("IOTA/USD", "tIOTUSD"),
        ("BTC/USDT:USDT", "tBTCF0:USTF0"),
    ],
)
def test_names_there_and_back(symbol, name):
    assert bitfinex.venue_symbol(symbol) == name
    assert bitfinex.Bitfinex().unlisted(name).symbol == symbol


def test_what_is_said_once_the_websocket_is_open():
    said = [json_of(one) for one in bitfinex.lines(["tBTCUSD", "tBTCF0:USTF0"], bitfinex.STREAMS)[0].say]
    assert said[0] == {"event": "conf", "flags": 229376}
    assert said[2] == ANEW[1]
    assert [one.get("key") for one in said if one.get("channel") == "status"] == ["deriv:tBTCF0:USTF0", "liq:global"]


def test_the_clock_is_the_newest_trade(venue):
    assert bitfinex.read_clock(venue.sample("trades")) == (TEN + 3 * SECOND) / SECOND + 0.475


# what is missing


def test_a_book_that_adds_up_is_kept(venue):
    venue.samples("book", "book_gone", "checksum")
    assert (venue.gaps(), venue.said()) == ([], [])


def test_a_book_that_does_not_add_up_is_told_subscribed_anew_and_unknown_until_its_snapshot(venue):
    venue.frame(venue.sample("book_gone").replace(b",4,", b",3,"))
    venue.frame(venue.sample("checksum").replace(b",5,", b",4,"))
    assert venue.gaps() == [("books", 0, 0, False)]
    assert [json_of(one) for one in venue.said()] == ANEW
    venue.forget()
    venue.frame(venue.sample("book").replace(b",3,", b",5,"))
    assert not venue.levels()
    venue.frame(venue.sample("subscribed_book").replace(b"17082", b"17083"))
    venue.frame(venue.sample("book_snapshot").replace(b"17082", b"17083").replace(b",2,1795", b",6,1795"))
    assert venue.levels()[0][0] == CLEAR_BOOK


def test_numbers_are_under_the_checksum_just_as_they_were_sent(venue):
    """The ask of 5e-8 is the best one until it is gone."""
    venue.samples("book")
    venue.frame(venue.sample("checksum").replace(b",5,", b",4,"))
    assert venue.gaps() == [("books", 0, 0, False)]  # that of the sample is without it


def test_after_a_missing_number_no_book_is_known_and_no_trade_is_certain(venue):
    venue.frame(te(5, 3))
    venue.frame(te(7, 5))
    assert venue.gaps() == [("books", 0, 0, False)]
    assert venue.asked() == [PAST.format(TEN // 10**6 + 1005)]
    assert [json_of(one) for one in venue.said()] == ANEW
    venue.forget()
    venue.answer(
        PAST.format(TEN // 10**6 + 1005),
        json.dumps([[i, TEN // 10**6 + 1000 + i, 0.5, 60120] for i in (7, 6, 5)]).encode(),
    )
    assert [row[0] for row in venue.trades()] == [6]
    [healed] = venue.of(Gap)
    assert (healed.healed, healed.stream) == (True, "trades")


def test_a_frame_that_comes_twice_has_no_new_number(venue):
    venue.samples("book", "book", "book_gone", "book", "checksum")
    assert (venue.gaps(), venue.asked()) == ([], [])


def test_a_restart_keeps_channels_numbers_and_checksums(venue):
    venue.samples("book")
    venue.restart()
    venue.samples("book_gone", "checksum", "te")
    assert venue.gaps() == []
    assert len(venue.trades()) == 1


def test_single_orders_of_a_raw_book_are_no_levels(venue):
    """Their ids, which are whole numbers too, stand where a level has its price."""
    subscribed = venue.swapped("subscribed_book", '"prec":"P0"', '"prec":"R0"').decode()
    channel = json_of(subscribed.encode())["chanId"]
    venue.frame(subscribed.encode())
    venue.forget()
    venue.frame(b"[%d,[[60504777678,60945,1],[60504778260,60955,-2]],0]" % channel)
    assert (venue.levels(), venue.of(Malformed)) == ([], [])
