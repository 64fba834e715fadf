"""The report as a file: written from a kept run, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ninefold.report.page import SCRIPT, STYLE
from ninefold.services.report import NoReport, write_report
from ninefold.store.data_dir import StoreWriteFailed
from ninefold.store.runs import UnknownRun, save_run
from ninefold.store.trials import Search, Trials


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    trials = Trials(tmp_path / "data")
    trials.begin(Search(kind="backtest", family="f", snapshot="s", code="c", config={}, seed=0), 1)
    trials.close()
    save_run(tmp_path / "data", "backtest", 1, {"strategy": "<b>", "net_profit": -12.5}, None)
    return tmp_path / "data"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / SCRIPT).write_text("start()")
    (tmp_path / STYLE).write_text("p {}")
    return tmp_path


def test_a_report_has_everything_in_it_and_says_a_loss_even_without_its_script(data_dir: Path, built: Path) -> None:
    file = built / "run.html"
    write_report(data_dir, 1, file, built)
    text = file.read_text(encoding="utf-8")
    assert "It lost 12.50 after fees." in text
    assert "<title>&lt;b&gt;, run 1" in text
    assert "<script>start()</script>" in text
    assert "http" not in text.replace("http-equiv", "")


def test_without_a_built_page_the_result_is_still_there(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(NoReport, match=r"report.js is missing.*run `make setup`. The result is kept: it is run 1"):
        write_report(data_dir, 1, tmp_path / "run.html", tmp_path)


def test_a_run_that_is_not_kept_and_a_place_that_cannot_be_written_are_named(data_dir: Path, built: Path) -> None:
    with pytest.raises(UnknownRun, match="no run 2"):
        write_report(data_dir, 2, built / "run.html", built)
    with pytest.raises(StoreWriteFailed, match=r"nowhere/run.html"):
        write_report(data_dir, 1, built / "nowhere" / "run.html", built)
