"""Perpetuals on trades and books by the command: short, leverage, funding out of a file or as recorded, liquidation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.funding import BadFunding
from ninefold.cli import main
from ninefold.market.chunk import Chunk
from ninefold.market.records import Funding
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_ticks import backtest_ticks
from ninefold.services.backtest_wanted import BadBacktest
from ninefold.services.ticks_sweep import sweep_ticks
from ninefold.store.tables import Tables
from tests.services.test_backtest_ticks import NAME, NEW_YEAR_NS, SECOND_NS, asked, mine, store, trades
from tests.services.test_research import quietly

__all__ = ["mine"]

SHORT = '''

class AlwaysShort(Strategy):
    """Short from the first trade on."""

    def on_trade(self, price, size, side, exchange_ns, position):
        return -1


class BothSides(Strategy):
    """One tick inside the best prices."""

    bid = "bid + tick"
    ask = "ask - tick"
    size = 0.002
    most = 1
    every_ms = 100
'''
RISE = ((0, 100, 1, "buy"), (1, 100, 1, "buy"), (2, 101, 1, "buy"), (3, 118, 1, "buy"), (4, 120, 1, "buy"))


def paid(path: Path, *told: tuple[int, float]) -> str:
    """A file of (second, rate)."""
    at, rate = zip(*told, strict=True)
    pq.write_table(
        pa.table({"fundingTime": [NEW_YEAR_NS // 10**6 + one * 1_000 for one in at], "fundingRate": rate}), path
    )
    return str(path)


@pytest.fixture
def short(mine: Path) -> Path:
    mine.write_text(mine.read_text() + SHORT)
    return mine


def test_a_file_s_perpetual_is_sold_short_on_margin_receives_funding_and_is_liquidated(
    short: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    data_dir = short.parent / "data"
    path = trades(short.parent / "a.parquet", *RISE)
    funding = paid(short.parent / "f.parquet", (2, 0.01), (90, 0.5))
    said = [
        "--trades",
        str(path),
        "--strategies",
        str(short),
        "--strategy",
        "always_short",
        "--data-dir",
        str(data_dir),
    ]
    terms = ["--taker-fee", "0", "--cash", "1000", "--short", "--leverage", "5", "--funding", funding, "--size", "45"]
    monkeypatch.setattr("sys.argv", ["ninefold", "backtest-ticks", *said, *terms, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = json.loads(capfdbinary.readouterr().out)
    # 45 sold at 100; 45 * 101 * 0.01 received, down to a whole unit, 1; at 120 the equity is 1000 + 45 - 45 * 20, 27 are asked for
    assert (ended.value.code, told["funding"], told["liquidations"], told["equity"]) == (0, -45, 0, 145)
    wanted = asked(short, "always_short", file=path, cash="1000", short=True, leverage="5", funding=funding, size="49")
    ruined = backtest_ticks(wanted, 2)
    # 49 sold, 49 received; at 120 the equity is 1000 + 49 - 49 * 20, 29.4 are asked for
    assert (ruined["liquidations"], ruined["equity"]) == (0, 69)
    more = trades(short.parent / "b.parquet", *RISE, (5, 121, 1, "buy"), (6, 10, 1, "buy"))
    gone = backtest_ticks(replace(wanted, file=more), 3)
    # at 121 it is 20 and 29.645 are asked for: bought back there; sold again at 10, as much as five times 20 carry
    assert (gone["liquidations"], [(one["exit_price"], one["pnl"]) for one in gone["trades"]]) == (1, [(121, -980)])
    assert (gone["open_trade"]["entry_price"], gone["open_trade"]["size"]) == (10, -10)
    for trial in (told["trial"], ruined["trial"], gone["trial"]):
        again = rerun(data_dir, trial)
        assert (again["identical"], again["differs"]) == (True, [])
    paid(short.parent / "f.parquet", (2, 0.02))
    assert rerun(data_dir, ruined["trial"])["differs"] == ["data"]


def test_what_spot_has_not_is_refused(short: Path) -> None:
    path = trades(short.parent / "a.parquet", *RISE)
    wanted = asked(short, "always_short", file=path)
    assert backtest_ticks(wanted, 1)["open_trade"] is None  # spot: flat
    with pytest.raises(BadBacktest, match="leverage is 3 on a spot market; leave --leverage out, or say --short"):
        backtest_ticks(replace(wanted, leverage="3"), 1)
    with pytest.raises(BadFunding, match=r"is spot, which pays no funding; .* or say --short"):
        backtest_ticks(replace(wanted, funding="recorded"), 1)
    with pytest.raises(BadFunding, match="nothing is recorded; give a file: --funding"):
        backtest_ticks(replace(wanted, funding="recorded", short=True), 1)
    pq.write_table(pa.table({"when": [1], "rate": [0.1]}), short.parent / "f.parquet")
    with pytest.raises(
        BadFunding, match=r"has no column for the time of funding: allowed are due_ns, .*; found when, rate"
    ):
        backtest_ticks(replace(wanted, funding=str(short.parent / "f.parquet"), short=True), 1)


def tell(path: Path, *told: tuple[int, int, str]) -> None:
    """Record (second, second at which it is due, rate)."""
    records = [
        Funding(
            seq=30 + seq,
            known_ns=NEW_YEAR_NS + at * SECOND_NS,
            instrument=1,
            exchange_ns=NEW_YEAR_NS + at * SECOND_NS,
            rate=rate,
            due_ns=NEW_YEAR_NS + due * SECOND_NS,
        )
        for seq, (at, due, rate) in enumerate(told, 1)
    ]
    with Tables(path) as tables:
        tables.write([Chunk(31, 30 + len(told), NEW_YEAR_NS, {}, records)])


def test_quotes_on_a_stored_book_pay_what_was_recorded_and_keep_to_their_margin(short: Path) -> None:
    data_dir = short.parent / "data"
    store(data_dir)
    wanted = asked(short, "both_sides", instrument=NAME, timeframe="1s", maker_fee="0", size=None)
    with pytest.raises(BadFunding, match=r"holds no funding of .* with the time at which it is paid"):
        backtest_ticks(replace(wanted, funding="recorded"), 1)
    # told twice before it is due; what comes at the moment itself or has none is not told beforehand
    tell(data_dir, (1, 9, "0.5"), (5, 9, "0.01"), (9, 9, "0.9"), (10, 9, "0.9"))
    lent, carried = (backtest_ticks(replace(wanted, leverage=by), 2) for by in ("1", "2"))
    assert lent["fills"] == carried["fills"] > 0 and lent["funding"] == 0
    funded = backtest_ticks(replace(wanted, funding="recorded"), 3)
    held = funded["open_trade"]["size"]
    # what is held at second 9, by the price of the last trade then, 98.9
    assert 0 < funded["funding"] == pytest.approx(held * 98.9 * 0.01, rel=0.5)
    assert funded["equity"] == pytest.approx(lent["equity"] - funded["funding"])
    poor = backtest_ticks(
        replace(wanted, cash="0.25", leverage="2"), 4
    )  # carries 0.5: one quote of 0.003 at 99.1 and not two
    assert poor["fills"] < lent["fills"]
    assert all(rerun(data_dir, one["trial"])["identical"] for one in (funded, poor))


@pytest.mark.slow
def test_every_point_of_a_sweep_on_margin_is_its_single_run(short: Path) -> None:
    path = trades(short.parent / "a.parquet", *RISE, (5, 121, 1, "buy"), (6, 10, 1, "buy"))
    funding = paid(short.parent / "f.parquet", (2, 0.01))
    wanted = asked(
        short,
        "sma_cross",
        file=path,
        settings=("fast=1", "slow=2,3"),
        each="trade",
        short=True,
        leverage="5",
        funding=funding,
    )
    found = sweep_ticks(wanted, 1, quietly)
    single = [backtest_ticks(replace(wanted, settings=("fast=1", f"slow={slow}")), 2)["equity"] for slow in (2, 3)]
    assert found["grid"]["equity"] == single
    assert rerun(short.parent / "data", found["trial"])["identical"]
