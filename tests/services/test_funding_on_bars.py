"""Funding of perpetuals on bars by the commands: by hand, of several instruments, on parts of the time, run again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.funding import BadFunding
from ninefold.cli import main
from ninefold.market.chunk import Chunk
from ninefold.market.records import Funding
from ninefold.market.time import MINUTE_NS
from ninefold.services.backtest import backtest
from ninefold.services.backtest_cross import Cut, cross_validate
from ninefold.services.backtest_forward import Pace, forward
from ninefold.services.backtest_portfolio import portfolio
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_sweep import sweep
from ninefold.services.backtest_wanted import BadBacktest, Wanted
from ninefold.store.tables import Tables
from tests.services.test_backtest import NEW_YEAR_NS, store
from tests.services.test_backtest_legs import file_of
from tests.services.test_research import quietly

MINE = """
from ninefold.strategy import Strategy, whole


class Sides(Strategy):
    "Always on one side."
    way = whole(1, -1, 1)
    target = "way"


class ByCode(Strategy):
    "Long, by free code."
    def on_bar(self, bar):
        return 1


class Apart(Strategy):
    "Always both."
    legs = {"dear": "where(close > 0 * close, -1, 1)", "cheap": "where(close > 0 * close, 1, -1)"}
"""
PRICES = [100, 100, 110, 120, 100.01]


def paid(path: Path, *told: tuple[float, float]) -> str:
    """A file of (minute, rate)."""
    at, rate = zip(*told, strict=True)
    milliseconds = [NEW_YEAR_NS // 10**6 + round(minute * 60_000) for minute in at]
    pq.write_table(pa.table({"funding_time": milliseconds, "funding_rate": rate}), path)
    return str(path)


@pytest.fixture
def asked(tmp_path: Path) -> Wanted:
    """Two held from the second bar on. Of a moment in the second bar nothing is due yet, of one after the last nothing at all."""
    (tmp_path / "mine.py").write_text(MINE)
    return Wanted(
        strategy="sides",
        strategies=tmp_path / "mine.py",
        data_dir=tmp_path / "data",
        file=file_of(tmp_path / "a.parquet", PRICES),
        cash="1000",
        size="2",
        taker_fee="0",
        short=True,
        funding=paid(tmp_path / "f.parquet", (1, 0.9), (2.5, 0.0001), (3, -0.01), (5, 0.5)),
    )


def test_a_long_pays_what_a_short_receives(asked: Wanted) -> None:
    long = backtest(asked, now_ns=1)
    # 2 * 110 * 0.0001 are paid, 2 * 120 * 0.01 received
    assert long["funding"] == -2.378
    assert long["equity_curve"] == pytest.approx([1000, 1000, 1019.978, 1042.378, 1002.398])
    assert long["open_trade"]["pnl"] == pytest.approx(2.398)
    short = backtest(replace(asked, settings=("way=-1",)), now_ns=2)
    assert (short["funding"], short["equity"]) == (2.378, 1000 - 0.02 - 2.378)
    unpaid = backtest(replace(asked, funding=None), now_ns=3)
    assert (unpaid["funding"], unpaid["liquidations"], unpaid["equity"]) == (0, 0, pytest.approx(1000.02))
    by_code = backtest(replace(asked, strategy="by_code"), now_ns=4)
    assert (by_code["funding"], by_code["equity_curve"]) == (long["funding"], long["equity_curve"])
    # what is changed in it pays the same funding: bought a bar later, at 110, when the first is over
    assert long["sensitivity"]["one_bar_later"]["equity"] == pytest.approx(1000 - 2 * 9.99 + 2.4)
    dear = [found["sensitivity"]["with_spread"]["equity"] for found in (long, unpaid)]
    assert dear[0] - dear[1] == pytest.approx(2.378)


def test_the_trial_gives_the_identical_result_again_and_tells_funding_that_changed(
    asked: Wanted, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = asked.data_dir.parent
    monkeypatch.chdir(folder)
    said = ["--strategy", "sides", "--strategies", "mine.py", "--bars", "a.parquet", "--short", "--taker-fee", "0"]
    money = ["--size", "9", "--leverage", "5", "--cash", "200", "--funding", "f.parquet"]
    paid(folder / "f.parquet", (3, 0.2))
    monkeypatch.setattr("sys.argv", ["ninefold", "backtest", *said, *money, "--data-dir", "data", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = json.loads(capfdbinary.readouterr().out)
    # 9 bought at 100; 9 * 120 * 0.2 = 216 leave 200 + 180 - 216 = 164; at 100.01 it is -15.91
    assert (ended.value.code, told["funding"], told["liquidations"]) == (0, 216, 1)
    monkeypatch.chdir("/")
    again = rerun(asked.data_dir, told["trial"])
    assert (again["identical"], again["differs"]) == (True, [])
    paid(folder / "f.parquet", (3, 0.2), (5, 0.1))  # after the last bar
    assert rerun(asked.data_dir, told["trial"])["differs"] == []
    paid(folder / "f.parquet", (3, 0.1))
    assert rerun(asked.data_dir, told["trial"])["differs"] == ["data"]


def test_what_cannot_be_paid_is_refused_and_no_trial(asked: Wanted) -> None:
    two = paid(asked.data_dir.parent / "two.parquet", (2, 0.1), (3, 0.1), (3.5, 0.1))
    for change, kind, said in (
        (
            {"short": False},
            BadFunding,
            r"a\.parquet is spot, which pays no funding; leave --funding out, or say --short",
        ),
        ({"funding": two}, BadFunding, r"two fundings in the bar at row 3 .*; take narrower bars"),
        ({"funding": "recorded"}, BadFunding, r"nothing is recorded; give a file: --funding"),
        ({"more_funding": (two,)}, BadBacktest, r"there are 1 instruments and 2 files of funding; give --funding once"),
        ({"more_files": (str(asked.file),)}, BadBacktest, r"there are 2 instruments and 1 files of funding"),
    ):
        wanted = replace(asked, **change)  # type: ignore[arg-type]
        with pytest.raises(kind, match=said):
            (portfolio if wanted.several else backtest)(wanted, 1)
    assert not (asked.data_dir / "trials.db").exists()


def test_what_the_venue_told_is_paid_on_stored_bars(tmp_path: Path) -> None:
    store(tmp_path, dict.fromkeys(range(5), 90), kind="swap")
    due_ns = NEW_YEAR_NS + 3 * MINUTE_NS
    told = [
        Funding(seq=seq, known_ns=at_ns, instrument=1, exchange_ns=at_ns, rate=rate, due_ns=due_ns)
        for seq, at_ns, rate in ((4, NEW_YEAR_NS, "0.5"), (5, NEW_YEAR_NS + 1, "0.01"))
    ]
    with Tables(tmp_path) as tables:
        tables.write([Chunk(4, 5, NEW_YEAR_NS, {}, told)])
    (tmp_path / "mine.py").write_text(MINE)
    wanted = Wanted(
        strategy="sides",
        strategies=tmp_path / "mine.py",
        data_dir=tmp_path,
        instrument="binance:BTC/USDT",
        size="10",
        funding="recorded",
    )
    found = backtest(wanted, 1)
    assert found["funding"] == pytest.approx(10 * 0.90 * 0.01)  # the last that was told, at the open of the bar
    assert rerun(tmp_path, found["trial"])["identical"]


@pytest.mark.slow
def test_each_leg_and_each_instrument_of_a_portfolio_pays_its_own(asked: Wanted) -> None:
    folder = asked.data_dir.parent
    other = file_of(folder / "b.parquet", [50, 50, 50, 50, 50.01])
    theirs = paid(folder / "g.parquet", (3, 0.02))
    both = replace(asked, more_files=(str(other),), more_funding=(theirs,))
    legs = backtest(replace(both, strategy="apart"), 1)
    # the dear one is short: 2.378 are paid; of the cheap one 2 * 50 * 0.02
    assert legs["funding"] == 4.378
    assert legs["equity"] == pytest.approx(1000 - 0.02 + 0.02 - 4.378)
    assert legs["sensitivity"]["one_bar_later"]["equity"] == pytest.approx(1000 + 2 * 9.99 + 0.02 - 2.4 - 2)
    whole = portfolio(both, 2)
    assert [one["funding"] for one in whole["instruments"]] == pytest.approx([-2.378, 2])
    assert whole["funding"] == pytest.approx(-0.378)
    # a bar later the one goes 1000, 1022.4, 982.42 and the other 1000, 998, 998.02; evened out in between
    later = 1000 * (1.0224 + 0.998) / 2 * (982.42 / 1022.4 + 998.02 / 998) / 2
    assert whole["sensitivity"]["one_bar_later"]["equity"] == pytest.approx(later)
    for told in (legs, whole):
        again = rerun(asked.data_dir, told["trial"])
        assert (again["identical"], again["differs"]) == (True, [])


@pytest.fixture
def rising(asked: Wanted) -> Wanted:
    """Two hours that rise by a hundredth of a percent a minute, up and down on the way; a long pays more each ten minutes."""
    folder = asked.data_dir.parent
    prices = 100 + 0.01 * np.arange(120) + 0.05 * (np.arange(120) % 2)
    funding = paid(folder / "f.parquet", *((10 * at, 0.005) for at in range(12)))
    return replace(
        asked, file=file_of(folder / "a.parquet", prices.tolist()), funding=funding, settings=("way=-1,0,1",)
    )


@pytest.mark.slow
def test_every_point_of_a_sweep_is_its_single_run_with_means_and_all_else(rising: Wanted) -> None:
    means = replace(rising, strategy="sma_cross", settings=("fast=1,2", "slow=3,4"))
    for wanted, settings in (
        (rising, [(f"way={way}",) for way in (-1, 0, 1)]),
        (means, [(f"fast={fast}", f"slow={slow}") for fast in (1, 2) for slow in (3, 4)]),
    ):
        found = sweep(wanted, 1, quietly)
        single = [backtest(replace(wanted, settings=one), 2) for one in settings]
        assert found["grid"]["equity"] == [one["equity"] for one in single]
        assert any(one["funding"] for one in single)
        assert rerun(rising.data_dir, found["trial"])["identical"]
    # turned around it pays too
    one = replace(means, settings=("fast=1", "slow=3"))
    costly, free = (backtest(of, 3)["sensitivity"]["placebo"] for of in (one, replace(one, funding=None)))
    assert costly["median_sharpe"] != free["median_sharpe"]


@pytest.mark.slow
def test_fits_pay_what_was_due_while_they_learn_and_so_choose_the_side_that_receives(rising: Wanted) -> None:
    for acts in (
        lambda wanted: forward(wanted, Pace("60m", "30m"), 1, quietly),
        lambda wanted: cross_validate(wanted, Cut(3, 1, 0), 1, quietly),
    ):
        found, free = acts(rising), acts(replace(rising, funding=None))
        assert {fold["set"]["way"] for fold in found["folds"]} == {-1}
        assert {fold["set"]["way"] for fold in free["folds"]} == {1}
        assert found["funding"] < 0 == free["funding"]
        for trial in (found["trial"], found["first_fitted"]):
            again = rerun(rising.data_dir, trial)
            assert (again["identical"], again["differs"]) == (True, [])
