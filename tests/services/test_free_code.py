"""Free code (`on_bar`) in the running account: as its back-test, over restarts, and stopped alone when it fails."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ninefold.api.messages import Messages
from ninefold.backtest.columns import bars_of_rows
from ninefold.backtest.market_rules import EquityShare, Fees, Rules
from ninefold.backtest.stateful import run_stateful
from ninefold.bus.status import Meter
from ninefold.market.columns import columns
from ninefold.market.records import Fill
from ninefold.market.strategy_records import StrategyFailed
from ninefold.market.values import TOLD
from ninefold.services import notify
from ninefold.strategy import Strategy, plan, plan_of
from ninefold.strategy.series import scale_of

from .street import START, Street


class Streaks(Strategy):
    """Long after two rising bars until a falling one, and out for the next two bars."""

    timeframe = "1s"

    def __init__(self, **values):
        super().__init__(**values)
        self.rising, self.out = 0, 0

    def on_bar(self, bar):
        self.rising = self.rising + 1 if bar.close > bar.open else 0
        self.out -= 1
        if bar.position > 0 and not self.rising:
            self.out = 2
            return 0
        return 1 if self.rising >= 2 and self.out <= 0 else None


class Tired(Strategy):
    """Long for three bars at a time; what it earned in each stay decides how long it rests."""

    timeframe = "1s"

    def __init__(self, **values):
        super().__init__(**values)
        self.best, self.rest = 0.0, 0

    def on_bar(self, bar):
        self.best = max(self.best, bar.open_profit)
        if bar.bars_held >= 3:
            self.rest, self.best = (1 if self.best > 0.002 else 3), 0.0
            return 0
        self.rest -= bar.position == 0
        return None if bar.position or self.rest > 0 else 1


class Fails(Strategy):
    """Long, until a bar at 1013 or above."""

    timeframe = "1s"

    def on_bar(self, bar):
        return half(bar) + 0.5


def half(bar):
    return 0.5 if bar.close < 1013 else 1 / (bar.high - bar.high)


FAILING_LINE = half.__code__.co_firstlineno + 1
FURTHER = [(kind, after) for kind in (Streaks, Tired) for after in range(1, 14)]
UP, DOWN = [1000, 1001], [1001, 1000]


def test_it_keeps_what_it_likes_from_bar_to_bar():
    street = Street(plan_of(Streaks))
    street.play(UP, UP, UP, DOWN, UP, UP, UP, UP, UP)
    # long after bars 0 and 1, in at 2; bar 3 falls: out at 4, and bars 4 and 5 rest; after bar 6 it is long again
    assert [(bar, side) for bar, side, *_ in street.fills()] == [(2, 1), (4, -1), (6, 1)]


@pytest.mark.parametrize(
    ("kind", "after"), [(Streaks, 5), (Tired, 9), *(pytest.param(*one, marks=pytest.mark.torture) for one in FURTHER)]
)
def test_after_a_restart_it_has_kept_what_it_kept(kind, after):
    bars = [UP, UP, DOWN, UP, UP, [1000, 1010], DOWN, UP, UP, UP, DOWN, UP, UP, UP, UP]
    plain, restarted = Street(plan_of(kind)), Street(plan_of(kind))
    plain.play(*bars)
    restarted.play(*bars[:after])
    restarted.restart()
    restarted.play(*bars[after:])
    assert restarted.turns() == plain.turns() != []
    assert told(restarted) == told(plain)


def test_an_object_that_was_not_played_the_past_is_found(monkeypatch):
    """The same comparison with a planted fault: nothing is played again."""
    plain, restarted = Street(plan_of(Streaks)), Street(plan_of(Streaks))
    plain.play(UP, UP, UP, DOWN, UP, UP)
    restarted.play(UP, UP)
    monkeypatch.setattr(restarted, "bars", restarted.bars[:0])
    restarted.restart()
    restarted.play(UP, DOWN, UP, UP)
    assert told(restarted) != told(plain)


def as_its_back_test(kind: type[Strategy], seed: int) -> None:
    rng = np.random.default_rng(seed)
    street = Street(plan_of(kind))
    for _ in range(40):
        street.bar(*(1000 + np.cumsum(rng.integers(-8, 9, 4)) + int(rng.integers(-15, 16))).tolist())
    rows = street.bars[(street.bars["width_ns"] == 10**9) & (street.bars["open_ns"] >= START)]
    nothing = {name: np.full(len(rows), np.nan) for name in map(bytes.decode, TOLD)}
    bars, rules = bars_of_rows(rows, street.listed), Rules(sizing=EquityShare("0.5"), fees=Fees(taker=0, maker=0))
    again = run_stateful(street.plans[0], bars, columns(rows, nothing), scale_of(street.listed), rules).fills
    sides = [(int(one["bar"]), 1 if one["size"] > 0 else -1) for one in again]
    assert [(bar, side) for bar, side, *_ in street.fills() if bar < street.row] == sides


@pytest.mark.parametrize("kind", [Streaks, Tired])
def test_bar_by_bar_it_trades_as_its_back_test(kind):
    as_its_back_test(kind, seed=20261130)


@pytest.mark.torture
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.sampled_from([Streaks, Tired]), st.integers(0, 2**32))
def test_on_many_markets_it_trades_as_its_back_test(kind, seed):
    as_its_back_test(kind, seed)


def test_one_that_fails_is_stopped_alone_and_named_with_file_line_and_bar():
    street = Street(plan_of(Fails), plan("beside", "1s", "where(close > 0, 1, 0)", "own", "Long."))
    street.play(*([1010 + bar, 1010 + bar] for bar in range(8)))
    (failed,) = street.of(StrategyFailed)
    assert (failed.strategy, failed.place) == ("fails", f"test_free_code.py:{FAILING_LINE}")
    assert failed.close_ns == START + 4 * 10**9, "the bar that closed at 1013"
    assert "float division by zero at test_free_code.py" in failed.text and "1s bar of binance:BTC/USDT" in failed.text
    assert street.held("fails") == 0 < street.held("beside")
    targets = [target for name, target in street.targets[["strategy", "target"]].tolist() if name == b"fails"]
    assert targets[:3] == [1.0] * 3 and np.isnan(targets[3:]).all() and len(targets) == 7


def test_page_slack_and_status_say_which_one_was_stopped():
    street = Street(plan_of(Fails))
    street.play(*([1010 + bar] for bar in range(6)))
    (failed,) = street.of(StrategyFailed)
    row = Messages(lambda number: street.listed).put(failed)
    assert row is not None and (row["kind"], row["instrument"]) == ("alarm", "binance:BTC/USDT")
    assert row["text"].startswith("fails is stopped: ZeroDivisionError: float division by zero at test_free_code.py:")
    assert notify._line(failed) == f":warning: {failed.text}"
    meter = Meter("execute", 0)
    street.execute.gauge(meter)
    assert meter.detail == "stopped: fails"


def test_after_a_restart_it_stays_stopped_until_it_is_mended():
    street = Street(plan_of(Fails))
    street.play(*([1010 + bar] for bar in range(6)))
    fills = len(street.of(Fill))
    street.restart()
    street.play([1000], [1000], [1000])
    assert len(street.of(StrategyFailed)) == 1 and len(street.of(Fill)) == fills, "it would not have failed at 1000"
    street.formulas = {"fails": "another"}
    street.restart()
    street.play([1000], [1000])
    assert len(street.of(StrategyFailed)) == 2, "its past is played to it again, and it fails again"


def test_what_is_no_target_stops_it_too():
    for said in (2.0, "long"):
        street = Street(
            plan_of(type("Wrong", (Strategy,), {"timeframe": "1s", "on_bar": lambda self, bar, said=said: said}))
        )
        street.play([1000], [1001], [1002])
        (failed,) = street.of(StrategyFailed)
        assert failed.place.startswith("test_free_code.py:") and not street.of(Fill)


def test_a_process_that_free_code_would_end_goes_on():
    def on_bar(self, bar):
        raise SystemExit(3)

    street = Street(plan_of(type("Ends", (Strategy,), {"timeframe": "1s", "on_bar": on_bar})))
    street.play([1000], [1001], [1002])
    assert street.of(StrategyFailed)[0].error == "SystemExit: 3"


def told(street: Street) -> list[tuple[int, float]]:
    rows = street.targets[["close_ns", "target"]]
    return [(close, target) for close, target in rows[street.targets["width_ns"] == 10**9].tolist()]
