"""Strategies with legs, run by the command `backtest`: two instruments on one account, by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.bars import BadBars
from ninefold.cli import main
from ninefold.services.backtest import backtest
from ninefold.services.backtest_cross import Cut, cross_validate
from ninefold.services.backtest_forward import Pace, forward
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_sweep import sweep
from ninefold.services.backtest_tournament import EVERY, contested, tournament
from ninefold.services.backtest_wanted import TAKER_FEE, BadBacktest, Wanted, chosen_of
from ninefold.services.tournament_field import field_among
from ninefold.store.runs import RunReader
from ninefold.store.trials import TrialReader
from ninefold.strategy.parameters import BadStrategy
from tests.services.test_research import quietly

NEW_YEAR_NS = 1_704_067_200 * 10**9  # 2024-01-01
MINE = """
from ninefold.strategy import Strategy, real


class Apart(Strategy):
    "Long the cheap one and short the dear one while their prices are apart, else flat in both."

    level = real(1, 0, 5)
    legs = {"dear": -1, "cheap": 1}
    target = 'where(close - at("cheap", close) > level, 1, 0)'


class Waits(Apart):
    "The same, and all wait for a bar in which both trade."

    filled = "wait"


class Dips(Strategy):
    "Each while it is below its mean price."

    legs = {"one": "where(close < vwap, 1, 0)", "other": "where(close < vwap, 1, 0)"}
"""


def file_of(
    path: Path,
    prices: Sequence[float],
    first: int = 0,
    volume: Sequence[float] | None = None,
    paid: Sequence[float] | None = None,
) -> Path:
    """Minute bars of one price each. paid: turnover, which the bars reach."""
    times = NEW_YEAR_NS // 10**6 + (first + np.arange(len(prices))) * 60_000
    columns = {name: np.array(prices, float) for name in ("open", "high", "low", "close")}
    volumes = np.ones(len(prices)) if volume is None else np.array(volume, float)
    if paid is not None:
        low, high = np.minimum(prices, paid), np.maximum(prices, paid)
        columns |= {"low": low, "high": high, "turnover": np.array(paid, float)}
    pq.write_table(pa.table({"open_time": times, **columns, "volume": volumes}), path)
    return path


def wanted(folder: Path, strategy: str = "apart", **more: object) -> Wanted:
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    said = {"strategies": folder / "mine.py", "file": folder / "a.parquet", "more_files": (str(folder / "b.parquet"),)}
    given = {"data_dir": folder / "data", "cash": "1000", "size": "2", "taker_fee": "0", "short": True, **said, **more}
    return Wanted(strategy=strategy, **given)  # type: ignore[arg-type]


def test_both_legs_are_traded_at_the_next_open_on_one_account(tmp_path: Path) -> None:
    file_of(tmp_path / "a.parquet", [10, 12, 13, 12, 11, 10])
    file_of(tmp_path / "b.parquet", [10, 10, 11, 12, 12, 10])
    found = backtest(wanted(tmp_path, taker_fee="0.01"), now_ns=1)
    # apart by 2 at 00:01: at 00:02 two of a are sold at 13, fee 0.26, two of b bought at 11, fee 0.22; together again at 00:03:
    # at 00:04 bought back at 11, sold at 12, fees 0.22 and 0.24
    assert found["equity_curve"] == pytest.approx([1000, 1000, 999.52, 1003.52, 1005.06, 1005.06])
    keys = ("leg", "entry_time", "exit_time", "entry_price", "exit_price", "size", "pnl")
    assert [tuple(trade[key] for key in keys) for trade in found["trades"]] == [
        ("dear", "2024-01-01T00:02:00Z", "2024-01-01T00:04:00Z", 13, 11, -2, pytest.approx(4 - 0.48)),
        ("cheap", "2024-01-01T00:02:00Z", "2024-01-01T00:04:00Z", 11, 12, 2, pytest.approx(2 - 0.46)),
    ]
    assert found["legs"] == {"dear": str(tmp_path / "a.parquet"), "cheap": str(tmp_path / "b.parquet")}
    assert (found["unfilled"], found["open_trade"], found["fees"]) == ([], None, pytest.approx(0.94))
    assert found["exposure"] == pytest.approx(2 / 6)
    # decided a bar later: sold at 12, bought at 12, then 10 and 10
    assert found["sensitivity"]["one_bar_later"]["equity"] == pytest.approx(1000 + 4 - 4 - 0.24 * 2 - 0.2 * 2)
    # 2 of each bought at the second open, 12 and 10, fees 0.24 and 0.20
    assert found["buy_and_hold"]["equity"] == pytest.approx(1000 - 4 + 0 - 0.44)


def test_what_cannot_be_filled_is_named_and_the_other_leg_is_unwound_or_waits(tmp_path: Path) -> None:
    file_of(tmp_path / "a.parquet", [10, 12, 13, 14, 14, 14])
    file_of(tmp_path / "b.parquet", [10, 10, 10, 11, 11, 11], volume=[1, 1, 0, 1, 1, 1])
    found = backtest(wanted(tmp_path), now_ns=1)
    assert found["unfilled"] == [
        {"time": "2024-01-01T00:02:00Z", "leg": "cheap", "why": "no trades in its bar"},
    ]
    [trade] = found["trades"]  # sold at 13, bought back at the next open, 14
    assert (trade["leg"], trade["entry_price"], trade["exit_price"], trade["pnl"]) == ("dear", 13, 14, -2)
    waits = backtest(wanted(tmp_path, "waits"), now_ns=1)
    assert [(one["leg"], one["entry_price"], one["size"]) for one in waits["open_trades"]] == [
        ("dear", 14, -2),
        ("cheap", 11, 2),
    ]
    assert waits["unfilled"] == []


def test_fees_by_tier_go_by_what_the_account_traded_of_both_legs(tmp_path: Path) -> None:
    file_of(tmp_path / "a.parquet", [10, 12, 13, *[13] * 1500])
    file_of(tmp_path / "b.parquet", [10, 10, 11, *[11] * 1500])
    tiers = (("0", "0.0002", "0.01"), ("48", "0.0001", "0.005"))
    found = backtest(wanted(tmp_path, taker_fee=TAKER_FEE, fee_tiers=tiers), now_ns=1)
    # at 00:02 two of a at 13 and two of b at 11, 48 of quote together; neither would reach the second tier alone
    assert found["fees"] == pytest.approx(0.48)
    assert found["fee_tier"] == {"tier": 2, "of": 2, "volume_30_days": 48.0, "maker": 0.0001, "taker": 0.005}
    again = rerun(tmp_path / "data", found["trial"])
    assert (again["identical"], again["differs"]) == (True, [])


def test_legs_are_cut_to_the_times_that_both_have_and_share_the_equity(tmp_path: Path) -> None:
    file_of(tmp_path / "a.parquet", [9, 10, 12.5, 12.5, 12.5])
    file_of(tmp_path / "b.parquet", [10, 10, 10, 10], first=1)
    found = backtest(wanted(tmp_path, size=None), now_ns=1)
    assert (found["bars"], found["from"]) == (4, "2024-01-01T00:01:00Z")
    assert [one["size"] for one in found["open_trades"]] == [-500 / 12.5, 500 / 10]


def test_legs_read_the_mean_price_that_their_files_tell(tmp_path: Path) -> None:
    file_of(tmp_path / "a.parquet", [10, 12, 12, 12], paid=[10, 13, 12, 12])
    file_of(tmp_path / "b.parquet", [10, 10, 10, 10], paid=[10, 9, 10, 10])
    found = backtest(wanted(tmp_path, "dips"), now_ns=1)
    # below their mean price at 00:01 is a alone: bought at 00:02, sold at 00:03
    assert [(trade["leg"], trade["entry_time"], trade["size"]) for trade in found["trades"]] == [
        ("one", "2024-01-01T00:02:00Z", 2)
    ]


def test_the_trial_is_counted_and_gives_the_identical_result_again(tmp_path: Path) -> None:
    file_of(tmp_path / "a.parquet", [10, 12, 13, 12, 11, 10])
    file_of(tmp_path / "b.parquet", [10, 10, 11, 12, 12, 10])
    number = backtest(wanted(tmp_path, settings=("level=1.5",)), now_ns=1)["trial"]
    again = rerun(tmp_path / "data", number)
    assert (again["identical"], again["differs"], again["set"]) == (True, [], {"level": 1.5})
    file_of(tmp_path / "b.parquet", [10, 10, 11, 12, 12, 11])
    assert rerun(tmp_path / "data", number)["differs"] == ["data"]
    assert TrialReader(tmp_path / "data").trial(number).search.config["more_files"] == [str(tmp_path / "b.parquet")]


@pytest.mark.slow
def test_a_sweep_of_legs_is_their_single_runs_and_each_point_runs_again(tmp_path: Path) -> None:
    both_walk(tmp_path)
    grid = wanted(tmp_path, settings=("level=0.5,1,1.5",), taker_fee="0.0005", size=None)
    found = sweep(grid, 1, quietly)
    single = [backtest(wanted_level(grid, level), 2) for level in ("0.5", "1", "1.5")]
    assert found["grid"]["axes"] == {"level": [0.5, 1, 1.5]}
    for name in ("equity", "fees", "sharpe"):
        assert found["grid"][name] == [one[name] for one in single]
    assert found["buy_and_hold"] == single[0]["buy_and_hold"]
    assert (found["legs"], found["filled"], found["bars"]) == (single[0]["legs"], "unwind", 240)
    assert len(set(found["grid"]["equity"])) == 3 and found["trials"] == 3
    for number in (1, 2, 3):
        again = rerun(tmp_path / "data", number)
        assert (again["identical"], again["differs"]) == (True, [])


@pytest.mark.slow
def test_legs_are_walked_forward_and_cross_validated_on_one_account(tmp_path: Path) -> None:
    both_walk(tmp_path)
    grid = wanted(tmp_path, settings=("level=0.5,1,1.5",), taker_fee="0.0005")
    forward_ = forward(grid, Pace("2h", "1h"), 1, quietly)
    assert [fold["test_from"] for fold in forward_["folds"]] == ["2024-01-01T02:00:00Z", "2024-01-01T03:00:00Z"]
    chosen = [fold["set"]["level"] for fold in forward_["folds"]]
    each = [sweep(grid_of_rows(grid, tmp_path, start, start + 120), 2, quietly)["grid"] for start in (0, 60)]
    assert chosen == [one["axes"]["level"][int(np.argmax(one["sharpe"]))] for one in each]
    assert {trade["leg"] for trade in forward_["trades"]} == {"dear", "cheap"} and len(forward_["equity_curve"]) == 120
    crossed = cross_validate(grid, Cut(parts=3), 3, quietly)
    assert (len(crossed["folds"]), len(crossed["equity_curve"])) == (3, 240)
    for trial in (forward_["trial"], forward_["first_fitted"], crossed["trial"], crossed["first_fitted"] + 1):
        again = rerun(tmp_path / "data", trial)
        assert (again["identical"], again["differs"]) == (True, [])


@pytest.mark.slow
def test_legs_play_in_a_tournament_on_one_account_beside_targets_on_each_market(tmp_path: Path) -> None:
    both_walk(tmp_path)
    asked = wanted(tmp_path, EVERY, taker_fee="0.0005", size=None)
    names = ("apart", "waits", "dips", "sma_cross", "quote_both_sides")
    found = contested(
        asked, field_among(asked, [chosen_of(replace(asked, strategy=name)) for name in names]), 1, quietly
    )
    ours = {one["strategy"]: one for one in found["leaderboard"] if not one["null_twin"]}
    twins = {one["strategy"]: one for one in found["leaderboard"] if one["null_twin"]}
    assert ours.keys() == twins.keys() == {"apart", "waits", "sma_cross"}
    for strategy in ("apart", "waits"):
        single = backtest(replace(asked, strategy=strategy), 2)
        assert [ours[strategy][name] for name in ("equity", "fees")] == [single["equity"], single["fees"]]
        assert ours[strategy]["sharpe"] == single["sharpe"] and ours[strategy]["trades"] == len(single["trades"])
        assert abs(twins[strategy]["trades"] - ours[strategy]["trades"]) <= 4  # at the border of its time, and the end
        assert twins[strategy]["equity"] != single["equity"] and twins[strategy]["trial"] is None
        again = rerun(tmp_path / "data", ours[strategy]["trial"])
        assert (again["identical"], again["differs"]) == (True, [])
    assert found["trials"] == found["strategies"] == found["overfitting"]["trials"] == 3
    why = {one["strategy"]: one["why"] for one in found["left_out"]}
    assert why.keys() == {"dips", "quote_both_sides"} and "vwap" in why["dips"]
    short_of = field_among(replace(asked, more_files=()), [chosen_of(replace(asked, strategy=name)) for name in names])
    assert short_of.left_out[0]["why"].startswith(
        "apart has 2 legs (dear, cheap) and 1 are given; give --instrument, or"
    )


@pytest.mark.torture
def test_a_tournament_of_all_has_legs_in_it(tmp_path: Path) -> None:
    both_walk(tmp_path)
    asked = wanted(tmp_path, EVERY, size=None)
    found = tournament(asked, 1, quietly)
    ours = {one["strategy"]: one for one in found["leaderboard"] if not one["null_twin"]}
    assert ours["apart"]["equity"] == backtest(replace(asked, strategy="apart"), 2)["equity"]
    assert found["strategies"] == len(ours) == found["trials"] > 150


def test_several_instruments_without_legs_are_not_fitted_and_are_told_what_takes_them(tmp_path: Path) -> None:
    both_walk(tmp_path)
    asked = wanted(tmp_path, "sma_cross", settings=("fast=2,3", "slow=9"))
    with pytest.raises(BadBacktest, match="or a strategy with legs; `ninefold sweep` takes several"):
        forward(asked, Pace("2h", "1h"), 1, quietly)


def both_walk(folder: Path) -> None:
    """Two walks of four hours that stay near each other."""
    random = np.random.default_rng(3)
    common = 100 + np.cumsum(random.normal(0, 0.2, 240))
    for name in ("a", "b"):
        file_of(folder / f"{name}.parquet", np.round(common + random.normal(0, 0.8, 240), 2).tolist())


def wanted_level(grid: Wanted, level: str) -> Wanted:
    return replace(grid, settings=(f"level={level}",))


def grid_of_rows(grid: Wanted, folder: Path, start: int, stop: int) -> Wanted:
    """The same on these bars alone."""
    files = []
    for name in ("a", "b"):
        table = pq.read_table(folder / f"{name}.parquet").slice(start, stop - start)
        files.append(folder / f"{name}-{start}.parquet")
        pq.write_table(table, files[-1])
    return replace(grid, file=files[0], more_files=(str(files[1]),))


def test_the_command_takes_a_file_for_each_leg_and_keeps_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file_of(tmp_path / "a.parquet", [10, 12, 13, 12, 11, 10])
    file_of(tmp_path / "b.parquet", [10, 10, 11, 12, 12, 10])
    wanted(tmp_path)
    said = ["backtest", "--strategies", str(tmp_path / "mine.py"), "--strategy", "apart", "--short", "--size", "2"]
    files = ["--bars", str(tmp_path / "a.parquet"), "--bars", str(tmp_path / "b.parquet")]
    monkeypatch.setattr("sys.argv", ["ninefold", *said, *files, "--data-dir", str(tmp_path / "data"), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    told = json.loads(capfdbinary.readouterr().out)
    assert {"equity", "equity_curve", "fees", "trades", "open_trade", "bars", "trial", "deflated_sharpe"} <= told.keys()
    assert len(told["trades"]) == 2
    assert len(RunReader(tmp_path / "data").run(told["trial"])["trades"]) == 2
    monkeypatch.setattr("sys.argv", ["ninefold", *said, *files, "--data-dir", str(tmp_path / "data")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert f"leg cheap: {tmp_path / 'b.parquet'}" in capfdbinary.readouterr().out.decode()


def test_what_cannot_be_run_says_what_is_allowed(tmp_path: Path) -> None:
    file_of(tmp_path / "a.parquet", [10, 12, 13])
    file_of(tmp_path / "b.parquet", [10, 10, 11])
    with pytest.raises(
        BadBacktest, match=r"apart has 2 legs \(dear, cheap\) and 1 are given; give --instrument, or --bars, once"
    ):
        backtest(wanted(tmp_path, more_files=()), now_ns=1)
    with pytest.raises(BadBacktest, match="a spot market, and apart wants it short"):
        backtest(wanted(tmp_path, short=False), now_ns=1)
    with pytest.raises(BadStrategy, match="has legs, and exits are of a target on bars; leave exits out"):
        backtest(wanted(tmp_path, stop_loss="0.1"), now_ns=1)
    file_of(tmp_path / "b.parquet", [10, 10, 11], first=9)
    with pytest.raises(BadBars, match="the legs of apart have no time in common"):
        backtest(wanted(tmp_path), now_ns=1)
    assert not (tmp_path / "data").exists()  # nothing of this is a trial
