"""The command `backtest`: what it reads, what it makes of it, and that every run is counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from ninefold.backtest.bars import BadBars
from ninefold.backtest.exact import BadRules
from ninefold.cli import main
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import UnknownInstrument, listed
from ninefold.market.records import Listed
from ninefold.market.time import MINUTE_NS
from ninefold.services.backtest import backtest
from ninefold.services.backtest_bars import market_of_file
from ninefold.services.backtest_stored import market_of_store
from ninefold.services.backtest_strategy import choose
from ninefold.services.backtest_wanted import BadBacktest, Wanted
from ninefold.services.compiling import COMPILING, told_when_compiling
from ninefold.store.tables import Tables
from ninefold.store.trials import TrialReader
from ninefold.strategy.strategy import BadStrategy

NEW_YEAR_NS = 1_704_067_200 * 10**9  # 2024-01-01
FIXED = {"equity", "equity_curve", "fees", "trades", "open_trade", "bars", "trial", "deflated_sharpe"}


def file_of(folder: Path, opens: Sequence[float], closes: Sequence[float], /, **columns: object) -> Path:
    """Minute bars as Parquet; `columns` replace, or remove if None."""
    times = NEW_YEAR_NS // 10**6 + np.arange(len(opens)) * 60_000
    made = {
        "open_time": times,
        "open": opens,
        "high": np.maximum(opens, closes),
        "low": np.minimum(opens, closes),
        "close": closes,
        "volume": np.ones(len(opens)),
    }
    named = {name: values for name, values in {**made, **columns}.items() if values is not None}
    path = folder / "bars.parquet"
    pq.write_table(pa.table(named), path)
    return path


def wanted(path: Path, **more: object) -> Wanted:
    """fast=1 slow=2: long while the close is above the one before."""
    said = {"strategy": "sma_cross", "settings": ("fast=1", "slow=2"), "cash": "1000", "size": "2", "taker_fee": "0.01"}
    return Wanted(**{"data_dir": path.parent / "data", "file": path, **said, **more})  # type: ignore[arg-type]


def test_fills_fees_and_equity_by_hand(tmp_path: Path) -> None:
    path = file_of(tmp_path, [10, 10, 12, 11, 9, 10], [10, 12, 11, 9, 10, 11])
    found = backtest(wanted(path), now_ns=1)
    # up at 00:01, bought at 12, fee 0.24; down at 00:02, sold at 11, fee 0.22; up at 00:04, bought at 10, fee 0.20
    assert found["equity_curve"] == pytest.approx([1000, 1000, 997.76, 997.54, 997.54, 999.34], abs=1e-12)
    assert (found["equity"], found["fees"], found["bars"]) == pytest.approx((999.34, 0.66, 6))
    assert found["trades"] == [
        {
            "entry_time": "2024-01-01T00:02:00Z",
            "exit_time": "2024-01-01T00:03:00Z",
            "entry_price": 12.0,
            "exit_price": 11.0,
            "size": 2.0,
            "pnl": pytest.approx(-2.46),
            "fees": pytest.approx(0.46),
        }
    ]
    still = found["open_trade"]
    assert (still["entry_time"], still["exit_time"]) == ("2024-01-01T00:05:00Z", None)
    assert still["pnl"] == pytest.approx(2 * (11 - 10) - 0.2)  # no fee for leaving
    # bought at the second open, 10, fee 0.20; worth 11 at the end
    assert found["buy_and_hold"]["equity"] == pytest.approx(1001.8)
    assert found["drawdown"] == pytest.approx(1 - 997.54 / 1000)


def test_a_signal_on_the_last_bar_is_not_filled_and_without_trades_nothing_is_claimed(tmp_path: Path) -> None:
    found = backtest(wanted(file_of(tmp_path, [10, 10, 10], [10, 10, 11])), now_ns=1)
    assert (found["equity"], found["trades"], found["open_trade"]) == (1000, [], None)
    assert np.isnan(found["deflated_sharpe"])


def test_what_is_left_of_it_by_hand(tmp_path: Path) -> None:
    path = file_of(tmp_path, [10, 10, 12, 11, 9, 10, 11, 12, 13, 14], [10, 12, 11, 9, 10, 11, 12, 13, 14, 15])
    found = backtest(wanted(path, taker_fee="0", slippage="0.1", spread_ticks=2), now_ns=1)
    # bought at 12, sold at 11, bought at 10 and held to 15; a tenth of each price is lost, up to whole ticks of 1: 2, 2 and 1
    assert found["equity"] == pytest.approx(1000 - 2 + 10 - 2 * (2 + 2 + 1))
    assert (found["fees"], found["slippage"]) == pytest.approx((0, 10))
    assert found["cost_share"] == pytest.approx(10 / 8)
    told = found["sensitivity"]
    # one bar later: bought at 11, sold at 9, bought at 11
    assert told["one_bar_later"]["equity"] == pytest.approx(1000 - 4 + 8 - 2 * (2 + 1 + 2))
    assert told["without_best_days"]["equity"] == pytest.approx(998)  # there is one day, on which it lost
    # half of the usual spread of two ticks, 2 / 11 or 2 / 12, beside the tenth: 18.7 % of the price, 3, 3 and 2 ticks
    assert told["with_spread"]["from"] == "2 ticks of 1"
    assert told["with_spread"]["spread_bps"] == pytest.approx((2 / 11 + 2 / 12) / 2 * 10_000)
    assert told["with_spread"]["equity"] == pytest.approx(1000 + 8 - 2 * (3 + 3 + 2))
    assert (found["drawdown_days"] * 1440, found["overfitting"]) == (pytest.approx(8), None)


def test_stops_leverage_and_short_positions_of_a_perpetual(tmp_path: Path) -> None:
    path = file_of(tmp_path, [10, 10, 12, 10, 9], [10, 12, 13, 9, 9], low=[10, 10, 11, 8, 9], high=[10, 12, 13, 11, 9])
    found = backtest(wanted(path, taker_fee="0", stop_loss="0.25", size="2"), now_ns=1)
    assert found["trades"][0]["exit_price"] == 9  # within the fourth bar: bought at 12, a quarter below it
    assert found["trades"][0]["exit_time"] == "2024-01-01T00:04:00Z"
    found = backtest(wanted(path, taker_fee="0", size=None, leverage="2", short=True), now_ns=1)
    assert found["trades"][0]["size"] == pytest.approx(2 * 1000 / 12, rel=1e-6)
    assert found["equity"] == pytest.approx(500, rel=1e-6)  # left at the fifth open, 9; ruined it would be near 6


def test_without_a_size_all_of_the_equity_is_held(tmp_path: Path) -> None:
    path = file_of(tmp_path, [10, 10, 12.5, 13], [10, 12.5, 13, 15])
    found = backtest(wanted(path, size=None, taker_fee="0"), now_ns=1)
    assert found["trades"] == []
    assert found["open_trade"]["size"] == pytest.approx(1000 / 12.5)
    assert found["equity"] == pytest.approx(1200)


def test_spot_is_not_sold_short(tmp_path: Path) -> None:
    price = 100 + np.round(10 * np.sin(np.arange(200) / 8), 1)
    path = file_of(tmp_path, price, price)
    found = backtest(wanted(path, strategy="trend_sma_1s", settings=()), now_ns=1)
    assert found["trades"]
    assert all(trade["size"] > 0 for trade in found["trades"])


closes = st.lists(st.integers(90, 110), min_size=2, max_size=60)


@settings(deadline=None, max_examples=40)
@given(close=closes, fast=st.integers(1, 8), slow=st.integers(1, 8))
def test_sma_cross_as_plain_python_has_it(
    tmp_path_factory: pytest.TempPathFactory, close: list[int], fast: int, slow: int
) -> None:
    opens = [close[0], *close[:-1]]
    path = file_of(tmp_path_factory.mktemp("bars"), [one / 4 for one in opens], [one / 4 for one in close])
    market = market_of_file(path, MINUTE_NS)
    chosen = choose("sma_cross", (f"fast={fast}", f"slow={slow}"))
    changes = chosen.changes(market)
    said = np.zeros(len(close))
    for at, to in zip(changes.at, changes.to, strict=True):
        said[at:] = to / 10**8
    assert said.tolist() == wanted_by_hand(close, fast, slow)


def wanted_by_hand(close: list[int], fast: int, slow: int) -> list[float]:
    """Means crosswise multiplied: no rounding."""
    long = []
    for end in range(1, len(close) + 1):
        whole = end >= max(fast, slow)
        long.append(float(whole and sum(close[end - fast : end]) * slow > sum(close[end - slow : end]) * fast))
    return long


@settings(deadline=None, max_examples=8)
@given(close=closes)
def test_money_as_plain_python_counts_it(tmp_path_factory: pytest.TempPathFactory, close: list[int]) -> None:
    opens = [close[0], *close[:-1]]
    found = backtest(wanted(file_of(tmp_path_factory.mktemp("bars"), opens, close)), now_ns=1)
    cash, held, fees, curve = 1000.0, 0, 0.0, []
    long = [0.0, *wanted_by_hand(close, 1, 2)]
    for before, price, last in zip(long, opens, close, strict=False):
        bought = 2 * before - held
        cash, held, fees = (
            cash - bought * price - abs(bought) * price * 0.01,
            int(2 * before),
            fees + abs(bought) * price * 0.01,
        )
        curve.append(cash + held * last)
    assert found["equity_curve"] == pytest.approx(curve, abs=1e-9)
    assert found["fees"] == pytest.approx(fees)
    assert len(found["trades"]) == sum(a > b for a, b in pairwise(long[: len(close)]))


def test_the_command_prints_the_fixed_keys_and_counts_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = file_of(tmp_path, [10, 10, 12, 11, 9, 10], [10, 12, 11, 9, 10, 11])
    monkeypatch.chdir(tmp_path)
    options = "--set fast=1 --set slow=2 --timeframe 1m --taker-fee 0.001 --fill next-open --cash 10000000 --size 1"
    arguments = ["ninefold", "backtest", "--strategy", "sma_cross", *options.split(), "--bars", str(path)]
    for number in (1, 2):
        monkeypatch.setattr("sys.argv", [*arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        found = json.loads(capfdbinary.readouterr().out)
        assert found.keys() >= FIXED
        assert found["trial"] == number
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit):
        main()
    said = capfdbinary.readouterr().out.decode()
    assert "It lost money" in said  # 12 to 11, then 10 to 11, and three fees
    assert "Trial 3, one of 3" in said
    trial = TrialReader(tmp_path / "data").trial(2)
    assert trial.search.config == {
        "strategy": "sma_cross",
        "strategies": None,
        "set": {"fast": 1, "slow": 2},
        "bars": str(path),
        "holes": "refuse",
        "instrument": None,
        "timeframe": "1m",
        "timerange": None,
        "taker_fee": "0.001",
        "fill": "next-open",
        "cash": "10000000",
        "size": "1",
    }
    assert trial.digest is not None
    assert trial.digest == TrialReader(tmp_path / "data").trial(1).digest


@pytest.mark.parametrize(
    ("more", "error", "said"),
    {
        "strategy": (
            {"strategy": "sma_cros"},
            BadStrategy,
            ["sma_cros", "did you mean 'sma_cross'", "docs/strategies.md"],
        ),
        "parameter": ({"settings": ("fst=3",)}, BadStrategy, ["fst", "did you mean 'fast'", "slow (1 to"]),
        "range": ({"settings": ("fast=0",)}, BadStrategy, ["fast=0", "whole number from 1 to"]),
        "fraction": ({"settings": ("fast=1.5",)}, BadStrategy, ["fast=1.5", "whole number from 1 to"]),
        "form": ({"settings": ("fast",)}, BadStrategy, ["NAME=VALUE", "fast (1 to"]),
        "none to set": ({"strategy": "trend_ema_1m"}, BadStrategy, ["no parameters", "leave it out"]),
        "fill": ({"fill": "close"}, BadBacktest, ["'close'", "next-open"]),
        "timeframe": ({"timeframe": "2m"}, BadBacktest, ["'2m'", "1s 5s 1m"]),
        "other timeframe": ({"timeframe": "5m"}, BadBars, ["1m apart", "--timeframe 1m"]),
        "timerange": ({"timerange": "now"}, BadBacktest, ["'now'", "20240101-"]),
        "empty": ({"timerange": "20250101-"}, BadBars, ["no bars", "2024-01-01 00:00:00"]),
        "both": ({"instrument": "binance:BTC/USDT"}, BadBacktest, ["either --bars", "--instrument"]),
        "holes": ({"holes": "fill"}, BadBacktest, ["'fill'", "refuse, unknown"]),
        "fee": ({"taker_fee": "2"}, BadRules, ["taker fee", "between -1 and 1"]),
        "size": ({"size": "0"}, BadRules, ["size", "above 0"]),
        "spread": ({"spread_ticks": -1}, BadBacktest, ["-1 ticks", "0 or more"]),
        "volatility": ({"target_volatility": 0.0}, BadBacktest, ["0.0", "above 0"]),
        "leverage": ({"leverage": "3"}, BadBacktest, ["spot", "--short"]),
        "much leverage": ({"leverage": "300", "short": True}, BadBacktest, ["300", "between 1 and 100"]),
        "slippage": ({"slippage": "x"}, BadRules, ["slippage", "'x'"]),
        "stop": ({"stop_loss": "2"}, BadRules, ["stop loss", "between 0 and 1"]),
        "cash": ({"cash": "much"}, BadRules, ["cash", "'much'"]),
    }.values(),
)
def test_what_is_refused_says_what_is_allowed_and_is_no_trial(
    tmp_path: Path, more: dict[str, object], error: type[Exception], said: list[str]
) -> None:
    path = file_of(tmp_path, [10, 11, 12], [11, 12, 13])
    with pytest.raises(error) as refused:
        backtest(wanted(path, **more), now_ns=1)
    assert [one for one in said if one not in str(refused.value)] == []
    assert not (tmp_path / "data" / "trials.db").exists()


@pytest.mark.parametrize(
    ("columns", "said"),
    {
        "missing": ({"open_time": None}, ["open_time", "timestamp", "found open, high"]),
        "text": ({"close": ["a", "b", "c"]}, ["column close", "numbers"]),
        "NaN": ({"close": [11.0, np.nan, 13.0]}, ["row 1", "close nan"]),
        "null": ({"close": pa.array([11.0, None, 13.0])}, ["row 1", "close nan"]),
        "unsorted": ({"open_time": [1704067260, 1704067200, 1704067320]}, ["row 1", "oldest first", "sort"]),
        "doubled": ({"open_time": [1704067200, 1704067200, 1704067260]}, ["row 1", "duplicate"]),
        "gap": ({"open_time": [1704067200, 1704067260, 1704067380]}, ["row 2", "missing", "unknown"]),
        "no volume": ({"volume": [1, 0, 1]}, ["row 1", "no volume"]),
        "outside": ({"high": [10, 12, 13]}, ["row 0", "close", "outside"]),
        "no time": ({"open_time": pa.array([1704067200, None, 1704067320])}, ["row 1", "missing"]),
    }.values(),
)
def test_bad_bars_name_row_rule_and_remedy(tmp_path: Path, columns: dict[str, object], said: list[str]) -> None:
    path = file_of(tmp_path, [10.0, 11.0, 12.0], [11.0, 12.0, 13.0], **columns)
    with pytest.raises(BadBars) as refused:
        backtest(wanted(path), now_ns=1)
    assert [one for one in said if one not in str(refused.value)] == []


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    path.write_text("open,close")
    for one in (path, tmp_path / "none.parquet"):
        with pytest.raises(BadBars, match=f"{one.name} cannot be read"):
            market_of_file(one, MINUTE_NS)


def test_times_and_names_in_usual_forms_are_the_same_bars(tmp_path: Path) -> None:
    prices = ([10.25, 11, 12], [11, 12, 13])
    plain = market_of_file(file_of(tmp_path, *prices), MINUTE_NS).bars
    times = NEW_YEAR_NS + np.arange(3) * MINUTE_NS
    for name, values in {
        "open_ns": times,
        "Timestamp": times.astype("datetime64[ns]"),
        "date": pa.array(times).cast(pa.timestamp("ns", "UTC")),
        "ts": times / 1e9,
        "time": ["2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z", "2024-01-01T00:02:00Z"],
    }.items():
        path = file_of(tmp_path, *prices, open_time=None, volume=None, Vol=[1, 1, 1], **{name: values})
        found = market_of_file(path, MINUTE_NS).bars
        assert found.open_ns.tolist() == plain.open_ns.tolist()
        assert (found.open.tolist(), found.tick, found.lot) == (plain.open.tolist(), plain.tick, plain.lot)


def test_holes_said_to_be_unknown_are_unknown_bars(tmp_path: Path) -> None:
    path = file_of(tmp_path, [10, 11, 12], [11, 12, 13], open_time=[1704067200, 1704067260, 1704067380])
    market = market_of_file(path, MINUTE_NS, holes="unknown")
    assert market.bars.known.tolist() == [True, True, False, True]
    assert np.isnan(market.columns["close"]).tolist() == [False, False, True, False]
    assert backtest(wanted(path, holes="unknown"), now_ns=1)["unknown_bars"] == 1


def test_stored_bars_are_found_by_name_and_what_is_missing_is_unknown(tmp_path: Path) -> None:
    store(tmp_path, {0: 100, 1: 101, 3: 103, 4: 102})
    asked = {"strategy": "sma_cross", "data_dir": tmp_path, "instrument": "binance:BTC/USDT"}
    found = backtest(Wanted(**asked, settings=("fast=1", "slow=2")), now_ns=1)
    assert (found["bars"], found["unknown_bars"], found["trial"]) == (5, 1, 1)
    # up at 00:01, but nothing is filled in the unknown bar, and at its close the two are equal; up again at 00:03
    assert (found["trades"], found["open_trade"]["entry_price"]) == ([], 0.9)
    assert found["open_trade"]["entry_time"] == "2024-01-01T00:04:00Z"
    with pytest.raises(UnknownInstrument, match="binance:BTC/USD"):
        backtest(Wanted(**{**asked, "instrument": "binance:BTC/USD"}), now_ns=1)
    with pytest.raises(BadBars, match="holds no 1d bars"):
        backtest(Wanted(**asked, timeframe="1d"), now_ns=1)


def test_what_the_pipeline_told_of_stored_bars_is_read_by_strategies(tmp_path: Path) -> None:
    forecasts = {1: 0.01, 2: -0.01, 4: 0.02}
    store(tmp_path, {minute: 100 for minute in range(6)}, forecasts=forecasts)
    market = market_of_store(tmp_path, "binance:BTC/USDT", MINUTE_NS)
    np.testing.assert_array_equal(market.columns["forecast"], [forecasts.get(minute, np.nan) for minute in range(6)])
    assert np.isnan(market.columns["one_upping"]).all()
    found = backtest(Wanted(strategy="forecast_sign", data_dir=tmp_path, instrument="binance:BTC/USDT"), now_ns=1)
    times = [(one["entry_time"][11:16], one["exit_time"][11:16]) for one in found["trades"]]
    assert (times, found["open_trade"]["entry_time"][11:16]) == ([("00:02", "00:03")], "00:05")


def test_a_timerange_goes_by_the_open_of_bars_stored_or_in_a_file(tmp_path: Path) -> None:
    prices = [10.0, 11.0, 12.0, 13.0]
    path = file_of(tmp_path, prices, prices)
    store(tmp_path / "data", {0: 100, 1: 101, 2: 102, 3: 103})
    within = {"timerange": "1704067260-1704067380", "timeframe": "1m"}
    for found in (
        backtest(wanted(path, **within), now_ns=1),
        backtest(wanted(path, file=None, instrument="binance:BTC/USDT", **within), now_ns=1),
    ):
        assert (found["from"], found["to"], found["bars"]) == ("2024-01-01T00:01:00Z", "2024-01-01T00:03:00Z", 2)


@pytest.mark.parametrize(("kind", "sizes"), [("spot", []), ("swap", [-1])])
def test_a_perpetual_is_sold_short_and_spot_is_not(tmp_path: Path, kind: str, sizes: list[int]) -> None:
    store(tmp_path, {minute: 105 if minute < 20 else 85 for minute in range(30)}, kind=kind)
    found = backtest(Wanted(strategy="trend_sma_1s", data_dir=tmp_path, instrument="binance:BTC/USDT"), now_ns=1)
    assert [np.sign(trade["size"]) for trade in [*found["trades"], found["open_trade"]] if trade] == sizes


def test_steps_that_nobody_told_are_found_from_the_prices(tmp_path: Path) -> None:
    store(tmp_path, {0: 100, 1: 101, 2: 102}, tick="", lot="")  # 8 decimals are assumed
    asked = Wanted(
        strategy="sma_cross", settings=("fast=1", "slow=2"), data_dir=tmp_path, instrument="binance:BTC/USDT"
    )
    assert backtest(asked, now_ns=1)["open_trade"]["entry_price"] == 90 / 10**8


def test_a_strategy_that_reads_more_than_a_file_has_says_what(tmp_path: Path) -> None:
    path = file_of(tmp_path, [10, 11], [11, 12])
    with pytest.raises(BadStrategy, match=r"flow_imbalance_1s reads imbalance.*--instrument"):
        backtest(wanted(path, strategy="flow_imbalance_1s", settings=()), now_ns=1)


def store(
    path: Path,
    closes: dict[int, int],
    tick: str = "0.01",
    lot: str = "0.00001",
    kind: str = "spot",
    forecasts: dict[int, float] | None = None,
) -> None:
    """Bars by minute, closes in units of the tick; each opens at 90. forecasts: of the next bar, by minute."""
    made = listed("binance", "BTCUSDT", "BTC", "USDT", tick=tick, lot=lot)
    instrument = msgspec.structs.replace(made, id=1, kind=kind)
    bars = []
    for minute, close in closes.items():
        at = NEW_YEAR_NS + minute * MINUTE_NS
        bars.append(
            (1, MINUTE_NS, at, at + MINUTE_NS, 90, 110, 80, close, 50, 20, 3, 99, 1, 101, 2, 0, 0, at + MINUTE_NS, 3)
        )
    closed = {minute: NEW_YEAR_NS + (minute + 1) * MINUTE_NS for minute in forecasts or {}}
    means = [(1, MINUTE_NS, at, "forecast", (forecasts or {})[minute], at, 3) for minute, at in closed.items()]
    told = [Listed(seq=1, known_ns=NEW_YEAR_NS, instrument=instrument)]
    with Tables(path) as tables:
        tables.write([Chunk(1, 3, NEW_YEAR_NS, {"bars": rows("bars", bars), "values": rows("values", means)}, told)])


def test_compiling_is_said_once_and_loading_not_at_all() -> None:
    said: list[str] = []
    with told_when_compiling(said.append):
        njit(lambda one: one + 1)(1)
        njit(lambda one: one + 2)(1)
    njit(lambda one: one + 3)(1)
    assert said == [COMPILING]
