"""Strategies that take over from each other on one account: by hand, as one alone, and as the slow venue is told."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ninefold.backtest.market_rules import Fees, FixedSize, Rules
from ninefold.backtest.ticks import venue_slow
from ninefold.backtest.ticks.cut import part_of
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.market import Terms, account_of
from ninefold.backtest.ticks.on_trade import run_on_trade
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.quoting import asked_by, run_quoting
from ninefold.backtest.ticks.stream import Way
from ninefold.backtest.ticks.tape import Ticks
from ninefold.backtest.ticks.turns import Acts, InTurns, quote_in_turns
from ninefold.strategy import BadStrategy
from tests.backtest.ticks.sessions import ASK, BID, best, trade
from tests.backtest.ticks.test_quoting import MS, TERMS, apart, plan, spaced

SEEDS = st.integers(0, 2**32 - 1)


class Says:
    """Free code that wants these, one a trade, then nothing new."""

    def __init__(self, *wants):
        self._wants = list(wants)

    def on_trade(self, price, size, side, exchange_ns, position):
        return self._wants.pop(0) if self._wants else None


def filled(*parts):
    """(row of the fill, size) on trades 10 ns apart that orders meet at once."""
    ticks = Ticks(np.arange(10) * 10, np.full(10, 5), np.full(10, 9))
    way = Way(Rules(1_000, FixedSize(4), Fees(0)), Latency(FixedFeed(0), FixedOrder(0)), 10)
    return run_on_trade(ticks, InTurns([Acts(*part) for part in parts]), way).fills[["bar", "size"]].tolist()


def test_free_code_begins_anew_flat_and_goes_on_where_it_acts_again():
    long = lambda: Says(1)  # noqa: E731
    half = lambda: Says(None, 0.5)  # noqa: E731
    assert filled((0, 100, long)) == [(1, 4)]
    assert filled((0, 50, long), (50, 100, long)) == [(1, 4)]  # the same one goes on
    # bought at 1; half says nothing at row 5, so what is held is sold at 6; it wants 2 at row 6, bought at 7
    assert filled((0, 50, long), (50, 100, half)) == [(1, 4), (6, -4), (7, 2)]
    assert filled((0, 50, long), (50, 80, None), (80, 100, long)) == [(1, 4), (6, -4), (9, 4)]


def test_quotes_of_who_is_relieved_are_taken_back_and_what_is_held_stays():
    quiet = [best(BID, 99, 5), best(ASK, 102, 5)]
    there = spaced(*quiet, *quiet, trade(-1, 100, 3), *quiet, trade(-1, 100, 3), trade(1, 102, 3), *quiet)
    inside = plan(bid="bid + tick", ask="ask - tick", size=2)
    bids = plan(bid="bid + tick", ask="ask - tick", bid_size=2, ask_size="where(close > 0, 0, 0)")
    sizes = lambda *parts: quote_in_turns(there, [Acts(*part) for part in parts], TERMS)[0].fills["size"].tolist()  # noqa: E731
    assert sizes((0, 11, inside)) == [2, 2, -2]
    assert sizes((0, 6, inside), (6, 11, None)) == [2]
    assert sizes((0, 6, inside), (6, 11, bids)) == [2]  # at the trades its own are not there yet
    assert sizes((0, 4, None), (4, 11, bids)) == [2]


FORMS = (
    {"bid": "bid", "ask": "ask", "size": 3},
    {"bid": "bid - tick", "ask": "ask + tick", "size": 5},
    {"bid": "lag(bid, 1) - tick", "ask": "lag(ask, 1) + tick", "size": 2},
)


@pytest.mark.torture
@given(SEEDS, st.integers(0, 40), st.integers(41, 80), st.integers(1, 3), st.sampled_from(FORMS))
@settings(deadline=None)
def test_one_that_acts_in_all_parts_fills_as_it_does_alone(seed, first, last, every_ms, form):
    terms = Terms(1_000, Fees("0.001", "-0.0002"), latency=Latency(FixedFeed(MS), FixedOrder(MS)))
    there, mine = apart(seed), plan(**form, every_ms=every_ms, most=8)
    try:
        alone, asked = run_quoting(mine, part_of(there, first, last), terms)
    except BadStrategy:  # quotes that cross each other, of lagging prices
        assume(False)
    cut = (first + last) // 2
    found, as_often = quote_in_turns(there, [Acts(first, cut, mine), Acts(cut, last, mine)], terms)
    assert (found.fills.tolist(), found.cash, as_often) == (alone.fills.tolist(), alone.cash, asked)


@pytest.mark.slow
@given(SEEDS, st.lists(st.integers(1, 79), min_size=2, max_size=4, unique=True), st.integers(0, 3))
@settings(max_examples=10, deadline=None)
def test_those_who_take_over_fill_as_at_the_slow_venue(seed, cuts, way_ms):
    """All that they quote, told to the slow venue as the quotes of one."""
    terms = Terms(1_000, Fees("0.001", "-0.0002"), latency=Latency(FixedFeed(MS), FixedOrder(way_ms * MS)))
    there, borders = apart(seed), [0, *sorted(cuts), 80]
    plans = [plan(**form, every_ms=1 + at, most=10**6) for at, form in enumerate(FORMS)] + [None]
    parts = [Acts(start, stop, plans[(seed + at) % 4]) for at, (start, stop) in enumerate(pairwise(borders))]
    told = []  # event, when, bid, its size, ask, its size
    for start, stop, who in parts:
        told.append((start, int(there.exchange_ns[start]) + MS, 0, 0, 0, 0))
        if who is not None:
            own = part_of(there, start, stop)
            try:
                shown, quotes = asked_by(who, own, terms)
            except BadStrategy:  # quotes that cross each other, of lagging prices
                assume(False)
            rows = (
                shown.timer.at + stop - len(own),
                shown.at_ns,
                quotes.bid,
                quotes.bid_size,
                quotes.ask,
                quotes.ask_size,
            )
            told += zip(*(of.tolist() for of in rows), strict=True)
    at, at_ns, *sides = np.array(told, np.int64).T
    assume((np.diff(at) > 0).all())
    quotes = Quotes(at, *sides, 10**6, decided_ns=at_ns)
    fills, cash, position = venue_slow.play_quotes(
        there, quotes, quotes.arrivals(there, terms.latency), account_of(terms, there)
    )
    found, _ = quote_in_turns(there, parts, terms)
    assert (found.fills.tolist(), found.cash, found.position) == (fills.tolist(), cash, position)
