"""`ninefold leak-check` on files as people write them: what it prints, and with which status it ends."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.commands.leak_check import run
from ninefold.services.leak_check_bars import START_NS, generated

pytestmark = pytest.mark.slow

CENTRED = """import pandas as pd


def target(df):
    mean = df["close"].rolling(21, center=True).mean()
    return (df["close"] > mean).astype(int)
"""
NUMPY = """import numpy as np


def target(bars):
    return np.where(bars.close > {other}, 1.0, 0.0)
"""


@pytest.fixture
def check(tmp_path, capsys):
    def checked(text, name="", **options):
        file = tmp_path / "mine.py"
        file.write_text(text)
        with pytest.raises(SystemExit) as ended:
            run(f"{file}:{name}" if name else str(file), **options)
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return checked


def test_a_leak_is_shown_with_its_line_its_row_and_what_to_do(check, tmp_path):
    status, out, _ = check(CENTRED)
    assert status == 1
    assert f'{tmp_path}/mine.py:5: mean = df["close"].rolling(21, center=True).mean()' in out
    assert "row 0 was decided with what row 10 tells: 10 bars later" in out
    assert "the first such row opens 2024-01-01 00:00:00, what it knows 2024-01-01 00:10:00" in out
    assert "599 rows know too much" in out
    assert "what to do: " in out


def test_json_is_one_document_of_the_same(check, tmp_path):
    status, out, _ = check(CENTRED, json_=True, timeframe="1h")
    found = json.loads(out)
    assert status == 1
    assert {name: found[name] for name in ("strategy", "form", "verdict", "row", "knows", "rows", "line")} == {
        **{"strategy": "target", "form": "frame", "verdict": "leak"},
        **{"row": 0, "knows": 10, "rows": 599, "line": 5},
    }
    assert found["file"] == f"{tmp_path}/mine.py"
    assert found["knows_time_ns"] - found["row_time_ns"] == 10 * 3_600_000_000_000


def test_a_clean_strategy_ends_with_0(check):
    status, out, _ = check(NUMPY.format(other="bars.open"))
    assert status == 0
    assert "target (columns): clean" in out
    assert "in 6 runs no row knew a later one" in out


def test_what_cannot_be_judged_says_where_and_ends_with_2(check):
    status, out, _ = check(NUMPY.format(other="np.kron(bars.close, 1)"))
    assert status == 2
    assert "cannot judge" in out
    assert "mine.py:5: return np.where(bars.close > np.kron(bars.close, 1), 1.0, 0.0)" in out
    assert "nothing is said for or against it" in out


def test_a_strategy_that_raises_says_where_and_ends_with_2(check):
    status, out, _ = check(NUMPY.format(other="bars.closed"))
    assert status == 2
    assert "mine.py:5: return np.where(bars.close > bars.closed, 1.0, 0.0)" in out
    assert "AttributeError" in out


def test_what_is_held_during_its_own_bar_must_not_know_it(check):
    text = NUMPY.format(other="bars.open")
    assert check(text, held=True)[0] == 1
    status, out, _ = check(text.replace("target", "held"))
    assert status == 1
    assert "its own bar, during which it is held" in out
    assert "hold the position from the next bar on" in out
    moved = text.replace("bars.close >", "np.roll(bars.close, 1) * (np.arange(600) > 0) >").replace(
        "bars.open", "100.0"
    )
    assert check(moved, held=True)[0] == 1  # the first row got the last close
    assert check(text.replace("bars.close > bars.open", "bars.close * 0 > 1"), held=True)[0] == 1  # read is known


def test_a_callback_that_asks_for_the_next_bar_is_found(check):
    text = "def on_bar(bars, row):\n    return bars.close[{last}] > bars.open[row]\n"
    status, out, _ = check(text.format(last="min(row + 1, len(bars.close) - 1)"))
    assert status == 1
    assert "row 0 was decided with what row 1 tells" in out
    assert check(text.format(last="row"))[0] == 0


def test_a_test_that_only_raises_an_error_decides_nothing(check):
    text = "def target(df):\n    {test}\n    return df.close > df.open\n"
    assert check(text.format(test="assert df.close.min() > 0"))[0] == 0
    assert check(text.format(test="if df.close.min() <= 0: raise ValueError('prices')"))[0] == 0
    status, out, _ = check(text.format(test="if df.close.min() <= 0: return df.close < df.open"))
    assert status == 1
    assert "mine.py:2: if df.close.min() <= 0: return df.close < df.open" in out


def test_of_several_strategies_one_is_named(check):
    text = CENTRED + "\n\ndef other(df):\n    return df['close'] > df['open']\n"
    assert check(text, "other")[0] == 0
    assert check(text)[0] == 1
    status, _, err = check(text, "third")
    assert status == 2
    assert "holds no third" in err and "found target, other" in err


STRATEGY = """from ninefold.strategy import Strategy


class Dip(Strategy):
    "Long when oversold."

    target = 'where({condition}, 1, 0)'
"""


def test_formulas_are_sound_by_the_way_they_are_made(check):
    status, out, _ = check(STRATEGY.format(condition="rsi(close, 14) < 30"))
    assert status == 0
    assert "dip (formula): clean" in out
    status, _, err = check(STRATEGY.format(condition='on("7m", close) < close'))
    assert status == 2
    assert "there is no timeframe '7m'" in err
    status, _, err = check(STRATEGY.format(condition="forecats > 0"))
    assert status == 2
    assert "forecats" in err


def test_a_strategy_of_the_library_or_of_a_folder_is_found_by_name(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(STRATEGY.format(condition="close > open"))
    for name, options in (("trend_ema_1m", {}), ("dip", {"strategies": tmp_path})):
        with pytest.raises(SystemExit) as ended:
            run(name, **options)
        assert ended.value.code == 0
    with pytest.raises(SystemExit) as ended:
        run("trend_emma_1m")
    assert ended.value.code == 2
    assert "did you mean 'trend_ema_1m' or" in capsys.readouterr().err


FREQTRADE = """from freqtrade.strategy import IStrategy


class Mine(IStrategy):
    timeframe = "5m"
    stoploss = -0.1

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["close"].shift({by}) > dataframe["close"], "enter_long"] = 1
        return dataframe

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        return None
"""


def test_a_freqtrade_strategy_runs_on_bars_of_its_timeframe_and_says_what_is_not_judged(check):
    status, out, _ = check(FREQTRADE.format(by=-1))
    assert status == 1
    assert "mine.py:12: " in out
    assert "what it knows 2024-01-01 00:05:00" in out
    status, out, _ = check(FREQTRADE.format(by=1))
    assert status == 0
    assert "not judged: custom_exit" in out
    status, _, err = check(FREQTRADE.format(by=1), timeframe="1h")
    assert status == 2
    assert "Mine is made for bars of 5m" in err


def test_bars_of_a_file_are_read(check, tmp_path):
    bars = generated(60_000_000_000, [5], 100)[0]
    table = pa.table({"open_time": pa.array(bars.open_ns, pa.timestamp("ns")), **bars.columns})
    pq.write_table(table, tmp_path / "bars.parquet")
    status, out, _ = check(CENTRED, bars=tmp_path / "bars.parquet")
    assert status == 1
    assert "99 rows know too much (run 1, " in out and "bars.parquet" in out
    status, _, err = check(CENTRED, bars=tmp_path / "none.parquet")
    assert status == 2
    assert "none.parquet" in err


def test_generated_bars_are_the_same_each_time_and_bars():
    one, other = generated(60_000_000_000)[0], generated(60_000_000_000)[0]
    np.testing.assert_array_equal(one.columns["close"], other.columns["close"])
    assert one.open_ns[0] == START_NS and one.open_ns[1] - START_NS == 60_000_000_000
    top = np.maximum(one.columns["open"], one.columns["close"])
    assert (one.columns["high"] >= top).all() and (one.columns["low"] > 0).all()
