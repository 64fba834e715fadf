"""How much history a strategy's values depend on."""

from __future__ import annotations

from dataclasses import replace
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


def test_a_place_counted_from_the_anchor_always_changes_and_which_of_two_was_later_does_not(tmp_path: Path) -> None:
    body = 'target = "where(maxindex(close, 5) > minindex(close, 5), 1, 0)"'
    (tmp_path / "turns.py").write_text(
        f"from ninefold.strategy import Strategy\n\n\nclass Turns(Strategy):\n    {body}\n"
    )
    found = recursive_check(replace(asked(tmp_path, strategy="turns"), strategies=tmp_path / "turns.py"))
    first, last, *compared = found["terms"]
    assert [first["term"], last["term"]] == ["maxindex(close, 5)", "minindex(close, 5)"]
    assert first["agrees_from"] is None is last["agrees_from"] and first["differs"][0] > 0.5
    assert {one["agrees_from"] for one in compared} == {4}


def test_what_has_no_formula_and_bars_that_are_too_few_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadStrategy, match="alternating depends on what it holds"):
        recursive_check(asked(tmp_path, strategy="alternating"))
    with pytest.raises(BadBacktest, match="24 bars are too few"):
        recursive_check(asked(tmp_path, strategy="sma_cross", timerange="20240101-20240102"))
