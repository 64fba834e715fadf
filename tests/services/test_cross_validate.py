"""Cross-validation: which bars teach, what is purged, what is counted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ninefold.backtest.bars import Bars
from ninefold.backtest.statistics.holdout import BehindTheWall
from ninefold.cli import main
from ninefold.services.backtest_cross import Cut, cross_validate
from ninefold.services.backtest_fitting import Fold
from ninefold.services.backtest_holdout import seal
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_wanted import BadBacktest, Wanted
from ninefold.store.trials import TrialReader
from tests.services.test_portfolio import bars as file_of
from tests.services.test_research import OWN, hours, quietly, stops_after

SIDES = """


class Sides(Strategy):
    "Always on one side."
    way = whole(1, -1, 1)
    target = "way"
"""


@pytest.fixture
def asked(tmp_path: Path) -> Wanted:
    (tmp_path / "own.py").write_text(OWN + SIDES)
    return Wanted(
        strategy="sma_cross",
        strategies=tmp_path / "own.py",
        settings=("fast=2,3", "slow=10,20"),
        data_dir=tmp_path / "data",
        file=hours(tmp_path / "bars.parquet"),
        timeframe="1h",
    )


def flat_bars(count: int, unknown: tuple[int, ...] = ()) -> Bars:
    at, price = np.arange(count) * 60 * 10**9, np.full(count, 5)
    volume = np.ones(count, np.int64)
    volume[list(unknown)] = -1
    return Bars(at, at + 60 * 10**9, price, price, price, price, volume)


def test_bars_that_reach_into_the_judged_part_or_follow_it_teach_nothing() -> None:
    assert Cut(parts=4, purge=1, embargo=2).folds(flat_bars(20)) == [
        Fold(((8, 20),), (0, 5)),  # 5 is purged, 6 and 7 are embargoed
        Fold(((0, 4), (13, 20)), (5, 10)),
        Fold(((0, 9), (18, 20)), (10, 15)),
        Fold(((0, 14),), (15, 20)),
    ]
    assert Cut(parts=2, purge=0, embargo=0).folds(flat_bars(4)) == [Fold(((2, 4),), (0, 2)), Fold(((0, 2),), (2, 4))]
    assert Cut(parts=2, purge=0).folds(flat_bars(201))[0].train == (
        (104, 201),
    )  # 101 are judged, of 201 bars 3 embargoed
    assert Cut(parts=2, purge=0, embargo=0).folds(flat_bars(6, unknown=(3,)))[0].train == ((4, 6),)


@pytest.mark.slow
def test_a_label_that_leaks_over_the_edges_chooses_unless_it_is_purged(asked: Wanted, tmp_path: Path) -> None:
    """The middle part rises. Its label reaches over five bars on either side, which rise by 10 % each, while the rest of both
    other parts falls by 0.5 % a bar: what leaked says long, what is honest says short."""
    moves = np.concatenate([[-0.005] * 35, [0.1] * 5, [0.005] * 40, [0.1] * 5, [-0.005] * 35])
    file = file_of(tmp_path / "planted.parquet", np.round(1000 * np.cumprod(1 + moves), 2).tolist())
    wanted = replace(asked, strategy="sides", settings=("way=-1,1",), file=file, short=True)
    chose = {purge: cross_validate(wanted, Cut(3, purge, embargo=0), 1, quietly)["folds"][1] for purge in (0, 2, 5)}
    assert [fold["set"]["way"] for fold in chose.values()] == [1, 1, -1]
    assert [fold["train_bars"] for fold in chose.values()] == [80, 76, 70]
    assert chose[0]["test_return"] > 0.15 and chose[5]["test_return"] < -0.15


@pytest.mark.slow
def test_every_fit_is_a_trial_that_runs_again_and_an_interrupted_one_goes_on(
    asked: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.services.backtest_search.MOST_AT_ONCE", 2)
    cut = Cut(parts=4, purge=2, embargo=30)
    whole = cross_validate(replace(asked, data_dir=asked.data_dir / "other"), cut, 1, quietly)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(asked, cut, 1, stops_after(3))
    found = cross_validate(asked, cut, 2, quietly)
    assert str({**found, "resumed": 0}) == str(whole) and found["resumed"] == 6  # NaN and all
    assert (found["fitted"], found["points"], found["trials"]) == (16, 4, 17)
    assert [fold["train_bars"] for fold in found["folds"]] == [960 - 240 - out for out in (32, 34, 34, 2)]
    assert found["bars"] == 960 and found["overfitting"]["trials"] == 4
    assert (found["parts"], found["purge"], found["embargo"]) == (4, 2, 30)
    growth = np.prod([1 + fold["test_return"] for fold in found["folds"]])
    assert found["return"] == pytest.approx(growth - 1)
    for number in (6, found["trial"]):
        again = rerun(asked.data_dir, number)
        assert (again["identical"], again["differs"]) == (True, [])


def test_what_cannot_be_cut_and_what_is_sealed_is_refused_and_not_counted(asked: Wanted) -> None:
    for cut, said in {
        Cut(parts=1): "2 to 100 parts",
        Cut(purge=-1): "give 0 or more",
        Cut(parts=2, embargo=960): "leave nothing of 960 bars",
    }.items():
        with pytest.raises(BadBacktest, match=said):
            cross_validate(asked, cut, 1, quietly)
    with pytest.raises(BadBacktest, match="alternating cannot be fitted"):
        cross_validate(replace(asked, strategy="alternating", settings=()), Cut(), 1, quietly)
    seal(asked.data_dir, "20240131", 1, now_ns=1)
    with pytest.raises(BehindTheWall):
        cross_validate(asked, Cut(), 1, quietly)
    assert TrialReader(asked.data_dir).count() == 0
    assert cross_validate(replace(asked, timerange="-20240131"), Cut(), 1, quietly)["to"] == "2024-01-31T00:00:00Z"


@pytest.mark.slow
def test_the_command_has_a_row_a_fold(
    asked: Wanted, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    common = ["--strategy", "sma_cross", "--set", "slow=10,20", "--bars", str(asked.file), "--timeframe", "1h"]

    def said(*arguments: str) -> bytes:
        command = ["ninefold", "cross-validate", *common, "--data-dir", str(asked.data_dir), "--folds", "3", *arguments]
        monkeypatch.setattr("sys.argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capfdbinary.readouterr().out

    found = json.loads(said("--json"))
    assert (len(found["folds"]), found["fitted"], found["purge"], found["embargo"]) == (3, 6, 1, 10)
    assert b"6 fits: 2 points in 3 folds, 6 were there already; purged 1 bars, embargo 10" in said()
