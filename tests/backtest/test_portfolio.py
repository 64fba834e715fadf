"""Several instruments on one account: worked by hand, and the fast kernel against the slow one."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest import slow_portfolio
from ninefold.backtest.bars import BadBars, Bars
from ninefold.backtest.exact import BadRules
from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.legs import Together, legs_of
from ninefold.backtest.market_rules import (
    EquityShare,
    Exits,
    Fees,
    FixedSize,
    Limits,
    Margin,
    Rules,
    Slippage,
    tiers_of,
)
from ninefold.backtest.outcome import Reason
from ninefold.backtest.portfolio import run_together
from ninefold.backtest.run import run
from ninefold.backtest.target import BadTarget, changes_of_target
from tests.backtest.markets import MINUTE_NS, bars, days_apart, random_bars

FREE = Rules(cash=1000, sizing=FixedSize(1), fees=Fees(0, 0))
STEPS = [("1", "1"), ("0.5", "1"), ("1", "0.1"), ("2", "0.5")]

RULES = st.builds(
    Rules,
    cash=st.sampled_from([300, 5_000, 1_000_000]),
    sizing=st.one_of(st.builds(FixedSize, st.integers(1, 9)), st.builds(EquityShare, st.sampled_from([1, "0.3"]))),
    fees=st.builds(Fees, st.sampled_from([0, "0.001", "0.05"])),
    slippage=st.builds(Slippage, st.integers(0, 2), st.sampled_from([0, "0.0005"])),
    limits=st.builds(Limits, st.sampled_from([None, 7]), st.sampled_from([None, 0, 3])),
    margin=st.one_of(
        st.builds(Margin, st.sampled_from([1, 3])),
        st.builds(Margin, st.just(10), st.sampled_from(["0.01", "0.05"]), st.sampled_from([0, "0.02"])),
    ),
)


def fills(made, targets, rules=FREE, **more):
    """(bar, instrument, price, size) of each fill."""
    result = run_together(made, {name: np.array(target, float) for name, target in targets.items()}, rules, **more)
    return [(f[0], result.names[f[8]], f[1], f[2]) for f in result.fills.tolist()]


def test_legs_wait_until_all_of_them_can_be_filled_in_one_bar_and_alone_they_do_not():
    made = {"a": bars(10, 11, 12), "b": bars(20, (21, 21, 21, 21, 0), 22)}
    assert fills(made, {"a": [1, 1, 1], "b": [-1, -1, -1]}) == [(2, "a", 12, 1), (2, "b", 22, -1)]
    assert fills(made, {"a": [1, 1, 1], "b": [-1, -1, -1]}, together=Together.ALONE) == [
        (1, "a", 11, 1),
        (2, "b", 22, -1),
    ]


def test_a_leg_that_cannot_be_filled_has_the_others_unwound_at_their_next_open_and_is_named():
    made = {"a": bars(10, 11, 12, 13), "b": bars(20, (21, 21, 21, 21, 0), 22, 23)}
    wants = {"a": np.array([1.0, 1, 1, 1]), "b": -np.array([1.0, 1, 1, 1])}
    found = run_together(made, wants, FREE, together=Together.UNWIND)
    assert found.fills[["bar", "instrument", "price", "size", "reason"]].tolist() == [
        (1, 0, 11, 1, Reason.TARGET),
        (1, 1, 0, 0, Reason.UNFILLED),
        (2, 0, 12, -1, Reason.UNWOUND),
    ]
    assert found.equity.tolist() == [1000, 1000, 1001, 1001]


def test_after_an_unwinding_the_next_change_of_any_target_decides_all_legs_anew():
    made = {"a": bars(10, 11, 12, 13, 14), "b": bars(20, None, 22, 23, 24)}
    wants = {"a": [1, 1, 1, 0.5, 0.5], "b": [-1, -1, -1, -1, -1]}
    two = dataclasses.replace(FREE, sizing=FixedSize(2))
    assert fills(made, wants, two, together=Together.UNWIND)[2:] == [
        (2, "a", 12, -2),
        (4, "a", 14, 1),
        (4, "b", 24, -2),
    ]


def test_a_leg_that_only_closes_waits_and_nothing_is_unwound():
    made = {"a": bars(10, 11, 12, 13), "b": bars(20, 21, (21, 21, 21, 21, 0), 23)}
    wants = {"a": [1, 0, 0, 0], "b": [-1, 0, 0, 0]}
    assert fills(made, wants, together=Together.UNWIND)[2:] == [(2, "a", 12, -1), (3, "b", 23, 1)]


def test_no_leg_is_sent_when_one_would_open_less_than_its_venue_takes():
    made = {"a": bars(10, 10, 10), "b": bars(20, 20, 20)}
    wants = {"a": [1, 1, 1], "b": [-1, -1, -1]}
    assert fills(made, wants, together=Together.UNWIND, least={"b": Fraction(20)}) == [
        (1, "a", 10, 1),
        (1, "b", 20, -1),
    ]
    assert fills(made, wants, together=Together.UNWIND, least={"b": Fraction("20.5")}) == [(0, "b", 0, 0)]
    share = dataclasses.replace(FREE, cash=20, sizing=EquityShare("0.6"))  # 12: one a, no b
    assert fills(made, wants, share, together=Together.WAIT) == [(0, "b", 0, 0)]


def test_what_one_sale_brings_pays_for_another_purchase_at_the_same_open():
    made = {"a": bars(10, 10, 10), "b": bars(10, 10, 10)}
    rules = dataclasses.replace(FREE, cash=50, sizing=FixedSize(5))
    assert fills(made, {"b": [0, 1, 1], "a": [1, 0, 0]} | {}, rules)[0] == (1, "a", 10, 5)
    assert fills({"b": made["b"], "a": made["a"]}, {"b": [0, 1, 1], "a": [1, 0, 0]}, rules)[1:] == [
        (2, "a", 10, -5),
        (2, "b", 10, 5),
    ]


def test_what_shared_money_does_not_pay_for_is_cut_by_the_same_factor():
    made = {"a": bars(10, 10), "b": bars(40, 40)}
    rules = dataclasses.replace(FREE, cash=250, sizing=FixedSize(10))
    assert fills(made, {"a": [1, 1], "b": [1, 1]}, rules) == [(1, "a", 10, 5), (1, "b", 40, 5)]


def test_instruments_of_other_steps_add_up_in_one_unit():
    made = {"a": bars(10, 11, 11, tick="0.1"), "b": bars(10, 10, 12, tick="0.25", lot="0.5")}
    result = run_together(made, {"a": np.ones(3), "b": np.ones(3)}, FREE)
    assert float(result.unit) == 0.025
    assert result.to_quote(result.equity).tolist() == [1000.0, 1000.0, 1000.5]


def test_an_account_below_its_maintenance_is_left_at_the_next_opens_and_may_begin_again():
    made = {"a": bars(100, 100, 95, 94, 94, 94), "b": bars(100, 100, 100, 100, 100, 100)}
    rules = Rules(cash=100, sizing=FixedSize(5), fees=Fees(0), margin=Margin(10, "0.08", "0.01"))
    found = run_together(made, {"a": np.ones(6), "b": np.array([-1, -1, -1, -1, -0.2, 0])}, rules)
    # equity 75 at the third close, 0.08 * 975 = 78 are needed
    assert found.fills[["bar", "price", "size", "fee", "reason"]].tolist()[2:] == [
        (3, 94, -5, 5, 5),
        (3, 100, 5, 5, 5),
        (5, 100, -1, 0, 0),
    ]
    assert found.equity[-1] == 100 - 30 - 10


def test_funding_is_paid_by_each_instrument():
    paid = {"b": Funding(np.array([2 * MINUTE_NS]), np.array([0.1]))}
    made = {"a": bars(10, 10, 10), "b": bars(50, 50, 50)}
    result = run_together(made, {"a": np.ones(3), "b": -np.ones(3)}, FREE, funding=paid)
    assert result.equity.tolist() == [1000, 1000, 1005]
    assert result.returns.tolist() == [0, 0, 1005 / 1000 - 1]


def test_one_instrument_alone_is_as_in_a_run_of_its_own():
    made, target = random_bars(11, 200), np.random.default_rng(12).choice([-1.0, 0.0, 1.0], 200)
    rules = Rules(cash=100_000, sizing=EquityShare("0.5"), fees=Fees("0.001"))
    alone, together = run(made, target, rules), run_together({"a": made}, {"a": target}, rules)
    np.testing.assert_array_equal(together.equity, alone.equity)
    np.testing.assert_array_equal(together.fills["size"], alone.fills["size"])


def test_what_cannot_be_one_account_is_refused():
    one, flat = {"a": bars(10, 11)}, {"a": np.zeros(2)}
    with pytest.raises(BadBars, match="there are no bars"):
        run_together({}, {}, FREE)
    with pytest.raises(BadBars, match=r"b has 1 bars .*need bars of the same times"):
        run_together({**one, "b": bars(10)}, {**flat, "b": np.zeros(1)}, FREE)
    with pytest.raises(BadTarget, match="each needs the other"):
        run_together(one, {"b": np.zeros(2)}, FREE)
    with pytest.raises(BadRules, match="no bars; bars are given for a"):
        run_together(one, flat, FREE, sizes={"b": FixedSize(1)})
    with pytest.raises(BadRules, match="are rules of one instrument"):
        run_together(one, flat, dataclasses.replace(FREE, exits=Exits(bars=3)))


DRAWN = st.tuples(
    *(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 50)),
    *(RULES, st.sampled_from(Together), st.booleans()),
)


@given(DRAWN)
@settings(max_examples=80, deadline=None)
@pytest.mark.slow
def test_the_fast_kernel_of_several_instruments_fills_as_the_slow_one(drawn):
    agree(*drawn)


def agree(seed, count, length, rules, together, funded, width_ns=MINUTE_NS):
    random = np.random.default_rng(seed)
    made, targets, funding = {}, {}, {}
    for at in range(count):
        walk = days_apart(random_bars(seed + at, length), width_ns)
        tick, lot = STEPS[int(random.integers(0, len(STEPS)))]
        name = f"i{at}"
        made[name] = restep(walk, tick, lot)
        levels = random.choice([-1, -0.4, 0, 0.31, 1, np.nan], length)
        targets[name] = np.repeat(levels, random.integers(1, 6, length))[:length]
        at_ns = walk.open_ns[::5].copy()
        funding[name] = Funding(at_ns, random.integers(-400, 400, len(at_ns)) / 1e4) if funded else NO_FUNDING
    least = {name: Fraction(int(random.choice([0, 100, 2_000]))) for name in made}
    found = run_together(made, targets, rules, funding=funding, together=together, least=least)
    legs, whole, unit = legs_of(made, rules, {}, least)
    changes = {
        (row, at): to
        for at, name in enumerate(made)
        for row, to in zip(*(part.tolist() for part in both(changes_of_target(targets[name], length))), strict=True)
    }
    paid = {
        (row, at): rate
        for at, name in enumerate(made)
        for row, rate in zip(*(part.tolist() for part in funding[name].on(made[name])), strict=True)
    }
    expected = slow_portfolio.play_together(legs, changes, whole, paid, together, tiers_of(rules, unit))
    assert found.fills.tolist() == expected.fills.tolist()
    np.testing.assert_array_equal(found.equity, expected.equity)
    np.testing.assert_array_equal(found.position, expected.position)


def both(changes):
    return changes.at, changes.to


def restep(walk, tick, lot):
    columns = (walk.open_ns, walk.close_ns, walk.open, walk.high, walk.low, walk.close, walk.volume)
    return Bars(*columns, tick=bars(1, tick=tick).tick, lot=bars(1, lot=lot).lot)
