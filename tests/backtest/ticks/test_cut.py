"""Parts of a session, and the order of events that come from several places."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.ticks.cut import part_of
from ninefold.backtest.ticks.events import LEVEL, TRADE, events_of_rows
from ninefold.backtest.ticks.market import book_at, shown_by
from ninefold.market.arrays import ASK, BID, ID_INTEGER, rows
from ninefold.market.instruments import listed
from tests.backtest.ticks.sessions import START_NS, best, clear, level, random_session, session, trade

SEEDS = st.integers(0, 2**32 - 1)


def test_a_part_begins_with_the_levels_that_stood_told_at_its_first_event():
    there = session(
        level(BID, 98, 4), level(BID, 99, 5), level(ASK, 101, 7), best(BID, 98, 3), trade(1, 101, 1), clear()
    )
    part = part_of(there, 4, 6)
    assert part.events[["kind", "side", "price", "size"]].tolist() == [
        *((LEVEL, BID, 98, 3), (LEVEL, ASK, 101, 7)),
        *((TRADE, 1, 101, 1), (3, 0, 0, 0)),
    ]
    assert part.exchange_ns.tolist() == [START_NS + 40] * 3 + [START_NS + 50]
    assert len(part_of(there, 0, 6)) == 6


@given(SEEDS, st.integers(0, 59))
@settings(max_examples=20, deadline=None)
def test_the_book_of_a_part_is_that_of_the_whole_at_every_event(seed, start):
    there = random_session(seed, 60)
    part = part_of(there, start, 60)
    before = len(part) - (60 - start)
    assert np.array_equal(shown_by(part)[before:], shown_by(there)[start:])
    for row in (0, (60 - start) // 2):
        whole, own = book_at(there, start + row), book_at(part, before + row)
        levels = [np.argwhere(of) + np.array([0, at.low]) for of, at in ((whole, there), (own, part))]
        assert levels[0].tolist() == levels[1].tolist()


def test_what_was_downloaded_stands_by_the_venues_time_and_counts_as_known_then():
    instrument = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.1", lot="0.001")
    told = [  # seq, at, received
        *((5, 30, 31), (6, 28, 32)),  # heard; the second was overtaken, and counts as happened at 30
        *((-1, 10, 999), (-2, 20, 999), (-3, 29, 999), (-3, 40, 999)),
    ]
    trades = rows("trades", [(1, at, known, seq, ID_INTEGER, 0, 1, 1000, 3, 1) for seq, at, known in told])
    found = events_of_rows(trades, rows("books", []), rows("quotes", []), instrument)
    assert found.exchange_ns.tolist() == [10, 20, 29, 30, 30, 40]
    assert found.known_ns.tolist() == [10, 20, 29, 31, 32, 40]
