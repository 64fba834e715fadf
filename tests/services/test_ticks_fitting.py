"""Quotes, free code and targets on trades and books, walked forward and cross-validated: what a fit is, what is joined."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.statistics.holdout import BehindTheWall
from ninefold.cli import main
from ninefold.market.arrays import ID_INTEGER, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import Listed
from ninefold.services.backtest_cross import Cut, cross_validate
from ninefold.services.backtest_forward import Pace, forward
from ninefold.services.backtest_holdout import seal
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks
from ninefold.services.ticks_sweep import sweep_ticks
from ninefold.store.runs import RunReader
from ninefold.store.tables import Tables
from ninefold.store.trials import TrialReader
from ninefold.strategy import BadStrategy
from tests.services.test_backtest_ticks import NAME, NEW_YEAR_NS, SECOND_NS
from tests.services.test_research import quietly

MINUTES = 60
MINE = """
from ninefold.strategy import Exits, Strategy, whole


class Follows(Strategy):
    "Long after so many rises in a row, flat after as many falls."

    runs = whole(2, 1, 9)

    def __init__(self, **values):
        super().__init__(**values)
        self.last, self.row = 0.0, 0

    def on_trade(self, price, size, side, time_ns, position):
        way = (price > self.last) - (price < self.last)
        self.row = self.row + way if self.row * way > 0 else way
        self.last = price
        return None if abs(self.row) < self.runs else float(self.row > 0)


class Above(Strategy):
    "Long above its mean."

    bars = whole(3, 1, 50)
    target = "where(close > sma(close, bars), 1, 0)"


class Around(Strategy):
    "Quotes so many ticks outside the best prices."

    away = whole(1, 0, 5)
    most = 0.05
    every_ms = 2000
    bid = "bid - tick * away"
    ask = "ask + tick * away"
    size = 0.005


class Cautious(Strategy):
    "Long above so many tenths, out near the entry, near the best price or after a while."

    level = whole(1000, 900, 1100)
    target = "where(close > level / 10, 1, 0)"
    exits = Exits(stop_loss="0.002", take_profit="0.004", trailing="0.003", bars=4)


class Again(Strategy):
    "In above its mean, again where an exit has left it, out below the mean of more."

    bars = whole(3, 1, 50)
    entry = "close > sma(close, bars)"
    exit = "close < sma(close, 9)"
    exits = Exits(stop_loss="0.001", take_profit="0.002", bars=3)


class Tighter(Strategy):
    "A stop that goes by a parameter."

    bars = whole(3, 1, 50)
    target = "where(close > sma(close, 5), 1, 0)"

    def exits(self):
        return Exits(bars=self.bars)
"""


@pytest.fixture
def asked(tmp_path: Path) -> WantedTicks:
    """An hour of trades, one each ten seconds."""
    (tmp_path / "mine.py").write_text(MINE)
    at = NEW_YEAR_NS + np.arange(6 * MINUTES) * 10 * SECOND_NS
    price = np.round(100 + np.cumsum(np.random.default_rng(5).normal(0, 0.1, len(at))), 1)
    pq.write_table(pa.table({"time": at, "price": price, "size": np.ones(len(at))}), tmp_path / "trades.parquet")
    return WantedTicks(
        data_dir=tmp_path / "data",
        file=tmp_path / "trades.parquet",
        strategies=tmp_path / "mine.py",
        strategy="follows",
        settings=("runs=1..3",),
        taker_fee="0.0001",
        size="2",
    )


def minutes(first: int, end: int) -> str:
    return f"{NEW_YEAR_NS // SECOND_NS + 60 * first}-{NEW_YEAR_NS // SECOND_NS + 60 * end}"


def quotes(path: Path) -> None:
    """A book two ticks wide around a walk, told each five seconds of an hour, and trades at its best prices; after 20 minutes they
    go a tick further."""
    made = listed("binanceusdm", "BTCUSDT", "BTC", "USDT", tick="0.1", lot="0.001")
    instrument = msgspec.structs.replace(made, id=1, kind="swap", symbol="BTC/USDT:USDT", settle="USDT")
    random, bid, told, dealt = np.random.default_rng(3), 1000, [], []
    for step in range(12 * MINUTES):
        at, seq = NEW_YEAR_NS + 5 * step * SECOND_NS, 2 * step + 1
        bid += int(random.integers(-1, 2))
        told.append((1, at, at + 1, seq, step, bid, 3, bid + 2, 3))
        side = int(random.choice([-1, 1]))
        price = bid + 1 + side * (1 if step < 240 else 2)
        dealt.append((1, at + SECOND_NS, at + SECOND_NS, seq + 1, ID_INTEGER, 0, step, price, 9, side))
    known = [Listed(seq=1, known_ns=NEW_YEAR_NS, instrument=instrument)]
    arrays = {"quotes": rows("quotes", told), "trades": rows("trades", dealt)}
    with Tables(path) as tables:
        tables.write([Chunk(1, 30 * MINUTES, NEW_YEAR_NS, arrays, known)])


def test_a_fit_of_free_code_is_its_run_on_that_time_and_the_best_acts_next(asked: WantedTicks) -> None:
    found = forward(asked, Pace("30m", "15m"), 1, quietly)
    assert [(fold["train_from"], fold["test_from"]) for fold in found["folds"]] == [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:30:00Z"),
        ("2024-01-01T00:15:00Z", "2024-01-01T00:45:00Z"),
    ]
    assert (found["points"], found["fitted"], TrialReader(asked.data_dir).count()) == (3, 6, 7)
    assert (found["ticks"], found["bars"], len(found["equity_curve"])) == (180, 30, 30)
    elsewhere = replace(asked, data_dir=asked.data_dir / "other")
    first = found["folds"][0]
    each = sweep_ticks(replace(elsewhere, timerange=minutes(0, 30)), 1, quietly)["grid"]
    best = int(np.argmax(each["sharpe"]))
    assert (first["set"], first["train_sharpe"]) == ({"runs": best + 1}, pytest.approx(each["sharpe"][best]))
    acted = backtest_ticks(replace(elsewhere, settings=(f"runs={best + 1}",), timerange=minutes(30, 45)), 1)
    assert first["test_return"] == pytest.approx(acted["return"])
    assert found["trades"][: len(acted["trades"])] == acted["trades"]
    assert forward(asked, Pace("30m", "15m"), 2, quietly)["resumed"] == 6


@pytest.mark.parametrize("each", ["bar", pytest.param("trade", marks=pytest.mark.torture)])
def test_a_target_is_taken_over_from_the_trades_before(asked: WantedTicks, each: str) -> None:
    wanted = replace(asked, strategy="above", settings=("bars=5",), each=each)
    whole = backtest_ticks(wanted, 1)
    joined = forward(wanted, Pace("30m", "15m"), 2, quietly)
    after = [trade for trade in whole["trades"] if trade["entry_time"] > "2024-01-01T00:30:59Z"]
    assert after and [trade for trade in joined["trades"] if trade in after] == after
    assert len(joined["trades"]) - len(after) in (0, 1)  # what was held at the border
    acted = forward(wanted, Pace("15m", "30m"), 3, quietly)["folds"][0]  # when the second fit was trained
    assert acted["test_sharpe"] == pytest.approx(joined["folds"][1]["train_sharpe"])


def test_a_fit_of_a_strategy_with_exits_is_its_run_on_that_time(asked: WantedTicks) -> None:
    wanted = replace(asked, strategy="cautious", settings=("level=980..992..4",), each="trade")
    found = forward(wanted, Pace("30m", "15m"), 1, quietly)
    elsewhere = replace(wanted, data_dir=asked.data_dir / "other")
    for fold, (first, end) in zip(found["folds"], ((0, 30), (15, 45)), strict=True):
        each = sweep_ticks(replace(elsewhere, timerange=minutes(first, end)), 1, quietly)["grid"]
        assert fold["train_sharpe"] == pytest.approx(np.nanmax(each["sharpe"]))
        assert fold["set"] == {"level": 980 + 4 * int(np.nanargmax(each["sharpe"]))}
    best = replace(elsewhere, settings=(f"level={found['folds'][0]['set']['level']}",), timerange=minutes(30, 45))
    acted = backtest_ticks(best, 1)
    assert found["folds"][0]["test_return"] == pytest.approx(acted["return"])
    assert len(acted["trades"]) > 1 and found["trades"][: len(acted["trades"])] == acted["trades"]
    again = rerun(asked.data_dir, found["trial"])
    assert (again["identical"], again["differs"]) == (True, [])


@pytest.mark.parametrize("strategy", ["tighter", "again"])
def test_exits_go_on_over_borders_where_a_setting_takes_over_from_itself(asked: WantedTicks, strategy: str) -> None:
    wanted = replace(asked, strategy=strategy, settings=("bars=3",))
    once, often = (forward(wanted, Pace("30m", test), 1, quietly) for test in ("30m", "2m"))
    assert (len(once["folds"]), len(often["folds"])) == (1, 15)
    assert len(once["trades"]) > 3 and often["trades"] == once["trades"]
    assert often["equity_curve"] == once["equity_curve"]
    crossed = cross_validate(wanted, Cut(parts=3, embargo=1), 2, quietly)
    whole = backtest_ticks(wanted, 3)
    assert (crossed["trades"], crossed["equity_curve"]) == (whole["trades"], whole["equity_curve"])


def test_exits_that_go_by_the_parameters_that_vary_are_refused_and_not_counted(asked: WantedTicks) -> None:
    wanted = replace(asked, strategy="tighter", settings=("bars=2,3",))
    with pytest.raises(BadStrategy, match="tighter has exits that go by the parameters that vary"):
        forward(wanted, Pace("30m", "15m"), 1, quietly)
    assert forward(replace(wanted, settings=("bars=2",)), Pace("30m", "15m"), 1, quietly)["fitted"] == 2


@pytest.mark.slow
def test_quotes_are_fitted_on_parts_of_a_recording_and_joined_on_one_account(asked: WantedTicks) -> None:
    quotes(asked.data_dir)
    wanted = replace(asked, file=None, instrument=NAME, strategy="around", settings=("away=0..2",), size=None)
    found = forward(wanted, Pace("20m", "20m"), 1, quietly)
    each = sweep_ticks(replace(wanted, timerange=minutes(0, 20)), 1, quietly)["grid"]
    first = found["folds"][0]
    assert first["set"]["away"] == int(np.nanargmax(each["sharpe"]))
    assert first["train_sharpe"] == pytest.approx(np.nanmax(each["sharpe"]))
    assert [fold["set"]["away"] for fold in found["folds"]] == [0, 1]  # so one took over from the other
    assert found["fills"] > 100 and found["asked"] > 400
    assert RunReader(asked.data_dir).run(found["trial"])["equity_curve"] == found["equity_curve"]
    again = rerun(asked.data_dir, found["trial"])
    assert (again["identical"], again["differs"]) == (True, [])


@pytest.mark.torture
def test_quotes_are_cross_validated_and_every_fit_runs_again(asked: WantedTicks) -> None:
    quotes(asked.data_dir)
    wanted = replace(asked, file=None, instrument=NAME, strategy="around", settings=("away=0..2",), size=None)
    found = cross_validate(wanted, Cut(parts=3, embargo=1), 2, quietly)
    assert (len(found["folds"]), len(found["equity_curve"]), found["overfitting"]["trials"]) == (3, MINUTES, 3)
    for number in range(1, found["trial"] + 1):
        again = rerun(asked.data_dir, number)
        assert (again["identical"], again["differs"]) == (True, [])


def test_fits_run_again_and_name_trades_that_changed_and_keep_before_the_wall(asked: WantedTicks) -> None:
    found = forward(asked, Pace("30m", "15m"), 1, quietly)
    seal(asked.data_dir, str(NEW_YEAR_NS // SECOND_NS + 50 * 60), 1, 2)
    with pytest.raises(BehindTheWall, match="end --timerange there"):
        forward(replace(asked, settings=("runs=1..4",)), Pace("30m", "15m"), 3, quietly)
    before = replace(asked, timerange=minutes(0, 50))
    assert forward(before, Pace("30m", "10m"), 3, quietly)["to"] == "2024-01-01T00:50:00Z"
    table = pq.read_table(asked.file)
    pq.write_table(table.slice(0, len(table) - 1), asked.file)
    assert rerun(asked.data_dir, found["trial"])["differs"] == ["data"]
    assert rerun(asked.data_dir, found["first_fitted"] + 1)["differs"] == ["data"]


def test_the_commands_walk_forward_on_a_file_of_trades(
    asked: WantedTicks, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    said = ["--strategies", str(asked.strategies), "--strategy", "follows", "--set", "runs=1,2"]
    where = ["--trades", str(asked.file), "--data-dir", str(asked.data_dir), "--size", "2"]

    def told(status: int, *arguments: str) -> tuple[bytes, bytes]:
        monkeypatch.setattr("sys.argv", ["ninefold", *arguments, *said, *where])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == status
        return tuple(capfdbinary.readouterr())

    document = json.loads(told(0, "walk-forward", "--train", "30m", "--test", "15m", "--json")[0])
    assert (document["strategy"], document["fitted"]) == ("follows", 4)
    assert b"6 fits: 2 points in 3 folds" in told(0, "cross-validate", "--folds", "3")[0]
    assert b"there is no --slippage; leave it out" in told(2, "cross-validate", "--slippage", "0.1")[1]
