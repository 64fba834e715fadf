"""Fees by tier in the command: the file, what the report says, the trial that runs again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ninefold.cli import main
from ninefold.services.backtest import backtest
from ninefold.services.backtest_portfolio import portfolio
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_sweep import sweep
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks
from ninefold.services.backtest_wanted import BadBacktest, Wanted
from ninefold.services.fee_file import tiers_of_file
from tests.services.test_backtest_ticks import trades
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


@pytest.mark.slow
def test_each_instrument_of_a_portfolio_counts_what_its_own_account_traded(tmp_path: Path, ladder: Path) -> None:
    (tmp_path / "own.py").write_text(TIRELESS)
    each = [bars(tmp_path / f"{name}.parquet", [price] * 60) for name, price in (("a", 100.0), ("b", 10.0))]
    wanted = Wanted(
        strategy="tireless",
        strategies=tmp_path / "own.py",
        data_dir=tmp_path / "data",
        file=each[0],
        more_files=(str(each[1]),),
        timeframe="1h",
        cash="20000",
        size="20",
        fee_tiers=tiers_of_file(ladder),
    )
    alone = [backtest(replace(wanted, file=one, more_files=()), 1) for one in each]
    # a fill at each open but the first, 23 of them on the first day: of 2,000 or 200 each, both are beyond 1,500 after it
    assert [one["fees"] for one in alone] == pytest.approx([2 * 23 + 1 * 36, 0.2 * 23 + 0.1 * 36])
    assert portfolio(wanted, 2)["fees"] == pytest.approx(sum(one["fees"] for one in alone))


TIRELESS = """
from ninefold.strategy import Strategy

class Tireless(Strategy):
    "In at one close, out at the next."

    def on_bar(self, bar):
        return 0 if bar.position else 1
"""
TURNS = """
from ninefold.strategy import Strategy

class Turns(Strategy):
    "In at one trade, out at the next."

    def on_trade(self, price, size, side, exchange_ns, position):
        return 0 if position else 1
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


def test_trades_are_paid_by_tiers_too_and_the_trial_runs_again(tmp_path: Path, ladder: Path) -> None:
    seconds = [0, 1, 2, 86_400, 86_401, 86_402]
    tape = trades(tmp_path / "t.parquet", *((second, 100, 1, "buy") for second in seconds))
    (tmp_path / "own.py").write_text(TURNS)
    wanted = WantedTicks(
        strategy="turns",
        strategies=tmp_path / "own.py",
        data_dir=tmp_path / "data",
        file=tape,
        cash="20000",
        size="100",
        fee_tiers=tiers_of_file(ladder),
    )
    found = backtest_ticks(wanted, 1)
    # in at second 1 and out at 2, 10,000 each at 0.1 %; the three fills of the day after at 0.05 %
    assert found["fees"] == pytest.approx(2 * 10 + 3 * 5)
    assert found["fee_tier"]["volume_30_days"] == 20_000.0
    ladder.write_text("")
    again = rerun(tmp_path / "data", found["trial"])
    assert (again["identical"], again["differs"]) == (True, [])
    with pytest.raises(BadBacktest, match=r"the maker fee is 0\.0001 and there are fee tiers too"):
        backtest_ticks(replace(wanted, maker_fee="0.0001"), 2)


def test_the_command_reads_the_file(
    tmp_path: Path, ladder: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    tape = trades(tmp_path / "t.parquet", *((second, 100, 1, "buy") for second in range(4)))
    (tmp_path / "own.py").write_text(TURNS)
    said = (
        "--trades",
        tape,
        "--strategies",
        tmp_path / "own.py",
        "--strategy",
        "turns",
        "--data-dir",
        tmp_path / "data",
    )
    monkeypatch.setattr(
        "sys.argv", ["ninefold", "backtest-ticks", *map(str, said), "--fee-tiers", str(ladder), "--json"]
    )
    with pytest.raises(SystemExit):
        main()
    assert json.loads(capfdbinary.readouterr().out)["fee_tier"]["of"] == 2


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
