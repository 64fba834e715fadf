"""Fees by tier in the command: the file, what the report says, the trial that runs again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ninefold.services.backtest import backtest
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_sweep import sweep
from ninefold.services.backtest_wanted import BadBacktest, Wanted
from ninefold.services.fee_file import tiers_of_file
from tests.services.test_portfolio import LONG, bars
from tests.services.test_research import quietly

LADDER = """
[[tier]]
volume = 0
maker = 0.0002
taker = 0.001

[[tier]]
volume = 1500
maker = "-0.00005"
taker = "0.0005"
"""


@pytest.fixture
def ladder(tmp_path: Path) -> Path:
    (tmp_path / "fees.toml").write_text(LADDER)
    return tmp_path / "fees.toml"


def test_the_report_says_the_tier_that_was_reached_and_the_trial_runs_again(tmp_path: Path, ladder: Path) -> None:
    (tmp_path / "own.py").write_text(LONG)
    wanted = Wanted(
        strategy="always",
        strategies=tmp_path / "own.py",
        data_dir=tmp_path / "data",
        file=bars(tmp_path / "a.parquet", [100.0] * 30),
        timeframe="1h",
        cash="2000",
        size="15",
        fee_tiers=tiers_of_file(ladder),
    )
    found = backtest(wanted, 1)
    assert found["fees"] == pytest.approx(1.5)  # 15 at 100, once, at 0.1 %
    assert found["fee_tier"] == {"tier": 2, "of": 2, "volume_30_days": 1500.0, "maker": -0.00005, "taker": 0.0005}
    assert backtest(replace(wanted, fee_tiers=()), 2)["fee_tier"] is None
    ladder.write_text("")  # the ledger has the tiers, not the file
    again = rerun(wanted.data_dir, found["trial"])
    assert (again["identical"], again["differs"]) == (True, [])
    assert sweep(wanted, 3, quietly)["grid"]["fees"] == [found["fees"]]
    with pytest.raises(BadBacktest, match="leave one of them out"):
        backtest(replace(wanted, taker_fee="0.002"), 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has nothing"),
        ("tier = 3", r"\[\[tier\]\]"),
        ("[[tier]]\nvolume = 0", "tier 1 of"),
        ("[[tier", "cannot be read"),
    ],
)
def test_a_file_that_is_none_says_how_it_is_written(ladder: Path, text: str, said: str) -> None:
    ladder.write_text(text)
    with pytest.raises(BadBacktest, match=said):
        tiers_of_file(ladder)
