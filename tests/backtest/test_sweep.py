"""Many back-tests at once give what single ones give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.exact import LARGEST, ONE
from ninefold.backtest.fast import part, part_up
from ninefold.backtest.fast_many import SHARES, STRETCH, TOGETHER, bit_changes
from ninefold.backtest.fast_plain import LARGEST_WORD, fee_of
from ninefold.backtest.market_rules import EquityShare, Exits, Fees, FixedSize, Limits, Margin, Rules, Slippage
from ninefold.backtest.run import run
from ninefold.backtest.sweep import sweep, sweep_crossings
from ninefold.backtest.target import BadTarget, changes_of_crossing
from tests.backtest.markets import bars, random_bars


def is_a_single_run(made, at, result):
    row = made.runs[at]
    assert row["equity"] == result.equity[-1]
    assert (row["fees"], row["slippage"], row["funding"]) == (result.fees, result.slippage, result.funding)
    assert row["fills"] == (result.fills["size"] != 0).sum()
    assert (row["trades"], row["won"]) == (len(result.trades), (result.trades["pnl"] > 0).sum())
    assert row["held"] == (result.position != 0).sum()
    np.testing.assert_array_equal(made.equity[at], result.equity[made.samples])


@pytest.mark.parametrize(
    "rules",
    [
        Rules(cash=100_000, sizing=FixedSize(7)),
        Rules(cash=100_000, sizing=EquityShare("0.5"), exits=Exits(stop_loss="0.05", bars=6), volume_share="0.2"),
    ],
    ids=["fixed size", "share of the equity, exits, partial fills"],
)
def test_a_sweep_over_targets_is_many_single_runs(rules):
    made = random_bars(5, 300)
    targets = np.random.default_rng(6).choice([-1.0, 0.0, 0.5, 1.0, np.nan], (20, 300))
    found = sweep(made, targets, rules, every=7)
    assert found.samples[-1] == 299
    for at, target in enumerate(targets):
        is_a_single_run(found, at, run(made, target, rules))


@pytest.fixture(scope="module")
def several_stretches():
    return random_bars(8, 2 * STRETCH + 700)


WHOSE_SUMS_ARE_KEPT = [
    Rules(cash=100_000, sizing=FixedSize(7), limits=Limits(short=0)),
    Rules(
        cash=1_500, sizing=FixedSize(4), limits=Limits(short=0)
    ),  # cash for two or three at most, and less as fees are paid
    Rules(cash=100_000, slippage=Slippage(1, "0.0005"), fees=Fees("-0.0001"), limits=Limits(short=0)),
    Rules(cash=1_000, sizing=EquityShare(3), margin=Margin(3), limits=Limits(long=9, short=0)),  # it borrows
    Rules(cash=1_000, sizing=FixedSize(3)),  # sold short too, and ruined
    Rules(
        cash=10**17, sizing=FixedSize(10**12 + 7), fees=Fees("0.00123457"), limits=Limits(short=0)
    ),  # no double holds such a product
]


@pytest.mark.parametrize("rules", WHOSE_SUMS_ARE_KEPT)
@pytest.mark.parametrize("every", [1, 97, None])
def test_strategies_played_side_by_side_stretch_by_stretch_are_single_runs(several_stretches, rules, every):
    """Of many changes and of few, among quiet and unknown bars."""
    made, random = several_stretches, np.random.default_rng(9)
    targets = np.array([held(random, len(made), 1 + 40 * at) for at in range(40)])
    found = sweep(made, targets, rules, every)
    assert TOGETHER > len(targets) // SHARES > 1, "several are played together, and not all"
    for at, target in enumerate(targets):
        is_a_single_run(found, at, run(made, target, rules))


def held(random, bars, usual):
    """A target that stays for about so many bars."""
    parts = 2 * bars // usual + 50
    values, lasting = random.choice([0.0, 0.5, 1.0, 1.0, np.nan, -0.25], parts), random.integers(1, 2 * usual, parts)
    return np.repeat(values, lasting)[:bars]


def test_a_sweep_over_windows_is_many_single_runs():
    made, rules = random_bars(7, 2500), Rules(cash=100_000, sizing=FixedSize(3))
    pairs = [(1, 2), (2, 5), (10, 30), (30, 10), (5, 5), (7, 1030), (3000, 2)]
    found = sweep_crossings(made, pairs, rules, every=100)
    for at, (fast, slow) in enumerate(pairs):
        is_a_single_run(found, at, run(made, changes_of_crossing(made, fast, slow), rules))


def test_averages_that_are_equal_are_not_above_each_other():
    made = bars(10, 10, 10, 13, 7, 10, 11)  # means of 2 and 3: 10=10, 11.5>11, 10=10, 8.5<10, 10.5>9.33
    assert changes_of_crossing(made, 2, 3).at.tolist() == [3, 4, 6]
    assert changes_of_crossing(made, 2, 3).to.tolist() == [ONE, 0, ONE]


@given(st.integers(-LARGEST, LARGEST), st.sampled_from([0, 1, ONE - 1, ONE]) | st.integers(0, ONE))
@settings(settings.get_profile("money"))
def test_parts_of_an_amount_are_those_of_whole_numbers_without_end(value, rate):
    assert part(value, rate) == value * rate // ONE
    up = -(-value * rate // ONE)
    assert part_up(value, rate) == up
    assert part_up(value, -rate) == -(value * rate // ONE)
    fitting = (LARGEST_WORD - ONE) // rate if rate else -1
    for amount in {value, fitting, min(fitting + 1, LARGEST)}:
        assert fee_of(amount, rate, fitting) == -(-amount * rate // ONE)


def test_a_wrong_target_is_refused_with_its_strategy_and_row():
    targets = np.zeros((3, 5))
    targets[1, 4] = 1.5
    with pytest.raises(BadTarget, match=r"the target of strategy 1 is 1.5 at row 4"):
        sweep(bars(1, 2, 3, 4, 5), targets, Rules())
    with pytest.raises(BadTarget, match=r"\(strategies, 5\) is needed"):
        sweep(bars(1, 2, 3, 4, 5), targets[0], Rules())
    with pytest.raises(BadTarget, match="no pairs of windows"):
        sweep_crossings(bars(1, 2), [], Rules())
    with pytest.raises(BadTarget, match="at least 1 is needed"):
        sweep(bars(1, 2), np.zeros((1, 2)), Rules(), every=0)
    with pytest.raises(BadTarget, match="each is at least 1 bar"):
        sweep_crossings(bars(1, 2), [(0, 2)], Rules())


def test_a_target_in_bits_changes_at_none_of_the_rows_behind_the_last_bar():
    words = np.array([0b1100, 1 << 63, 0], np.uint64)
    assert [of.tolist() for of in bit_changes(words, 128)] == [[2, 4, 127], [ONE, 0, ONE]]  # not back to 0 at row 128
    assert [of.tolist() for of in bit_changes(words, 192)] == [[2, 4, 127, 128], [ONE, 0, ONE, 0]]
    assert [of.tolist() for of in bit_changes(words, 3)] == [[2], [ONE]]
