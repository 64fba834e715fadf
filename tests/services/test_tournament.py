"""All strategies on one market: who plays, what is counted, where luck would stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ninefold.backtest.statistics.holdout import BehindTheWall
from ninefold.services.backtest import backtest
from ninefold.services.backtest_holdout import seal
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_strategy import choose
from ninefold.services.backtest_tournament import EVERY, tournament
from ninefold.services.backtest_wanted import Wanted
from ninefold.services.strategies import known_strategies
from ninefold.services.tournament_field import refuse_untold
from ninefold.store.trials import TrialReader
from ninefold.strategy.parameters import BadStrategy
from tests.services.test_research import OWN, hours, quietly

pytestmark = pytest.mark.slow


def test_every_strategy_plays_or_says_why_not_and_twins_are_no_trials(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(OWN)
    wanted = Wanted(
        strategy=EVERY,
        strategies=own,
        data_dir=tmp_path / "data",
        file=hours(tmp_path / "bars.parquet"),
        timeframe="1h",
        timerange="20240101-20240115",
    )
    found = tournament(wanted, 1, quietly)
    real = [one for one in found["leaderboard"] if not one["null_twin"]]
    left_out = [one["strategy"] for one in found["left_out"]]
    assert sorted([*(one["strategy"] for one in real), *left_out]) == sorted(known_strategies(own))
    assert len(found["leaderboard"]) == 2 * len(real)
    reader = TrialReader(wanted.data_dir)
    assert reader.count() == len(real) == found["strategies"]
    assert next(one["why"] for one in found["left_out"] if one["strategy"] == "flow_imbalance_1s").startswith(
        "flow_imbalance_1s reads imbalance"
    )
    why = {one["strategy"]: one["why"] for one in found["left_out"]}
    assert "venue_pair has 2 legs (here, there) and 1 are given" in why["venue_pair"]
    assert (
        "quote_both_sides gives quotes (run it on trades and books, with `ninefold backtest-ticks`"
        in why["quote_both_sides"]
    )
    for name in ("sma_cross", "alternating", "waves"):
        [entry] = [one for one in real if one["strategy"] == name]
        assert entry["equity"] == backtest(replace(wanted, strategy=name), 2)["equity"]
    assert rerun(wanted.data_dir, entry["trial"])["identical"] is True
    scores = [
        one["deflated_sharpe"] for one in found["leaderboard"] if one["deflated_sharpe"] == one["deflated_sharpe"]
    ]
    assert scores == sorted(scores, reverse=True)
    seal(wanted.data_dir, "20240110", 1, now_ns=2)
    with pytest.raises(BehindTheWall):
        tournament(wanted, 3, quietly)


def test_who_reads_what_nobody_told_of_any_bar_is_left_out_with_the_reason() -> None:
    plan = choose("forecast_sign").plan
    told = np.array([np.nan, 0.1])
    refuse_untold(plan, {"forecast": told})
    with pytest.raises(BadStrategy, match=f"{plan.name} reads forecast, which nobody told of these bars"):
        refuse_untold(plan, {"forecast": np.full(2, np.nan)})
