"""The fast kernel equals the slow one on every output, over random markets, targets and rules."""

import dataclasses
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest import slow
from ninefold.backtest.funding import Funding
from ninefold.backtest.market_rules import (
    EquityShare,
    Exits,
    Fees,
    FixedSize,
    Limits,
    Margin,
    Rules,
    Slippage,
    numbers,
)
from ninefold.backtest.run import run
from ninefold.backtest.target import changes_of_signals, changes_of_target
from tests.backtest.markets import plain_trades, random_bars

RATES = st.sampled_from([None, None, "0.01", "0.03", "0.2", "0.00000001"])

RULES = st.builds(
    Rules,
    cash=st.sampled_from([1, 500, 5_000, 1_000_000]),
    sizing=st.one_of(
        st.builds(FixedSize, st.integers(1, 60)), st.builds(EquityShare, st.sampled_from([1, "0.5", "0.0333"]))
    ),
    fees=st.builds(Fees, st.sampled_from([0, "0.001", "0.05"]), st.sampled_from([0, "0.0004", "-0.0001"])),
    slippage=st.builds(Slippage, st.integers(0, 3), st.sampled_from([0, "0.0005"])),
    limits=st.builds(Limits, st.sampled_from([None, 7]), st.sampled_from([None, 0, 3])),
    margin=st.one_of(
        st.builds(Margin, st.sampled_from([1, 3, 20])),
        st.builds(Margin, st.sampled_from([2, 10]), st.sampled_from(["0.01", "0.05"]), st.sampled_from([0, "0.02"])),
    ),
    exits=st.builds(Exits, RATES, RATES, RATES, st.sampled_from([None, None, 1, 4])),
    volume_share=st.sampled_from([None, None, "0.1", 1]),
)


LEVELS = [[0, 1], [-1, 0, 1], [-1, -0.4, 0.31, 1, np.nan]]
DRAWN = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(1, 70),
    st.booleans(),
    st.sampled_from(LEVELS),
    RULES,
    st.booleans(),
    st.booleans(),
)


def run_of(drawn):
    """Bars, a target (or its changes), rules, funding. Made here: drawing must not take long."""
    seed, count, holes, levels, rules, funded, signals = drawn
    made, random = random_bars(seed, count, holes), np.random.default_rng(seed + 1)
    target = np.repeat(random.choice(levels, count), random.integers(1, 9, count))[:count].astype(float)
    at_ns = made.open_ns[::7].copy() if funded else np.empty(0, np.int64)
    funding = Funding(at_ns, random.integers(-400, 400, len(at_ns)) / 1e4)
    if signals:
        target = changes_of_signals(*(random.random((4, count)) < 0.15))
    return made, target, rules, funding


def random_run(seed):
    """A run as those that are drawn, from a seed alone."""
    random = np.random.default_rng(seed)

    def one_of(*values):
        return values[random.integers(0, len(values))]

    made = random_bars(seed, 70)
    target = np.repeat(random.choice([-1, -0.4, 0.31, 1, np.nan], 70), random.integers(1, 9, 70))[:70]
    if random.random() < 0.3:
        target = changes_of_signals(*(random.random((4, 70)) < 0.15))
    rules = Rules(
        cash=one_of(500, 5_000),
        sizing=one_of(FixedSize(11), EquityShare("0.7")),
        fees=Fees("0.001", "0.0004"),
        slippage=one_of(Slippage(), Slippage(1, "0.0005")),
        margin=one_of(Margin(), Margin(10, "0.03", "0.01")),
        exits=Exits(one_of(None, "0.03"), one_of(None, "0.04"), one_of(None, "0.03"), one_of(None, 4)),
        volume_share=one_of(None, "0.3"),
    )
    return made, target, rules, Funding(made.open_ns[::7].copy(), random.integers(-400, 400, 10) / 1e4)


def played_slowly(made, target, rules, funding, play=slow.play):
    changes = changes_of_target(target, len(made)) if isinstance(target, np.ndarray) else target
    rows, rates = (found.tolist() for found in funding.on(made))
    whole = numbers(rules, made.tick, made.lot, made.highest)
    return play(made, changes, whole, dict(zip(rows, rates, strict=True)))


def check(made, target, rules, funding):
    expected, found = played_slowly(made, target, rules, funding), run(made, target, rules, funding)
    assert found.fills.tolist() == expected.fills.tolist()
    np.testing.assert_array_equal(found.equity, expected.equity)
    np.testing.assert_array_equal(found.position, expected.position)
    trades = plain_trades(expected.fills, made, int(made.close[-1]))
    both = [*found.trades.tolist(), *found.open_trade.tolist()]
    np.testing.assert_array_equal(np.array(both), np.array(trades))


@given(DRAWN)
@settings(max_examples=80, deadline=None)
@pytest.mark.slow
def test_the_fast_kernel_fills_as_the_slow_one(drawn):
    check(*run_of(drawn))


@pytest.mark.torture
@given(DRAWN)
@settings(max_examples=50_000, deadline=None)
def test_the_fast_kernel_fills_as_the_slow_one_over_many_markets(drawn):
    check(*run_of(drawn))


@given(DRAWN)
@settings(max_examples=40, deadline=None)
def test_nothing_is_filled_at_a_price_or_in_a_size_that_was_not_shown(drawn):
    made, target, rules, funding = run_of(drawn)
    result = run(made, target, rules, funding)
    fills = result.fills[result.fills["size"] != 0]
    rows, liquidated = fills["bar"], fills["reason"] == 5
    assert (made.volume[rows] > 0).all()
    assert (made.low[rows] <= fills["price"]).all() and (fills["price"] <= made.high[rows]).all()
    assert (fills["price"][fills["inside"] == 0] == made.open[rows][fills["inside"] == 0]).all()
    if rules.volume_share is not None:
        taken = np.bincount(rows[~liquidated], np.abs(fills["size"][~liquidated]), minlength=len(made))
        assert (taken <= np.maximum(made.volume, 0) * float(rules.volume_share)).all()


@given(DRAWN)
@settings(max_examples=40, deadline=None)
def test_what_happened_stays_the_same_when_the_future_arrives(drawn):
    made, target, rules, funding = run_of(drawn)
    if not isinstance(target, np.ndarray):
        return
    part = max(1, len(made) // 2)
    whole, sooner = run(made, target, rules, funding), run(made.between(0, part), target[:part], rules, funding)
    np.testing.assert_array_equal(whole.fills[whole.fills["bar"] < part], sooner.fills)
    np.testing.assert_array_equal(whole.equity[:part], sooner.equity)


def test_the_money_that_is_left_is_what_was_there_less_what_fills_cost():
    made, target, rules, funding = random_bars(3, 300), np.tile([1.0, 1, -1, 0, 0.5], 60), Rules(cash=20_000), Funding()
    result = run(made, target, rules, funding)
    f = result.fills
    paid = int((f["price"] * f["size"]).sum()) + result.fees + result.slippage + result.funding
    assert result.equity[-1] == 20_000 - paid + int(result.position[-1] * made.close[-1])
    assert sum(result.trades["pnl"].tolist()) + sum(result.open_trade["pnl"].tolist()) == result.equity[-1] - 20_000


def test_a_wrong_account_is_refused_by_the_slow_kernel(monkeypatch):
    monkeypatch.setattr(slow.Account, "slip", lambda self, price: 1)
    fill = slow.Account.fill

    def forgetful(self, *args, **options):
        fill(self, *args, **options)
        self.cash += 1

    monkeypatch.setattr(slow.Account, "fill", forgetful)
    with pytest.raises(ArithmeticError, match="does not add up"):
        played_slowly(
            random_bars(1, 20, holes=False), np.ones(20), dataclasses.replace(Rules(), cash=10_000), Funding()
        )


MUTANTS = {
    "a stop that is only touched does not fill": (
        "self.beyond(toward, stop)",
        "self.beyond(toward, stop, inclusive=False)",
    ),
    "a limit fills when it is touched": ("return bar.high > level", "return bar.high >= level"),
    "a gap fills at the stop": ("self.exit(row, bar.open, reason, 0)", "self.exit(row, stop, reason, 0)"),
    "the take-profit was first": (
        "elif stop and self.beyond(toward, stop)",
        "elif stop and not (take and self.is_through(bar, take)) and self.beyond(toward, stop)",
    ),
    "the further stop counts": ("level, reason = max(found", "level, reason = min(found"),
    "a trailing stop follows the bar itself": (
        "account.leave(row, bar)\n            account.follow(bar)",
        "account.follow(bar)\n            account.leave(row, bar)",
    ),
    "a time exit a bar later": ("held >= self.rules.hold", "held > self.rules.hold"),
    "fees are rounded down": ("return _up(price * size * rate, ONE)", "return price * size * rate // ONE"),
    "a take-profit pays the taker fee": ("self.maker if limit", "self.taker if limit"),
    "an exit has the volume of the bar again": ("self.room = max(self.room - abs(size), 0)", "pass"),
    "what money does not pay for waits": ("self.wanted = self.position + side * allowed", "pass"),
    "margin is not asked for": ("least, most = 0, size\n", "least, most = size, size\n"),
    "a liquidation obeys the volume": (
        "self.fill(row, price, -self.position, Reason.LIQ",
        "self.fill(row, price, max(-self.room, min(self.room, -self.position)), Reason.LIQ",
    ),
    "funding is paid at the close": ("row, bar.open if bar.known else account.close", "row, account.close"),
    "orders are filled on quiet bars": ("bar.known and bar.volume > 0", "bar.known"),
    "a repeated target undoes an exit that waits": ("(self.position or self.wanted)", "self.wanted"),
}


@cache
def played_quickly(seed):
    """A run from its seed alone and its fills, once for all that are compared with it."""
    drawn = random_run(seed)
    return drawn, run(*drawn).fills.tolist()


@pytest.mark.parametrize(("text", "instead"), MUTANTS.values(), ids=MUTANTS)
@pytest.mark.slow
def test_a_kernel_with_another_rule_is_told_from_it(text, instead):
    source = Path(slow.__file__).read_text()
    assert source.count(text) == 1
    mutant = ModuleType("mutant")
    mutant.__dict__["__name__"] = slow.__name__
    exec(compile(source.replace(text, instead), "mutant", "exec"), mutant.__dict__)
    runs = map(played_quickly, range(150))
    assert any(played_slowly(*drawn, mutant.play).fills.tolist() != fills for drawn, fills in runs)
