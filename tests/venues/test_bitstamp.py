"""The Bitstamp adapter on samples after the documentation, and what of other messages the contract does not see: funding,
rules, the trades of a pause. What is true of all adapters of its kind (MarketAdapter) is shown here too.
"""

import json

import pytest

from ninefold.market.arrays import ASK, BID, BUY, CLEAR_BOOK, ID_TEXT, SELL, SET_LEVEL
from ninefold.market.records import Funding, Gap, Malformed
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.venues import bitstamp
from ninefold.venues.adapter import Question

from .driven import RECEIVED, SECOND, TEN, Driven, rules_of

MARKETS = "/api/v2/markets/"
BOOK = "/api/v2/order_book/btcusd/?group=1"
PAST = "/api/v2/transactions/btcusd/?time=hour"


@pytest.fixture
def venue() -> Driven:
    made = Driven("bitstamp", {"btcusd", "btcusd-perp"}, (MARKETS, "markets"))
    made.forget()
    return made


def trade(id: int, second: int = 1) -> bytes:
    data = {"id": id, "amount_str": "0.5", "price_str": "60121", "type": 0}
    data["microtimestamp"] = f"{(TEN // SECOND + second)}000000"
    return json.dumps({"data": data, "channel": "live_trades_btcusd", "event": "trade"}).encode()


def past(*trades: tuple[int, int]) -> bytes:
    """(id, second) newest first."""
    rows = [
        {"date": str(TEN // SECOND + second), "tid": str(id), "amount": "0.5", "type": "0", "price": "60121"}
        for id, second in trades
    ]
    return json.dumps(rows).encode()


# what messages become


def test_a_trade_has_its_whole_id_and_the_side_of_the_taker(venue):
    venue.samples("trade", "trade_perpetual")
    assert venue.trades() == [
        (2001939623936278528, "60121", "0.03750000", BUY),
        (2001939623936278777, "60130", "0.00921", SELL),
    ]
    first = venue.adapter.gathered.trades[0]
    assert (first[1], first[4]) == (TEN + SECOND + 123_000_000, ID_TEXT)  # no number that counts


def test_funding_has_its_rate_as_written_and_when_it_is_paid(venue):
    venue.samples("funding_rate")
    [told] = venue.of(Funding)
    assert (told.rate, told.due_ns, told.exchange_ns) == ("-0.000123", TEN + 6 * HOUR_NS, TEN + 2 * SECOND)
    assert venue.instrument("btcusd-perp").price_text(told.mark_price) == "60131.81"  # cut to our unit


def test_the_list_of_markets_gives_kinds_and_steps():
    made = Driven("bitstamp", {"btcusd", "btcusd-perp"}, (MARKETS, "markets")).listed()
    spot, perpetual = rules_of(made["btcusd"]), rules_of(made["btcusd-perp"])
    both = {"base": "BTC", "quote": "USD", "contract_size": "1", "min_notional": "10", "rules_known": True, "tick": "1"}
    assert spot == {**both, "symbol": "BTC/USD", "kind": "spot", "settle": "", "lot": "0.00000001"}
    assert perpetual == {**both, "symbol": "BTC/USD:USD", "kind": "swap", "settle": "USD", "lot": "0.00001"}


def test_the_older_list_of_markets_is_read_too():
    made = Driven("bitstamp", {"btcusd"}, ("/api/v2/trading-pairs-info/", "pairs_2021")).listed()
    assert rules_of(made["btcusd"])["tick"] == "0.01"


def test_what_the_venue_complains_of_is_told_in_its_words(venue):
    venue.samples("error")
    assert "Bad subscription string." in venue.of(Malformed)[0].reason


def test_each_channel_is_asked_for_by_a_short_message_and_funding_of_perpetuals_only():
    said = bitstamp.lines(["btcusd", "btcusd-perp"])[0].say
    assert [json.loads(one)["data"]["channel"] for one in said] == [
        *("live_trades_btcusd", "diff_order_book_btcusd"),
        *("live_trades_btcusd-perp", "diff_order_book_btcusd-perp", "funding_rate_btcusd-perp"),
    ]
    assert max(map(len, said)) < 512


def test_names_purposes_and_the_clock(venue):
    assert [bitstamp.venue_symbol(name) for name in ("BTC/USD", "BTC/USD:USD")] == ["btcusd", "btcusd-perp"]
    assert bitstamp.purpose("https://www.bitstamp.net" + PAST) == "transactions"
    assert bitstamp.read_clock(venue.sample("ticker")) == TEN / SECOND


# books


def test_a_snapshot_is_asked_for_once_a_change_waits_for_it(venue):
    assert not venue.asked()
    venue.samples("diff", "diff")
    assert venue.asked() == [BOOK]
    assert not venue.levels()


def test_a_snapshot_from_before_the_first_change_is_asked_for_again(venue):
    venue.samples("diff")
    venue.forget()
    venue.answer(BOOK, venue.sample("order_book"))
    assert not venue.levels()
    venue.now += SECOND
    venue.frame(venue.sample("heartbeat"))
    assert venue.adapter.questions == [Question("order_book", BOOK, not_before_ns=venue.now)]


@pytest.mark.parametrize(("snapshot_us", "held"), [("1795341602000000", False), ("1795341602000001", True)])
def test_a_snapshot_must_be_as_young_as_the_first_change(venue, snapshot_us, held):
    venue.samples("diff")
    venue.answer(BOOK, venue.swapped("order_book", "1795341600500000", snapshot_us))
    assert bool(venue.levels()) is held


def test_what_is_older_than_the_snapshot_is_dropped_and_the_rest_applied(venue):
    venue.samples("diff_old", "diff")
    venue.answer(BOOK, venue.sample("order_book"))
    assert venue.levels() == [
        (CLEAR_BOOK, BID, "0", "0.00000000"),
        *((SET_LEVEL, BID, "60120", "1.25000000"), (SET_LEVEL, BID, "60119", "0.00300000")),
        *((SET_LEVEL, ASK, "60121", "0.70000000"), (SET_LEVEL, ASK, "60124", "2.00000000")),
        *((SET_LEVEL, BID, "60120", "0.00000000"), (SET_LEVEL, BID, "60118", "4.45710000")),
        (SET_LEVEL, ASK, "60121", "0.66250000"),
    ]


# trades whose ids do not count


def test_while_connected_nothing_is_told_as_missing(venue):
    for id in (5, 9, 9, 7):
        venue.frame(trade(id))
    assert [row[0] for row in venue.trades()] == [5, 9, 7]
    assert (venue.gaps(), venue.adapter.gathered.duplicates) == ([], 1)


def test_after_a_loss_the_last_hour_is_asked_for_and_what_it_holds_beyond_the_last_known_trade_is_new(venue):
    venue.frame(trade(5, second=1))
    venue.reconnect()
    assert venue.asked() == [PAST]
    venue.frame(trade(11, second=4))
    venue.forget()
    venue.answer(PAST, past((11, 4), (9, 3), (7, 2), (5, 1), (3, 0)))
    assert [row[0] for row in venue.trades()] == [7, 9]
    [gap] = venue.of(Gap)
    assert (gap.healed, gap.from_ns, gap.to_ns) == (True, TEN + SECOND, RECEIVED)
    venue.answer(PAST, past((11, 4), (8, 3), (5, 1)))  # asked for by nobody: nothing is in doubt any more
    assert len(venue.trades()) == 2


def test_an_hour_without_the_last_known_trade_is_whole_if_the_loss_is_younger(venue):
    venue.frame(trade(5, second=1))
    venue.reconnect()
    venue.forget()
    venue.answer(PAST, b"[]")
    assert venue.gaps() == [("trades", 0, 0, True)]


@pytest.mark.parametrize(("minutes", "healed"), [(58, True), (59, False)])
def test_an_hour_is_trusted_for_all_but_its_first_minute(venue, minutes, healed):
    venue.frame(trade(5, second=1))
    venue.connection("lost")
    venue.now += minutes * MINUTE_NS
    venue.connection("open")
    venue.forget()
    venue.answer(PAST, past((9, 3000)))
    assert venue.gaps() == [("trades", 0, 0, healed)]


def test_a_loss_of_more_than_an_hour_stays_missed_up_to_what_the_answer_reaches(venue):
    venue.frame(trade(5, second=1))
    venue.connection("lost")
    venue.now += 2 * HOUR_NS
    venue.connection("open")
    venue.forget()
    venue.answer(PAST, past((9, 7199), (7, 5000)))
    assert [row[0] for row in venue.trades()] == [7, 9]
    [gap] = venue.of(Gap)
    assert (gap.healed, gap.from_ns, gap.to_ns) == (False, TEN + SECOND, TEN + 5000 * SECOND)


def test_what_was_missed_while_the_program_was_stopped_is_asked_for_although_no_loss_was_told(venue):
    venue.frame(trade(5, second=1))
    venue.restart()
    venue.now += 2 * HOUR_NS
    venue.connection("open")
    venue.forget()
    venue.answer(PAST, past((9, 7199), (7, 5000)))
    [gap] = venue.of(Gap)
    assert (gap.healed, gap.from_ns, gap.to_ns) == (False, TEN + SECOND, TEN + 5000 * SECOND)


def test_a_restart_between_loss_and_answer_changes_nothing(venue):
    venue.frame(trade(5, second=1))
    venue.reconnect()
    venue.restart()
    venue.answer(PAST, past((7, 2), (5, 1)))
    assert [row[0] for row in venue.trades()] == [7]


@pytest.mark.parametrize(("status", "pause_s"), [(0, 1), (503, 1), (429, 10)])
def test_an_answer_that_did_not_come_is_asked_for_again(venue, status, pause_s):
    venue.answer(PAST, b"", status=status)
    assert venue.adapter.questions == [Question("transactions", PAST, not_before_ns=RECEIVED + pause_s * SECOND)]
