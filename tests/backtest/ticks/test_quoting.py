"""Strategies that quote: by hand, formulas at once as one tick after the other, and both as the slow venue."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.market_rules import Fees, Rules
from ninefold.backtest.ticks import market, quoting, venue_slow
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.market import Terms, account_of
from ninefold.backtest.ticks.quoted import result_of
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.quoting import run_quoting, shown_at
from ninefold.backtest.ticks.stream import Way
from ninefold.strategy import BadStrategy, Book, Quote, Strategy, plan_of
from tests.backtest.ticks.sessions import ASK, BID, best, random_session, session, trade

MS = 1_000_000
TERMS = Terms(1_000, Fees(0, "0.01"), latency=Latency(FixedFeed(0), FixedOrder(0)))


def spaced(*events, apart_ms=1):
    """The same session with its events so far apart."""
    found = session(*events).events.copy()
    found["exchange_ns"] = found["known_ns"] = np.arange(len(found)) * apart_ms * MS + MS
    return type(session(*events))(found)


def plan(**body):
    return plan_of(type("Mine", (Strategy,), {"most": 10, "every_ms": 1, **body}))


QUIET = [best(BID, 99, 5), best(ASK, 102, 5), best(BID, 99, 5), best(ASK, 102, 5)]


def test_a_tick_in_front_of_both_sides_is_filled_before_the_queue_and_the_account_adds_up():
    # quoted from the second event on at 100 and 101: a sale of 3 at 100 fills ours, a purchase of 3 at 102 ours at 101
    there = spaced(*QUIET, trade(-1, 100, 3), trade(1, 102, 3), *QUIET)
    traded, asked = run_quoting(plan(bid="bid + tick", ask="ask - tick", size=2), there, TERMS)
    assert traded.fills[["price", "size", "maker"]].tolist() == [(100, 2, 1), (101, -2, 1)]
    assert (traded.position, traded.cash, asked) == (0, 1_000 + 2 - 2 - 3, 8)  # fees of a hundredth, up to whole units
    result = result_of(traded, Way(Rules(1_000, fees=Fees(0, "0.01")), width_ns=MS))
    assert result.trades[["size", "pnl"]].tolist() == [(2, -3)]


def test_a_fill_to_the_other_side_is_what_closed_and_what_opened():
    there = spaced(*QUIET, trade(-1, 100, 3), trade(1, 102, 9), *QUIET)
    traded, _ = run_quoting(plan(bid="bid + tick", ask="ask - tick", bid_size=2, ask_size=5), there, TERMS)
    assert traded.fills["size"].tolist() == [2, -5]
    result = result_of(traded, Way(Rules(1_000), width_ns=MS))
    assert result.fills[["size", "fee"]].tolist() == [
        (2, 2),
        (-2, 2),
        (-3, 4),
    ]  # 2.00 and 5.05, up; the latter in two parts
    assert result.trades["size"].tolist() == [2] and result.open_trade["size"].tolist() == [-3]


def test_a_formula_of_the_position_leaves_the_side_that_would_add_to_it():
    there = spaced(*QUIET, trade(-1, 100, 2), *QUIET, trade(-1, 100, 2), *QUIET)
    both = plan(bid="bid + tick", ask="ask", bid_size="where(position > 0, 0, 2)", ask_size=0)
    assert run_quoting(both, there, TERMS)[0].position == 2
    assert run_quoting(plan(bid="bid + tick", ask="ask", bid_size=2, ask_size=0), there, TERMS)[0].position == 4


def test_free_code_sees_the_book_in_quote_and_base_and_none_leaves_the_quotes_as_they_are():
    seen: list[Book] = []

    class Mine(Strategy):
        most = 10
        every_ms = 1

        def on_book(self, book):
            seen.append(book)
            return Quote(book.bid + 1, 2, book.ask, 0) if len(seen) == 2 else None

    there = spaced(*QUIET, trade(-1, 100, 1), trade(-1, 100, 1), *QUIET)
    traded, _ = run_quoting(plan_of(Mine), there, TERMS)
    assert traded.fills["price"].tolist() == [100, 100] and traded.position == 2
    assert seen[2] == (4 * MS, 99, 5, 102, 5, seen[2].last, 0) and np.isnan(seen[2].last)
    assert seen[-1][1:] == (99, 5, 102, 5, 100, 2)


def test_what_is_traded_is_a_column_of_the_time_since_the_tick_before():
    there = spaced(*QUIET, trade(-1, 100, 3), trade(1, 102, 4), *QUIET, apart_ms=2)
    columns = shown_at(there, TERMS, 4, 1).columns
    assert columns["volume"].tolist() == [0, 3, 4, 0]
    assert columns["buy_volume"].tolist() == [0, 0, 4, 0]
    assert columns["close"].tolist()[1:] == [100, 102, 102]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"bid": "ask + tick", "ask": "ask", "size": 1},
            "its bid is 103 ticks and its ask 102: a bid lies below the ask",
        ),
        ({"bid": "bid", "ask": "open", "size": 1}, "mine reads open; quotes may read bid, ask"),
        ({"bid": "bid", "ask": "ask", "size": 1, "most": 0.5}, "most is 0.5, less than one lot of 1"),
        ({"on_book": lambda self, book: 3}, "mine: on_book failed at .*Quote.bid, bid_size, ask, ask_size. or None"),
    ],
)
def test_quotes_that_cannot_be_say_what_is_allowed(body, said):
    with pytest.raises(BadStrategy, match=said):
        run_quoting(plan(**body), spaced(*QUIET, trade(-1, 100, 1)), TERMS)


FORMULAS = [
    {"bid": "bid", "ask": "ask", "size": 3},
    {"bid": "bid + tick", "ask": "ask - tick", "bid_size": "where(spread > tick + tick, 2, 0)", "ask_size": 4},
    {"bid": "lag(bid, 1)", "ask": "max(ask, lag(ask, 2))", "size": "where(imbalance > 0, 5, 1)"},
]
SEEDS = st.integers(0, 2**32 - 1)


def apart(seed, count=80):
    found = random_session(seed, count).events.copy()
    for name in ("exchange_ns", "known_ns"):
        found[name] *= MS // 10
    return type(random_session(seed, 4))(found)


@pytest.mark.slow
@given(SEEDS, st.sampled_from(FORMULAS), st.integers(1, 4), st.sampled_from([0, 1, 3]))
@settings(max_examples=40, deadline=None)
def test_formulas_computed_at_once_fill_as_asked_one_tick_after_the_other(seed, body, every_ms, way_ms):
    terms = Terms(1_000, Fees("0.001", "-0.0002"), latency=Latency(FixedFeed(MS), FixedOrder(way_ms * MS)))
    there, most = apart(seed), 6
    try:
        once = run_quoting(plan(**body, every_ms=every_ms, most=most), there, terms)[0]
    except BadStrategy:
        return  # quotes that cross each other, of lagging prices
    asked = {**body, "bid": f"where(position > 1000000, {body['bid']}, {body['bid']})"}
    live = run_quoting(plan(**asked, every_ms=every_ms, most=most), there, terms)[0]
    assert live.fills.tolist() == once.fills.tolist()
    assert (live.cash, live.position) == (once.cash, once.position)


@pytest.mark.slow
@given(SEEDS, st.integers(1, 4), st.sampled_from([0, 1, 3]))
@settings(max_examples=40, deadline=None)
def test_quotes_that_follow_the_position_fill_as_at_the_slow_venue(seed, every_ms, way_ms):
    """What was asked while it ran, told to the slow venue, which knows nothing of who decides."""
    terms = Terms(1_000, Fees("0.001", "-0.0002"), latency=Latency(FixedFeed(MS), FixedOrder(way_ms * MS)))
    there = apart(seed)
    wants = plan(
        bid="where(position > 2, bid - tick, bid)",
        ask="where(position < -2, ask + tick, ask)",
        size=3,
        every_ms=every_ms,
        most=8,
    )
    told: dict[int, tuple[int, ...]] = {}
    shown = shown_at(there, terms, every_ms, 8)
    make = lambda: quoting._of_formulas("mine", wants.wants, shown, there)  # noqa: E731

    def heard():
        decide = make()

        def ask(row, position):
            told[row] = decide(row, position)
            return told[row]

        return ask

    fast = market.trade_live_quotes(there, [market.Turn(shown.timer, heard)], terms)
    table = np.array([told[row] for row in range(len(shown.at_ns))], np.int64).reshape(-1, 4).T
    quotes = Quotes(shown.timer.at, *table, 8, decided_ns=shown.at_ns)
    fills, cash, position = venue_slow.play_quotes(
        there, quotes, quotes.arrivals(there, terms.latency), account_of(terms, there)
    )
    assert fast.fills.tolist() == fills.tolist()
    assert (fast.cash, fast.position) == (cash, position)
