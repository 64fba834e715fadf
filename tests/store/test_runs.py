"""Kept runs: what comes back is what was kept, whole or not at all, and a newer format is refused with its remedy."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ninefold.backtest.bars import Bars
from ninefold.market.time import MINUTE_NS
from ninefold.store.data_dir import NoDataDir, WrongFormat
from ninefold.store.runs import BrokenRun, RunReader, UnknownRun, save_run
from ninefold.store.trials import Search, Trials, UnknownTrial

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)
CONFIG = {"bars": "/somewhere/btc.parquet", "taker_fee": "0.001"}


def counted(folder: Path, trials: int = 1) -> Path:
    """A data dir whose ledger has so many trials, counted at 101, 102, ..."""
    with_ledger = Trials(folder / "data")
    for number in range(1, trials + 1):
        search = Search(kind="backtest", family="f", snapshot="s", code="c", config=CONFIG, seed=0)
        assert with_ledger.begin(search, 100 + number) == number
    with_ledger.close()
    return folder / "data"


def bars(closes: list[int]) -> Bars:
    at = np.arange(len(closes)) * MINUTE_NS
    close = np.array(closes)
    return Bars(at, at + MINUTE_NS, close, close + 1, close - 1, close, close, Fraction(1, 4), Fraction(1, 1000))


def test_a_run_comes_back_as_it_was_kept_and_nan_as_null(tmp_path: Path) -> None:
    path = counted(tmp_path)
    document = {
        "strategy": "s",
        "set": {"fast": 1},
        "sharpe": math.nan,
        "buy_and_hold": {"return": 0.5, "weekly": {"raw": 0.1}},
        "overfitting": {"inner": {"deep": 1}},
        "equity_curve": [1.5, 2.25],
        "trades": [{"pnl": -0.1}],
    }
    save_run(path, "backtest", 1, document, bars([5, 6]))
    reader = RunReader(path)
    kept, back = reader.kept(1), reader.run(1)
    assert back == {**document, "sharpe": None}
    assert (kept.trial, kept.kind, kept.known_ns, kept.config) == (1, "backtest", 101, CONFIG)
    short = {"strategy": "s", "set": {"fast": 1}, "sharpe": None, "buy_and_hold": {"return": 0.5}}
    assert kept.summary == short
    again = reader.bars(1)
    assert again is not None
    for name in ("open_ns", "close_ns", "open", "high", "low", "close", "volume", "state"):
        np.testing.assert_array_equal(getattr(again, name), getattr(bars([5, 6]), name))
    assert (again.tick, again.lot) == (Fraction(1, 4), Fraction(1, 1000))


@given(document=st.dictionaries(st.text(), VALUES))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_any_document_comes_back(tmp_path: Path, document: dict[str, object]) -> None:
    path = tmp_path / "data"
    if not path.exists():
        counted(tmp_path)
    save_run(path, "other", 1, document, None)
    assert RunReader(path).run(1) == document
    assert RunReader(path).bars(1) is None


def test_runs_are_listed_newest_first_and_runs_on_the_same_bars_share_them(tmp_path: Path) -> None:
    path = counted(tmp_path, 3)
    for number, closes in ((1, [5, 6]), (3, [5, 6]), (2, [5, 7])):
        save_run(path, "backtest", number, {"strategy": f"s{number}"}, bars(closes))
    assert [kept.trial for kept in RunReader(path).list()] == [3, 2, 1]
    assert len(list((path / "runs" / "bars").iterdir())) == 2
    assert not [one for one in (path / "runs").rglob(".*")]


def test_a_run_kept_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    path = counted(tmp_path)
    for word in ("first", "second"):
        save_run(path, "backtest", 1, {"strategy": word}, None)
    assert RunReader(path).run(1) == {"strategy": "second"}


def test_a_run_of_a_trial_that_was_never_counted_is_refused(tmp_path: Path) -> None:
    path = counted(tmp_path)
    with pytest.raises(UnknownTrial, match="no trial 2"):
        save_run(path, "backtest", 2, {}, None)
    with pytest.raises(NoDataDir):
        save_run(tmp_path / "elsewhere", "backtest", 1, {}, None)


def test_a_number_without_a_run_says_which_there_are(tmp_path: Path) -> None:
    path = counted(tmp_path)
    with pytest.raises(UnknownRun, match="none is kept yet: `ninefold backtest` keeps one"):
        RunReader(path).run(1)
    save_run(path, "backtest", 1, {}, None)
    with pytest.raises(UnknownRun, match=r"no run 7 .*kept are 1 to 1"):
        RunReader(path).run(7)


def test_a_newer_format_is_refused_with_both_versions_and_the_remedy(tmp_path: Path) -> None:
    path = counted(tmp_path)
    file = save_run(path, "backtest", 1, {}, None)
    file.write_bytes(zstandard.compress(msgspec.json.encode({"format": 2, "written_by": "9.0"}) + b"\n{}"))
    with pytest.raises(WrongFormat, match=r"run format 2 \(written by ninefold 9.0\).*up to 1; upgrade ninefold"):
        RunReader(path).list()
    with pytest.raises(WrongFormat):
        RunReader(path).run(1)


@pytest.mark.parametrize(
    "content", [b"", b"no zstd", zstandard.compress(b'{"format": 1}\n{}'), zstandard.compress(b"[]")]
)
def test_a_damaged_run_is_named_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = counted(tmp_path)
    file = save_run(path, "backtest", 1, {}, None)
    file.write_bytes(content)
    with pytest.raises(BrokenRun, match=r"is not as it was written .*restore it from a backup"):
        RunReader(path).run(1)


def test_damaged_bars_are_named(tmp_path: Path) -> None:
    path = counted(tmp_path)
    save_run(path, "backtest", 1, {}, bars([5, 6]))
    [file] = (path / "runs" / "bars").iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(BrokenRun, match=file.stem):
        RunReader(path).bars(1)
