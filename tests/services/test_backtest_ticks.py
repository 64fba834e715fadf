"""Strategies of every form that `backtest-ticks` runs: those of docs/own-strategies.md, on trades and on a stored book."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.statistics.holdout import BehindTheWall, NoLooksLeft
from ninefold.backtest.ticks.tape import BadTicks
from ninefold.cli import main
from ninefold.market.arrays import ID_INTEGER, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import Listed
from ninefold.services.backtest_holdout import holdout_status, seal
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks
from ninefold.services.ticks_sweep import sweep_ticks
from ninefold.store.data_dir import open_data_dir
from ninefold.store.tables import Tables
from ninefold.strategy import BadStrategy
from tests.services.test_research import quietly

PAGE = Path(__file__).parents[2] / "docs" / "own-strategies.md"
NEW_YEAR_NS = 1_704_067_200 * 10**9  # 2024-01-01
SECOND_NS = 10**9
NAME = "binanceusdm:BTC/USDT:USDT"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The page's examples as a file of the user's."""
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "mine.py").write_text("\n".join(examples), encoding="utf-8")
    open_data_dir(tmp_path / "data")
    return tmp_path / "mine.py"


def trades(path: Path, *told: tuple[int, float, float, str]) -> Path:
    """(second, price, size, side)"""
    columns = dict(zip(("time", "price", "size", "side"), map(list, zip(*told, strict=True)), strict=True))
    columns["time"] = [NEW_YEAR_NS + second * SECOND_NS for second in columns["time"]]
    pq.write_table(pa.table(columns), path)
    return path


def asked(mine: Path, strategy: str, **more: object) -> WantedTicks:
    given = {"data_dir": mine.parent / "data", "strategies": mine, "taker_fee": "0", "size": "2", **more}
    return WantedTicks(strategy=strategy, **given)  # type: ignore[arg-type]


TAPE = ((0, 10, 1, "buy"), (1, 11, 0.1, "sell"), (2, 12, 0.1, "buy"), (3, 14, 2, "sell"), (4, 15, 0.1, "buy"))


def test_on_trade_in_plain_python_wants_and_is_filled_at_the_next_trade(mine: Path) -> None:
    path = trades(mine.parent / "a.parquet", *TAPE)
    told = backtest_ticks(asked(mine, "large_buyers", file=path), now_ns=1)
    # a large purchase at second 0: bought at the next trade, 11; a large sale at second 3: sold at 15
    [trade] = told["trades"]
    assert (trade["entry_price"], trade["exit_price"], trade["size"], trade["pnl"]) == (11, 15, 2, 8)
    assert (trade["entry_time"], told["ticks"], told["open_trade"]) == ("2024-01-01T00:00:01Z", 5, None)
    again = rerun(mine.parent / "data", told["trial"])
    assert again["identical"] and again["differs"] == []


def test_a_target_is_of_bars_made_of_the_trades_or_of_every_trade(mine: Path) -> None:
    prices = [10, 10, 10, 12, 13, 14, 9, 8]
    path = trades(mine.parent / "a.parquet", *((second * 5, price, 1, "buy") for second, price in enumerate(prices)))
    settings = ("fast=1", "slow=2")
    each = backtest_ticks(asked(mine, "sma_cross", file=path, settings=settings, each="trade"), now_ns=1)
    # up at 12, so bought at 13; down at 9, so sold at 8
    assert [(one["entry_price"], one["exit_price"]) for one in each["trades"]] == [(13, 8)]
    bars = backtest_ticks(asked(mine, "sma_cross", file=path, settings=settings, timeframe="5s"), now_ns=1)
    # the bar of 12 is over at 00:20: known with the trade there, bought at that of 00:25, 14; what ends at 00:35 is not filled
    assert (bars["trades"], bars["open_trade"]["entry_price"], bars["open_trade"]["size"]) == ([], 14, 2)
    assert (bars["set"], bars["bars"]) == ({"fast": 1, "slow": 2}, 8)
    assert rerun(mine.parent / "data", bars["trial"])["identical"]
    assert rerun(mine.parent / "data", each["trial"])["identical"]


def store(path: Path, kind: str = "swap", bases: tuple[str, ...] = ("BTC",)) -> None:
    """Of each a book of 99.0 to 99.4 for ten seconds; from the second one on a sale of 0.003 each second at 99.0, then at 98.9."""
    settle = {"symbol": "{}/USDT:USDT", "settle": "USDT"} if kind == "swap" else {"symbol": "{}/USDT"}
    quotes, dealt, told, step = [], [], [], 2 * len(bases)
    for of, base in enumerate(bases, 1):
        made = listed("binanceusdm", f"{base}USDT", base, "USDT", tick="0.1", lot="0.001")
        named = {name: text.format(base) for name, text in settle.items()}
        instrument = msgspec.structs.replace(made, id=of, kind=kind, **named)
        told.append(Listed(seq=1, known_ns=NEW_YEAR_NS, instrument=instrument))
    for second in range(1, 11):
        for of in range(1, len(bases) + 1):
            at, seq = NEW_YEAR_NS + second * SECOND_NS, step * second + 2 * of - 2
            price = 990 if second < 6 else 989
            quotes.append((of, at, at, seq, second, 990, 5, 994, 5))
            dealt.append((of, at + 1, at + 1, seq + 1, ID_INTEGER, 0, second, price, 3, -1))
    with Tables(path) as tables:
        arrays = {"quotes": rows("quotes", quotes), "trades": rows("trades", dealt)}
        tables.write([Chunk(1, 15 * step, NEW_YEAR_NS, arrays, told)])


def test_quotes_are_filled_on_a_stored_book_once_those_ahead_are(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    store(mine.parent / "data")
    said = ["--strategies", str(mine), "--strategy", "join_the_best", "--instrument", NAME, "--maker-fee", "0.001"]
    arguments = ["ninefold", "backtest-ticks", *said, "--data-dir", str(mine.parent / "data"), "--timeframe", "1s"]
    monkeypatch.setattr("sys.argv", [*arguments, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = json.loads(capfdbinary.readouterr().out)
    assert (ended.value.code, told["trial"], told["ticks"]) == (0, 1, 10)
    # 0.4 at 99.2 is wider than 0.02 %: it never quotes
    assert (told["fills"], told["trades"], told["equity"]) == (0, [], 10_000)
    monkeypatch.setattr("sys.argv", [*arguments[:5], "quote_both_sides", *arguments[6:]])
    with pytest.raises(SystemExit):
        main()
    assert "A position is still open" in capfdbinary.readouterr().out.decode()
    again = rerun(mine.parent / "data", 2)
    assert again["identical"] and again["set"] == {"size": 0.002, "most": 0.02}


@pytest.mark.slow
def test_quotes_are_swept_and_each_point_is_a_single_run_that_runs_again(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    data_dir = mine.parent / "data"
    store(data_dir)
    said = ["--strategy", "quote_both_sides", "--set", "size=0.002..0.004..0.001", "--instrument", NAME]
    terms = ["--timeframe", "1s", "--maker-fee", "0.001", "--data-dir", str(data_dir)]
    monkeypatch.setattr("sys.argv", ["ninefold", "sweep", *said, *terms, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = json.loads(capfdbinary.readouterr().out)
    assert (ended.value.code, told["points"], told["trial"]) == (0, 3, 1)
    assert told["grid"]["axes"] == {"size": [0.002, 0.003, 0.004]}
    given = {"instrument": NAME, "timeframe": "1s", "taker_fee": "0.001", "maker_fee": "0.001", "size": None}
    single = [
        backtest_ticks(asked(mine, "quote_both_sides", settings=(f"size={size}",), **given), 1)
        for size in ("0.002", "0.003", "0.004")
    ]
    for name in ("equity", "fees"):
        assert told["grid"][name] == [one[name] for one in single]
    assert len(set(told["grid"]["fees"])) == 3
    again = rerun(data_dir, 2)
    assert (again["identical"], again["differs"], again["set"]) == (True, [], {"most": 0.02, "size": 0.003})
    monkeypatch.setattr("sys.argv", ["ninefold", "sweep", *said, *terms, "--stop-loss", "0.1"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert b"where quote_both_sides is played, there is no --stop-loss; leave it out" in capfdbinary.readouterr().err


def test_free_code_and_targets_are_swept_on_a_file_of_trades(mine: Path) -> None:
    path = trades(mine.parent / "a.parquet", *TAPE)
    code = sweep_ticks(asked(mine, "large_buyers", file=path), 1, quietly)
    assert code["grid"]["equity"] == [backtest_ticks(asked(mine, "large_buyers", file=path), 2)["equity"]]
    target = asked(mine, "sma_cross", file=path, settings=("fast=1", "slow=2,3"), each="trade")
    found = sweep_ticks(target, 3, quietly)
    single = [backtest_ticks(replace(target, settings=("fast=1", f"slow={slow}")), 4)["equity"] for slow in (2, 3)]
    assert found["grid"]["equity"] == single
    assert sweep_ticks(target, 5, quietly)["resumed"] == 2
    for trial in (code["trial"], found["trial"] + 1):
        again = rerun(mine.parent / "data", trial)
        assert (again["identical"], again["differs"]) == (True, [])


def test_a_trial_knows_the_takers_sides_if_its_code_is_told_them(mine: Path) -> None:
    path = trades(mine.parent / "a.parquet", *TAPE)
    code = backtest_ticks(asked(mine, "large_buyers", file=path), 1)["trial"]
    mean = backtest_ticks(asked(mine, "sma_cross", file=path, settings=("fast=1", "slow=2"), each="trade"), 2)["trial"]
    trades(path, *TAPE[:-1], (*TAPE[-1][:3], "sell"))  # a small one, which decides nothing
    differs = [rerun(mine.parent / "data", trial)["differs"] for trial in (code, mean)]
    assert differs == [["data"], []]


def test_trades_behind_the_wall_take_a_look_each(mine: Path) -> None:
    path, data_dir = trades(mine.parent / "a.parquet", *TAPE), mine.parent / "data"
    seal(data_dir, "20240101", 1, now_ns=1)
    wanted = asked(mine, "large_buyers", file=path)
    with pytest.raises(
        BehindTheWall, match=r"a\.parquet goes on to 2024-01-01 00:00:04 UTC, behind the holdout's wall"
    ):
        backtest_ticks(wanted, 2)
    with pytest.raises(BehindTheWall):
        sweep_ticks(wanted, 2, quietly)
    backtest_ticks(replace(wanted, look="the last one"), 3)
    assert holdout_status(data_dir)["looks_left"] == 0
    with pytest.raises(NoLooksLeft):
        backtest_ticks(replace(wanted, look="one more"), 4)


LEAVES = """

class Guarded(Strategy):
    "Long above 10, out at a loss of 10 %."

    exits = Exits(stop_loss="0.1")
    target = "where(close > 10, 1, 0)"


class Brief(Strategy):
    "In above 10.5, for two bars."

    exits = Exits(bars=2)
    entry = "close > 10.5"
"""


def test_exits_leave_at_the_trade_after_and_an_entry_that_holds_goes_in_again(mine: Path) -> None:
    mine.write_text(mine.read_text() + LEAVES)
    prices = [10, 11, 12, 10.5, 10.6, 11, 12]
    path = trades(mine.parent / "a.parquet", *((second, price, 1, "buy") for second, price in enumerate(prices)))
    told = backtest_ticks(asked(mine, "guarded", file=path, each="trade"), now_ns=1)
    # bought at 12: 10.8 is touched at 10.5, left at 10.6; the target goes on wanting, which is no new wish
    assert [(one["entry_price"], one["exit_price"], one["pnl"]) for one in told["trades"]] == [(12, 10.6, -2.8)]
    assert told["open_trade"] is None and rerun(mine.parent / "data", told["trial"])["identical"]
    prices = [10, 11, 12, 12.5, 13, 13.5, 14, 15]
    path = trades(mine.parent / "b.parquet", *((second * 5, price, 1, "buy") for second, price in enumerate(prices)))
    told = backtest_ticks(asked(mine, "brief", file=path, timeframe="5s"), now_ns=1)
    # the bar of 11 is over at 00:10, bought at 00:15; ten seconds later at 00:25, left at 00:30; in again at 00:35
    assert [(one["entry_price"], one["exit_price"]) for one in told["trades"]] == [(12.5, 14)]
    assert told["open_trade"]["entry_price"] == 15
    with pytest.raises(BadStrategy, match=r"brief has entries and exits.*leave --each trade out"):
        backtest_ticks(asked(mine, "brief", file=path, each="trade"), now_ns=1)


def test_what_cannot_be_run_says_what_is_allowed(mine: Path) -> None:
    path = trades(mine.parent / "a.parquet", *TAPE)
    refused = {
        "around_the_middle": "quotes, and .*a.parquet has no book; give --instrument",
        "price_pair": "has legs .run it with `ninefold backtest`",
        "flow_buy_share_1s": "reads buy_volume",
    }
    for strategy, said in refused.items():
        with pytest.raises(ValueError, match=said):
            backtest_ticks(asked(mine, strategy, file=path), now_ns=1)
    with pytest.raises(BadStrategy, match=r"reads high, low.*a formula may read close and volume"):
        backtest_ticks(asked(mine, "parabolic_stop", file=path, each="trade"), now_ns=1)
    with pytest.raises(BadTicks, match="each is 'week'; allowed are bar, trade"):
        backtest_ticks(asked(mine, "fast_cross", file=path, each="week"), now_ns=1)
    with pytest.raises(BadTicks, match=r"give either --trades FILE\.parquet or --instrument NAME"):
        backtest_ticks(asked(mine, "fast_cross"), now_ns=1)
    mine.write_text(mine.read_text() + "\nclass Breaks(Strategy):\n    def on_trade(self, *_):\n        return 1 / 0\n")
    with pytest.raises(
        BadStrategy, match=r"breaks: on_trade failed at the trade of 2024.*ZeroDivisionError.*mine.py:\d+"
    ):
        backtest_ticks(asked(mine, "breaks", file=path), now_ns=1)
    store(mine.parent / "data", kind="spot")
    with pytest.raises(BadStrategy, match="is spot: what is not held is not sold; give a perpetual"):
        backtest_ticks(asked(mine, "quote_both_sides", instrument="binanceusdm:BTC/USDT"), now_ns=1)
