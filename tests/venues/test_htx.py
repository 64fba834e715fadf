"""The HTX adapter on samples after the documentation, and what the contract does not see: packed frames, pings, rules, what is
asked and said.
"""

import gzip
import json

import pytest

from ninefold.market.arrays import BUY, SELL
from ninefold.market.records import Gap, Malformed
from ninefold.venues import htx

from .driven import SECOND, TEN, Driven, json_of, rules_of

RULES = "/v1/settings/common/market-symbols?symbols=btcusdt,ethbtc"
PAST = "/market/history/trade?symbol=btcusdt&size=2000"
REQUEST = {"req": "market.ethbtc.mbp.150", "id": "market.ethbtc.mbp.150"}


@pytest.fixture
def venue() -> Driven:
    made = Driven("htx", {"btcusdt", "ethbtc"}, (RULES, "market-symbols"))
    made.forget()
    return made


def trade(id: int) -> bytes:
    one = {"tradeId": id, "ts": TEN // 10**6 + id, "amount": 0.5, "price": 60000, "direction": "buy"}
    return json.dumps({"ch": "market.btcusdt.trade.detail", "tick": {"data": [one]}}).encode()


def past(*ids: int) -> bytes:
    rows = [{"trade-id": id, "ts": TEN // 10**6 + id, "amount": 0.5, "price": 60000, "direction": "buy"} for id in ids]
    return json.dumps({"status": "ok", "data": [{"id": 1, "data": [row]} for row in rows]}).encode()


# packed frames


def test_a_packed_frame_is_what_it_holds(venue):
    venue.frame(gzip.compress(venue.sample("trade")))
    assert [row[0] for row in venue.trades()] == [102043494568, 102043494569]


@pytest.mark.parametrize("spoil", [lambda b: b[:-9], lambda b: b[:2] + b"\xff" * 20, lambda b: b[:-4] + b"0000"])
def test_a_packed_frame_that_is_broken_is_told_and_nothing_else(venue, spoil):
    venue.frame(spoil(gzip.compress(venue.sample("trade"))))
    assert (len(venue.of(Malformed)), venue.trades()) == (1, [])


def test_a_packed_frame_that_unpacks_to_no_end_is_refused(venue):
    venue.frame(gzip.compress(b" " * (htx.UNPACKED_MOST + 1)))
    assert "larger than any" in venue.of(Malformed)[0].reason


# what messages become


def test_trades_of_a_frame_are_told_by_rising_id(venue):
    venue.samples("trade")
    assert [row[1:] for row in venue.trades()] == [("60121.70", "0.250000", SELL), ("60121.74", "0.009900", BUY)]


def test_sizes_of_levels_keep_ten_decimals_and_those_of_trades_all(venue):
    venue.frame(venue.swapped("depth", "0.36281", "0.3628100000499"))
    assert venue.levels()[1][3] == "0.36281"[:7] + "0"
    assert venue.adapter.gathered.books[1][8] == 3_628_100_000
    venue.frame(venue.swapped("trade", "0.0099", "0.00990000000001"))
    assert len(venue.of(Malformed)) == 1


def test_every_whole_book_replaces_the_one_before(venue):
    venue.samples("depth", "depth_next")
    assert [row[0] for row in venue.levels()] == [1, 0, 0, 0, 0, 1, 0, 0, 0]


def test_the_venue_gets_the_number_of_its_ping_back(venue):
    venue.samples("ping")
    assert [json_of(one) for one in venue.said()] == [{"pong": 1795341603027}]


def test_the_rules_of_today_and_of_2021(venue):
    both = {"kind": "spot", "settle": "", "contract_size": "1", "rules_known": True}
    btc = {
        "symbol": "BTC/USDT",
        "base": "BTC",
        "quote": "USDT",
        "tick": "0.01",
        "lot": "0.000001",
        "min_notional": "10",
    }
    assert rules_of(venue.instrument("btcusdt")) == {**both, **btc}
    trio = Driven("htx", {"trioeth"}, ("/v1/common/symbols", "symbols_2021")).listed()["trioeth"]
    assert (rules_of(trio)["tick"], trio.size_decimals, rules_of(trio)["min_notional"]) == ("0.0000000001", 6, "0.001")


# books by numbered changes


def test_a_book_is_asked_for_on_the_websocket_once_a_change_waits_for_it(venue):
    venue.samples("mbp_old")
    assert [json_of(one) for one in venue.said()] == [REQUEST]
    venue.samples("mbp")
    assert venue.said() == []
    venue.samples("mbp_rep")
    assert [row[2:] for row in venue.levels()][-2:] == [("0.051400", "0.0000"), ("0.051390", "1.5000")]


def test_a_missed_change_is_told_and_the_book_asked_for_again(venue):
    venue.samples("mbp_old", "mbp_rep")
    venue.forget()
    venue.frame(venue.swapped("mbp", '"prevSeqNum":100020146795', '"prevSeqNum":100020146799'))
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.from_id, gap.to_id) == ("books", 100020146796, 100020146799)
    assert [json_of(one) for one in venue.said()] == [REQUEST]
    venue.samples("mbp_rep")  # older than the change that waits
    assert not venue.levels()
    venue.now += SECOND
    venue.samples("ping")
    assert REQUEST in [json_of(one) for one in venue.said()]


# trades


def test_a_hole_is_asked_for_and_healed(venue):
    for id in (5, 8):
        venue.frame(trade(id))
    venue.now += SECOND
    venue.samples("ping")
    assert (venue.gaps(), venue.asked()) == ([("trades", 6, 7, False)], [PAST])
    venue.forget()
    venue.answer(PAST, past(8, 7, 6, 5))
    assert [row[0] for row in venue.trades()] == [6, 7]
    assert venue.gaps() == [("trades", 6, 8, True)]


def test_what_the_venue_complains_of_is_told_in_its_words(venue):
    venue.samples("error")
    venue.answer(PAST, b'{"status":"error","err-code":"x","err-msg":"invalid symbol here"}')
    assert [one.reason.endswith(end) for one, end in zip(venue.of(Malformed), ("symbol", "here"), strict=True)] == [
        True
    ] * 2


def test_what_is_said_where_names_purposes_and_the_clock(venue):
    assert json_of(htx.lines(["btcusdt"])[0].say[0])["sub"] == "market.btcusdt.trade.detail"
    assert [htx.lines(["btcusdt"], streams)[0].path for streams in (htx.STREAMS, (htx.CHANGES,))] == ["/ws", "/feed"]
    both = htx.lines(["btcusdt"], ("trade.detail", "mbp.400"))
    assert [(one.path, one.streams, one.trades) for one in both] == [
        ("/ws", ("trade.detail",), True),
        ("/feed", ("mbp.400",), False),
    ]
    with pytest.raises(ValueError, match="several ways"):
        htx.lines(["btcusdt"], ("depth.step0", "mbp.150"))
    assert htx.venue_symbol("BTC/USDT") == "btcusdt"
    assert [htx.purpose("https://api.huobi.pro" + url) for url in (PAST, RULES)] == ["trades", "market-symbols"]
    assert htx.read_clock(venue.sample("timestamp")) == TEN / SECOND + 0.5
