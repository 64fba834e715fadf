"""What comes through ccxt, on samples after its manual, and what the contract does not see: pages that overlap or do not, ids
that are missing, candles, rules, names.
"""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.config import BadConfig, parse
from ninefold.market.arrays import BAR_FLAT, BAR_OK, BUY, ID_NONE, ID_TEXT, ID_UUID, SELL, UNKNOWN_SIDE, UNTOLD
from ninefold.market.records import Gap, Listed, Malformed
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.ccxt_candles import KEPT, Candles
from ninefold.venues.ccxt_names import NATIVE
from ninefold.venues.table import VENUES

from .driven import SECOND, TEN, Driven, rules_of

MARKETS = ("loadMarkets", "markets")
MINUTE = 60 * SECOND


@pytest.fixture
def venue() -> Driven:
    """BTC/EUR has rules, SOL/EUR none yet."""
    made = Driven("ccxt", {"BTC/EUR", "SOL/EUR", "ETH/USDT:USDT", "ADA/EUR"}, MARKETS)
    made.forget()
    return made


def trades(*ids: int | str | None, call: str = "watchTrades", symbol: str = "SOL/EUR") -> bytes:
    """Trade n happened n ms after ten; one without an id at the same moment as all others without."""
    told = [row(id) for id in ids]
    return json.dumps({"call": call, "symbol": symbol, "timeframe": "", "told": told}).encode()


def row(id: int | str | None) -> dict[str, object]:
    at = TEN // 10**6 + (id if isinstance(id, int) else 0)
    return {"timestamp": at, "id": None if id is None else str(id), "price": "133.5", "amount": "2", "side": "buy"}


def page(*ids: int | str | None) -> bytes:
    return trades(*ids, call="fetchTrades")


def asked_page(venue: Driven, *ids: int) -> None:
    """The answer to what the adapter asks after a lost connection."""
    assert venue.asked() == ["fetchTrades?symbol=SOL%2FEUR"]
    venue.answer("fetchTrades?symbol=SOL%2FEUR", json.dumps([row(id) for id in ids]).encode())


def ids(venue: Driven) -> list[int]:
    return [found[0] for found in venue.trades()]


def pauses(venue: Driven) -> list[tuple[int, int, bool]]:
    """(from, to, healed) in milliseconds after ten."""
    return [((gap.from_ns - TEN) // 10**6, (gap.to_ns - TEN) // 10**6, gap.healed) for gap in venue.of(Gap)]


# trades


def test_trades_keep_every_digit_the_side_and_the_id_in_whatever_form_it_is(venue):
    venue.samples("watch_trades", "watch_trades_names", "watch_trades_no_ids")
    assert [found[1:] for found in venue.trades()] == [
        ("52345.5", "0.01230000", BUY),
        ("52345.0", "1.00000001", SELL),
        ("2431.07", "12", SELL),
        ("2431.10", "3", UNKNOWN_SIDE),
        ("0.4213000000", "1500.00000000", BUY),
        ("0.4213000000", "1500.00000000", BUY),
    ]
    assert [found[4] for found in venue.adapter.gathered.trades] == [
        ID_TEXT,
        ID_TEXT,
        ID_UUID,
        ID_TEXT,
        ID_NONE,
        ID_NONE,
    ]
    assert ids(venue)[:2] == [90071, 90074]


def test_whole_ids_that_skip_are_no_hole(venue):
    venue.frame(trades(1, 5, 900))
    assert (ids(venue), venue.gaps(), venue.asked()) == ([1, 5, 900], [], [])


def test_a_number_of_more_digits_than_an_instrument_holds_is_told_and_not_rounded(venue):
    venue.frame(trades(1).replace(b'"133.5"', b'"133.12345678901"'))
    assert "10 decimals" in venue.of(Malformed)[0].reason
    assert ids(venue) == []


def test_trades_of_a_symbol_that_was_not_subscribed_are_told_as_malformed(venue):
    venue.frame(trades(1, symbol="XRP/EUR"))
    assert "not subscribed" in venue.of(Malformed)[0].reason


# pages, asked for again and again


def test_of_pages_that_overlap_each_trade_is_taken_once_and_nothing_is_in_doubt(venue):
    for told in ((1, 2, 3), (2, 3, 4), (4,), (4, 9)):
        venue.frame(page(*told))
    assert (ids(venue), pauses(venue)) == ([1, 2, 3, 4, 9], [])
    assert venue.adapter.gathered.duplicates == 0


def test_pages_that_share_no_trade_leave_a_gap_between_them(venue):
    venue.frame(page(1, 2))
    venue.frame(page(50, 60))
    venue.frame(page(60, 61))
    assert (ids(venue), pauses(venue)) == ([1, 2, 50, 60, 61], [(2, 50, False)])


def test_an_empty_page_proves_nothing_and_loses_nothing(venue):
    for told in ((1, 2), (), (2, 3)):
        venue.frame(page(*told))
    assert (ids(venue), pauses(venue)) == ([1, 2, 3], [])


def test_ids_that_ccxt_sorted_as_texts_stand_in_the_order_of_their_numbers(venue):
    venue.samples("fetch_trades", "fetch_trades_next")
    assert ids(venue) == [8, 10, 11, 15]


def test_alike_trades_without_ids_in_pages_are_each_taken_once(venue):
    venue.frame(page(None, None))
    venue.frame(page(None, None, None, 7))
    assert len(ids(venue)) == 4
    assert len(set(ids(venue))) == 4
    assert pauses(venue) == []


def test_the_first_page_tells_no_time_and_later_ones_only_what_is_new(venue):
    venue.frame(page(1, 2))
    assert venue.adapter.gathered.stamps == []
    venue.frame(page(2, 5))
    assert [stamp[1] - TEN for stamp in venue.adapter.gathered.stamps] == [5_000_000]
    venue.samples("time")
    venue.frame(page(5, 9))
    assert [(stamp[1] - TEN) // 10**6 for stamp in venue.adapter.gathered.stamps] == [5, 3000]


# best prices


def test_a_book_tells_its_best_prices_with_every_digit_and_at_what_time_it_was(venue):
    venue.samples("book", "book_no_time")
    btc, sol = venue.instrument("BTC/EUR"), venue.instrument("SOL/EUR")
    [first, second] = venue.adapter.gathered.quotes
    assert (first[0], first[1], first[2]) == (btc.id, TEN + 2_500 * 10**6, venue.now)
    assert (btc.price_text(first[5]), btc.size_text(first[6])) == ("52345.0", "0.75000000")
    assert (btc.price_text(first[7]), btc.size_text(first[8])) == ("52345.5", "1.20000000")
    assert (second[0], second[1]) == (sol.id, UNKNOWN_NS)
    assert [sol.price_text(second[place]).rstrip("0") for place in (5, 7)] == ["133.4", "133.5"]
    assert venue.adapter.gathered.stamps == [], "a book may be told late, and tells no time"


@pytest.mark.parametrize("told", ['"bids":[],"asks":[["1","2"]]', '"bids":[["1","2"]],"asks":[]'])
def test_half_a_book_is_no_quote_and_the_one_before_grows_old(venue, told):
    venue.frame(f'{{"call":"fetchOrderBook","symbol":"SOL/EUR","timeframe":"","told":[{{{told}}}]}}'.encode())
    assert (venue.adapter.gathered.quotes, venue.of(Malformed)) == ([], [])


@pytest.mark.parametrize("levels", ['[["1"]]', '[["-1","2"]]', '[["one","2"]]', "null", '{"1":"2"}'])
def test_a_book_that_cannot_be_read_is_told_and_is_no_quote(venue, levels):
    book = f'{{"bids":{levels},"asks":[["3","2"]]}}'
    venue.frame(f'{{"call":"fetchOrderBook","symbol":"SOL/EUR","timeframe":"","told":[{book}]}}'.encode())
    assert (venue.adapter.gathered.quotes, len(venue.of(Malformed))) == ([], 1)


# a lost connection


def test_a_page_that_reaches_back_heals_and_gives_what_was_missed(venue):
    venue.frame(trades(1, 2))
    venue.reconnect()
    venue.frame(trades(6))
    asked_page(venue, 1, 2, 3, 5, 6)
    assert (ids(venue), pauses(venue)[-1][2]) == ([1, 2, 6, 3, 5], True)
    venue.frame(trades(5, 6, 7))  # the stream may tell them again
    assert ids(venue)[5:] == [7]


def test_a_page_that_does_not_reach_back_gives_what_it_has_and_leaves_the_rest_in_doubt(venue):
    venue.frame(trades(1, 2))
    venue.reconnect()
    venue.frame(trades(60))
    asked_page(venue, 50, 55, 60)
    assert (ids(venue), pauses(venue)) == ([1, 2, 60, 50, 55], [(2, 50, False)])


@pytest.mark.parametrize("numbers", [(1001, 1002, 1006), (1, 2, 3)], ids=["others", "the same for other trades"])
def test_a_page_whose_ids_are_of_another_kind_doubles_nothing(venue, numbers):
    venue.frame(trades(1, 2))
    venue.reconnect()
    venue.frame(trades(6))
    joined = [row(number) | {"timestamp": TEN // 10**6 + 5000 + number} for number in numbers]
    venue.answer("fetchTrades?symbol=SOL%2FEUR", json.dumps(joined).encode())
    assert ids(venue) == [1, 2, 6]
    assert [healed for *_, healed in pauses(venue)] == [False]


@pytest.mark.parametrize(("status", "again"), [(400, []), (422, []), (0, 1), (429, 1), (500, 1)])
def test_a_page_that_is_refused_for_good_leaves_doubt_and_any_other_is_asked_for_again(venue, status, again):
    venue.frame(trades(1, 2))
    venue.reconnect()
    path = "fetchTrades?symbol=" + quote("SOL/EUR", safe="")
    assert venue.asked() == [path]
    venue.answer(path, b"the words of ccxt", status)
    assert venue.asked() == ([path] if again else [])
    assert [healed for *_, healed in pauses(venue)] == ([] if again else [False])


def test_what_happened_while_the_program_did_not_run_is_asked_for(venue):
    venue.frame(trades(1, 2))
    venue.restart()
    venue.connection("open")
    asked_page(venue, 1, 2, 3)
    assert (ids(venue), pauses(venue)[-1][2]) == ([3], True)


def test_markets_that_did_not_come_are_not_asked_for_as_trades():
    venue = Driven("ccxt", {"BTC/EUR"})
    venue.answer("loadMarkets", b"NetworkError: no answer", 0)
    assert (venue.asked(), venue.listed()) == ([], {})


def test_without_ids_a_pause_stays_in_doubt_and_what_is_told_again_is_left_out(venue):
    venue.samples("watch_trades_no_ids")
    venue.reconnect()
    assert [healed for *_, healed in pauses(venue)] == [False]
    venue.samples("watch_trades_no_ids")
    later = venue.swapped("watch_trades_no_ids", "1795341601300", "1795341609300")
    venue.frame(later)
    assert len(venue.trades()) == 3
    venue.restart()
    venue.forget()
    venue.samples("watch_trades_no_ids")
    assert venue.trades() == []


# candles


def bars(venue: Driven) -> list[tuple]:
    """(opened after ten, in minutes; open, high, low, close, volume; state, revision)."""
    of = venue.instrument("BTC/EUR")
    made = [
        ((row[2] - TEN) // MINUTE, *map(of.price_text, row[4:8]), of.size_text(row[8]), row[15], row[16])
        for row in venue.adapter.gathered.bars
    ]
    assert all(row[9:15] == (UNTOLD, UNTOLD, 0, 0, 0, 0) for row in venue.adapter.gathered.bars)
    assert all(row[3] - row[2] == row[1] == MINUTE for row in venue.adapter.gathered.bars)
    return made


def test_a_candle_becomes_a_bar_once_a_later_one_is_told(venue):
    venue.samples("candles")
    assert bars(venue) == [
        (-2, "52340.0", "52350.5", "52340.0", "52345.5", "1.02030000", BAR_OK, 0),
        (-1, "52345.5", "52345.5", "52345.5", "52345.5", "0.00000000", BAR_FLAT, 0),
    ]
    venue.samples("candles_next")
    assert bars(venue)[2:] == [(0, "52345.5", "52347.0", "52345.0", "52347.0", "2.75000000", BAR_OK, 0)]


def test_candles_that_are_told_again_are_bars_once_and_changed_ones_the_next_revision(venue):
    venue.samples("candles", "candles_next", "candles")
    venue.restart()
    venue.samples("candles")
    venue.frame(venue.swapped("candles", "1.02030000", "1.02040000"))
    # `candles` tells the third one as it was while it was open
    assert [(bar[0], bar[5], bar[7]) for bar in bars(venue)] == [(-2, "1.02040000", 1)]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"1m"', '"7m"', "timeframe"),
        ("1795341480000", "1795341480500", "no bar does"),
        ('"52350.5"', "null", "null"),
        ('"52350.5"', '"-1"', "negative"),
        ("BTC/EUR", "XRP/EUR", "not subscribed"),
    ],
)
def test_candles_that_cannot_be_bars_are_told(venue, old, new, says):
    venue.frame(venue.swapped("candles", old, new))
    assert says in venue.of(Malformed)[0].reason
    assert venue.adapter.gathered.bars == []


def test_no_more_candles_are_remembered_than_needed_and_forgotten_ones_are_not_told_again():
    candles = Candles()
    told = [(at, (at, at, at, at, 1)) for at in range(KEPT + 500)]
    assert len(candles.fold("s", told)) == KEPT + 499
    assert len(candles.series["s"]) == KEPT
    assert candles.fold("s", told) == []


@given(st.lists(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), max_size=5), max_size=8))
def test_the_newest_revision_of_a_candle_is_what_was_told_last_and_the_open_one_is_never_told(batches):
    candles, last, shown = Candles(), {}, {}
    for batch in batches:
        for at, value, revision in candles.fold("s", [(at, (v, v, v, v, v)) for at, v in batch]):
            assert revision == shown.get(at, (None, -1))[1] + 1
            shown[at] = (value[0], revision)
        last.update(batch)
        newest = max(last, default=0)
        assert {at: value for at, (value, _) in shown.items() if at != newest} == {
            at: value for at, value in last.items() if at != newest
        }


# rules


def test_rules_come_with_the_markets_of_the_wanted_pairs():
    venue = Driven("ccxt", {"BTC/EUR", "ETH/USDT:USDT"}, MARKETS)
    listed = venue.listed()
    known = {"rules_known": True, "base": "BTC", "quote": "EUR", "kind": "spot", "settle": "", "contract_size": "1"}
    assert rules_of(listed["BTC/EUR"]) == {
        "symbol": "BTC/EUR", "min_notional": "5", "tick": "0.5", "lot": "0.00000001", **known
    }  # fmt: skip
    assert listed["BTC/EUR"].size_decimals == 8
    assert listed["BTC/EUR"].size_text(listed["BTC/EUR"].min_size) == "0.00010000"
    swap = rules_of(listed["ETH/USDT:USDT"])
    assert [swap[name] for name in ("symbol", "kind", "settle", "contract_size")] == [
        "ETH/USDT:USDT", "swap", "USDT", "0.01"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "price", "amount", "tick", "known"),
    [
        (4, '"0.5"', "0.001", "0.5", True),
        (2, "2", "3", "0.01", True),
        (3, "5", "5", "", False),
        (4, "null", "1", "", False),
    ],
)
def test_precision_is_read_in_each_of_its_modes(mode, price, amount, tick, known):
    venue = Driven("ccxt", {"BTC/EUR"})
    body = f'{{"precisionMode":{mode},"markets":[{{"symbol":"BTC/EUR","precision":{{"price":{price},"amount":{amount}}}}}]}}'
    venue.answer("loadMarkets", body.encode())
    [listed] = [one.instrument for one in venue.of(Listed)]
    assert listed.rules_known == known
    assert not known or rules_of(listed)["tick"] == tick


def test_a_contract_with_an_end_is_a_future_also_without_rules():
    found = Driven("ccxt", {"BTC/USD:BTC-261225"})
    found.frame(trades(1, symbol="BTC/USD:BTC-261225"))
    of = found.instrument("BTC/USD:BTC-261225")
    assert (of.name, of.kind, of.settle) == ("ccxt:BTC/USD:BTC-261225", "future", "BTC")


# names


def test_every_exchange_is_a_venue_of_its_own_and_none_is_listed():
    entry = VENUES["ccxt.bitvavo"]
    adapter = entry.adapter(frozenset({"SOL/EUR"}), entry.streams, None)
    adapter.frame(1, 1, TEN, trades(1))
    assert [one.name for one in adapter.registry] == ["ccxt.bitvavo:SOL/EUR"]
    assert "ccxt.bitvavo" in VENUES
    assert "ccxt.bitvavo" not in list(VENUES)
    assert VENUES.get("mtgox") is None
    assert VENUES.get("ccxt.Bit vavo") is None


@pytest.mark.parametrize(
    ("name", "streams", "says"),
    [
        ("ccxt", "", "for example 'ccxt.bitvavo'"),
        ("ccxt.kraken", "", "write 'kraken'"),
        ("ccxt.huobi", "", "write 'htx'"),
        ("ccxt.coinbaseexchange", "", "write 'coinbase'"),
        ("ccxt.bitvavo", 'streams = ["candle:1m"]', "did you mean 'candles:1m'"),
        ("ccxt.bitvavo", 'streams = ["depth"]', "'trades', 'quotes', 'candles:1s'"),
        ("ccxt.bitvavo", 'streams = ["trades", "candles:1m"]', "not both"),
    ],
)
def test_a_config_says_what_cannot_come_through_ccxt_and_what_can(name, streams, says):
    with pytest.raises(BadConfig) as refused:
        parse(f'[venue]\nname = "{name}"\npairs = ["BTC/EUR"]\n{streams}\n')
    assert says in str(refused.value)


@pytest.mark.parametrize("streams", ["", 'streams = ["trades"]', 'streams = ["candles:1m", "candles:1h"]'])
def test_a_config_may_name_any_other_exchange(streams):
    config = parse(f'[venue]\nname = "ccxt.bitvavo"\npairs = ["BTC/EUR"]\n{streams}\n')
    assert config.venue.name == "ccxt.bitvavo"


def test_each_native_name_is_that_of_an_adapter():
    assert set(NATIVE.values()) == set(VENUES) - {"ccxt"}


# anything at all

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["1e9", "9" * 50, "-0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(row(1))) | st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
CALLS = st.sampled_from(["watchTrades", "fetchTrades", "watchOHLCV", "fetchOHLCV", "fetchTime", "fetchOrders"])
ROWS = st.lists(
    st.fixed_dictionaries({name: VALUES for name in row(1)}) | st.lists(VALUES, min_size=6, max_size=6) | VALUES,
    max_size=3,
)
FRAMES = st.fixed_dictionaries(
    {"call": CALLS, "symbol": st.just("BTC/EUR"), "timeframe": st.just("1m"), "told": ROWS | VALUES}
)


@pytest.mark.slow
@given(st.binary(max_size=80) | (FRAMES | VALUES).map(lambda told: json.dumps(told).encode()))
def test_whatever_a_frame_holds_it_is_taken_or_told_as_malformed_and_nothing_is_raised(payload):
    venue = Driven("ccxt", {"BTC/EUR"}, MARKETS)
    venue.forget()
    before = venue.adapter.save()
    venue.frame(payload)
    gathered = venue.adapter.gathered
    rows = [*gathered.trades, *gathered.bars]
    gathered.arrays()  # they fit their layouts
    if venue.of(Malformed):
        assert (rows, gathered.stamps, venue.adapter.save()) == ([], [], before)


@pytest.mark.slow
@given(st.sampled_from(["loadMarkets", "fetchTrades?symbol=BTC%2FEUR", "what?"]), VALUES | ROWS)
def test_whatever_an_answer_holds_nothing_is_raised(url, body):
    venue = Driven("ccxt", {"BTC/EUR"})
    venue.answer(url, json.dumps(body).encode())
    markets = {"precisionMode": 4, "markets": body if isinstance(body, list) else [body]}
    venue.answer("loadMarkets", json.dumps(markets).encode())
