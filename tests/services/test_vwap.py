"""The column `vwap`: by hand from a file's turnover and from stored trades, unknown where it is not known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.bars import BadBars
from ninefold.config import Strategies
from ninefold.formula import parse
from ninefold.formula.term import Column
from ninefold.market.arrays import BAR_UNKNOWN, BARS, TRADES
from ninefold.market.time import SECOND_NS
from ninefold.services.backtest import backtest
from ninefold.services.backtest_bars import market_of_file
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_series import wider
from ninefold.services.backtest_stored import market_of_store
from ninefold.services.backtest_vwap import of_trades
from ninefold.services.backtest_wanted import Wanted, reads_vwap
from ninefold.services.parity import parity
from ninefold.services.replay import replay
from ninefold.store.read import Reader
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import check_live, plan
from tests.market.test_bars import START, Market, ns
from tests.services.recorded import write_session
from tests.services.test_research import NEW_YEAR_NS

HOUR_NS = 3_600_000_000_000


def file(path: Path, **more: list[float]) -> Path:
    """Four hours; the third is quiet."""
    columns = {
        "open_time": [NEW_YEAR_NS // 10**6 + hour * 3_600_000 for hour in range(4)],
        "open": [10.0, 11.0, 12.0, 12.0],
        "high": [12.0, 13.0, 12.0, 12.5],
        "low": [9.5, 11.0, 12.0, 11.0],
        "close": [11.0, 12.0, 12.0, 12.0],
        "volume": [2.0, 4.0, 0.0, 1.0],
    }
    pq.write_table(pa.table({**columns, **more}), path)
    return path


@pytest.mark.parametrize(
    "told",
    [
        {"turnover": [21.0, 50.0, 0.0, 12.25]},
        {"Quote_Volume": [21.0, 50.0, 0.0, 12.25]},
        {"vwap": [10.5, 12.5, 7.0, 12.25]},
    ],
    ids=["turnover", "quote volume", "vwap"],
)
def test_of_a_file_it_is_what_was_paid_over_the_volume(tmp_path: Path, told: dict[str, list[float]]) -> None:
    found = market_of_file(file(tmp_path / "a.parquet", **told), HOUR_NS, vwap=True)
    assert float(found.bars.tick) == 0.1
    assert found.columns["vwap"].tolist() == pytest.approx([105, 125, 120, 122.5])
    assert "vwap" not in market_of_file(tmp_path / "a.parquet", HOUR_NS).columns
    assert wider(found, 2 * HOUR_NS).columns["vwap"].tolist() == pytest.approx([10 * (21 + 50) / 6, 122.5])


def test_a_mean_that_is_no_price_of_the_bar_names_row_column_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(BadBars, match=r"row 1 .*13.5 on average by its column turnover, between 11 and 13"):
        market_of_file(file(tmp_path / "a.parquet", turnover=[21.0, 54.0, 0.0, 12.0]), HOUR_NS, vwap=True)


def test_a_strategy_reads_it_from_a_file_and_is_told_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from ninefold.strategy import Strategy\n\nclass Below(Strategy):\n"
        '    "Long after a close not above the mean."\n    target = "where(close <= vwap, 1, 0)"\n'
    )
    with_mean = file(tmp_path / "a.parquet", turnover=[21.0, 50.0, 0.0, 12.0])
    wanted = Wanted(
        strategy="below", strategies=tmp_path / "own.py", data_dir=tmp_path / "d", file=with_mean, timeframe="1h"
    )
    found = backtest(wanted, 1)
    assert (found["trades"], found["open_trade"]["entry_time"]) == (
        [],
        "2024-01-01T03:00:00Z",
    )  # 12 <= 12.5; 02:00 is quiet
    file(tmp_path / "a.parquet")
    with pytest.raises(BadStrategy, match="below reads vwap; a file gives"):
        backtest(wanted, 2)


def test_a_trial_knows_the_columns_that_it_read_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from ninefold.strategy import Strategy\n\nclass Below(Strategy):\n"
        '    "Long after a close not above the mean."\n    target = "where(close <= vwap, 1, 0)"\n\nclass Up(Strategy):\n'
        '    "Long after a rise."\n    target = "where(close > open, 1, 0)"\n'
    )
    own, data_dir = tmp_path / "own.py", tmp_path / "d"
    bars = file(tmp_path / "a.parquet", turnover=[21.0, 50.0, 0.0, 12.0])
    reads, other = (
        backtest(Wanted(strategy=name, strategies=own, data_dir=data_dir, file=bars, timeframe="1h"), 1)["trial"]
        for name in ("below", "up")
    )
    assert [rerun(data_dir, trial)["differs"] for trial in (reads, other)] == [[], []]
    file(bars, turnover=[21.0, 51.0, 0.0, 12.0])  # 12.75 on average, which decides the same
    again = rerun(data_dir, reads)
    assert (again["identical"], again["differs"]) == (True, ["data"])
    assert rerun(data_dir, other)["differs"] == []


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(90, 110), st.integers(1, 10**7)), max_size=60)
)
@settings(max_examples=40, deadline=None)
def test_what_the_pipeline_tells_is_what_its_stored_trades_say(drawn: list[tuple[int, int, int, int]]) -> None:
    """drawn: how much later than the trade before, in tenths of a second; price; size."""
    market, at, told = Market(), 1.0, []
    for seconds, tenths, price, size in drawn:
        at = round(at + seconds + tenths / 10, 1)
        market.trade(at, price, size=size)
        told.append((ns(at), price, size, market.seq))
    market.tick(at + 2)
    trades = np.zeros(len(told), TRADES)
    for name, values in zip(("exchange_ns", "price", "size", "seq"), zip(*told, strict=True), strict=False):
        trades[name] = values
    made = np.concatenate(market.bars)
    for width_ns in (SECOND_NS, 5 * SECOND_NS):
        bars = made[made["width_ns"] == width_ns]
        means = market.told(width_ns)
        found = of_trades(bars, lambda start, end: trades) if len(bars) else []
        for bar, mean in zip(bars, found, strict=True):
            if bar["state"] != BAR_UNKNOWN:
                assert means[int(bar["open_ns"]) // SECOND_NS - START] == mean


@pytest.mark.slow
def test_a_live_strategy_reads_it_and_decides_as_the_back_test_of_its_journal(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from ninefold.strategy import Strategy\n\nclass Below(Strategy):\n"
        '    "Long after a close below the mean of its second."\n    timeframe = "1s"\n'
        '    target = "where(close < vwap, 1, 0)"\n'
    )
    data_dir = tmp_path / "data"
    session = write_session(tmp_path / "session.jsonl.gz", 20)
    replay(session, data_dir, strategies=Strategies(names=("below",), folder=str(tmp_path / "own.py")))
    report = parity(data_dir, lambda what, done, total: None)
    assert report.recorded.differences == [] and report.recorded.compared["target"] > 20
    wanted = Reader(data_dir).rows("targets", 1)
    assert 0 < int((wanted["target"] == 1).sum()) < len(wanted)
    market = market_of_store(data_dir, "binance:BTC/USDT", SECOND_NS, vwap=True)
    assert np.isfinite(market.columns["vwap"][market.bars.known]).all()
    said = dict(wanted[["close_ns", "target"]].tolist())
    side = np.array([said.get(at, np.nan) for at in market.bars.close_ns.tolist()])
    below = market.columns["close"] < market.columns["vwap"]
    np.testing.assert_array_equal(below[np.isfinite(side)], side[np.isfinite(side)] == 1)


def test_the_column_is_not_the_function() -> None:
    assert parse("vwap") == Column("vwap") and str(parse("vwap()")) == "vwap()" and not reads_vwap(parse("vwap()"))
    assert reads_vwap(parse('close > on("5m", sma(vwap, 3))'))
    check_live(plan("mean", "1m", "where(close < vwap, 1, 0)", "mine", "Below the mean."))


def test_of_stored_bars_it_is_that_of_their_trades_if_these_are_all() -> None:
    rows = np.zeros(6, BARS)
    rows["open_ns"] = np.arange(6) * HOUR_NS
    rows["close_ns"] = rows["open_ns"] + HOUR_NS
    rows["close"], rows["volume"] = 7, [4, 3, 0, 5, 2, 9]
    rows["state"] = [0, 0, 0, 0, 0, 1]
    rows["seq"] = [10, 20, 30, 40, 50, 60]
    told = [  # hour, price, size, seq
        (0, 10, 1, 1), (0, 20, 3, 2),  # all
        (1, 10, 2, 11),  # one is missing
        (3, 10, 5, 31), (3, 99, 1, 45),  # one came after the bar was known
        (4, 30, 2, 99),  # the bar was told by the venue before its trades came
        (5, 10, 9, 51),
    ]  # fmt: skip
    trades = np.zeros(len(told), TRADES)
    for name, values in zip(("exchange_ns", "price", "size", "seq"), zip(*told, strict=True), strict=True):
        trades[name] = values
    trades["exchange_ns"] = trades["exchange_ns"] * HOUR_NS + 5
    rows["state"][5] = BAR_UNKNOWN

    def trades_of(start_ns: int, end_ns: int) -> np.ndarray:
        return trades[(trades["exchange_ns"] >= start_ns) & (trades["exchange_ns"] < end_ns)]

    np.testing.assert_array_equal(of_trades(rows, trades_of), [17.5, np.nan, 7, 10, 30, np.nan])
