"""Several instruments on one account, on trades: by hand; the compiled kernel as the slow one; one alone as `stream` has it."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.exact import BadRules
from ninefold.backtest.fee_tiers import FeeTier, FeeTiers
from ninefold.backtest.funding import Funding
from ninefold.backtest.market_rules import EquityShare, Exits, Fees, FixedSize, Margin, Rules, Slippage
from ninefold.backtest.outcome import Reason
from ninefold.backtest.target import BadTarget, changes_of_target
from ninefold.backtest.ticks import slow, together, together_slow
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.stream import Way, run
from ninefold.backtest.ticks.tape import BadTicks, Ticks
from ninefold.backtest.ticks.together import Market, run_markets, run_markets_live
from tests.backtest.ticks.test_ticks_agree import DRAWN, EXITS, LEVELS, random_changes, random_ticks, run_of

AT_ONCE = Latency(FixedFeed(0), FixedOrder(0))
TIERS = FeeTiers((FeeTier(0, "0.0002", "0.02"), FeeTier(1_000, "0.0001", "0.01")))


def market(rows, size, tick=1, **terms):
    """rows: (time, price in ticks)."""
    at, price = np.array(rows, np.int64).T
    rules = Rules(sizing=FixedSize(size), fees=Fees(taker=0), margin=terms.pop("margin", Margin()))
    return Market(Ticks(at, price, np.full(len(at), 3), tick=Fraction(tick)), Way(rules, AT_ONCE, 10, **terms))


def wanted(**targets):
    return {name: changes_of_target(np.array(values, float), len(values)) for name, values in targets.items()}


def told(result):
    """(instrument, row, price, size, reason), prices in the account's unit a lot."""
    return result.fills[["instrument", "bar", "price", "size", "reason"]].tolist()


def test_what_one_instrument_holds_the_other_cannot_pay_for():
    both = {
        "a": market([(100, 40), (120, 40), (160, 44)], size=2),
        "b": market([(110, 20), (130, 20), (170, 22)], size=3, tick="1/2"),
    }
    found = run_markets(both, wanted(a=[1, 1, 1], b=[1, 1, 1]), 100)
    # units of half a quote: 2 of a at 40 leave 20 of 100, which pay for two of b at 10
    assert found.unit == Fraction(1, 2)
    assert told(found) == [(0, 1, 80, 2, Reason.TARGET), (1, 1, 20, 2, Reason.TARGET)]
    assert found.fill_ns.tolist() == [120, 130]
    assert [one.equity.tolist() for one in found.each.values()] == [[0, 0, 16], [0, 0, 4]]


def test_a_share_of_the_equity_counts_what_the_other_has_earned():
    rules = Rules(sizing=EquityShare("0.5"), fees=Fees(taker=0))
    a = Market(market([(100, 10), (110, 10), (120, 30), (150, 30)], 1).ticks, Way(rules, AT_ONCE))
    b = Market(market([(105, 10), (130, 10), (140, 10)], 1).ticks, Way(rules, AT_ONCE))
    found = run_markets({"a": a, "b": b}, wanted(a=[1, 1, 1, 1], b=[0, 1, 1]), 100)
    # half of 100 buys 5 of a; at 30 the account has 200, half of which are 10 of b, and the cash pays for 5
    assert told(found) == [(0, 1, 10, 5, Reason.TARGET), (1, 2, 10, 5, Reason.TARGET)]


def test_an_account_that_is_ruined_leaves_each_instrument_at_its_own_next_trade():
    margin, dues = Margin(5, "0.1", "0.01"), Funding(np.array([145]), np.array([0.05]))
    both = {
        "a": market([(100, 50), (110, 50), (130, 40), (170, 45), (190, 45)], 6, margin=margin),
        "b": market([(105, 10), (115, 10), (140, 10), (150, 9), (160, 9), (180, 9)], 10, margin=margin, funding=dues),
    }
    found = run_markets(both, wanted(a=[1, 1, 1, 0, 1], b=[-1, -1, -1, -1, 1, 1]), 100)
    # 6 of a at 50, 10 of b sold at 10: 300 and 100 are carried by 100. At 40 the equity is 40 and 24 + 10 are asked for: sound. At
    # 150 b receives 10 * 9 * 0.05 = 4.5, down to 4, and is at 9: 40 + 4 + 10; sound. Then a rises
    assert told(found)[:3] == [
        (0, 1, 50, 6, Reason.TARGET),
        (1, 1, 10, -10, Reason.TARGET),
        (1, 3, 9, 0, Reason.FUNDING),
    ]
    fallen = dict(both, a=market([(100, 50), (110, 50), (130, 39), (170, 45), (190, 45)], 6, margin=margin))
    found = run_markets(fallen, wanted(a=[1, 1, 1, 0, 1], b=[-1, -1, -1, -1, 1, 1]), 100)
    # at 39 it is 34, and 23.4 + 10 are asked for, each up: liquidated, a at 39 and b at its next trade, 10, before the funding. What b
    # wants at 160 it wants of what is left: 100 - 66 - 3 - 1 = 30, which carry all of its 10 at 9
    assert told(found) == [
        (0, 1, 50, 6, Reason.TARGET),
        (1, 1, 10, -10, Reason.TARGET),
        (0, 2, 39, -6, Reason.LIQUIDATION),
        (1, 2, 10, 10, Reason.LIQUIDATION),
        (1, 5, 9, 10, Reason.TARGET),
    ]
    assert found.fills["fee"].tolist() == [0, 0, 3, 1, 0]


def test_fees_by_tier_go_by_what_the_account_traded_of_all():
    day = 86_400 * 10**9
    rules = Rules(sizing=FixedSize(10), fees=TIERS)
    a = Market(market([(100, 50), (110, 50), (120, 50), (130, 50)], 1).ticks, Way(rules, AT_ONCE))
    b = Market(market([(day, 10), (day + 10, 10)], 1).ticks, Way(rules, AT_ONCE))
    found = run_markets({"a": a, "b": b}, wanted(a=[1, 0, 0, 0], b=[1, 1]), 1_000)
    # 500 were bought and sold on the first day, 1,000 together: 2 % of them, and of 100 on the second one 1 %
    assert found.fills["fee"].tolist() == [10, 10, 1]
    assert (
        run_markets_live({"a": a, "b": b}, asks(wanted(a=[1, 0, 0, 0], b=[1, 1])), 1_000).fills.tolist()
        == found.fills.tolist()
    )


def test_what_no_account_can_have_is_refused():
    one = market([(100, 40)], 1)
    with pytest.raises(BadTicks, match="at least one of each instrument"):
        run_markets({}, {}, 100)
    with pytest.raises(BadTarget, match="targets are given for b and trades of a; each needs both"):
        run_markets({"a": one}, wanted(b=[1]), 100)
    with pytest.raises(BadRules, match="fees by tier go by what the account trades of all"):
        tiered = one._replace(way=Way(Rules(fees=TIERS)))
        run_markets({"a": one, "b": tiered}, wanted(a=[1], b=[1]), 100)


def test_an_exit_of_one_lies_on_its_own_ticks_and_leaves_the_other_alone():
    stop, take = Exits(stop_loss="0.015"), Exits(take_profit="0.03")
    a = market([(100, 40), (120, 100), (130, 99), (140, 98), (150, 98)], size=2)
    b = market([(110, 40), (125, 50), (135, 51), (145, 52), (155, 53)], size=3, tick="1/2")
    both = {"a": Market(a.ticks, a.way.left_by(stop)), "b": Market(b.ticks, b.way.left_by(take))}
    found = run_markets(both, wanted(a=[1, 1, 1, 1, 1], b=[1, 1, 1, 1, 1]), 1_000)
    # in units of half a quote a is bought at 200: a stop 1.5 ticks below is one at 99 ticks, touched there and left at 98. b is bought
    # at 50 ticks: 1.5 above are two, and a trade beyond 52 fills it there
    assert told(found) == [
        (0, 1, 200, 2, Reason.TARGET),
        (1, 1, 50, 3, Reason.TARGET),
        (0, 3, 196, -2, Reason.STOP_LOSS),
        (1, 4, 52, -3, Reason.TAKE_PROFIT),
    ]
    assert sum(int(one.equity[-1]) for one in found.each.values()) == -8 + 6 - 1  # the fee of a maker, up


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
@pytest.mark.slow
def test_with_money_enough_each_leaves_as_it_would_alone(seed):
    markets, changes, _ = random_account(seed, 3)
    sized = {
        name: Market(ticks, replace(way, rules=replace(way.rules, sizing=FixedSize(5), fees=Fees("0.01"))))
        for name, (ticks, way) in markets.items()
    }
    found = run_markets(sized, changes, 90_000)
    for at, (name, (ticks, way)) in enumerate(sized.items()):
        mine, worth = found.fills[found.fills["instrument"] == at], int(ticks.tick / found.unit)
        alone = run(ticks, changes[name], replace(way, rules=replace(way.rules, cash=90_000))).fills
        for own in ("bar", "size", "reason"):
            assert mine[own].tolist() == alone[own].tolist()
        assert mine["price"].tolist() == (alone["price"] * worth).tolist()


def asks(changes):
    """What says the same while it runs."""
    known = {name: dict(zip(one.at.tolist(), one.to.tolist(), strict=True)) for name, one in changes.items()}
    return {name: (lambda row, held, of=of: of.get(row)) for name, of in known.items()}


def random_exits(seed):
    random = np.random.default_rng(seed + 5)
    by = (None, "0.05"), (None, "0.08"), (None, "0.05"), (None, 1, 2)
    return Exits(*(each[random.integers(0, len(each))] for each in by))


def random_account(seed, instruments, known=True):
    """Markets whose money is often just enough, what is wanted of them, and the cash."""
    random = np.random.default_rng(seed)
    margin = [Margin(), Margin(10, "0.05", "0.02"), Margin(4, "0.22")][random.integers(0, 3)]
    fees = [Fees(0), Fees("0.01"), TIERS][random.integers(0, 3)]
    sizing = [FixedSize(int(random.integers(1, 12))), EquityShare("0.4"), EquityShare(1)][random.integers(0, 3)]
    slippage = [Slippage(), Slippage(1, "0.01")][random.integers(0, 2)]
    markets, changes = {}, {}
    for at in range(instruments):
        drawn = random_ticks(seed + at, 60)
        price, size = np.maximum(20 + np.cumsum(random.integers(-3, 4, 60)), 1), random.integers(1, 9, 60)
        ticks = Ticks(drawn.exchange_ns, price, size, drawn.known_ns if known else None, tick=Fraction(1 + at, 2))
        rules = Rules(sizing=sizing, fees=fees, slippage=slippage, margin=margin, volume_share=[None, "0.3"][seed % 2])
        rules = replace(rules, exits=random_exits(seed + at) if seed % 3 == 1 else Exits())
        moments = np.unique(ticks.exchange_ns[::9])
        dues = Funding(moments, random.integers(-400, 400, len(moments)) / 1e4)
        latency = Latency(FixedFeed(int(random.integers(0, 9))), FixedOrder(int(random.choice([0, 2, 25]))))
        markets[f"{at}"] = Market(ticks, Way(rules, latency, 30, dues))
        changes[f"{at}"] = random_changes(seed + at, 60, LEVELS[2], bool(seed % 3))
    return markets, changes, int(random.integers(10, 150))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans())
@settings(max_examples=100, deadline=None)
@pytest.mark.slow
def test_the_compiled_account_fills_as_the_slow_one_and_adds_up_at_every_step(seed, instruments, known):
    markets, changes, cash = random_account(seed, instruments, known)
    found, expected = run_markets(markets, changes, cash), run_markets_live(markets, asks(changes), cash)
    assert found.fills.tolist() == expected.fills.tolist()
    made = 0
    for at, (name, one) in enumerate(found.each.items()):
        mine, ticks = found.fills[found.fills["instrument"] == at], found.markets[name].ticks
        paid = mine["price"] * mine["size"] + mine["fee"] + mine["slippage"] + mine["funding"]
        for row, equity in zip(one.steps.row.tolist(), one.equity.tolist(), strict=True):
            until = mine["bar"] <= row
            assert equity == mine["size"][until].sum() * ticks.price[row] - paid[until].sum()
        rests = mine["reason"] == Reason.TAKE_PROFIT  # at its own price, which the trade has passed
        assert (mine["price"] == ticks.price[mine["bar"]])[~rests].all()
        assert (mine["price"] % int(markets[name].ticks.tick / ticks.tick) == 0).all()
        made += one.equity[-1]
        assert sum(one.trades["pnl"].tolist()) + sum(one.open_trade["pnl"].tolist()) == one.equity[-1]
    assert found.cash == Fraction(cash) / found.unit


@pytest.mark.torture
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans())
@settings(max_examples=20_000, deadline=None)
def test_the_compiled_account_fills_as_the_slow_one_over_many_markets(seed, instruments, known):
    markets, changes, cash = random_account(seed, instruments, known)
    expected = run_markets_live(markets, asks(changes), cash)
    assert run_markets(markets, changes, cash).fills.tolist() == expected.fills.tolist()


@given(DRAWN)
@settings(max_examples=60, deadline=None)
@pytest.mark.slow
def test_one_instrument_alone_is_filled_as_on_an_account_of_its_own(drawn):
    ticks, changes, way = run_of(drawn)
    alone = run(ticks, changes, way)
    found = run_markets({"one": Market(ticks, way)}, {"one": changes}, way.rules.cash)
    assert found.fills[list(alone.fills.dtype.names)].tolist() == alone.fills.tolist()
    assert (found.each["one"].equity + found.cash).tolist() == alone.equity.tolist()


MUTANTS = {
    "what others have does not count": ("mine.beside = sum(", "mine.beside = 0 * sum("),
    "others need no margin": ("mine.beside_initial = sum(", "mine.beside_initial = 0 * sum("),
    "others need no maintenance margin": ("mine.beside_maintenance = sum(", "mine.beside_maintenance = 0 * sum("),
    "only the one that traded is liquidated": (
        "liquidating = liquidating and any(one.position for one in each)",
        "liquidating = False",
    ),
    "orders of the others survive": (
        "for one in each:\n                one.cancel()",
        "account.cancel()",
    ),
    "orders set out while it is liquidated": ("if target is not None and liquidating:", "if False:"),
    "exits are not met": ("        account.leave(trade.row, trade.exchange_ns, price)\n", ""),
    "exits lie between the ticks": ("tick=tick)", "tick=1)"),
    "funding is not paid while it is liquidated": ("account.pay(trade.row, trade.exchange_ns, price)", "pass"),
}


@cache
def played_quickly(seed):
    account = random_account(seed, 2 + seed % 2)
    return account, run_markets(*account).fills.tolist()


@pytest.mark.parametrize(("text", "instead"), MUTANTS.values(), ids=MUTANTS)
def test_an_account_with_another_rule_is_told_from_it(text, instead, monkeypatch):
    source = Path(together_slow.__file__).read_text()
    assert source.count(text) == 1
    mutant = ModuleType("mutant")
    mutant.__dict__["__name__"] = together_slow.__name__
    exec(compile(source.replace(text, instead), "mutant", "exec"), mutant.__dict__)
    monkeypatch.setattr(together, "play_slowly", mutant.play)
    for seed in range(200):
        (markets, changes, cash), fills = played_quickly(seed)
        if run_markets_live(markets, asks(changes), cash).fills.tolist() != fills:
            return
    pytest.fail("nothing tells it")


@pytest.mark.parametrize(("text", "instead"), EXITS.values(), ids=EXITS)
def test_an_account_whose_exits_have_another_rule_is_told_from_it(text, instead, monkeypatch):
    mutant = ModuleType("mutant")
    mutant.__dict__["__name__"] = slow.__name__
    exec(compile(Path(slow.__file__).read_text().replace(text, instead), "mutant", "exec"), mutant.__dict__)
    monkeypatch.setattr(together_slow, "Account", mutant.Account)
    for seed in range(200):
        (markets, changes, cash), fills = played_quickly(seed)
        if run_markets_live(markets, asks(changes), cash).fills.tolist() != fills:
            return
    pytest.fail("nothing tells it")
