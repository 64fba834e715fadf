"""Sweeps, walk-forward, running again, the sealed holdout: what is counted, what is the same, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.statistics.holdout import BehindTheWall, NoLooksLeft
from ninefold.cli import main
from ninefold.services.backtest import backtest
from ninefold.services.backtest_forward import Pace, forward
from ninefold.services.backtest_grid import grid_of
from ninefold.services.backtest_holdout import holdout_status, seal
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_sweep import sweep
from ninefold.services.backtest_wanted import BadBacktest, Wanted
from ninefold.store.trials import TrialReader, UnknownTrial
from ninefold.strategy.parameters import BadStrategy

NEW_YEAR_NS = 1_704_067_200 * 10**9  # 2024-01-01
HOURS = 24 * 40


@pytest.fixture
def asked(tmp_path: Path) -> Wanted:
    """A sweep of twelve crossings over 40 days of hours."""
    (tmp_path / "own.py").write_text(OWN)
    return Wanted(
        strategy="sma_cross",
        strategies=tmp_path / "own.py",
        settings=("fast=2,3,5", "slow=10..40..10"),
        data_dir=tmp_path / "data",
        file=hours(tmp_path / "bars.parquet"),
        timeframe="1h",
    )


def hours(path: Path, seed: int = 1) -> Path:
    close = np.round(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, HOURS))), 2)
    opens = np.append(100.0, close[:-1])
    times = NEW_YEAR_NS // 10**6 + np.arange(HOURS) * 3_600_000
    columns = {"open_time": times, "open": opens, "high": np.maximum(opens, close), "low": np.minimum(opens, close)}
    pq.write_table(pa.table({**columns, "close": close, "volume": np.ones(HOURS)}), path)
    return path


OWN = """
from ninefold.strategy import Strategy, whole

class Waves(Strategy):
    "Long while the faster average is above the slower one, short while below."
    fast = whole(3, 1, 50)
    slow = whole(12, 1, 50)
    target = "sign(ema(close, fast) - ema(close, slow))"

class Dips(Strategy):
    "In when oversold, out when overbought."
    level = whole(30, 1, 99)
    entry = "rsi(close, 5) < level"
    exit = "rsi(close, 5) > 70"

class Alternating(Strategy):
    "Free code: in for some bars, out for as many."
    bars = whole(5, 1, 50)

    def __init__(self, **values):
        super().__init__(**values)
        self.seen = 0

    def on_bar(self, bar):
        self.seen += 1
        return float(self.seen // self.bars % 2)
"""


def quietly(what: str, done: int, total: int) -> None:
    """Progress that nobody sees."""


def stops_after(parts: int) -> Callable[[str, int, int], None]:
    """Progress that is interrupted."""
    seen: list[int] = []

    def progress(what: str, done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == parts:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(
    "more",
    [
        {"settings": ("fast=2,3", "slow=10,40")},
        {"settings": ("fast=2,3", "slow=10"), "stop_loss": "0.02", "max_bars": 12},
        {"strategy": "waves", "settings": ("fast=3,4", "slow=12")},
        {"strategy": "dips", "settings": ("level=20..30..10",), "stop_loss": "0.01"},
    ],
    ids=["crossings", "with exits", "a formula", "signals that enter again"],
)
@pytest.mark.slow
def test_every_point_of_a_sweep_is_a_single_run_and_a_trial(asked: Wanted, more: dict[str, object]) -> None:
    wanted = replace(asked, **more)  # type: ignore[arg-type]
    found = sweep(wanted, 1, quietly)
    points = grid_of(wanted).points
    reader = TrialReader(wanted.data_dir)
    assert (found["points"], reader.count()) == (len(points), len(points))
    for number, point in enumerate(points, 1):
        alone = replace(wanted, settings=tuple(f"{name}={value}" for name, value in point.parameters.items()))
        single = backtest(alone, 2)
        assert found["grid"]["equity"][number - 1] == single["equity"]
        assert found["grid"]["sharpe"][number - 1] == pytest.approx(single["sharpe"], nan_ok=True, rel=0, abs=0)
        assert found["grid"]["trades"][number - 1] == len(single["trades"])
        assert reader.trial(number).digest == reader.trial(single["trial"]).digest
    assert [one["deflated_sharpe"] for one in found["best"]] == sorted(found["grid"]["deflated_sharpe"], reverse=True)


def test_the_grid_is_row_by_row_and_ranges_include_both_ends(asked: Wanted) -> None:
    grid = grid_of(asked)
    assert grid.values() == {"fast": [2, 3, 5], "slow": [10, 20, 30, 40]}
    assert [tuple(point.parameters.values()) for point in grid.points[:5]] == [
        (2, 10),
        (2, 20),
        (2, 30),
        (2, 40),
        (3, 10),
    ]
    assert grid_of(replace(asked, settings=("fast=7",))).fixed() == {"fast": 7, "slow": 30}


@pytest.mark.parametrize(
    ("setting", "said"),
    {
        "form": ("fast", "NAME=5..50..5"),
        "range": ("fast=50..5", "LAST not below FIRST"),
        "step": ("fast=5..50..0", "STEP above 0"),
        "number": ("fast=a..b", "5..50..5"),
        "many": ("fast=1..900000", "at most 200,000"),
        "outside": ("fast=0..5", "whole number from 1"),
        "unknown": ("fats=1..5", "did you mean 'fast'"),
    }.values(),
)
def test_settings_that_make_no_grid_say_how_they_are_written(asked: Wanted, setting: str, said: str) -> None:
    with pytest.raises(BadStrategy, match=said):
        sweep(replace(asked, settings=(setting,)), 1, quietly)
    with pytest.raises(BadStrategy, match="fast is set twice"):
        grid_of(replace(asked, settings=("fast=1", "fast=2")))


@pytest.mark.slow
def test_an_interrupted_sweep_goes_on_and_nothing_is_counted_twice(
    asked: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.services.backtest_search.MOST_AT_ONCE", 5)
    whole = sweep(replace(asked, data_dir=asked.data_dir / "other"), 1, quietly)
    with pytest.raises(KeyboardInterrupt):
        sweep(asked, 1, stops_after(2))
    reader = TrialReader(asked.data_dir)
    assert reader.count() == 12
    assert [reader.trial(number).digest is None for number in (10, 11)] == [False, True]
    found = sweep(asked, 2, quietly)
    assert (found["resumed"], reader.count()) == (10, 12)
    assert {**found, "resumed": 0} == whole
    again = sweep(asked, 3, quietly)
    assert (again["resumed"], reader.count()) == (12, 12)
    for kept in (asked.data_dir / "cache" / "searches").iterdir():
        kept.write_bytes(kept.read_bytes()[:-7])  # torn; the ledger knows what must come out
    assert {**sweep(asked, 4, quietly), "resumed": 0} == whole


def test_free_code_is_swept_and_runs_again_and_is_not_walked_forward(asked: Wanted) -> None:
    wanted = replace(asked, strategy="alternating", settings=("bars=5,20",), timerange="20240101-20240110")
    found = sweep(wanted, 1, quietly)
    assert found["grid"]["trades"] == [
        21,
        5,
    ]  # 9 days of hours: 216 / 10 and 216 / 40, the last of each still held or not
    assert rerun(asked.data_dir, 2)["identical"] is True
    told = backtest(replace(wanted, settings=()), 2)["sensitivity"]
    assert np.isnan([told["one_bar_later"]["equity"], told["placebo"]["p"]]).all()
    with pytest.raises(BadBacktest, match="alternating cannot be fitted on parts of the time"):
        forward(wanted, Pace("3d", "2d"), 1, quietly)


@pytest.mark.slow
def test_every_kind_of_trial_runs_again_to_the_bit_and_is_not_counted(asked: Wanted) -> None:
    single = backtest(replace(asked, settings=("fast=2",)), 1)["trial"]
    point = sweep(asked, 2, quietly)["trial"] + 7
    walked = forward(asked, Pace("10d", "5d", "1d"), 3, quietly)
    reader = TrialReader(asked.data_dir)
    before = reader.count()
    for number in (single, point, walked["first_fitted"] + 30, walked["trial"]):
        found = rerun(asked.data_dir, number)
        assert (found["identical"], found["differs"]) == (True, [])
    assert reader.count() == before
    with pytest.raises(UnknownTrial, match=f"no trial {before + 1}"):
        rerun(asked.data_dir, before + 1)


def test_other_data_is_named_and_other_options_of_a_later_version_too(asked: Wanted) -> None:
    number = backtest(replace(asked, settings=()), 1)["trial"]
    hours(asked.file or Path(), seed=2)
    found = rerun(asked.data_dir, number)
    assert (found["identical"], found["differs"]) == (False, ["data"])


@pytest.mark.slow
def test_walk_forward_acts_on_what_training_chose_and_counts_every_fit(asked: Wanted) -> None:
    found = forward(asked, Pace("10d", "5d"), 1, quietly)
    folds = found["folds"]
    assert len(folds) == 6
    assert (found["fitted"], TrialReader(asked.data_dir).count()) == (72, 73)
    assert [(fold["train_from"], fold["test_from"]) for fold in folds[:2]] == [
        ("2024-01-01T00:00:00Z", "2024-01-11T00:00:00Z"),
        ("2024-01-06T00:00:00Z", "2024-01-16T00:00:00Z"),
    ]
    trained = replace(asked, data_dir=asked.data_dir / "other", timerange="20240101-20240111")
    ratios = sweep(trained, 1, quietly)["grid"]["sharpe"]
    assert grid_of(asked).points[int(np.argmax(ratios))].parameters == folds[0]["set"]
    assert max(ratios) == pytest.approx(folds[0]["train_sharpe"])
    assert found["bars"] == 30 * 24
    grown = np.prod([1 + fold["test_return"] for fold in folds])
    assert found["return"] == pytest.approx(grown - 1)


@pytest.mark.slow
def test_an_embargo_ends_training_earlier_and_what_cannot_be_walked_says_so(asked: Wanted) -> None:
    found = forward(asked, Pace("10d", "5d", "36h"), 1, quietly)
    assert found["folds"][0]["train_to"] == "2024-01-09T11:00:00Z"  # its bar closes 36 h before acting begins
    for pace, said in {
        Pace("10", "5d"): "--train is '10'",
        Pace("10d", "0d"): "--test is '0d'",
        Pace("60d", "5d"): "cover 40.0 days",
        Pace("5d", "5d", "5d"): "leaves nothing of 5d",
    }.items():
        with pytest.raises(BadBacktest, match=said):
            forward(asked, pace, 1, quietly)


def test_nothing_reads_behind_the_wall_whatever_the_file_unless_a_look_is_spent(asked: Wanted, tmp_path: Path) -> None:
    seal(asked.data_dir, "20240131", 2, now_ns=1)
    renamed = hours(tmp_path / "other.parquet", seed=3)
    before = replace(asked, settings=(), timerange="-20240131")
    assert backtest(before, 1)["to"] == "2024-01-31T00:00:00Z"
    for file in (asked.file, renamed):
        behind = replace(asked, file=file, timerange="20240120-")
        with pytest.raises(BehindTheWall, match="2024-01-31 00:00:00"):
            sweep(behind, 1, quietly)
        with pytest.raises(BehindTheWall):
            backtest(replace(behind, settings=()), 1)
        with pytest.raises(BehindTheWall):
            forward(behind, Pace("5d", "5d"), 1, quietly)
    with pytest.raises(NoLooksLeft, match="takes 12 looks"):
        sweep(replace(asked, look="to see"), 1, quietly)
    for left in (1, 0):
        backtest(replace(asked, settings=(), look="the last one"), 5)
        assert holdout_status(asked.data_dir)["looks_left"] == left
    with pytest.raises(NoLooksLeft, match="0 of 2 are left"):
        backtest(replace(asked, settings=(), look="once more"), 5)
    assert [one["trial"] for one in holdout_status(asked.data_dir)["taken"]] == [2, 3]
    assert TrialReader(asked.data_dir).count() == 3  # what was refused is no trial


@pytest.mark.slow
def test_the_commands_print_one_document_each(
    asked: Wanted, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    common = ["--strategy", "sma_cross", "--set", "slow=10,20", "--bars", str(asked.file), "--timeframe", "1h"]
    data = ["--data-dir", str(asked.data_dir)]

    def said(status: int, *arguments: str) -> bytes:
        monkeypatch.setattr("sys.argv", ["ninefold", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == status
        return capfdbinary.readouterr().out

    assert json.loads(said(0, "sweep", *common, *data, "--json"))["grid"]["axes"] == {"slow": [10, 20]}
    assert b"sma_cross, 2 points on 960 bars" in said(0, "sweep", *common, *data)
    pace = ["--train", "10d", "--test", "10d"]
    assert json.loads(said(0, "walk-forward", *common, *data, *pace, "--json"))["fitted"] == 6
    assert b"6 fits: 2 points in 3 folds, 6 were there already" in said(0, "walk-forward", *common, *data, *pace)
    assert json.loads(said(0, "rerun", "1", *data, "--json"))["identical"] is True
    assert b"The result is identical" in said(0, "rerun", "2", *data)
    assert json.loads(said(0, "holdout", "seal", "--from", "20240110", "--looks", "1", *data, "--json"))["looks"] == 1
    assert b"1 of 1 looks are left" in said(0, "holdout", "status", *data)
    assert said(2, "sweep", *common, *data, "--json") == b""
