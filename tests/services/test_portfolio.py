"""Several instruments as one portfolio: what is counted, what it earns, what it is worth as evidence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.statistics.holdout import BehindTheWall
from ninefold.backtest.statistics.portfolio import effective_instruments
from ninefold.cli import main
from ninefold.report.shown import Shown
from ninefold.services.backtest import backtest
from ninefold.services.backtest_holdout import seal
from ninefold.services.backtest_portfolio import portfolio
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_sweep import sweep
from ninefold.services.backtest_tournament import EVERY, tournament
from ninefold.services.backtest_wanted import Wanted
from ninefold.store.runs import RunReader
from ninefold.store.trials import TrialReader
from tests.services.test_research import NEW_YEAR_NS, OWN, hours, quietly

LONG = """
from ninefold.strategy import Strategy

class Always(Strategy):
    "Long."
    target = "1"
"""


@pytest.fixture
def twice(tmp_path: Path) -> Wanted:
    """One market and a copy of its file."""
    (tmp_path / "own.py").write_text(OWN)
    first = hours(tmp_path / "bars.parquet")
    copy = shutil.copy(first, tmp_path / "copy.parquet")
    return Wanted(
        strategy="sma_cross",
        strategies=tmp_path / "own.py",
        settings=("fast=3", "slow=12"),
        data_dir=tmp_path / "data",
        file=first,
        more_files=(str(copy),),
        timeframe="1h",
    )


def bars(path: Path, closes: list[float], first: int = 0) -> Path:
    """Hours that open where the one before closed. first: hour of the first one."""
    close = np.array(closes)
    opens = np.append(close[0], close[:-1])
    times = NEW_YEAR_NS // 10**6 + (first + np.arange(len(close))) * 3_600_000
    columns = {"open_time": times, "open": opens, "high": np.maximum(opens, close), "low": np.minimum(opens, close)}
    pq.write_table(pa.table({**columns, "close": close, "volume": np.full(len(close), 1000.0)}), path)
    return path


def test_what_moves_together_is_one_and_what_does_not_is_two():
    up_down, other = [0.1, -0.1, 0.1, -0.1], [0.1, 0.1, -0.1, -0.1]
    assert effective_instruments([up_down, up_down]) == 1.0
    assert effective_instruments([up_down, other]) == 2.0
    assert effective_instruments([up_down, up_down, other]) == pytest.approx(9 / 5)  # correlations: 3 ones, 1 twice
    assert effective_instruments([up_down, [-one for one in up_down]]) == 2.0
    assert effective_instruments([up_down, [0.0] * 4]) == 1.0
    assert np.isnan(effective_instruments([[0.0] * 4] * 2))


def test_money_is_spread_evenly_at_each_close(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(LONG)
    wanted = Wanted(
        strategy="always",
        strategies=tmp_path / "own.py",
        data_dir=tmp_path / "data",
        file=bars(tmp_path / "a.parquet", [100.0, 100.0, 110.0, 110.0]),
        more_files=(str(bars(tmp_path / "b.parquet", [50.0, 50.0, 45.0, 54.0])),),
        timeframe="1h",
        taker_fee="0",
        cash="1000",
    )
    found = portfolio(wanted, 1)
    assert found["equity"] == pytest.approx(1000 * 1.0 * 1.1)  # +10 % and -10 %, then 0 and +20 %
    assert [one["equity"] for one in found["instruments"]] == [1100.0, 1080.0]
    assert found["net_profit"] == pytest.approx(100) and found["return"] == pytest.approx(0.1)
    assert found["buy_and_hold"]["equity"] == pytest.approx(found["equity"])
    assert (found["portfolio"]["instruments"], found["bars"], TrialReader(wanted.data_dir).count()) == (2, 8, 1)


def test_the_curve_of_a_portfolio_is_kept_on_candles_of_all_instruments_in_equal_parts(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(LONG)
    first = bars(tmp_path / "a.parquet", [100.0, 100.0, 110.0, 110.0])
    later = bars(tmp_path / "b.parquet", [50.0, 45.0], first=5)  # from 05:00 on; no bar closes at 05:00
    wanted = Wanted(
        strategy="always",
        strategies=tmp_path / "own.py",
        data_dir=tmp_path / "data",
        file=first,
        more_files=(str(later),),
        timeframe="1h",
        taker_fee="0",
        cash="1000",
    )
    found = portfolio(wanted, 1)
    # bought at 01:00: +10 % at 03:00; then there is no bar; the second one is bought at 06:00 and loses 10 % by 07:00
    assert found["equity_curve"] == pytest.approx([1000, 1000, 1100, 1100, 1100, 1100, 990])
    kept = RunReader(wanted.data_dir)
    drawn = kept.bars(found["trial"])
    assert drawn is not None
    prices = [100.0, 100.0, 110.0, 110.0, 110.0, 110.0, 99.0]
    assert (drawn.close * float(drawn.tick)).tolist() == pytest.approx(prices)
    assert (drawn.open * float(drawn.tick)).tolist() == pytest.approx([100.0, *prices[:-1]])
    assert drawn.known.tolist() == [True] * 4 + [False] + [True] * 2
    shown = Shown(kept.run(found["trial"]), drawn)
    line = shown.level(shown.widths[0]).line
    assert line is not None and line.last.tolist() == pytest.approx(found["equity_curve"])
    assert line.fall.max() == pytest.approx(0.1)
    assert shown.short["candles"] == "all instruments in equal parts, 100 at the start"
    assert [row["return"] for row in shown.calendar["months"]] == pytest.approx([-0.01])


@pytest.mark.slow
def test_the_same_instrument_twice_is_no_more_evidence_than_once(twice: Wanted) -> None:
    found = portfolio(twice, 1)
    once = backtest(replace(twice, more_files=(), data_dir=twice.data_dir / "once"), 1)
    for name in ("sharpe", "sharpe_error", "deflated_sharpe", "familywise_p", "drawdown", "return", "trials"):
        assert found[name] == pytest.approx(once[name], rel=1e-9), name
    assert found["portfolio"]["effective_instruments"] == pytest.approx(1.0)
    assert [one["trades"] for one in found["instruments"]] == [len(once["trades"])] * 2
    assert found["fees"] == pytest.approx(2 * once["fees"])
    for name in ("one_bar_later", "without_best_days", "with_spread"):
        assert found["sensitivity"][name]["sharpe"] == pytest.approx(once["sensitivity"][name]["sharpe"], rel=1e-6), (
            name
        )
    assert found["sensitivity"]["placebo"]["p"] == once["sensitivity"]["placebo"]["p"]


@pytest.mark.slow
def test_a_point_of_a_sweep_is_one_portfolio_and_one_trial_that_runs_again(twice: Wanted) -> None:
    other = str(hours(twice.data_dir.parent / "other.parquet", seed=2))
    wanted = replace(twice, settings=("fast=2,3", "slow=10,12"), more_files=(other,))
    found = sweep(wanted, 1, quietly)
    single = portfolio(replace(wanted, settings=("fast=3", "slow=12")), 2)
    assert found["grid"]["sharpe"][3] == single["sharpe"] and found["trials"] == 4
    assert found["grid"]["equity"][3] == pytest.approx(single["equity"], abs=1e-6)
    assert 1.5 < found["portfolio"]["effective_instruments"] <= 2  # two random walks
    assert found["portfolio"]["sharpe"] == found["best"][0]["sharpe"]
    free = portfolio(replace(wanted, strategy="alternating", settings=()), 3)
    for number in (4, single["trial"], free["trial"]):
        again = rerun(wanted.data_dir, number)
        assert (again["identical"], again["differs"]) == (True, [])
    seal(wanted.data_dir, "20240110", 1, now_ns=4)
    with pytest.raises(BehindTheWall):
        sweep(wanted, 5, quietly)


@pytest.mark.torture
def test_a_tournament_on_two_copies_is_that_on_one(twice: Wanted) -> None:
    wanted = replace(twice, strategy=EVERY, settings=(), timerange="20240101-20240125")
    found = tournament(wanted, 1, quietly)
    once = tournament(replace(wanted, more_files=(), data_dir=twice.data_dir / "once"), 1, quietly)
    assert found["trials"] == found["strategies"] == once["trials"] + 1 == once["strategies"] + 1
    ratios = [
        {(one["strategy"], one["null_twin"]): one["sharpe"] for one in told["leaderboard"]} for told in (found, once)
    ]
    assert [ratios[0].pop(("venue_pair", twin)) for twin in (False, True)]  # two legs, which one market has not
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-6, nan_ok=True)
    assert found["portfolio"]["effective_instruments"] == pytest.approx(1.0)
    assert rerun(wanted.data_dir, found["trial"] + 3)["identical"] is True


@pytest.mark.slow
def test_the_command_takes_several_files(
    twice: Wanted, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    asked = ["backtest", "--strategy", "sma_cross", "--bars", str(twice.file), "--bars", twice.more_files[0]]
    monkeypatch.setattr(
        "sys.argv", ["ninefold", *asked, "--timeframe", "1h", "--data-dir", str(twice.data_dir), "--json"]
    )
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert found["portfolio"]["instruments"] == 2
    assert [Path(one["instrument"]).name for one in found["instruments"]] == ["bars.parquet", "copy.parquet"]
