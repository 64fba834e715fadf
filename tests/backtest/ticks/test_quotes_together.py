"""Quotes on several instruments on one account: the compiled venues equal the slow ones on every fill, and one alone is as before."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.fee_tiers import FeeTier, FeeTiers, Volumes
from ninefold.backtest.funding import NO_FUNDING
from ninefold.backtest.market_rules import Fees, Limits, Margin, Rules
from ninefold.backtest.ticks import quotes_together_slow
from ninefold.backtest.ticks.events import EVENTS, TRADE, Session
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency, RecordedFeed
from ninefold.backtest.ticks.market import Terms, account_of, trade_quotes
from ninefold.backtest.ticks.orders import LIQUIDATED, Queue
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.quotes_together import Quoted, merged, play, trade_quotes_together
from ninefold.backtest.ticks.stream import Way
from ninefold.backtest.ticks.tape import Ticks
from ninefold.backtest.ticks.together import Market, counted
from ninefold.backtest.ticks.together_bars import on_grid
from ninefold.backtest.ticks.venue_slow import venue_of
from tests.backtest.ticks.sessions import ASK, BID, level, random_session, trade
from tests.backtest.ticks.test_venues_agree import EVENTS as COUNT
from tests.backtest.ticks.test_venues_agree import FUNDING, random_quotes

TIERS = FeeTiers((FeeTier(0, "0.01", "0.05"), FeeTier(700, "-0.001", "0.02")))
SEEDS = st.integers(0, 2**32 - 1)


def quoted(session, quotes, terms, width_ns=50):
    """As a strategy that says so at each decision."""
    dealt = session.events[session.events["kind"] == TRADE]
    ticks = Ticks(dealt["exchange_ns"], dealt["price"], dealt["size"], None, None, session.tick, session.lot)
    rules = Rules(terms.cash, fees=terms.fees, margin=terms.margin or Margin(), limits=Limits())
    rows = list(zip(*(side.tolist() for side in quotes.sides), strict=True))
    market = Market(ticks, Way(rules, terms.latency, width_ns, terms.funding))
    return Quoted(session, replace(terms, cash=0), quotes, lambda: lambda row, position: rows[row], market)


def random_run(seed, tight=True):
    """Two or three instruments of different steps and latencies, and the cash of all."""
    random = np.random.default_rng(seed)
    margin = [None, Margin(3, "0.02", "0.01"), Margin(4, "0.2"), Margin(2)][random.integers(1 if tight else 0, 4)]
    fees = TIERS if random.random() < 0.3 else Fees(int(random.integers(0, 2)) / 20, 0)
    found = {}
    for of in range(int(random.integers(2, 4))):
        made = random_session(seed + of, COUNT)
        session = Session(made.events, Fraction(1, int(random.choice([1, 2]))), Fraction(1, int(random.choice([1, 5]))))
        terms = Terms(
            0,
            fees,
            Queue(int(random.integers(0, 2))),
            Latency(RecordedFeed(), FixedOrder(int(random.integers(0, 40)))),
            margin,
            FUNDING if random.random() < 0.5 else NO_FUNDING,
        )
        found[f"instrument {of}"] = quoted(session, random_quotes(seed + of, session, terms, of % 2 == 0), terms)
    return found, int(random.integers(20, 900)) if tight else 10**6


def slowly(of_each, cash, slow=quotes_together_slow):
    ready = counted({name: one.market for name, one in of_each.items()}, cash)
    volumes, venues = Volumes(ready.tiers), []
    for one, worth in zip(of_each.values(), ready.worth, strict=True):
        venues.append(venue_of(one.session, account_of(one.terms, one.session)))
        venues[-1].worth, venues[-1].volumes = worth, volumes
    venues[0].cash = ready.numbers[0].cash
    order, _ = merged([one.session for one in of_each.values()])
    arrivals = [one.timer.arrivals(one.session, one.terms.latency) for one in of_each.values()]
    return slow.play(venues, order.tolist(), [one.timer for one in of_each.values()], arrivals)


def quickly(of_each, cash):
    ready = counted({name: one.market for name, one in of_each.items()}, cash)
    return list(zip(*play(list(of_each.values()), ready), strict=True))


def as_lists(made):
    return [(fills.tolist(), cash, position) for fills, cash, position in made]


@given(SEEDS)
@settings(max_examples=60, deadline=None)
@pytest.mark.slow
def test_the_compiled_venues_fill_as_the_slow_ones(seed):
    run = random_run(seed, tight=seed % 4 > 0)
    assert as_lists(quickly(*run)) == as_lists(slowly(*run))


@pytest.mark.torture
@given(SEEDS)
@settings(max_examples=20_000, deadline=None)
def test_the_compiled_venues_fill_as_the_slow_ones_over_many_sessions(seed):
    run = random_run(seed, tight=seed % 4 > 0)
    assert as_lists(quickly(*run)) == as_lists(slowly(*run))


@given(SEEDS)
@settings(max_examples=30, deadline=None)
@pytest.mark.slow
def test_one_alone_and_several_with_money_enough_are_filled_as_alone(seed):
    of_each, _ = random_run(seed, tight=False)
    of_each = {name: one._replace(terms=replace(one.terms, fees=Fees("0.01", 0))) for name, one in of_each.items()}
    alone = [trade_quotes(one.session, one.timer, replace(one.terms, cash=10**6)) for one in of_each.values()]
    for found, one in zip(quickly(of_each, 10**6), alone, strict=True):
        assert found[0][["event", "at_ns", "order", "price", "size", "maker"]].tolist() == (
            one.fills[["event", "at_ns", "order", "price", "size", "maker"]].tolist()
        )
    for (name, one), whole in zip(of_each.items(), alone, strict=True):
        [(fills, cash, position)] = quickly({name: one}, 10**6)
        assert (fills.tolist(), cash, position) == (whole.fills.tolist(), whole.cash, whole.position)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
@pytest.mark.slow
def test_cash_positions_fees_and_funding_add_up_at_every_step(seed):
    of_each, start = random_run(seed)
    found, made = trade_quotes_together(of_each, start), quickly(of_each, start)
    result = on_grid(found)
    worth = sum(cash for _, cash, _ in made)
    for market, (_, _, position) in zip(found.markets.values(), made, strict=True):
        worth += position * int(market.ticks.price[-1])
    assert int(result.equity[-1]) == worth
    paid = np.zeros(len(result.close_ns), np.int64)
    fills = result.fills
    np.add.at(paid, fills["bar"], -fills["price"] * fills["size"] - fills["fee"] - fills["funding"])
    held = sum(lots * bars.close for lots, bars in zip(result.position, result.bars.values(), strict=True))
    assert result.equity.tolist() == (found.cash + np.cumsum(paid) + held).tolist()
    assert sum(int(one.equity[-1]) for one in found.each.values()) + found.cash == worth
    assert sum(one.fees for one in found.each.values()) == result.fees


def at(moments, *events):
    rows = [(moment, moment, *event) for moment, event in zip(moments, events, strict=True)]
    return Session(np.array(rows, EVENTS))


def bid_once(size):
    """At the first event: bids so many lots at 99."""
    none = np.zeros(1, np.int64)
    return Quotes(none, none + 99, none + size, none + 101, none, 100)


def two(size_first, size_second, margin, *events):
    """Bids on both at 99; the first's events at 10, 30, 50, ..., the second's in between."""
    terms = Terms(0, Fees(0, 0), Queue.BACK_OF_QUEUE, Latency(FixedFeed(0), FixedOrder(1)), margin)
    first, second = ([level(BID, 98, 5), trade(0, 100, 1), *events[of::2]] for of in (0, 1))
    of_each = {}
    for name, size, start, told in (("first", size_first, 10, first), ("second", size_second, 20, second)):
        of_each[name] = quoted(at([start + 20 * row for row in range(len(told))], *told), bid_once(size), terms, 1000)
    return of_each


def test_what_rests_on_one_is_margin_that_the_other_has_not():
    # 10 x 99 of 1,000 are asked for by the first, so 5 x 99 of the second are too many, and 0 are left for 1 x 99
    nothing = level(ASK, 120, 1), level(ASK, 120, 1), trade(-1, 98, 50), trade(-1, 98, 50)
    sizes = [
        [fills["size"].tolist() for fills, _, _ in quickly(two(10, 5, Margin(by), *nothing), 1_000)] for by in (1, 2)
    ]
    assert sizes == [[[10], []], [[10], [5]]]
    assert as_lists(slowly(two(10, 5, Margin(1), *nothing), 1_000)) == as_lists(
        quickly(two(10, 5, Margin(1), *nothing), 1_000)
    )


def test_what_the_equity_of_all_no_longer_carries_is_liquidated_at_once_each_at_its_last_trade():
    # 10 at 99 of each on 300; at 90 and 80 the first two lost 90 and 190: 20 are left, 0.02 x 1,700 = 34 are asked for
    events = trade(-1, 98, 50), trade(-1, 98, 50), trade(-1, 90, 1), trade(-1, 80, 1)
    of_each = two(10, 10, Margin(10, "0.02", "0.01"), *events)
    made = quickly(of_each, 300)
    assert [fills[["at_ns", "order", "price", "size", "fee"]].tolist()[1:] for fills, _, _ in made] == [
        [(80, LIQUIDATED, 90, -10, 9)],
        [(80, LIQUIDATED, 80, -10, 8)],
    ]
    assert [(cash, position) for _, cash, position in made] == [(300 - 90 - 9, 0), (-190 - 8, 0)]
    assert as_lists(slowly(of_each, 300)) == as_lists(made)
    told = trade_quotes_together(of_each, 300)
    assert int(on_grid(told).equity[-1]) == 300 - 90 - 190 - 17


MUTANTS = {
    "others have no equity": ("mine.beside = sum(one.cash + one.value for one in others)", "mine.beside = 0"),
    "others' positions are worth nothing": ("sum(one.cash + one.value for", "sum(one.cash for"),
    "others ask for no margin": ("sum(one[which] for one in asked)", "0 * sum(one[which] for one in asked)"),
    "others are not liquidated": ("if other is not venue:", "if False:"),
    "what others hold ruins nobody that holds nothing": ("any(one.position for one in others)", "False"),
}


@pytest.mark.parametrize(("text", "instead"), MUTANTS.values(), ids=MUTANTS)
@pytest.mark.slow
def test_an_account_with_another_rule_is_told_from_it(text, instead):
    source = Path(quotes_together_slow.__file__).read_text()
    assert source.count(text) == 1
    mutant = ModuleType("mutant")
    mutant.__dict__["__name__"] = quotes_together_slow.__name__
    exec(compile(source.replace(text, instead), "mutant", "exec"), mutant.__dict__)
    runs = map(random_run, [3692, *range(100)])  # in the first one a fee ruins who holds nothing any more
    assert any(as_lists(slowly(*run, mutant)) != as_lists(slowly(*run)) for run in runs)
