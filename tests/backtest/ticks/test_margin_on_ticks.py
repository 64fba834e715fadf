"""Margin, funding and liquidation on trades and on books, by hand."""

import numpy as np
import pytest

from ninefold.backtest.exact import BadRules
from ninefold.backtest.funding import Funding
from ninefold.backtest.market_rules import Fees, FixedSize, Margin, Rules
from ninefold.backtest.outcome import Reason
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.market import Terms, trade_orders
from ninefold.backtest.ticks.on_trade import run_on_trade
from ninefold.backtest.ticks.orders import FUNDED, LIQUIDATED, Life, Order
from ninefold.backtest.ticks.quoted import result_of
from ninefold.backtest.ticks.stream import Way, run
from ninefold.backtest.ticks.tape import Ticks
from tests.backtest.ticks.sessions import ASK, BID, best, session, trade

ATONCE = Latency(FixedFeed(0), FixedOrder(0))


def ticks(*prices):
    """A trade each 10 ns from 100 on."""
    return Ticks(100 + 10 * np.arange(len(prices)), np.array(prices), np.full(len(prices), 3))


def way(size, margin, cash=100, funding=None):
    rules = Rules(cash, FixedSize(size), Fees(taker=0), margin=margin)
    return Way(rules, ATONCE, 10, funding or Funding())


class Always:
    """Free code that wants one side for good, and says so at every trade."""

    def __init__(self, target):
        self.target = target

    def on_trade(self, price, size, side, exchange_ns, position):
        return self.target


def test_funding_is_paid_at_the_first_trade_then_by_what_was_held_before_it():
    funding = Funding(np.array([105, 120, 125]), np.array([0.5, 0.013, -0.013]))
    tape, wanted = ticks(50, 51, 52, 60, 61), np.array([1.0, 1, 0, 0, 0])
    found = run(tape, wanted, way(2, Margin(), 1_000, funding))
    # flat at 105; holds 2 from the second trade on: at 120 it pays 2 * 52 * 0.013 = 1.352, at 125 (met at 130, before the sale)
    # it receives 2 * 60 * 0.013 = 1.56: up and down to whole units, at its cost
    assert found.fills[["bar", "price", "size", "funding", "reason"]].tolist() == [
        (1, 51, 2, 0, Reason.TARGET),
        (2, 52, 0, 2, Reason.FUNDING),
        (3, 60, 0, -1, Reason.FUNDING),
        (3, 60, -2, 0, Reason.TARGET),
    ]
    assert found.equity.tolist() == [1_000, 1_000, 1_000, 1_017, 1_017]
    assert (found.funding, found.trades[["funding", "pnl"]].tolist()) == (1, [(1, 17)])


def test_a_position_is_liquidated_at_the_trade_that_shows_the_maintenance_margin_is_gone():
    # 8 bought at 50 with 100: equity 100 - 8 * 8 = 36 at 42, where 33.6 are asked for; 28 at 41, where it is 32.8
    tape = ticks(50, 50, 42, 41, 70, 70)
    found = run(tape, np.array([1.0, 1, 1, 1, 1, 0]), way(8, Margin(5, "0.1", "0.01")))
    assert found.fills[["bar", "price", "size", "fee", "reason"]].tolist() == [
        (1, 50, 8, 0, Reason.TARGET),
        (3, 41, -8, 4, Reason.LIQUIDATION),
    ]
    assert found.equity.tolist() == [100, 100, 36, 24, 24, 24]
    again = run_on_trade(tape, Always(1.0), way(8, Margin(5, "0.1", "0.01")))
    # a target that is said again enters again, with what 24 carry: at 70 one of 14 at most
    assert again.fills[["bar", "size"]].tolist() == [(1, 8), (3, -8), (4, 1)]


def test_a_short_position_is_liquidated_when_nothing_is_left_even_without_a_maintenance_margin():
    found = run(ticks(50, 50, 99, 100, 20), np.full(5, -1.0), way(2, Margin()))
    assert found.fills[["bar", "price", "size"]].tolist() == [(1, 50, -2), (3, 100, 2)]
    assert found.equity.tolist() == [100, 100, 2, 0, 0]


def test_what_is_under_way_is_void_after_a_liquidation():
    late = Way(way(8, Margin(5, "0.1")).rules, Latency(FixedFeed(0), FixedOrder(25)), 10)
    # bought at the fourth trade; half of it is decided there and would arrive after the fall
    found = run(ticks(50, 50, 50, 50, 41, 41, 41, 41), np.array([1.0, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5]), late)
    assert found.fills[["bar", "size", "reason"]].tolist() == [(3, 8, Reason.TARGET), (4, -8, Reason.LIQUIDATION)]


BOOK = (best(BID, 99, 50), best(ASK, 101, 50), trade(1, 100, 1))


def filled(*events, orders, margin, funding=None, cash=100):
    terms = Terms(cash, Fees(0, 0), latency=ATONCE, margin=margin, funding=funding or Funding())
    return trade_orders(session(*BOOK, *events), list(orders), terms)


def test_the_book_takes_no_order_that_the_equity_does_not_carry_with_those_that_rest():
    margin = Margin(2)
    # 200 carried: two bids of 1 at 99 are worth 198; a third is one too many, and so is a sale of three at the market
    bids = [Order(2, BID, 1, 99), Order(2, BID, 1, 99), Order(2, BID, 1, 99), Order(2, ASK, 3)]
    found = filled(trade(-1, 99, 60), trade(-1, 98, 60), orders=bids, margin=margin)
    assert found.fills[["order", "size", "maker"]].tolist() == [(0, 1, 1), (1, 1, 1)]
    free = filled(trade(-1, 99, 60), trade(-1, 98, 60), orders=bids, margin=None)
    assert free.fills["order"].tolist() == [3, 0, 1, 2]
    # what makes the position smaller is taken though nothing is left
    out = filled(
        trade(-1, 98, 60), trade(1, 100, 1), orders=[Order(2, BID, 1, 99), Order(3, ASK, 1)], margin=Margin(1), cash=99
    )
    assert out.fills["size"].tolist() == [1, -1]


def test_a_position_on_a_book_pays_funding_and_is_liquidated_at_the_last_trade():
    funding = Funding(np.array([1_035]), np.array([0.01]))  # after the event at 1,030, by the price of the trade there
    found = filled(
        *(trade(1, 110, 1), trade(-1, 90, 1), trade(-1, 60, 1), best(BID, 59, 9)),
        orders=[Order(2, BID, 2), Order(2, BID, 1, 50), Order(6, BID, 1, 50, Life.POST_ONLY)],
        margin=Margin(4, "0.1", "0.02"),
        funding=funding,
    )
    # 2 bought at 101 with 100; 2 * 110 * 0.01 paid, 3 up; at 60 the equity is 100 - 202 - 3 + 120 = 15, 12 are asked for: sound
    assert found.fills[["order", "price", "size", "fee"]].tolist() == [(0, 101, 2, 0), (FUNDED, 110, 0, 3)]
    assert (found.cash, found.position, found.funding, found.fees) == (100 - 202 - 3, 2, 3, 0)
    ruined = filled(
        *(trade(1, 110, 1), trade(-1, 90, 1), trade(-1, 57, 1), trade(-1, 40, 9), trade(-1, 40, 9)),
        orders=[Order(2, BID, 2), Order(2, BID, 1, 50)],
        margin=Margin(4, "0.1", "0.02"),
        funding=funding,
    )
    # at 57 it is 9, 11.4 are asked for: 114 * 0.02 is paid, 3 up, and the bid at 50 is cancelled
    assert ruined.fills[["order", "price", "size", "fee"]].tolist()[2:] == [(LIQUIDATED, 57, -2, 3)]
    assert (ruined.cash, ruined.position) == (100 - 202 - 3 + 114 - 3, 0)
    result = result_of(ruined, way(1, Margin(4, "0.1", "0.02")))
    assert result.fills["reason"].tolist() == [Reason.TARGET, Reason.FUNDING, Reason.LIQUIDATION]
    assert (result.funding, result.fees, int(result.equity[-1])) == (3, 3, ruined.cash)


def test_before_the_first_trade_a_position_is_worth_what_its_last_fill_cost():
    terms = Terms(
        100, Fees(0, 0), latency=ATONCE, margin=Margin(4), funding=Funding(np.array([1_025]), np.array([0.01]))
    )
    there = session(best(BID, 99, 50), best(ASK, 101, 50), best(BID, 99, 51), best(BID, 99, 52))
    # of no known worth a market order is refused; with a limit two are bought at 101, and pay 2.02 at 1,025
    found = trade_orders(there, [Order(1, BID, 2), Order(1, BID, 2, 101)], terms)
    assert found.fills[["event", "order", "price", "size", "fee"]].tolist() == [
        (2, 1, 101, 2, 0),
        (3, FUNDED, 101, 0, 3),
    ]


def test_margins_that_cannot_be_are_refused():
    with pytest.raises(BadRules, match="below 1 / leverage"):
        filled(orders=[], margin=Margin(10, "0.1"))
    with pytest.raises(BadRules, match="leverage is 0; it must lie between 1"):
        run(ticks(50, 50), np.ones(2), way(1, Margin(0)))
