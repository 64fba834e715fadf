"""Fees by tier: by hand, and the same in every kernel over random markets."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import BadRules
from ninefold.backtest.fee_tiers import FeeTier, FeeTiers, Volumes
from ninefold.backtest.funding import Funding
from ninefold.backtest.market_rules import FixedSize, Rules, numbers, tiers_of
from ninefold.backtest.portfolio import run_together
from ninefold.backtest.run import run
from ninefold.backtest.slow import play
from ninefold.backtest.sweep import sweep
from ninefold.backtest.target import changes_of_target
from ninefold.backtest.ticks.market import Terms
from ninefold.backtest.ticks.on_trade import run_on_trade
from ninefold.backtest.ticks.slow import play as play_ticks
from ninefold.backtest.ticks.stream import Way, tick_numbers
from ninefold.backtest.ticks.stream import run as run_ticks
from ninefold.backtest.ticks.tape import Ticks
from ninefold.market.time import DAY_NS
from tests.backtest.markets import bars, days_apart
from tests.backtest.test_kernels_agree import DRAWN, random_run, run_of
from tests.backtest.test_portfolio import DRAWN as ACCOUNTS
from tests.backtest.test_portfolio import agree as agree_together
from tests.backtest.ticks.sessions import random_orders, random_session
from tests.backtest.ticks.test_ticks_agree import DRAWN as TICKS
from tests.backtest.ticks.test_ticks_agree import Repeat, in_blocks
from tests.backtest.ticks.test_ticks_agree import run_of as run_of_ticks
from tests.backtest.ticks.test_venues_agree import quickly, random_quotes, slowly

TIERS = FeeTiers((FeeTier(0, "0.002", "0.01"), FeeTier("500", "0.001", "0.008"), FeeTier(3_000, "-0.0001", "0.003")))


def test_a_tier_counts_from_the_day_after_its_volume_was_reached_and_for_thirty_days() -> None:
    made = days_apart(bars(*[100] * 80), DAY_NS // 2)
    target = np.zeros(80)
    target[[0, 2]] = 1.0  # in on row 1, out on 2, in on 3, out on 4: 300 of quote a fill of 3
    target[63], target[70] = 1.0, 1.0
    rules = Rules(cash=10_000, sizing=FixedSize(3), fees=TIERS)
    fills = run(made, target, rules).fills
    assert [(row, row // 2, fee) for row, fee in fills[["bar", "fee"]].tolist()] == [
        (1, 0, 3),  # 1 %
        (2, 1, 3),  # day 1: 300 of day 0 are not 500
        (3, 1, 3),
        (4, 2, 3),  # 0.8 % of 300 are 2.4, rounded up: day 2 has 900
        (64, 32, 3),  # day 32: day 2 is left of the 30 days, 300
        (65, 32, 3),
        (71, 35, 3),
        (72, 36, 3),
    ]
    big = replace(rules, sizing=FixedSize(10))  # 1,000 a fill
    assert run(made, target, big).fills["fee"].tolist() == [10, 8, 8, 3, 8, 8, 8, 3]


def test_volumes_by_hand() -> None:
    volumes = Volumes(TIERS.whole(Fraction(1)))
    volumes.add(5, 400)
    volumes.add(5, 100)
    volumes.add(6, 2_500)
    assert [volumes.tier(day) for day in (5, 6, 7, 35, 36, 37)] == [0, 1, 2, 2, 1, 0]
    assert TIERS.whole(Fraction(1, 3))[1].volume == 1_500


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ((), "begin at the volumes none"),
        ((FeeTier(1, 0, 0),), "the first from 0 on"),
        ((FeeTier(0, 0, 0), FeeTier(0, 0, 0)), "each from more on"),
        ((FeeTier(0, 0, 2),), "taker fee of tier 1 is 2"),
    ],
)
def test_tiers_that_are_none_are_refused(tiers: tuple[FeeTier, ...], said: str) -> None:
    with pytest.raises(BadRules, match=said):
        FeeTiers(tiers).whole(Fraction(1))


def test_the_volume_of_an_account_is_that_of_all_its_instruments() -> None:
    one, other = (days_apart(bars(*[100] * 6), DAY_NS) for _ in range(2))
    rules = Rules(cash=10_000, sizing=FixedSize(3), fees=TIERS)
    targets = {"one": np.array([1.0, 0, 1, 0, 0, 0]), "other": np.array([1.0, 1, 1, 0, 0, 0])}
    found = run_together({"one": one, "other": other}, targets, rules)
    assert found.fills[["bar", "instrument", "size", "fee"]].tolist() == [
        (1, 0, 3, 3),  # 1 % of 300, each
        (1, 1, 3, 3),
        (2, 0, -3, 3),  # 600 of day 1 are the second tier: 0.8 % of 300 are 2.4, rounded up
        (3, 0, 3, 3),
        (4, 0, -3, 3),
        (4, 1, -3, 3),
    ]
    big = run_together({"one": one, "other": other}, targets, replace(rules, sizing=FixedSize(10)))
    # 2,000 on day 1, 3,000 with day 2: 1 %, 0.8 %, 0.3 % of 1,000
    assert big.fills["fee"].tolist() == [10, 10, 8, 3, 3, 3]
    assert float(big.fees) == 37


def test_a_tick_times_a_lot_that_is_worth_more_counts_more() -> None:
    made = {"one": days_apart(bars(*[100] * 3), DAY_NS), "half": days_apart(bars(*[100] * 3, lot="0.5"), DAY_NS)}
    rules, targets = (
        Rules(cash=10_000, sizing=FixedSize(10), fees=TIERS),
        {"one": np.ones(3), "half": np.array([0, 1.0, 1])},
    )
    less, enough = (run_together(made, targets, rules, {"one": FixedSize(size)}) for size in (4, 5))
    # a unit is 0.5 of quote: 4 at 100 are 800 units, less than 500 of quote; 1 % of what comes after, 1,000 of quote, are 20 units
    assert less.fills[["bar", "instrument", "fee"]].tolist() == [(1, 0, 8), (2, 1, 20)]
    assert enough.fills[["bar", "instrument", "fee"]].tolist() == [(1, 0, 10), (2, 1, 16)]


def test_market_orders_on_trades_pay_by_what_was_traded_in_the_days_before() -> None:
    hour_ns = DAY_NS // 24
    at = np.array([0, 1, 2, 24, 25, 48, 49, 24 * 33]) * hour_ns
    ticks = Ticks(at, np.full(8, 100), np.full(8, 50))
    way = Way(Rules(cash=10_000, sizing=FixedSize(10), fees=TIERS))
    target = np.array([1.0, 0, 0, 1, 0, 1, 0, 0])
    fills = run_ticks(ticks, target, way).fills
    assert fills[["bar", "size", "fee"]].tolist() == [
        (1, 10, 10),  # 1 % of 1,000, both on day 0
        (2, -10, 10),
        (4, 10, 8),  # day 1: 2,000 of day 0
        (5, -10, 3),  # day 2: 3,000 of both days
        (6, 10, 3),
        (7, -10, 10),  # day 33: none of the 30 days before
    ]
    free = run_on_trade(ticks, Repeat(changes_of_target(target, 8)), way)
    assert free.fills.tolist() == fills.tolist()


VOLUMES = st.lists(st.integers(1, 40_000), min_size=0, max_size=4, unique=True).map(sorted)
RATES = st.sampled_from(["-0.0002", "0", "0.0004", "0.001", "0.01"])
LADDERS = VOLUMES.flatmap(
    lambda volumes: st.tuples(*[st.builds(FeeTier, st.just(volume), RATES, RATES) for volume in [0, *volumes]])
).map(FeeTiers)


def agree(drawn, ladder: FeeTiers, width_ns: int) -> None:
    made, target, rules, _ = run_of(drawn)
    agree_on(made, target, rules, ladder, width_ns)


def agree_on(made: Bars, target, rules: Rules, ladder: FeeTiers, width_ns: int) -> None:
    made, rules = days_apart(made, width_ns), replace(rules, fees=ladder)
    changes = changes_of_target(target, len(made)) if isinstance(target, np.ndarray) else target
    tiers = tiers_of(rules, made.unit)
    expected = play(made, changes, numbers(rules, made.tick, made.lot, made.highest), {}, tiers)
    found = run(made, target, rules, Funding())
    assert found.fills.tolist() == expected.fills.tolist()
    if isinstance(target, np.ndarray):
        assert sweep(made, target[np.newaxis], rules, every=1).equity[0].tolist() == expected.equity.tolist()


@pytest.mark.parametrize(
    "days", [range(-30, 1), range(-31, 0), range(-29, 0)], ids=["today counts", "31 days count", "29 days count"]
)
def test_a_kernel_that_counts_other_days_is_told_from_it(monkeypatch: pytest.MonkeyPatch, days: range) -> None:
    monkeypatch.setattr(Volumes, "before", lambda self, day: sum(self.of_day.get(day + one, 0) for one in days))
    ladder = FeeTiers(
        (FeeTier(0, 0, "0.01"), *(FeeTier(4_000 * step, 0, f"{0.01 - step / 1000:.3f}") for step in range(1, 9)))
    )
    with pytest.raises(AssertionError):
        for seed in range(80):
            made, target, rules, _ = random_run(seed)
            agree_on(made, target, rules, ladder, DAY_NS)


@given(DRAWN, LADDERS, st.sampled_from([DAY_NS // 5, DAY_NS, 3 * DAY_NS]))
@settings(max_examples=40, deadline=None)
@pytest.mark.slow
def test_bars_the_fast_kernel_pays_what_the_slow_one_pays(drawn, ladder: FeeTiers, width_ns: int) -> None:
    agree(drawn, ladder, width_ns)


@given(DRAWN, LADDERS, st.sampled_from([DAY_NS // 5, DAY_NS, 3 * DAY_NS]))
@settings(max_examples=10_000, deadline=None)
@pytest.mark.torture
def test_bars_the_fast_kernel_pays_what_the_slow_one_pays_over_many_markets(drawn, ladder, width_ns: int) -> None:
    agree(drawn, ladder, width_ns)


@given(ACCOUNTS, LADDERS, st.sampled_from([DAY_NS // 5, DAY_NS, 3 * DAY_NS]))
@settings(max_examples=40, deadline=None)
@pytest.mark.slow
def test_several_instruments_on_one_account_pay_the_same_in_both_kernels(
    drawn, ladder: FeeTiers, width_ns: int
) -> None:
    account(drawn, ladder, width_ns)


@given(ACCOUNTS, LADDERS, st.sampled_from([DAY_NS // 5, DAY_NS, 3 * DAY_NS]))
@settings(max_examples=5_000, deadline=None)
@pytest.mark.torture
def test_several_instruments_on_one_account_pay_the_same_over_many_markets(drawn, ladder, width_ns: int) -> None:
    account(drawn, ladder, width_ns)


def account(drawn, ladder: FeeTiers, width_ns: int) -> None:
    seed, count, length, rules, together, funded = drawn
    agree_together(seed, count, length, replace(rules, fees=ladder), together, funded, width_ns)


@given(TICKS, LADDERS, st.lists(st.integers(0, 70), max_size=4))
@settings(max_examples=40, deadline=None)
@pytest.mark.slow
def test_trades_the_fast_kernel_block_by_block_and_free_code_pay_what_the_slow_one_pays(drawn, ladder, cuts) -> None:
    ticks, changes, way = slowed(run_of_ticks(drawn), ladder)
    tiers = tiers_of(way.rules, ticks.tick * ticks.lot)
    rules = tick_numbers(way.rules, ticks.tick, ticks.lot, ticks.highest)
    expected = play_ticks(ticks, changes, way.latency.alone(ticks, np.arange(len(ticks))), rules, tiers)
    assert in_blocks(ticks, changes, way, cuts).fills.tolist() == expected.tolist()
    assert run_on_trade(ticks, Repeat(changes), way).fills.tolist() == expected.tolist()


def slowed(drawn, ladder: FeeTiers):
    """The same with 97 trades' steps a day."""
    ticks, changes, way = drawn
    known = None if ticks.known_ns is None else ticks.known_ns * (DAY_NS // 97)
    apart = replace(ticks, exchange_ns=ticks.exchange_ns * (DAY_NS // 97), known_ns=known)
    return apart, changes, replace(way, rules=replace(way.rules, fees=ladder))


@given(st.integers(0, 2**32 - 1), LADDERS)
@settings(max_examples=40, deadline=None)
@pytest.mark.slow
def test_ticks_the_compiled_venue_pays_what_the_slow_one_pays(seed: int, ladder: FeeTiers) -> None:
    session = random_session(seed, 60)
    events = session.events.copy()
    events["exchange_ns"] *= DAY_NS // 7
    events["known_ns"] *= DAY_NS // 7
    session, terms = replace(session, events=events), Terms(cash=1_000, fees=ladder)
    for wanted in (random_orders(seed, len(session), 12), random_quotes(seed, session, terms)):
        expected, cash, position = slowly(session, wanted, terms)
        found = quickly(session, wanted, terms)
        assert found.fills.tolist() == expected.tolist()
        assert (found.cash, found.position) == (cash, position)
