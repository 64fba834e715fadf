"""`ninefold freqtrade backtesting`: what it reads, what it prints, and that every run is counted."""

import json
from dataclasses import replace

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.bars import BadBars
from ninefold.backtest.statistics.holdout import BehindTheWall, NoLooksLeft
from ninefold.cli import EXTRAS, main
from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.series import COLUMNS
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import UnknownInstrument, listed
from ninefold.market.records import Listed
from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.services.backtest_holdout import seal
from ninefold.services.backtest_rerun import rerun
from ninefold.services.freqtrade import Wanted, run
from ninefold.services.freqtrade_bars import source_of_store
from ninefold.store.runs import RunReader
from ninefold.store.tables import Tables
from ninefold.store.trials import TrialReader
from tests.freqtrade.cases import BASE_S, NAMES, START_S, STRATEGIES, Case, generated, plain, run_ours

PAIRS = {"AAA/USDT": generated(11, 900, 100.0), "BBB/USDT": generated(12, 900, 4.0)}
FIXED = {"trades", "profit_abs", "final_balance", "count", "by_pair", "by_exit_reason", "trial", "deflated_sharpe"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A Parquet file a pair."""
    found = {}
    for pair, series in PAIRS.items():
        found[pair] = tmp_path_factory.mktemp("bars") / f"{pair[:3]}.parquet"
        pq.write_table(pa.table({"open_time": series.seconds * 1000, **series.columns}), found[pair])
    return found


def wanted(of, data_dir, name, **more):
    said = {"strategy": name, "strategy_path": STRATEGIES, "pairs": tuple(of), "files": tuple(of.values())}
    return Wanted(**{**said, "data_dir": data_dir, **more})


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if at % 3 == 0 else pytest.mark.torture) for at, name in enumerate(NAMES)]
)
@pytest.mark.slow
def test_a_strategy_runs_on_parquet_files_and_adds_up(files, tmp_path, name):
    found = run(wanted(files, tmp_path / "data", name, stake_amount="100"), now_ns=1)
    assert found["count"] == len(found["trades"]) == sum(one["count"] for one in found["by_pair"].values()) > 0
    assert found["final_balance"] == pytest.approx(
        1000 + sum(trade["profit_abs"] for trade in found["trades"]), rel=1e-12
    )
    assert found["trial"] == TrialReader(tmp_path / "data").count(f"freqtrade {name}") == 1
    kept = RunReader(tmp_path / "data").run(1)
    assert (kept["net_profit"], kept["return"]) == (found["final_balance"] - 1000, found["final_balance"] / 1000 - 1)
    trade = kept["trades"][0]
    assert (trade["entry_time"], trade["pnl"]) == (trade["open_date"], found["trades"][0]["profit_abs"])
    bought, sold = trade["size"] * trade["entry_price"], trade["size"] * trade["exit_price"]
    assert sold - bought - trade["fees"] == pytest.approx(trade["pnl"], abs=1e-6)


def test_the_command_prints_one_document_or_a_table_and_counts_each_run(files, tmp_path, monkeypatch, capfdbinary):
    options = f"freqtrade backtesting --strategy RsiLadder --strategy-path {STRATEGIES} --data-dir {tmp_path / 'data'}"
    bars = ["--pairs", *files, "--bars", *map(str, files.values()), "--timerange", f"{START_S + 100 * BASE_S}-"]
    for number, more in ((1, ["--json"]), (2, [])):
        monkeypatch.setattr("sys.argv", ["ninefold", *options.split(), *bars, *more])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        printed = capfdbinary.readouterr().out.decode()
        if more:
            found = json.loads(printed)
            assert found.keys() >= FIXED
            assert (found["trial"], found["from"]) == (number, "2024-01-01T08:20:00Z")
        else:
            assert "fallen" in printed
            assert "Trial 2, one of 2 of this strategy" in printed


@pytest.mark.slow
def test_a_counted_trial_runs_again_with_the_same_result_and_another_file_is_said(files, tmp_path):
    for name in ("RsiLadder.py", "StepStop.py"):
        (tmp_path / name).write_text((STRATEGIES / name).read_text())
    for number, name in ((1, "RsiLadder"), (2, "StepStop")):
        run(
            wanted(files, tmp_path / "data", name, strategy_path=tmp_path, timerange=f"{START_S + 50 * BASE_S}-"),
            now_ns=1,
        )
        found = rerun(tmp_path / "data", number)
        assert (found["identical"], found["differs"]) == (True, [])
    mended = (tmp_path / "RsiLadder.py").read_text().replace('["rsi"] < 35', '["rsi"] < 30')
    (tmp_path / "RsiLadder.py").write_text(mended)
    found = rerun(tmp_path / "data", 1)
    assert (found["identical"], found["differs"]) == (False, ["code"])


def test_what_is_behind_the_wall_is_not_there_without_a_look(files, tmp_path):
    wall_s = START_S + 600 * BASE_S
    seal(tmp_path / "data", str(wall_s), 1, now_ns=1)
    asked = wanted(files, tmp_path / "data", "AverageCross")
    with pytest.raises(BehindTheWall, match="candles of AAA/USDT: row 600 and 299 more are behind the holdout's wall"):
        run(asked, now_ns=2)
    before = run(replace(asked, timerange=f"-{wall_s}"), now_ns=3)
    assert max(trade["close_date"] for trade in before["trades"]) == before["trades"][-1]["close_date"] < before["to"]
    assert before["to"] == "2024-01-03T02:00:00Z"  # the candle that begins at the wall is not there
    run(replace(asked, look="the last word"), now_ns=4)
    with pytest.raises(NoLooksLeft, match="no look behind the holdout's wall is left"):
        run(replace(asked, look="once more"), now_ns=5)


def test_without_pandas_the_command_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(EXTRAS, "freqtrade", "no_such_package")
    monkeypatch.setattr("sys.argv", ["ninefold", "freqtrade", "backtesting"])
    with pytest.raises(
        SystemExit, match=r'needs no_such_package, which is not installed: pip install "ninefold\[freqtrade\]"'
    ):
        main()


def test_a_strategy_that_fails_ends_the_command_with_file_and_line(files, tmp_path, monkeypatch, capfdbinary):
    text = (STRATEGIES / "AverageCross.py").read_text().replace("ta.EMA(dataframe, timeperiod=21)", 'dataframe["mean"]')
    (tmp_path / "AverageCross.py").write_text(text)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if '"mean"' in one)
    pair, file = next(iter(files.items()))
    options = f"freqtrade backtesting -s AverageCross --strategy-path {tmp_path} --data-dir {tmp_path / 'data'} -p {pair} --bars {file}"
    monkeypatch.setattr("sys.argv", ["ninefold", *options.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capfdbinary.readouterr().err.decode()
    assert f"AverageCross.py:{line}: AverageCross.populate_indicators raised KeyError: 'mean'" in said


def test_stored_bars_give_the_same_trades_as_the_file_they_came_from(tmp_path):
    series = PAIRS["AAA/USDT"]
    store(tmp_path / "data", series)
    found = run(
        Wanted(strategy="BandReturn", strategy_path=STRATEGIES, pairs=("AAA/USDT",), data_dir=tmp_path / "data"), 1
    )
    same = run_ours(Case("stored", {"AAA/USDT": series}, price_step=0.0001, amount_step=0.001), "BandReturn")
    assert [trade["close_rate"] for trade in found["trades"]] == [plain(one)["close_rate"] for one in same.trades] != []
    assert [trade["amount"] for trade in found["trades"]] == [plain(one)["amount"] for one in same.trades]
    source = source_of_store(tmp_path / "data", ["binance:AAA/USDT"])
    hours = source.series_of("AAA/USDT", 3600)
    assert hours.columns["high"][0] == series.columns["high"][:12].max()
    with pytest.raises(
        UnknownInstrument, match="'CCC/USDT' names 0 of what is stored: binance:AAA/USDT; write VENUE:BASE"
    ):
        source.series_of("CCC/USDT", 3600)


def store(path, series):
    """Its candles as stored bars of an instrument with steps of 0.0001 and 0.001."""
    made = listed("binance", "AAAUSDT", "AAA", "USDT", tick="0.0001", lot="0.001")
    instrument = msgspec.structs.replace(made, id=1)
    width_ns = 5 * MINUTE_NS
    numbers = np.array([series.columns[name] for name in COLUMNS])
    units = np.array([10.0**instrument.price_decimals] * 4 + [10.0**instrument.size_decimals])
    bars = []
    for at, whole in zip(series.seconds.tolist(), np.rint(numbers.T * units).astype(int).tolist(), strict=True):
        at_ns = at * SECOND_NS
        *prices, volume = whole
        bars.append(
            (1, width_ns, at_ns, at_ns + width_ns, *prices, volume, 0, 1, 0, 0, 0, 0, 0, 0, at_ns + width_ns, 3)
        )
    told = [Listed(seq=1, known_ns=START_S * SECOND_NS, instrument=instrument)]
    with Tables(path) as tables:
        tables.write([Chunk(1, 3, START_S * SECOND_NS, {"bars": rows("bars", bars)}, told)])


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"strategy": "RsiLader"}, StrategyFailed, "did you mean 'RsiLadder'?"),
        ({"files": ()}, UnknownInstrument, "'AAA/USDT' names 0 of what is stored: nothing"),
        ({"pairs": ("AAA/USDT",)}, BadBars, "there are 1 pairs and 2 files of bars"),
        (
            {"pairs": ("AAA/USDT", "BBB/BTC")},
            StrategyFailed,
            "are quoted in BTC, USDT; all must be quoted in one currency",
        ),
        ({"timerange": "2024"}, StrategyFailed, "timerange is '2024'; allowed are"),
        ({"stake_amount": "all"}, StrategyFailed, "--stake-amount is 'all'; write an amount in quote, or unlimited"),
        ({"timeframe": "7m"}, StrategyFailed, "candles of 420 s cannot be made of those of 300 s"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_run_is_refused_in_words_and_is_no_trial(files, tmp_path, more, error, said):
    Tables(tmp_path / "data").close()
    with pytest.raises(error, match=said.replace("?", r"\?")):
        run(wanted(files, tmp_path / "data", "RsiLadder", **more), now_ns=1)
    assert TrialReader(tmp_path / "data").count() == 0
