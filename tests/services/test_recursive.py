"""How much history a strategy's values depend on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ninefold.services.backtest_recursive import recursive_check
from ninefold.services.backtest_wanted import BadBacktest, Wanted
from ninefold.strategy.parameters import BadStrategy
from tests.services.test_research import OWN, hours


def asked(folder: Path, **more: str) -> Wanted:
    (folder / "own.py").write_text(OWN)
    bars = {"data_dir": folder / "none", "file": hours(folder / "bars.parquet"), "timeframe": "1h"}
    return Wanted(strategies=folder / "own.py", **{**bars, **more})  # type: ignore[arg-type]


def test_a_window_forgets_and_an_average_that_smooths_does_so_slowly(tmp_path: Path) -> None:
    found = recursive_check(asked(tmp_path, strategy="sma_cross"))
    assert {term["agrees_from"] for term in found["terms"]} == {found["lengths"][0]} == {29}
    found = recursive_check(asked(tmp_path, strategy="waves"))
    fast, slow, _, target = found["terms"]
    assert (fast["term"], fast["warm_up"]) == ("ema(close, 3)", 2)
    # the first value of an average of 12 fades by 11/13 a bar: after 11 bars 16 % of its difference is left
    assert slow["differs"][0] > 1e-3 > 1e-6 > slow["differs"][4] > 0
    assert fast["agrees_from"] < slow["agrees_from"]
    assert target["agrees_from"] is not None
    assert all(np.diff(slow["differs"]) <= 0)


def test_what_has_no_formula_and_bars_that_are_too_few_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadStrategy, match="alternating depends on what it holds"):
        recursive_check(asked(tmp_path, strategy="alternating"))
    with pytest.raises(BadBacktest, match="24 bars are too few"):
        recursive_check(asked(tmp_path, strategy="sma_cross", timerange="20240101-20240102"))
