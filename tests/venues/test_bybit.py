"""Bybit beyond the contract of all venues: spot beside contracts, pages of trades, books, best prices, funding, liquidations."""

import json
from dataclasses import replace

import pytest

from ninefold.journal.inputs import ConnectionChange
from ninefold.market.arrays import BUY, ID_TEXT, ID_UUID
from ninefold.market.records import Funding, Gap, Liquidation, Malformed
from ninefold.venues.bybit import Bybit, lines, read_clock
from ninefold.venues.table import VENUES

from .contract_messages import every_digit_is_kept, nothing_breaks_it, samples_are_told
from .contract_published import PAYLOADS, payloads
from .readings.bybit import BybitReading
from .speaking import Speaking

MS = 1_000_000
RULES = "/v5/market/instruments-info?category={}&symbol={}"
RECENT = "/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=1000"


@pytest.fixture
def venue():
    speaking = Speaking("bybit", "BTCUSDT")
    speaking.answer(RULES.format("linear", "BTCUSDT"), speaking.sample("instruments_linear"))
    speaking.connection("open")
    speaking.forget()
    return speaking


@pytest.fixture
def spot():
    speaking = Speaking("bybit", "spot:ETHUSDT")
    speaking.answer(RULES.format("spot", "ETHUSDT"), speaking.sample("instruments_spot"))
    speaking.connection("open")
    speaking.forget()
    return speaking


def changed(venue, name, **data):
    message = venue.sample(name)
    message["data"].update(data)
    return message


def trade(venue, number, at_ms=1795343404304):
    message = venue.sample("publicTrade")
    uid = f"00000000-0000-0000-0000-{number:012x}"
    message["data"] = [{**message["data"][0], "i": uid, "T": at_ms}]
    venue.frame(message)


def page(venue, *numbers, at_ms=1795343404304):
    answer = venue.sample("recent_trade")
    one = answer["result"]["list"][0]
    answer["result"]["list"] = [
        {**one, "execId": f"00000000-0000-0000-0000-{number:012x}", "time": str(at_ms)} for number in reversed(numbers)
    ]
    venue.answer(RECENT, answer)


def words(venue):
    return [(word["op"], word["args"]) for word in map(json.loads, venue.said())]


def test_rules_are_asked_of_each_symbol_in_its_category():
    asked = [question.path for question in Speaking("bybit", "BTCUSDT", "BTCUSD").adapter.start_questions()]
    assert asked == [RULES.format("inverse", "BTCUSD"), RULES.format("linear", "BTCUSDT")]
    assert Speaking("bybit", "spot:ETHUSDT").adapter.start_questions()[0].path == RULES.format("spot", "ETHUSDT")


def test_a_perpetual_and_a_pair_of_the_same_name_are_two_instruments(venue, spot):
    swap, pair = venue.named("BTC/USDT:USDT"), spot.named("ETH/USDT")
    assert (swap.kind, swap.settle, swap.venue_symbol, swap.min_notional) == ("swap", "USDT", "BTCUSDT", "5")
    assert (swap.price_text(swap.tick_size), swap.size_text(swap.lot_size)) == ("0.1", "0.001")
    assert (pair.kind, pair.settle, pair.venue_symbol, pair.min_notional) == ("spot", "", "spot:ETHUSDT", "5")
    assert (pair.price_text(pair.tick_size), pair.size_text(pair.lot_size)) == ("0.01", "0.00001")


def test_a_price_may_have_ten_decimals_and_a_size_has_eight_at_most():
    venue = Speaking("bybit", "spot:PEPEUSDT")
    answer = venue.sample("instruments_spot")
    rules = answer["result"]["list"][0]
    rules.update(symbol="PEPEUSDT", baseCoin="PEPE", priceFilter={"tickSize": "0.0000000001"})
    rules["lotSizeFilter"]["basePrecision"] = "0.0000001"
    venue.answer(RULES.format("spot", "PEPEUSDT"), answer)
    of = venue.named("PEPE/USDT")
    assert of.price_text(of.tick_size) == "0.0000000001"
    assert of.size_decimals == 8


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("BTC/USDT", "spot:BTCUSDT"),
        ("BTC/USDT:USDT", "BTCUSDT"),
        ("BTC/USDC:USDC", "BTCPERP"),
        ("BTC/USD:BTC", "BTCUSD"),
    ],
)
def test_symbols_are_written_as_the_venue_writes_them(ours, theirs):
    assert VENUES["bybit"].venue_symbol(ours) == theirs


@pytest.mark.parametrize("wrong", ["BTC/USDT:USDT-270326", "BTC/USDT:BTC", "BTCUSDT"])
def test_what_the_venue_does_not_trade_is_refused_with_examples(wrong):
    with pytest.raises(ValueError, match="pairs are written 'BTC/USDT'"):
        VENUES["bybit"].venue_symbol(wrong)


def test_a_line_is_of_one_category_and_asks_for_ten_topics_at_a_time():
    [made] = lines(["BTCUSDT", "ETHUSDT", "SOLUSDT"])
    said = [json.loads(word) for word in made.say]
    assert made.path == "/v5/public/linear"
    assert [len(word["args"]) for word in said] == [10, 5] and said[0]["args"][0] == "publicTrade.BTCUSDT"
    both = lines(["BTCUSD", "spot:BTCUSDT"])
    assert [(one.path, one.symbols) for one in both] == [
        ("/v5/public/inverse", ("BTCUSD",)),
        ("/v5/public/spot", ("spot:BTCUSDT",)),
    ]


def test_a_pair_and_a_perpetual_that_are_called_alike_are_told_apart_by_their_lines():
    """Of the trades themselves: both say BTCUSDT. After a restart too."""
    pairs = frozenset({"BTCUSDT", "spot:BTCUSDT"})
    frame = {
        "topic": "publicTrade.BTCUSDT",
        "type": "snapshot",
        "ts": 1,
        "data": [{"T": 1, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "100", "i": "7"}],
    }
    told = []
    for line in lines(sorted(pairs)):
        reader = Bybit(pairs)
        change = ConnectionChange("bybit", line.name, "open", "", line.symbols, line.streams)
        reader.connection(change, 1, 1, 1)
        again = Bybit(pairs)
        again.load(reader.save())
        for one in (reader, again):
            one.frame(1, 2, 2, json.dumps(frame).encode())
            told.append(one.registry[one.gathered.trades[-1][0]].venue_symbol)
    assert told == ["BTCUSDT", "BTCUSDT", "spot:BTCUSDT", "spot:BTCUSDT"]


def test_spot_has_neither_tickers_nor_liquidations():
    made = lines(["spot:ETHUSDT"])[0]
    assert made.path == "/v5/public/spot"
    assert json.loads(made.say[0])["args"] == ["publicTrade.ETHUSDT", "orderbook.200.ETHUSDT", "orderbook.1.ETHUSDT"]


def test_ids_are_uuids_and_in_spot_numbers_that_do_not_count(venue, spot):
    venue.frame(venue.sample("publicTrade"))
    spot.frame(spot.sample("spot_publicTrade"))
    assert {row[4] for row in venue.adapter.gathered.trades} == {ID_UUID}
    [row] = spot.adapter.gathered.trades
    assert (row[4], row[5], row[6]) == (ID_TEXT, 0, 2290000000068683805)


def test_after_a_lost_connection_the_latest_trades_show_that_nothing_was_missed_or_bring_it(venue):
    for number in (1, 2, 3):
        trade(venue, number)
    venue.connection("lost")
    venue.connection("open")
    assert venue.asked() == [RECENT]
    venue.restart()
    venue.forget()
    page(venue, 1, 2, 3, 4, 5)
    assert venue.ids() == [4, 5]
    [told] = venue.of(Gap)
    assert told.healed and told.stream == "trades"


def test_a_page_without_a_trade_from_before_leaves_what_came_meanwhile_unknown(venue):
    trade(venue, 1, at_ms=1795343404304)
    venue.connection("lost")
    venue.connection("open")
    venue.forget()
    page(venue, 7, 8, at_ms=1795343499000)
    [told] = venue.of(Gap)
    assert not told.healed
    assert (told.from_ns, told.to_ns) == (1795343404304 * MS, 1795343499000 * MS)


def test_a_hole_in_a_book_makes_it_unknown_until_a_new_snapshot(venue):
    venue.frame(venue.sample("orderbook_snapshot"))
    venue.frame(venue.sample("orderbook"))
    assert len(venue.levels()) == 1 + 4 + 4
    venue.frame(changed(venue, "orderbook", u=18521291))
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.from_id, gap.to_id) == ("books", 18521290, 18521290)
    assert words(venue) == [(op, ["orderbook.200.BTCUSDT"]) for op in ("unsubscribe", "subscribe")]
    venue.frame(changed(venue, "orderbook", u=18521292))
    assert not venue.levels()


def test_a_snapshot_with_number_1_begins_the_book_anew(venue):
    venue.frame(venue.sample("orderbook_snapshot"))
    venue.forget()
    venue.frame(changed(venue, "orderbook_snapshot", u=1))
    venue.frame(changed(venue, "orderbook", u=2))
    assert len(venue.levels()) == 1 + 4 + 4
    assert not venue.of(Gap)


def test_the_best_prices_may_come_one_by_one(venue):
    venue.frame(venue.sample("orderbook1"))
    venue.restart()
    venue.frame(venue.sample("orderbook1_delta"))
    of = venue.named("BTC/USDT:USDT")
    quote = venue.adapter.gathered.quotes[-1]
    assert [of.price_text(quote[place]) for place in (5, 7)] == ["86493.4", "86611.0"]
    assert [of.size_text(quote[place]) for place in (6, 8)] == ["1.750", "0.083"]


def test_funding_is_told_when_it_changes_also_from_changes_of_the_ticker(venue):
    venue.frame(venue.sample("tickers"))
    [first] = venue.of(Funding)
    venue.restart()
    venue.frame(venue.sample("tickers"))
    venue.frame(venue.sample("tickers_delta"))
    [second] = venue.of(Funding)
    assert [first.rate, second.rate] == ["-0.000212", "-0.000213"]
    assert {first.due_ns, second.due_ns} == {1795363200000 * MS}
    assert venue.named("BTC/USDT:USDT").price_text(second.mark_price) == "86581.92"


def test_a_short_position_that_is_closed_by_force_is_bought_back(venue):
    venue.frame(venue.sample("allLiquidation"))
    [told] = venue.of(Liquidation)
    of = venue.named("BTC/USDT:USDT")
    assert (told.side, told.exchange_ns) == (BUY, 1795343406929 * MS), "the venue tells the side of the position"
    assert (of.price_text(told.price), of.size_text(told.size)) == ("87044.9", "0.200")


@pytest.mark.parametrize(("name", "said"), [("refused", "handler not found"), ("publicTrade", "")])
def test_what_the_venue_refuses_is_told(venue, name, said):
    venue.frame(venue.sample(name))
    assert [said in told.reason for told in venue.of(Malformed)] == ([True] if said else [])


def test_a_symbol_that_the_venue_does_not_know_is_told():
    venue = Speaking("bybit", "BTTCUSDT")
    venue.answer(RULES.format("linear", "BTTCUSDT"), venue.sample("instruments_none"))
    [told] = venue.of(Malformed)
    assert "symbol invalid" in told.reason


def test_the_venues_time_is_read():
    assert read_clock(json.dumps(Speaking("bybit").sample("time")).encode()) == 1795343409.423


class SpotReading(BybitReading):
    prefix = "spot:"
    samples = (
        ("/v5/market/instruments-info?category=spot&symbol=ETHUSDT", "instruments_spot.json"),
        ("", "spot_publicTrade.json"),
    )


@pytest.mark.parametrize("check", [samples_are_told, every_digit_is_kept, nothing_breaks_it])
def test_the_contract_holds_on_messages_of_spot(check):
    entry = VENUES["bybit"]
    of_spot = replace(entry, adapter=lambda wanted, *rest: Bybit(wanted or frozenset({"spot:ETHUSDT"}), *rest))
    assert check(of_spot, SpotReading())


@pytest.mark.parametrize(
    ("file", "category", "symbol", "name"),
    [
        ("http_get_instruments_linear.json", "linear", "ETHUSDT", "ETH/USDT:USDT"),
        ("http_get_instruments_spot.json", "spot", "spot:BTCUSDT", "BTC/USDT"),
        ("http_get_instruments_inverse_symbol_type.json", "inverse", "BRENTUSD", "BRENT/USD:BRENT"),
    ],
)
def test_instruments_that_others_published_are_listed(recording, file, category, symbol, name):
    [one] = [one for one in payloads(recording(PAYLOADS.format("bybit"))) if one.file.endswith(file)]
    venue = Speaking("bybit", symbol)
    venue.answer(RULES.format(category, symbol), json.loads(one.text))
    assert venue.named(name).rules_known
