"""Exits of strategies in the running account: by hand, against the slow kernel on the same bars, and over restarts."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ninefold.backtest.columns import bars_of_rows
from ninefold.backtest.exact import ONE
from ninefold.backtest.market_rules import EquityShare, Fees, Rules, numbers
from ninefold.backtest.outcome import Reason
from ninefold.backtest.slow import play
from ninefold.backtest.target import Changes
from ninefold.execution.booked import Booked
from ninefold.market.instruments import Registry
from ninefold.market.records import Crossed, Decision, Halted, Order, Resumed
from ninefold.market.strategy_records import Guard
from ninefold.services.exits_told import exit_lines
from ninefold.strategy import Exits, Plan, Strategy, plan_of

from .street import START, Street


class Rising(Strategy):
    """Long from a bar that rises until one that falls by 30 or more."""

    timeframe = "1s"
    entry = "close > open"
    exit = "open - close >= 30"


class Above(Strategy):
    """Long while the close is above 1000."""

    timeframe = "1s"
    target = "where(close > 1000, 1, 0)"


class Always(Strategy):
    """Half a position, whatever happens."""

    timeframe = "1s"
    target = "where(close > 0, 0.5, 0)"


def with_exits(kind: type[Strategy], **exits: object) -> Plan:
    return plan_of(type(kind.__name__, (kind,), {"__doc__": kind.__doc__, "exits": Exits(**exits)}))


def test_a_stop_leaves_stays_flat_and_goes_in_when_the_entry_holds_again():
    street = Street(with_exits(Rising, stop_loss="0.02"))
    street.play([1000], [1000, 1005], [1005, 1004], [1003, 984, 990], [990, 989], [989, 991], [991])
    assert street.fills() == [(2, 1, 1005.0, ""), (3, -1, 990.0, "stop loss"), (6, 1, 991.0, "")]
    assert street.guards() == [("rising", ONE, "stop loss"), ("rising", None, "")]


def test_a_target_that_merely_stays_enters_no_more_and_one_that_changes_does():
    street = Street(with_exits(Above, stop_loss="0.02"))
    street.play([1000], [1001], [1010], [1011], [985, 1001], [1010, 1020], [1030], [999], [1002], [1003])
    assert street.fills() == [(2, 1, 1010.0, ""), (4, -1, 1001.0, "stop loss"), (9, 1, 1003.0, "")]


def test_a_take_profit_needs_a_trade_beyond_it_and_a_trailing_stop_follows_closed_bars():
    street = Street(with_exits(Above, take_profit="0.1", trailing="0.05"))
    street.play([1000], [1001], [1010], [1011, 1110, 1090], [1085, 1055])
    assert [one[3] for one in street.fills()] == [""], "1110 is not reached: 1111 is; 5 % below 1110 is 1054.5"
    street.play([1060, 1054, 1060])
    assert street.fills()[1:] == [(5, -1, 1060.0, "trailing stop")]
    street.play([990], [1001], [1010], [1011, 1111], [1111, 1112, 1100])
    assert street.fills()[2:] == [(8, 1, 1010.0, ""), (10, -1, 1100.0, "take profit")]


def test_within_the_bar_a_trailing_stop_is_where_the_last_close_left_it():
    street = Street(with_exits(Above, trailing="0.05"))
    street.play([1000], [1001], [1010], [1010, 1200, 1100], [1100])
    assert street.fills() == [(2, 1, 1010.0, ""), (4, -1, 1100.0, "trailing stop")]


def test_after_so_many_bars_it_is_left_at_the_next_open():
    street = Street(with_exits(Above, bars=2))
    street.play([1000], [1001], [1010], [1011], [1012], [1013], [999], [1001], [1005])
    assert street.fills() == [(2, 1, 1010.0, ""), (4, -1, 1012.0, "time exit"), (8, 1, 1005.0, "")]


def test_only_the_part_of_the_strategy_that_leaves_is_sold():
    """Each has a quarter of 10,000 at its target of 1: half of the capital is used, by two strategies."""
    street = Street(with_exits(Above, stop_loss="0.02"), plan_of(Always), fee="0.001")
    street.play([1000], [1001], [1010], [1011])
    mine, other = street.held("above"), street.held("always")
    assert mine > 2 * ONE and other > ONE
    street.play([985, 990])
    assert street.held("always") == other and 0 <= street.held("above") < 1_000, "dust below a lot is left"
    sale = next(one for one in street.of(Order) if one.status == "filled" and one.side < 0)
    assert sale.strategies == ("above",) and sale.size == mine // 1_000
    assert sale.reason == "stop loss of above set off at 985.00"


def test_what_an_exit_sells_another_strategy_that_buys_at_the_same_tick_takes_over():
    """The stop of `above` goes off by the last trades before a bar closes at which `dip` begins to want as much."""

    class Dip(Strategy):
        """Long while the close is below 990."""

        timeframe = "1s"
        target = "where(close < 990, 1, 0)"

    street = Street(with_exits(Above, stop_loss="0.02"), plan_of(Dip))
    street.play([1000], [1001], [1010], [1011])
    mine = street.held("above")
    street.row += 1
    street.tick(4 * 10**9 + 300_000_000)
    street.trade(400, 985)
    street.tick(5 * 10**9 + 300_000_000)
    assert [one.taken for one in street.of(Crossed)] == [{"above": -mine, "dip": mine}]
    assert street.held("above") == 0


def test_a_short_position_against_another_strategy_is_bought_back_above_its_entry():
    class Falls(Strategy):
        """Short while the close is below 1010."""

        timeframe = "1s"
        target = "where(close < 1010, 0 - 0.5, 0)"

    street = Street(with_exits(Falls, stop_loss="0.02"), plan_of(Always))
    street.play([1000], [1000], [1000])
    assert street.held("falls") < 0 and street.held("always") == -street.held("falls")
    street.play([1001], [1021, 1005])
    assert street.held("falls") == 0
    assert street.fills() == [(4, 1, 1005.0, "stop loss")]


def test_after_a_restart_a_stop_goes_off_before_any_bar_has_told_a_target_and_nothing_else_is_sold():
    street = Street(with_exits(Above, stop_loss="0.02"), plan_of(Always))
    street.play([1000], [1001], [1010], [1011])
    other = street.held("always")
    street.restart()
    street.row += 1
    street.trade(100, 985)
    street.tick(4 * 10**9 + 200_000_000)
    street.trade(250, 990)
    assert street.fills()[-1] == (4, -1, 990.0, "stop loss")
    assert street.held("always") == other and 0 <= street.held("above") < 1_000, "less than a lot is left"
    assert street.guards()[-1] == ("above", None, "stop loss")
    street.row -= 1
    street.play([1001], [1006], [1007])
    assert street.held("above") < 1_000, (
        "what it wanted when it left is not known, so its next target is what must change"
    )
    street.play([999], [1001], [1002])
    assert street.held("above") > ONE


LONG_WALK = [
    *([1000], [1001], [1010], [1011, 1050], [1045, 1030], [1000, 990], [985], [1001], [1002]),
    *([1003, 1090], [1080], [1070], [1100], [999], [1001], [1020], [1010]),
]
ALL_EXITS = {"stop_loss": "0.1", "trailing": "0.04", "bars": 4}


@pytest.fixture(scope="module")
def turns():
    """Of the long walk, without any restart."""
    street = Street(with_exits(Above, **ALL_EXITS))
    street.play(*LONG_WALK)
    return street.turns()


@pytest.mark.parametrize("after", range(1, 12))
def test_a_restart_changes_nothing(after, turns):
    """Best price, bars that it is held, what went off: after any bar. Sizes are found anew by the price there is."""
    restarted = Street(with_exits(Above, **ALL_EXITS))
    restarted.play(*LONG_WALK[:after])
    restarted.restart()
    restarted.play(*LONG_WALK[after:])
    assert restarted.turns() == turns
    assert {why for *_, why in turns} == {"", "trailing stop", "time exit"}


def test_while_halted_nothing_leaves_and_then_it_does():
    street = Street(with_exits(Above, stop_loss="0.02"))
    street.play([1000], [1001], [1010])
    street.seq += 1
    street._hand_on({}, Halted(seq=street.seq, known_ns=START, by="ada", reason="look"))
    street.play([985, 1002])
    assert len(street.fills()) == 1 and street.guards() == [("above", ONE, "stop loss")]
    assert not [one for one in street.of(Order) if one.status == "refused" and one.reason.startswith("stop")]
    street.seq += 1
    street._hand_on({}, Resumed(seq=street.seq, known_ns=START, by="ada"))
    street.play([1001])
    assert street.fills()[1:] == [(4, -1, 1001.0, "stop loss")]


def test_an_order_of_an_exit_is_stored_with_what_counted():
    street = Street(with_exits(Above, stop_loss="0.02"))
    street.play([1000], [1001], [1010], [985, 990])
    decided = street.of(Decision)[-1]
    assert decided.targets == {"above": 0.0} and decided.desired == 0
    told = [(one.stop, one.left, one.price) for one in street.of(Guard)]
    assert told == [(989_80, "", 0), (0, "stop loss", 985_00)], "where it stands is told before it goes off"


def test_people_see_where_exits_stand_and_who_is_out():
    street = Street(with_exits(Above, stop_loss="0.02", take_profit="0.5"))
    street.play([1000], [1001], [1010])
    assert told(street) == [("above", "989.80", "1515.00", "")]
    street.play([985, 1001])
    assert told(street) == [("above", "", "", "stop loss set off at 985.00")]
    street.play([999], [1001], [1000])
    assert told(street) == [("above", "980.00", "1500.00", "")]
    street.play([999], [999])
    assert told(street) == []


def told(street: Street) -> list[tuple[str, str, str, str]]:
    account = Booked(Registry([street.listed]))
    for event in street.memory.known + street.memory.made:
        account.fold(event)
    return [(one.strategy, one.stop, one.take_profit, one.out) for one in exit_lines(account)]


NAMES = {
    "": Reason.TARGET,
    "stop loss": Reason.STOP_LOSS,
    "take profit": Reason.TAKE_PROFIT,
    "trailing stop": Reason.TRAILING,
    "time exit": Reason.TIME,
}


@st.composite
def exits_of(draw: st.DrawFn) -> dict[str, object]:
    some = {
        "stop_loss": st.sampled_from(["0.004", "0.01", "0.02"]),
        "take_profit": st.sampled_from(["0.005", "0.01", "0.03"]),
        "trailing": st.sampled_from(["0.005", "0.01", "0.02"]),
        "bars": st.integers(1, 6),
    }
    return draw(st.fixed_dictionaries({}, optional=some).filter(bool))


def agrees(exits: dict[str, object], kind: type[Strategy], seed: int) -> None:
    """Prices of a bar after its open come between two ticks, so that of two exits it is the stop here too."""
    rng = np.random.default_rng(seed)
    street = Street(with_exits(kind, **exits))
    for _ in range(40):
        walk = 1000 + np.cumsum(rng.integers(-8, 9, 4)) + int(rng.integers(-15, 16))
        street.bar(*walk.tolist())
    again = back_test(street)
    mine = [(bar, side, NAMES[why]) for bar, side, why in street.turns() if bar < street.row]
    assert mine == [(bar, side, why) for bar, side, _, why in again]
    opened = {(bar, price) for bar, _, price, why in street.fills() if NAMES[why] in (Reason.TARGET, Reason.TIME)}
    assert opened >= {(bar, price) for bar, _, price, why in again if why in (Reason.TARGET, Reason.TIME)}


MARKETS = (exits_of(), st.sampled_from([Rising, Above]), st.integers(0, 2**32))


@pytest.mark.slow
@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(*MARKETS)
def test_bar_by_bar_it_leaves_and_enters_as_the_slow_back_test(exits, kind, seed):
    agrees(exits, kind, seed)


@pytest.mark.torture
@settings(max_examples=400, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(*MARKETS)
def test_bar_by_bar_many_markets_agree_with_the_slow_back_test(exits, kind, seed):
    agrees(exits, kind, seed)


def back_test(street: Street) -> list[tuple[int, int, float, Reason]]:
    """The slow kernel on the bars and targets that the street made: bar, side, price and reason of each fill."""
    rows = street.bars[(street.bars["width_ns"] == 10**9) & (street.bars["open_ns"] >= START)]
    bars = bars_of_rows(rows, street.listed)
    target = np.rint(np.nan_to_num(street.targets["target"][-len(rows) :]) * ONE).astype(np.int64)
    closes = street.targets["close_ns"][-len(rows) :]
    assert (closes == rows["close_ns"]).all()
    changed = target != np.concatenate(([0], target[:-1]))
    changed |= np.isin(street.targets["seq"][-len(rows) :], [one.seq for one in street.renewed])
    at = np.flatnonzero(changed)
    rules = Rules(cash=10_000, sizing=EquityShare("0.5"), fees=Fees(taker=0, maker=0), exits=street.plans[0].exits)
    found = play(bars, Changes(at, target[at]), numbers(rules, bars.tick, bars.lot, bars.highest), {}).fills
    return [
        (int(one["bar"]), 1 if one["size"] > 0 else -1, float(one["price"] * bars.tick), Reason(int(one["reason"])))
        for one in found
    ]
