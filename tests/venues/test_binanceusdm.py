"""Binance USD-M futures beyond the contract of all venues: rules, entry points, holes in trades, funding, liquidations."""

import math

import pytest

from ninefold.market.arrays import CLEAR_BOOK, ID_AGGREGATE, SELL
from ninefold.market.records import Funding, Gap, Liquidation, Malformed
from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.venues.binance_contracts import usdm_lines
from ninefold.venues.table import VENUES

from .speaking import Speaking

MS = 1_000_000
TRADES = "/fapi/v1/trades?symbol=BTCUSDT&limit=1000"
DEPTH = "/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
AGGREGATES = "/fapi/v1/aggTrades?symbol=ETHUSDT&fromId={}&limit=1000"


@pytest.fixture
def venue():
    speaking = Speaking("binanceusdm", "BTCUSDT", "ETHUSDT", "BTCUSDT_270326")
    speaking.answer("/fapi/v1/exchangeInfo", speaking.sample("exchangeInfo"))
    speaking.connection("open")
    speaking.forget()
    return speaking


def changed(venue, name, **data):
    message = venue.sample(name)
    message["data"].update(data)
    return message


def trade(venue, id, **data):
    venue.frame(changed(venue, "trade", t=id, **data))


def past(venue, *ids):
    venue.answer(TRADES, [{**venue.sample("trades")[0], "id": id} for id in ids])


def depth(venue, before, first, last):
    venue.frame(changed(venue, "depth", pu=before, U=first, u=last))


def test_a_contract_is_listed_under_its_unified_name_with_steps_and_settlement(venue):
    swap, future = venue.named("BTC/USDT:USDT"), venue.named("BTC/USDT:USDT-270326")
    assert (swap.kind, swap.settle, swap.contract_size, swap.rules_known) == ("swap", "USDT", "1", True)
    assert swap.price_text(swap.tick_size) == "0.1" and swap.size_text(swap.lot_size) == "0.001"
    assert swap.min_notional == "100"
    assert (future.kind, future.settle, future.venue_symbol) == ("future", "USDT", "BTCUSDT_270326")


def test_a_symbol_that_the_venue_does_not_list_is_told():
    venue = Speaking("binanceusdm", "BTCUSDT", "BTCUSDTT")
    venue.answer("/fapi/v1/exchangeInfo", venue.sample("exchangeInfo"))
    [told] = venue.of(Malformed)
    assert "'BTCUSDTT' is not among the 3 contracts" in told.reason


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("BTC/USDT:USDT", "BTCUSDT"), ("BTC/USDT:USDT-270326", "BTCUSDT_270326"), ("ETH/USDC:USDC", "ETHUSDC")],
)
def test_symbols_are_written_as_the_venue_writes_them(ours, theirs):
    assert VENUES["binanceusdm"].venue_symbol(ours) == theirs


@pytest.mark.parametrize("wrong", ["BTC/USDT", "BTC/USD:BTC", "BTCUSDT"])
def test_what_is_no_contract_of_this_market_is_refused_with_an_example(wrong):
    with pytest.raises(ValueError, match="written 'BTC/USDT:USDT'"):
        VENUES["binanceusdm"].venue_symbol(wrong)


def test_each_entry_point_has_its_own_line():
    public, market = usdm_lines(["BTCUSDT"])
    assert public.path == "/public/stream?streams=btcusdt@trade/btcusdt@depth@100ms/btcusdt@bookTicker"
    assert market.path == "/market/stream?streams=btcusdt@markPrice/btcusdt@forceOrder"
    assert (public.name, public.trades, market.name, market.trades) == ("market", True, "market 2", False)
    [alone] = usdm_lines(["BTCUSDT"], ("aggTrade", "markPrice@1s"))
    assert alone.path.startswith("/market/stream?streams=btcusdt@aggTr") and alone.trades
    with pytest.raises(ValueError, match="name trade or aggTrade"):
        usdm_lines(["BTCUSDT"], ("trade", "aggTrade"))


def test_a_line_of_liquidations_alone_may_be_quiet_for_ever_and_asks_for_no_list():
    [line] = usdm_lines(["BTCUSDT"], ("forceOrder",))
    assert (line.quiet_s, line.ping, line.ping_s) == (math.inf, b"", 0.0)


def test_the_answer_to_a_ping_tells_nothing(venue):
    assert usdm_lines(["BTCUSDT"])[0].ping == b'{"method":"LIST_SUBSCRIPTIONS","id":1}'
    venue.frame({"result": ["btcusdt@trade"], "id": 1})
    assert not venue.of(Malformed)
    venue.frame({"error": {"code": 2, "msg": "Invalid request"}, "id": 1})
    assert venue.of(Malformed)


def test_a_hole_is_told_and_asked_for_a_second_later_and_healed_by_the_latest_trades(venue):
    trade(venue, 10)
    trade(venue, 13)
    venue.now_ns += SECOND_NS
    trade(venue, 14)
    [gap] = venue.of(Gap)
    assert (gap.from_id, gap.to_id, gap.healed) == (11, 12, False)
    [question] = venue.questions()
    assert question.path == TRADES and question.not_before_ns == venue.now_ns + SECOND_NS
    assert venue.ids() == [10, 13, 14]
    past(venue, 9, 10, 11, 12, 13)
    assert venue.ids() == [9, 11, 12]
    [healed] = venue.of(Gap)
    assert healed.healed and (healed.from_id, healed.to_id) == (11, 13)


def test_an_id_that_rest_leaves_out_was_no_trade_and_nothing_is_missing(venue):
    trade(venue, 10)
    trade(venue, 13)
    venue.now_ns += SECOND_NS
    past(venue, 10, 12, 13)
    assert venue.ids() == [10, 13, 12]
    told, *healed = venue.of(Gap)
    assert not told.healed and all(gap.healed for gap in healed)
    assert {id for gap in healed for id in range(gap.from_id, gap.to_id + 1)} >= {11, 12}


def test_a_hole_older_than_the_latest_trades_stays_told(venue):
    trade(venue, 10)
    trade(venue, 2000)
    venue.now_ns += SECOND_NS
    past(venue, 1500, *range(1990, 2001))
    venue.now_ns += SECOND_NS
    trade(venue, 2001)
    assert [gap.healed for gap in venue.of(Gap)] == [False]


def test_what_was_no_trade_of_the_market_is_no_trade_and_no_hole(venue):
    trade(venue, 10)
    trade(venue, 11, X="NA", p="0", q="0")
    trade(venue, 12, X="INSURANCE_FUND")
    trade(venue, 13)
    assert venue.ids() == [10, 13]
    venue.now_ns += MINUTE_NS
    trade(venue, 14)
    [told] = venue.of(Gap)
    assert told.healed and (told.from_id, told.to_id) == (11, 12), "a certificate counts these ids as known"


def test_aggregates_are_counted_and_healed_by_their_own_ids(venue):
    for id in (5, 8):
        venue.frame(changed(venue, "aggTrade", a=id))
    venue.now_ns += SECOND_NS
    venue.frame(changed(venue, "aggTrade", a=9))
    assert {row[4] for row in venue.adapter.gathered.trades} == {ID_AGGREGATE}
    assert venue.asked() == [AGGREGATES.format(6)]
    venue.answer(AGGREGATES.format(6), [{**venue.sample("aggTrades")[0], "a": id} for id in (6, 7, 8, 9)])
    assert venue.ids() == [5, 8, 9, 6, 7]
    assert [gap.healed for gap in venue.of(Gap)] == [False, True]


def test_aggregates_beside_single_trades_tell_nothing_new(venue):
    trade(venue, 10)
    venue.frame(changed(venue, "aggTrade", s="BTCUSDT", a=7))
    assert venue.ids() == [10]
    assert venue.adapter.gathered.duplicates == 1


def test_a_change_that_does_not_name_the_one_before_makes_the_book_unknown(venue):
    depth(venue, 90, 95, 100)
    assert venue.asked() == [DEPTH]
    venue.answer(DEPTH, {**venue.sample("depth_snapshot"), "lastUpdateId": 97})
    actions = [row[0] for row in venue.levels()]
    assert actions.count(CLEAR_BOOK) == 1 and len(actions) == 1 + 4 + 4
    depth(venue, 100, 104, 110)
    assert len(venue.levels()) == 4 and not venue.of(Gap)
    depth(venue, 111, 115, 120)
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.from_id, gap.to_id) == ("books", 111, 111)
    assert not venue.levels() and venue.asked() == [DEPTH]
    depth(venue, 120, 123, 125)
    venue.answer(DEPTH, {**venue.sample("depth_snapshot"), "lastUpdateId": 117})
    assert len(venue.levels()) == 1 + 4 + 4 + 4, "both that waited are applied"


def test_a_snapshot_older_than_the_oldest_waiting_change_is_asked_for_again(venue):
    depth(venue, 90, 95, 100)
    venue.forget()
    venue.answer(DEPTH, {**venue.sample("depth_snapshot"), "lastUpdateId": 89})
    assert not venue.levels()
    venue.now_ns += SECOND_NS
    depth(venue, 100, 101, 102)
    assert venue.asked() == [DEPTH]


def test_funding_is_told_when_it_changes(venue):
    venue.frame(venue.sample("markPrice"))
    [told] = venue.of(Funding)
    assert (told.rate, told.due_ns, told.exchange_ns) == ("-0.00003167", 1795363200000 * MS, 1795343403000 * MS)
    assert venue.named("BTC/USDT:USDT").price_text(told.mark_price) == "86899.154"
    venue.frame(changed(venue, "markPrice", p="86900.0", E=1795343406000))
    assert not venue.of(Funding)
    venue.restart()
    venue.frame(changed(venue, "markPrice", r="0.00010000"))
    assert [told.rate for told in venue.of(Funding)] == ["0.00010000"]


def test_what_is_delivered_has_no_funding(venue):
    venue.frame(changed(venue, "markPrice", s="BTCUSDT_270326", r="", T=0))
    venue.frame(changed(venue, "markPrice", s="BTCUSDT_270326", r="0.00000000", T=0))
    assert not venue.adapter.gathered.records


def test_funding_that_an_older_program_asked_for_is_read_and_not_asked_for_any_more(venue):
    venue.connection("open")
    assert not [path for path in venue.asked() if "premium" in path]
    venue.answer("/fapi/v1/premiumIndex?symbol=BTCUSDT", venue.sample("premiumIndex"))
    [told] = venue.of(Funding)
    assert (told.rate, told.exchange_ns) == ("-0.00003167", 1795343404004 * MS)
    assert not venue.asked()


def test_a_liquidation_is_told_with_the_side_of_its_order(venue):
    venue.frame(venue.sample("forceOrder"))
    [told] = venue.of(Liquidation)
    of = venue.named("BTC/USDT:USDT")
    assert (told.side, told.exchange_ns) == (SELL, 1795343403150 * MS)
    assert (of.price_text(told.price), of.size_text(told.size)) == ("86010.3", "0.014")
