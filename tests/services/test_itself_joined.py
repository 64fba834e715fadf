"""What a strategy holds, together with other widths and with exits: in the running account, over restarts, against the back-test."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ninefold.backtest.columns import bars_of_rows
from ninefold.backtest.market_rules import EquityShare, Fees, Rules
from ninefold.backtest.outcome import Reason
from ninefold.backtest.stateful import run_stateful
from ninefold.market.columns import columns
from ninefold.market.values import TOLD
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_series import with_elsewhere
from ninefold.strategy import Plan, Strategy, plan_of
from ninefold.strategy.itself import Itself
from ninefold.strategy.series import scale_of

from .street import START, Street
from .test_exits import NAMES, with_exits


class Dwells(Strategy):
    """Long from a bar that rises, for four bars."""

    timeframe = "1s"
    target = "where(position > 0, where(bars_held >= 4, 0, 1), where(close > open, 1, 0))"


class Keeps(Strategy):
    """Long from a bar that rises, for nine bars."""

    timeframe = "1s"
    entry = "close > open"
    exit = "bars_held >= 9"


class Wide(Strategy):
    """Long from a bar that rises in a wider one that rose, for three bars; not where it held within the last four."""

    timeframe = "1s"
    entry = '(close > open) & (on("5s", close) > on("5s", open)) & (sma(position, 4) <= 0)'
    exit = "bars_held >= 3"


class Fades(Strategy):
    """Long above the last wider close, until the profit shrinks."""

    timeframe = "1s"
    target = 'where((position > 0) & (open_profit < lag(open_profit, 1)), 0, where(close > on("5s", close), 1, 0))'


class Counts(Strategy):
    """Free code: long while it rises, and for two bars more."""

    timeframe = "1s"

    def on_bar(self, bar):
        return 1.0 if bar.close > bar.open or 0 < bar.bars_held < 3 else 0.0


FALLS = [[1000], [1000, 1005], [1005, 1004], [1003, 984, 990], [990, 991], [992, 993], [993], [993], [994], [995]]


def test_a_stop_takes_out_one_that_reads_what_it_holds_and_it_counts_its_bars_anew():
    street = Street(with_exits(Dwells, stop_loss="0.02"))
    street.play(*FALLS)
    # stopped in bar 3, which falls: nothing is wanted; bar 4 rises: in at 5, the fourth bar held is 8
    assert street.fills() == [
        (2, 1, 1005.0, ""), (3, -1, 990.0, "stop loss"), (5, 1, 992.0, ""), (9, -1, 995.0, ""),
    ]  # fmt: skip


def test_what_was_stopped_goes_in_again_where_its_entry_holds():
    street = Street(with_exits(Keeps, stop_loss="0.02"))
    street.play(*FALLS)
    assert street.fills() == [(2, 1, 1005.0, ""), (3, -1, 990.0, "stop loss"), (5, 1, 992.0, "")]
    assert [one.strategy for one in street.renewed] == ["keeps"] * len(street.renewed) != []


def test_free_code_is_left_by_its_exits_too():
    street = Street(with_exits(Counts, bars=2))
    street.play([1000], [1000, 1001], [1001, 1002], [1003], [1003], [1003, 1004], [1004])
    # in at 2; two bars held at the close of 3, where three would be wanted: out at 4; flat is wanted there, and bar 5 rises
    assert street.fills() == [(2, 1, 1001.0, ""), (4, -1, 1003.0, "time exit"), (6, 1, 1004.0, "")]


def walk(seed: int, bars: int = 40) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [(1000 + np.cumsum(rng.integers(-8, 9, 4)) + int(rng.integers(-15, 16))).tolist() for _ in range(bars)]


def sides(street: Street) -> list[tuple[int, int]]:
    """Without the words why: of one that its exit and its target take out at one close, a restart before the sale names the exit."""
    return [(bar, side) for bar, side, _ in street.turns()]


def wanted(street: Street) -> list[tuple[int, float]]:
    return [(close, target) for close, target in street.targets[["close_ns", "target"]].tolist() if target == target]


KINDS = {
    "wide": plan_of(Wide),
    "wide, stopped": with_exits(Wide, stop_loss="0.004", trailing="0.006"),
    "fades": plan_of(Fades),
    "fades, stopped": with_exits(Fades, stop_loss="0.005", bars=4),
    "dwells, stopped": with_exits(Dwells, stop_loss="0.005", take_profit="0.004"),
}
ALL_AFTER = [("wide, stopped", 13), ("fades, stopped", 18), ("dwells, stopped", 11)]
FURTHER = [(kind, after) for kind in KINDS for after in range(6, 24) if (kind, after) not in ALL_AFTER]


@pytest.mark.parametrize(
    ("kind", "after"), [*ALL_AFTER, *(pytest.param(*one, marks=pytest.mark.torture) for one in FURTHER)]
)
def test_after_a_restart_it_wants_and_does_what_it_would_have(kind, after):
    bars = walk(3, 24)
    plain, restarted = Street(KINDS[kind]), Street(KINDS[kind])
    plain.play(*bars)
    restarted.play(*bars[:after])
    restarted.restart()
    restarted.play(*bars[after:])
    assert sides(restarted) == sides(plain) != []
    assert wanted(restarted) == wanted(plain)


def test_a_restart_that_has_not_heard_the_other_series_is_found(monkeypatch):
    """The same comparison with a planted fault."""
    bars = walk(3, 24)
    plain, restarted = Street(KINDS["fades"]), Street(KINDS["fades"])
    plain.play(*bars)
    restarted.play(*bars[:13])
    monkeypatch.setattr(Itself, "_heard", lambda *given: {})
    restarted.restart()
    restarted.play(*bars[13:])
    assert wanted(restarted) != wanted(plain)


def agrees(plan: Plan, seed: int) -> None:
    """With the back-test on the slow kernel, whose wider bars are made of the own ones."""
    street = Street(plan)
    street.play(*walk(seed))
    rows = street.bars[(street.bars["width_ns"] == 10**9) & (street.bars["open_ns"] >= START)]
    told = {name: np.full(len(rows), np.nan) for name in map(bytes.decode, TOLD)}
    market = Market(bars_of_rows(rows, street.listed), columns(rows, told), scale_of(street.listed), spot=True)
    market = with_elsewhere(market, plan.terms)
    rules = Rules(sizing=EquityShare("0.5"), fees=Fees(taker=0, maker=0), exits=plan.exits)
    again = run_stateful(plan, market.bars, market.columns, market.scale, rules).fills
    mine = [(bar, side, NAMES[why]) for bar, side, why in street.turns() if bar < street.row]
    assert mine == [(int(one["bar"]), 1 if one["size"] > 0 else -1, Reason(int(one["reason"]))) for one in again]


EXITS = st.fixed_dictionaries(
    {"stop_loss": st.sampled_from(["0.004", "0.01"])},
    optional={
        "take_profit": st.sampled_from(["0.005", "0.01"]),
        "trailing": st.just("0.006"),
        "bars": st.integers(2, 6),
    },
)
MARKETS = (st.sampled_from([Wide, Fades, Dwells, Keeps, Counts]), st.none() | EXITS, st.integers(0, 2**32))


@pytest.mark.slow
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(*MARKETS)
def test_bar_by_bar_it_trades_as_its_back_test(kind, exits, seed):
    agrees(with_exits(kind, **exits) if exits else plan_of(kind), seed)


@pytest.mark.torture
@settings(max_examples=200, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(*MARKETS)
def test_bar_by_bar_many_markets_agree_with_the_back_test(kind, exits, seed):
    agrees(with_exits(kind, **exits) if exits else plan_of(kind), seed)
