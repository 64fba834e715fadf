"""Binance COIN-M futures where they differ from USD-M: contracts of so many dollars, one websocket for all streams."""

import pytest

from ninefold.market.arrays import BUY
from ninefold.market.records import Funding, Gap, Liquidation
from ninefold.market.time import SECOND_NS
from ninefold.venues.binance_contracts import coinm_lines
from ninefold.venues.table import VENUES

from .speaking import Speaking


@pytest.fixture
def venue():
    speaking = Speaking("binancecoinm", "BTCUSD_PERP", "ETHUSD_270326")
    speaking.answer("/dapi/v1/exchangeInfo", speaking.sample("exchangeInfo"))
    speaking.connection("open")
    speaking.forget()
    return speaking


def test_a_contract_is_worth_so_many_dollars_and_settled_in_its_base(venue):
    swap, future = venue.named("BTC/USD:BTC"), venue.named("ETH/USD:ETH-270326")
    assert (swap.kind, swap.settle, swap.contract_size, swap.quote) == ("swap", "BTC", "100", "USD")
    assert (future.kind, future.settle, future.contract_size) == ("future", "ETH", "10")
    assert (swap.size_text(swap.lot_size), swap.price_text(swap.tick_size)) == ("1", "0.1")


@pytest.mark.parametrize(("ours", "theirs"), [("BTC/USD:BTC", "BTCUSD_PERP"), ("BTC/USD:BTC-210924", "BTCUSD_210924")])
def test_symbols_are_written_as_the_venue_writes_them(ours, theirs):
    assert VENUES["binancecoinm"].venue_symbol(ours) == theirs


@pytest.mark.parametrize("wrong", ["BTC/USDT:USDT", "BTC/USD"])
def test_what_is_no_contract_of_this_market_is_refused_with_an_example(wrong):
    with pytest.raises(ValueError, match="written 'BTC/USD:BTC'"):
        VENUES["binancecoinm"].venue_symbol(wrong)


def test_without_rules_a_symbol_tells_what_it_is_of():
    venue = Speaking("binancecoinm")
    venue.frame(venue.sample("trade"))
    venue.frame(venue.sample("bookTicker"))
    assert venue.named("ETH/USD:ETH-270326").kind == "future"
    assert not venue.named("BTC/USD:BTC").rules_known


def test_one_websocket_gives_all_and_nothing_is_asked_for_again_and_again(venue):
    assert coinm_lines(["BTCUSD_PERP"], ("aggTrade", "markPrice"))[0].path == (
        "/stream?streams=btcusd_perp@aggTrade/btcusd_perp@markPrice"
    )
    venue.connection("open")
    assert not venue.asked()


def test_a_hole_in_the_aggregates_is_asked_for_and_healed(venue):
    message = venue.sample("aggTrade")
    for id in (424951, 424953):
        message["data"]["a"] = id
        venue.frame(message)
    venue.now_ns += SECOND_NS
    venue.frame(venue.sample("bookTicker"))
    [path] = venue.asked()
    assert path == "/dapi/v1/aggTrades?symbol=BTCUSD_PERP&fromId=424952&limit=1000"
    venue.answer(path, [{**venue.sample("aggTrades")[0], "a": id} for id in (424952, 424953)])
    assert venue.ids() == [424951, 424953, 424952]
    assert [(gap.from_id, gap.to_id, gap.healed) for gap in venue.of(Gap)] == [
        (424952, 424952, False),
        (424952, 424953, True),
    ]


def test_funding_and_liquidations_come_by_stream(venue):
    venue.frame(venue.sample("markPrice"))
    venue.frame(venue.sample("forceOrder"))
    [funding], [forced] = venue.of(Funding), venue.of(Liquidation)
    of = venue.named("BTC/USD:BTC")
    assert (funding.rate, of.price_text(funding.mark_price)) == ("0.00008642", "86907.998")
    assert (forced.side, of.size_text(forced.size)) == (BUY, "3")
