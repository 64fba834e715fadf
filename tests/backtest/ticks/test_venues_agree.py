"""The compiled venue equals the slow one on every fill, over random sessions, orders and quotes."""

from functools import cache, partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.market_rules import Fees, Margin
from ninefold.backtest.ticks import venue_slow
from ninefold.backtest.ticks.events import TRADE
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency, OrderLikeFeed, RecordedFeed
from ninefold.backtest.ticks.market import Terms, account_of, best_of, trade_orders, trade_quotes
from ninefold.backtest.ticks.orders import Life, Queue, asked
from ninefold.backtest.ticks.quotes import Quotes, every
from tests.backtest.ticks.sessions import calm_session, random_orders, random_session

EVENTS = 60
FUNDING = Funding(1_000 + np.arange(0, 400, 45), np.tile([0.01, -0.02, 0.3], 3))
TERMS = st.builds(
    Terms,
    cash=st.sampled_from([0, 1_000]),
    fees=st.builds(Fees, st.sampled_from([0, "0.001", "0.05"]), st.sampled_from([0, "0.0004", "-0.0002"])),
    queue=st.sampled_from(Queue),
    latency=st.builds(
        Latency,
        st.one_of(st.just(RecordedFeed()), st.builds(FixedFeed, st.sampled_from([0, 4]))),
        st.one_of(
            st.builds(FixedOrder, st.sampled_from([0, 1, 3, 40])),
            st.builds(OrderLikeFeed, st.integers(0, 2), st.just(1)),
        ),
    ),
    margin=st.one_of(
        st.none(), st.builds(Margin, st.sampled_from([1, 3, 20]), st.sampled_from([0, "0.03"]), st.just("0.01"))
    ),
    funding=st.sampled_from([NO_FUNDING, FUNDING]),
)
SEEDS = st.integers(0, 2**32 - 1)


def slowly(session, wanted, terms, venue=venue_slow):
    """FILLED rows, cash and position of orders or of quotes."""
    if isinstance(wanted, Quotes):
        return venue.play_quotes(session, wanted, wanted.arrivals(session, terms.latency), account_of(terms, session))
    rows = asked(wanted, session)
    arrival = terms.latency.arrivals(session, rows["event"], 0)
    return venue.play(session, rows, arrival, account_of(terms, session))


def quickly(session, wanted, terms):
    return (trade_quotes if isinstance(wanted, Quotes) else trade_orders)(session, wanted, terms)


def random_quotes(seed, session, terms, by_timer=False):
    random = np.random.default_rng(seed + 3)
    at, decided = np.flatnonzero(random.random(len(session)) < 0.4), None
    if by_timer:
        at, decided = every(session, terms.latency, 7)
    sizes, prices = random.integers(0, 9, (2, len(at))), random.integers(0, 3, (2, len(at)))
    life = Life.GTC if seed % 3 == 0 else Life.POST_ONLY
    if seed % 7 > 3:
        return Quotes(at, prices[0] - 1, sizes[0], prices[1], sizes[1], 20, life, True, decided)
    return Quotes(at, 99 - prices[0], sizes[0], 101 + prices[1], sizes[1], 20, life, False, decided)


def random_run(seed, terms=None):
    """A session, orders or quotes, terms, all from a seed."""
    terms = terms or Terms(
        1_000, Fees("0.001", "-0.0002"), Queue(seed % 2), Latency(RecordedFeed(), FixedOrder(seed % 9))
    )
    if seed % 5 == 4:
        session = calm_session(seed, EVENTS)
        at = np.arange(2, EVENTS, 3)
        return session, Quotes(at, 0 * at + 99, 0 * at + 5, 0 * at + 101, 0 * at + 5, 20), terms
    session = random_session(seed, EVENTS, with_book=seed % 4 > 0)
    if seed % 5 == 3:
        return session, random_quotes(seed, session, terms, by_timer=seed % 2 == 0), terms
    return session, random_orders(seed, EVENTS, 12), terms


def tight_run(seed):
    """The same with so little money that orders are refused and positions liquidated."""
    random = np.random.default_rng(seed)
    margin = [Margin(3, "0.02", "0.01"), Margin(4, "0.2"), Margin(2)][random.integers(0, 3)]
    latency = Latency(RecordedFeed(), FixedOrder(int(random.integers(0, 60))))
    terms = Terms(int(random.integers(20, 600)), Fees(seed % 2 / 20, 0), Queue(seed % 2), latency, margin, FUNDING)
    return random_run(seed, terms)


@cache
def played_quickly(made, seed):
    """A run from its seed alone and its fills, once for all that are compared with it."""
    run = made(seed)
    return run, quickly(*run).fills.tolist()


def check(seed, terms):
    run = random_run(seed, terms)
    found, (fills, cash, position) = quickly(*run), slowly(*run)
    assert found.fills.tolist() == fills.tolist()
    assert (found.cash, found.position) == (cash, position)


@given(SEEDS, TERMS)
@settings(max_examples=50, deadline=None)
@pytest.mark.slow
def test_the_compiled_venue_fills_as_the_slow_one(seed, terms):
    check(seed, terms)


@pytest.mark.torture
@given(SEEDS, TERMS)
@settings(max_examples=50_000, deadline=None)
def test_the_compiled_venue_fills_as_the_slow_one_over_many_sessions(seed, terms):
    check(seed, terms)


@given(SEEDS, TERMS)
@settings(max_examples=30, deadline=None)
@pytest.mark.slow
def test_nothing_is_filled_at_a_price_that_was_not_shown_nor_beyond_what_was_traded(seed, terms):
    session, wanted, terms = random_run(seed, terms)
    fills, events = quickly(session, wanted, terms).fills, session.events
    for fill in fills:
        before = events[: fill["event"] + 1]
        shown = before["price"][before["size"] > 0] if fill["maker"] == 0 else []
        limit = events["price"][fill["event"]]
        side = 1 if fill["size"] > 0 else -1
        assert fill["price"] in shown if fill["maker"] == 0 else (fill["price"] - limit) * side >= 0
    resting = fills[fills["maker"] == 1]
    assert (events["kind"][resting["event"]] == TRADE).all()
    taken = np.bincount(resting["event"], np.abs(resting["size"]), minlength=len(events))
    assert (taken <= events["size"])[events["kind"] == TRADE].all()


@given(SEEDS, TERMS)
@settings(max_examples=30, deadline=None)
@pytest.mark.slow
def test_no_more_is_taken_at_a_price_than_was_ever_told_of_it(seed, terms):
    session, wanted, terms = random_run(seed, terms)
    fills, events = quickly(session, wanted, terms).fills, session.events
    taking = fills[(fills["maker"] == 0) & (fills["order"] >= 0)]  # a liquidation is at the last trade's price
    for side in (1, -1):
        of = (events["side"] == -side) & (events["kind"] != TRADE) if session.has_book else events["kind"] == TRADE
        for price in np.unique(taking["price"]):
            mine = taking["size"][(taking["price"] == price) & (np.sign(taking["size"]) == side)]
            assert np.abs(mine).sum() <= events["size"][of & (events["price"] == price)].sum()


@pytest.mark.slow
@given(SEEDS, TERMS)
@settings(max_examples=25, deadline=None)
def test_cash_positions_and_fees_add_up(seed, terms):
    session, wanted, terms = random_run(seed, terms)
    found = quickly(session, wanted, terms)
    paid = int((found.fills["price"] * found.fills["size"]).sum()) + found.fees + found.funding
    assert found.cash == found.start - paid
    assert found.position == found.fills["size"].sum()


def test_the_best_of_a_book_is_that_of_its_levels():
    for seed in range(40):
        session = random_session(seed, EVENTS)
        venue = venue_slow.Venue(session, Queue.BACK_OF_QUEUE, 0, 0, 0)
        found = []
        for event, (at_ns, _, *rest) in enumerate(session.events.tolist()):
            venue.happen(event, at_ns, *rest)
            bids, asks = ([price for side, price in venue.shown if side == of] for of in (1, -1))
            found.append([max(bids, default=0), min(asks, default=0)])
        assert best_of(session).tolist() == found


MUTANTS = {
    "an order arrives a moment late": ("self.way[0][0] <= exchange_ns", "self.way[0][0] < exchange_ns"),
    "what was taken is there again": (
        "return self.shown[level] - self.taken.get(level, 0)",
        "return self.shown[level]",
    ),
    "what was taken is there again when the level is told": (
        "self.taken[level] = min(self.taken.get(level, 0), size)",
        "self.taken[level] = 0",
    ),
    "an order is the first of its level": ("one.ahead = self.shown.get((one.side, one.price), 0)", "one.ahead = 0"),
    "trades do not move the queue": ("one.ahead = max(0, one.ahead - left)", "pass"),
    "cancels are all ahead": (
        "one.ahead -= left * one.ahead // should",
        "one.ahead = max(0, one.ahead - left)",
    ),
    "what was traded has left": ("self.shown.get(level, 0) - self.traded.pop(level, 0)", "self.shown.get(level, 0)"),
    "a fill is not limited by the trade": (
        "size_filled = min(one.left, passed)",
        "size_filled = one.left if passed else 0",
    ),
    "a trade fills two orders with the same size": ("            left -= size_filled\n", ""),
    "the first order comes before the best price": ("key=lambda one: -one.price * one.side", "key=lambda one: 0"),
    "the taker's side does not matter": ("and one.price and side != one.side]", "and one.price]"),
    "post-only takes": ("if one.life == Life.POST_ONLY and reached:", "if False:"),
    "fill or kill fills a part": ("if one.life == Life.FOK and sum(", "if False and sum("),
    "immediate or cancel rests": ("one.life in (Life.GTC, Life.POST_ONLY):", "one.life != Life.FOK:"),
    "the best quote leaves what was better": ("if one[0] == side and (one[1] - price) * side > 0]", "if False]"),
    "a book may be crossed": ("if one[0] == -side and (price - one[1]) * side >= 0]", "if False]"),
    "a book told anew lets us be first": (
        "            self.shown.clear()\n",
        "            for one in self.live:\n                one.ahead = 0\n            self.shown.clear()\n",
    ),
    "a trailing stop does not follow": (
        "price if not one.best or (one.best - price) * way > 0 else",
        "price if not one.best else",
    ),
    "a condition must be passed": (
        "if trigger and (price - trigger) * way >= 0",
        "if trigger and (price - trigger) * way > 0",
    ),
    "a group does not cancel": ("self.over.add(one.group)", "pass"),
    "fees are rounded down": (
        "fee = _up(value * self.rate(maker, at_ns // DAY_NS))",
        "fee = value * self.rate(maker, at_ns // DAY_NS) // ONE",
    ),
    "all pay the taker fee": ("self.maker if maker else self.taker", "self.taker"),
    "a quote that stays is sent again": ("if wanted and old.price == limit:", "if False:"),
    "a quote knows no largest position": ("if venue.position * way < quotes.most else 0", "if True else 0"),
    "without a book a market order is gone after a trade": (
        "one.fresh = one.price == 0 and one.life == Life.GTC",
        "one.fresh = False",
    ),
    "without a book a touch fills": ("(beyond == 0 and not self.session.has_book)", "False"),
}
MARGIN = {
    "no funding is paid": (
        "        self.pay(exchange_ns)\n        fired, self.fired = self.fired, []\n",
        "        fired, self.fired = self.fired, []\n",
    ),
    "funding is paid a moment later": ("self.funding[0][0] <= exchange_ns", "self.funding[0][0] < exchange_ns"),
    "funding is rounded down": (
        "paid = _up(self.value * rate)",
        "paid = self.value * rate // ONE",
    ),
    "margin is not asked for": ("if not self.carries(one, at_ns):", "if False:"),
    "what rests needs no margin": ("+ rests + one.left", "+ one.left"),
    "what waits for its condition needs margin": (
        "other.side == one.side and not other.waits",
        "other.side == one.side",
    ),
    "an order that makes the position smaller needs margin": ("or held <= abs(self.position):", "or held <= 0:"),
    "an order needs no margin for its fee": (" - fee >= _up(held", " >= _up(held"),
    "nobody is liquidated": ("(self.position or self.beside_held) and self.is_ruined()", "False"),
    "orders that rest survive a liquidation": ("self.live, self.fired = [], []", "self.fired = []"),
    "orders under way survive a liquidation": ("        self.way.clear()\n", ""),
    "no liquidation fee": ("fee = _up(self.mark * self.worth * size * self.liquidation_fee)", "fee = 0"),
}


@pytest.mark.parametrize(
    ("made", "text", "instead"),
    [(random_run, *one) for one in MUTANTS.values()] + [(tight_run, *one) for one in MARGIN.values()],
    ids=[*MUTANTS, *MARGIN],
)
@pytest.mark.slow
def test_a_venue_with_another_rule_is_told_from_it(made, text, instead):
    source = Path(venue_slow.__file__).read_text()
    assert source.count(text) == 1
    mutant = ModuleType("mutant")
    mutant.__dict__["__name__"] = venue_slow.__name__
    exec(compile(source.replace(text, instead), "mutant", "exec"), mutant.__dict__)
    runs = map(partial(played_quickly, made), range(300))
    assert any(slowly(*run, mutant)[0].tolist() != fills for run, fills in runs)
