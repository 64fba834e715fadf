"""What orders meet on books and trades, by hand: times are 10 ns apart, orders take 5 ns, so they meet the next event's book."""

import numpy as np
import pytest

from ninefold.backtest.market_rules import Fees
from ninefold.backtest.ticks.latency import FixedOrder, Latency, RecordedFeed
from ninefold.backtest.ticks.market import Terms, trade_orders, trade_quotes
from ninefold.backtest.ticks.orders import ABOVE, BELOW, BadOrder, Cancel, Life, Order, Queue
from ninefold.backtest.ticks.quotes import BadQuotes, Quotes
from tests.backtest.ticks.sessions import ASK, BID, BUY, SELL, best, clear, level, session, trade

SOON = Latency(RecordedFeed(), FixedOrder(5))


def fills(events, orders, queue=Queue.BACK_OF_QUEUE, latency=SOON):
    """(event, order, price, size, maker) of each."""
    found = trade_orders(session(*events), orders, Terms(cash=100_000, fees=Fees(0, 0), queue=queue, latency=latency))
    return found.fills[["event", "order", "price", "size", "maker"]].tolist()


BOOK = (level(BID, 99, 10), level(ASK, 101, 4), level(ASK, 102, 6))


def test_a_market_order_walks_the_book_and_what_is_not_there_is_gone():
    assert fills([*BOOK, trade(BUY, 101, 1), trade(BUY, 101, 1)], [Order(2, BUY, 30)]) == [
        (3, 0, 101, 4, 0),
        (3, 0, 102, 6, 0),
    ]


def test_the_same_recorded_size_is_not_taken_twice():
    orders = [Order(2, BUY, 3, 101), Order(2, BUY, 3, 101, Life.IOC)]
    assert fills([*BOOK, trade(BUY, 105, 1)], orders) == [(3, 0, 101, 3, 0), (3, 1, 101, 1, 0)]


def test_what_was_taken_stays_taken_while_the_level_stays_and_new_size_is_there_to_take():
    orders = [Order(2, BUY, 4), Order(3, BUY, 9, 101, Life.IOC), Order(4, BUY, 9, 101, Life.IOC)]
    events = [*BOOK, level(ASK, 101, 4), level(ASK, 101, 6), trade(BUY, 101, 1)]
    assert fills(events, orders) == [(3, 0, 101, 4, 0), (5, 2, 101, 2, 0)]


def test_an_order_never_meets_the_event_at_which_it_was_decided():
    events = [*BOOK, trade(SELL, 99, 50), trade(SELL, 99, 50)]
    assert fills(events, [Order(3, BUY, 3, 99)], latency=Latency(RecordedFeed(), FixedOrder(0))) == [(4, 0, 99, 3, 1)]


def test_latency_decides_which_book_is_met():
    events = [*BOOK, level(ASK, 101, 0), trade(BUY, 102, 1), trade(BUY, 102, 1)]
    assert fills(events, [Order(2, BUY, 2)]) == [(3, 0, 101, 2, 0)]
    assert fills(events, [Order(2, BUY, 2)], latency=Latency(RecordedFeed(), FixedOrder(15))) == [(4, 0, 102, 2, 0)]


def test_fill_or_kill_takes_all_or_nothing_and_post_only_never_takes():
    events = [*BOOK, trade(BUY, 101, 1)]
    assert fills(events, [Order(2, BUY, 10, 102, Life.FOK)]) == [(3, 0, 101, 4, 0), (3, 0, 102, 6, 0)]
    assert fills(events, [Order(2, BUY, 11, 102, Life.FOK)]) == []
    assert fills([*events, trade(SELL, 100, 9)], [Order(2, BUY, 1, 101, Life.POST_ONLY)]) == []
    assert fills([*events, trade(SELL, 100, 9)], [Order(2, BUY, 1, 100, Life.POST_ONLY)]) == [(4, 0, 100, 1, 1)]


def test_a_resting_order_waits_until_those_ahead_of_it_were_filled():
    events = [*BOOK, trade(SELL, 99, 7), trade(SELL, 99, 5), trade(SELL, 99, 5)]
    assert fills(events, [Order(2, BUY, 6, 99)]) == [(4, 0, 99, 2, 1), (5, 0, 99, 4, 1)]


def test_a_trade_beyond_the_price_fills_at_the_order_s_own_price_as_far_as_its_size_goes():
    assert fills([*BOOK, trade(SELL, 98, 4), trade(SELL, 98, 4)], [Order(2, BUY, 6, 99)]) == [
        (3, 0, 99, 4, 1),
        (4, 0, 99, 2, 1),
    ]


def test_cancels_are_behind_us_or_anywhere_as_the_queue_model_says():
    events = [*BOOK, trade(SELL, 97, 1), level(BID, 99, 16), level(BID, 99, 8), trade(SELL, 99, 8)]
    order = [Order(3, BUY, 5, 99)]  # 10 ahead, 6 came after it, then 8 of 16 left
    assert fills(events, order, Queue.BACK_OF_QUEUE) == []
    assert fills(events, order, Queue.PROPORTIONAL) == [(6, 0, 99, 3, 1)]


def test_what_was_traded_has_not_left():
    events = [*BOOK, trade(SELL, 97, 1), level(BID, 99, 20), trade(SELL, 99, 4), level(BID, 99, 16), trade(SELL, 99, 8)]
    assert fills(events, [Order(3, BUY, 5, 99)], Queue.PROPORTIONAL) == [(7, 0, 99, 2, 1)]  # 10 - 4 ahead, none left


def test_a_level_that_went_leaves_us_first_and_a_book_told_anew_leaves_us_where_we_were():
    wanted = [Order(2, BUY, 5, 99)]
    gone = [*BOOK, trade(BUY, 101, 1), level(BID, 99, 0), level(BID, 99, 30), trade(SELL, 99, 5)]
    assert fills(gone, wanted) == [(6, 0, 99, 5, 1)]
    anew = [*BOOK, trade(BUY, 101, 1), clear(), level(BID, 99, 30), trade(SELL, 99, 12)]
    assert fills(anew, wanted) == [(6, 0, 99, 2, 1)]


def test_a_best_quote_takes_away_what_was_better():
    events = [*BOOK, best(ASK, 102, 3), trade(BUY, 102, 1)]
    assert fills(events, [Order(3, BUY, 9)]) == [(4, 0, 102, 3, 0)]


def test_own_orders_stand_behind_each_other_and_share_a_trade():
    orders = [Order(2, BUY, 3, 99), Order(2, BUY, 3, 99), Order(2, BUY, 1, 100)]
    assert fills([*BOOK, trade(SELL, 99, 15), trade(SELL, 99, 1)], orders) == [
        (3, 2, 100, 1, 1),
        (3, 0, 99, 3, 1),
        (3, 1, 99, 1, 1),
        (4, 1, 99, 1, 1),
    ]


def test_a_stop_becomes_a_market_order_at_the_next_event_s_book():
    events = [*BOOK, trade(SELL, 100, 1), trade(SELL, 98, 1), trade(BUY, 101, 1)]
    assert fills(events, [Order(2, SELL, 3, when=BELOW, trigger=98)]) == [(5, 0, 99, -3, 0)]


def test_a_take_profit_sells_when_the_price_has_risen():
    events = [*BOOK, trade(BUY, 102, 1), trade(BUY, 103, 1), trade(SELL, 99, 1)]
    assert fills(events, [Order(2, SELL, 3, when=ABOVE, trigger=103)]) == [(5, 0, 99, -3, 0)]


def test_a_trailing_stop_follows_the_best_trade_since_it_arrived():
    events = [
        *BOOK,
        trade(BUY, 100, 1),
        trade(BUY, 104, 1),
        trade(SELL, 102, 1),
        trade(SELL, 101, 1),
        trade(BUY, 101, 1),
    ]
    assert fills(events, [Order(2, SELL, 2, when=BELOW, trail=3)]) == [(7, 0, 99, -2, 0)]


def test_of_a_group_the_first_filled_cancels_the_other():
    pair = [Order(2, SELL, 2, 103, group=1), Order(2, SELL, 2, when=BELOW, trigger=98, group=1)]
    up = [*BOOK, trade(BUY, 104, 1), trade(SELL, 97, 1), trade(BUY, 104, 5)]
    assert fills(up, pair) == [(3, 0, 103, -1, 1), (5, 0, 103, -1, 1)]
    down = [*BOOK, trade(SELL, 97, 1), trade(SELL, 97, 1), trade(BUY, 104, 5)]
    assert fills(down, pair) == [(4, 1, 99, -2, 0)]


def test_a_cancel_travels_as_long_as_an_order():
    events = [*BOOK, trade(SELL, 98, 1), trade(SELL, 98, 1), trade(SELL, 98, 1)]
    late = Latency(RecordedFeed(), FixedOrder(15))
    orders = [Order(0, BUY, 9, 99), Cancel(3, 0)]
    assert fills(events, orders) == [(3, 0, 99, 1, 1)]
    assert fills(events, orders, latency=late) == [(3, 0, 99, 1, 1), (4, 0, 99, 1, 1)]


def test_on_trades_alone_who_takes_meets_the_next_trade_and_who_rests_is_filled_beyond_its_price():
    events = [trade(0, 100, 5), trade(0, 101, 2), trade(0, 101, 2), trade(0, 98, 9)]
    assert fills(events, [Order(0, BUY, 3)]) == [(1, 0, 101, 2, 0), (2, 0, 101, 1, 0)]
    assert fills(events, [Order(0, BUY, 3, life=Life.IOC)]) == [(1, 0, 101, 2, 0)]
    assert fills(events, [Order(0, BUY, 3, life=Life.FOK)]) == []
    assert fills(events, [Order(0, BUY, 3, 98)]) == []
    assert fills(events, [Order(0, BUY, 3, 99)]) == [(3, 0, 99, 3, 1)]
    assert fills(events, [Order(0, BUY, 3, 100, Life.POST_ONLY)]) == []


def test_money_is_what_there_was_less_what_fills_cost():
    events = [*BOOK, trade(SELL, 98, 4), trade(BUY, 101, 1)]
    terms = Terms(cash=1_000, fees=Fees(taker="0.01", maker="-0.001"), latency=SOON)
    found = trade_orders(session(*events), [Order(2, BUY, 4, 99), Order(2, BUY, 2)], terms)
    # taken: 2 at 101, fee 2.02 up to 3; rested: 4 at 99, rebate 0.396 of which nothing whole is left
    assert (found.cash, found.position, found.fees) == (1_000 - 202 - 3 - 396, 6, 3)
    assert found.equity(100) == 1_000 - 601 + 600


def quoted(events, at, bids, asks, most=100, life=Life.POST_ONLY):
    columns = np.array([[*bid, *ask] for bid, ask in zip(bids, asks, strict=True)], np.int64).T
    quotes = Quotes(np.array(at), *columns, most=most, life=life)
    found = trade_quotes(session(*events), quotes, Terms(cash=100_000, fees=Fees(0, 0), latency=SOON))
    return found.fills[["event", "order", "price", "size", "maker"]].tolist()


def test_a_quote_that_stays_keeps_its_place_and_one_that_moves_goes_to_the_back():
    events = [*BOOK, trade(SELL, 99, 8), trade(SELL, 99, 4), trade(SELL, 99, 4)]
    none = (0, 0)
    assert quoted(events, [2, 3], [(99, 2), (99, 2)], [none] * 2) == [(4, 0, 99, 2, 1)]
    moved = [*BOOK, trade(SELL, 99, 8), trade(SELL, 99, 4), trade(SELL, 99, 4), trade(SELL, 99, 8)]
    assert quoted(moved, [2, 3, 4], [(99, 2), (98, 2), (99, 2)], [none] * 3) == [(6, 2, 99, 2, 1)]


def test_a_side_whose_position_is_as_large_as_allowed_is_not_quoted():
    events = [*BOOK, trade(SELL, 98, 4), trade(SELL, 98, 4), trade(SELL, 98, 4), trade(BUY, 102, 9)]
    at, bids, asks = [2, 3, 4], [(99, 2)] * 3, [(101, 2)] * 3
    assert quoted(events, at, bids, asks, most=4) == [(3, 0, 99, 2, 1), (4, 2, 99, 2, 1), (6, 1, 101, -2, 1)]


def test_what_cannot_be_sent_is_refused_with_its_reason():
    events = session(*BOOK, trade(SELL, 98, 4))
    for order, said in (
        (Order(0, 2, 1), "side is 1"),
        (Order(9, BUY, 1), "events go from 0 to 3"),
        (Order(0, BUY, 1, 90_000), "a limit lies from"),
        (Order(0, BUY, 1, life=Life.POST_ONLY), "cannot be post-only"),
        (Order(0, BUY, 1, when=ABOVE), "has a trigger or a trail"),
        (Cancel(0, 0), "not sent before"),
    ):
        with pytest.raises(BadOrder, match=said):
            trade_orders(events, [order], Terms())
    with pytest.raises(BadQuotes, match="quote 0 has a bid of 1 lots at 90000"):
        one = np.array([1])
        trade_quotes(events, Quotes(one, one * 90_000, one, one * 101, one, most=1), Terms())
