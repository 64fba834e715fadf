"""How complete the hours are that a back-test read: carried by every command, by what is kept, and by what runs it again.

BTC has ids: 13:00 is complete, in 14:00 two trades are missing (14:15 to 14:45, of which its two bars are unknown), and of 15:00
nobody can tell, for no trade came after it. ETH's hours are all complete.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.cli import main
from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BUY, ID_INTEGER, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import Listed, Tick
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.report.page import SCRIPT, STYLE
from ninefold.services.backtest import backtest
from ninefold.services.backtest_completeness import completeness_again, told
from ninefold.services.backtest_cross import Cut, cross_validate
from ninefold.services.backtest_forward import Pace, forward
from ninefold.services.backtest_portfolio import portfolio
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_sweep import sweep
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks
from ninefold.services.backtest_tournament import EVERY, tournament
from ninefold.services.backtest_wanted import Wanted
from ninefold.services.freqtrade import Wanted as WantedOfFreqtrade
from ninefold.services.freqtrade import run as run_freqtrade
from ninefold.services.report import write_report
from ninefold.store.completeness import Completeness, Span, completeness, plain
from ninefold.store.completeness_told import hours_of
from ninefold.store.runs import RunReader, save_run
from ninefold.store.tables import Tables

NOON_NS = 1_704_110_400 * 10**9  # 2024-01-01 12:00 UTC
BTC, ETH = "binance:BTC/USDT", "binance:ETH/USDT"
QUARTER_NS = 15 * MINUTE_NS
IDS = {BTC: [10, 11, 12, 13, 16, 17], ETH: [1, 2, 3, 4, 5, 6, 7, 8]}  # from 12:45 on, one each half hour
PRICES = [100, 101, 99, 102, None, None, 98, 103, 97, 104, 96, 105]  # of BTC's quarters from 13:00 on
WITHIN = "1704114000-1704124800"  # 13:00 to 16:00
SAID = "3 hours were read: 1 complete, 1 cannot tell, 1 gap known."
GAP = f"1 gap is known in {BTC}: 2024-01-01 14:15:00-14:45:00."
LACKING = f"{GAP} 2 bars are unknown, not flat; nothing is filled there."
HOURS = {"complete": 1, "healed": 0, "cannot tell": 1, "gap known": 1, "let go": 0}
MINE = """
from ninefold.strategy import Strategy


class Follows(Strategy):
    "Long BTC while ETH rises."

    target = 'at("binance:ETH/USDT", where(close > open, 1, 0))'


class Pair(Strategy):
    "Long the one and short the other."

    legs = {"one": 1, "other": 1}
    target = "1"
"""
FREQTRADE = """
from freqtrade.strategy import IStrategy


class Holds(IStrategy):
    timeframe = "30m"
    minimal_roi = {"0": 100}
    stoploss = -0.9
    startup_candle_count = 0

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe["exit_long"] = 0
        return dataframe
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completeness")
    (folder / "mine.py").write_text(MINE)
    (folder / "Holds.py").write_text(FREQTRADE)
    store(folder / "data")
    return folder / "data"


def store(data_dir: Path) -> None:
    known = []
    for id, base in enumerate(("BTC", "ETH"), 1):
        made = listed("binance", f"{base}USDT", base, "USDT", tick="0.01", lot="0.00001")
        known.append(Listed(seq=1, known_ns=NOON_NS, instrument=msgspec.structs.replace(made, id=id)))
    trades = [
        (id, at, at + 5, 10 + n, ID_INTEGER, 0, number, 10_000, 12, BUY)
        for id, ids in enumerate(IDS.values(), 1)
        for n, number in enumerate(ids)
        for at in [NOON_NS + 3 * QUARTER_NS + n * HOUR_NS // 2]
    ]
    bars = [bar(id, n, price) for id in (1, 2) for n, price in enumerate(PRICES if id == 1 else range(100, 112))]
    clock = Tick(seq=30, known_ns=NOON_NS + 5 * HOUR_NS, exchange_ns=NOON_NS + 5 * HOUR_NS)
    arrays = {"trades": rows("trades", trades), "bars": rows("bars", bars)}
    with Tables(data_dir) as tables:
        tables.write([Chunk(1, 30, NOON_NS, arrays, [*known, clock])])


def bar(id: int, quarter: int, price: int | None) -> tuple:
    at = NOON_NS + HOUR_NS + quarter * QUARTER_NS
    ends, state = at + QUARTER_NS, BAR_UNKNOWN if price is None else BAR_OK
    told_prices = [100 * (price or 0)] * 4
    return (id, QUARTER_NS, at, ends, *told_prices, 50, 20, 3, 99, 1, 101, 2, state, 0, ends, 30)


def asked(stored: Path, **more: Any) -> Wanted:
    said = {"strategy": "sma_cross", "settings": ("fast=1", "slow=2"), "instrument": BTC, "timeframe": "15m"}
    return Wanted(**{"data_dir": stored, "timerange": WITHIN, "cash": "1000", **said, **more})


def quietly(what: str, done: int, total: int) -> None:
    """No progress."""


RANGES = ("fast=1,2", "slow=3")
RUNS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "backtest": lambda stored: backtest(asked(stored), 1),
    "sweep": lambda stored: sweep(asked(stored, settings=RANGES), 1, quietly),
    "walk-forward": lambda stored: forward(asked(stored, settings=RANGES), Pace("1h", "1h"), 1, quietly),
    "cross-validate": lambda stored: cross_validate(asked(stored, settings=RANGES), Cut(2), 1, quietly),
    "freqtrade": lambda stored: run_freqtrade(of_freqtrade(stored), 1),
    "tournament": lambda stored: tournament(asked(stored, strategy=EVERY, settings=()), 1, quietly),
}


def of_freqtrade(stored: Path) -> WantedOfFreqtrade:
    folder = stored.parent
    return WantedOfFreqtrade(strategy="Holds", strategy_path=folder, pairs=(BTC,), data_dir=stored, max_open_trades=1)


@pytest.mark.parametrize(
    "kind", [pytest.param(of, marks=pytest.mark.torture) if of == "tournament" else of for of in RUNS]
)
def test_every_command_says_how_complete_the_hours_are_that_it_read(stored: Path, kind: str) -> None:
    found = RUNS[kind](stored)
    carried = found["completeness"]
    assert (carried["said"], carried["hours"], carried["gaps_known"]) == (SAID, HOURS, 1)
    assert carried["lacking"].startswith(f"{GAP} 2 bars are unknown, not flat; ")
    assert (carried["certified"], carried["unknown_bars"]) == (True, 2)
    quarter, [told_of] = NOON_NS + 9 * QUARTER_NS, carried["instruments"]
    hole = {"from_ns": str(quarter), "to_ns": str(quarter + HOUR_NS // 2), "first_id": "14", "last_id": "15"}
    assert told_of["holes"] == [hole]
    span = NOON_NS + HOUR_NS, NOON_NS + 4 * HOUR_NS
    assert told_of == plain(completeness(stored, BTC, *span, width_ns=QUARTER_NS))
    reader = RunReader(stored)
    assert reader.run(found["trial"])["completeness"] == json.loads(json.dumps(carried))
    in_the_list = reader.kept(found["trial"]).summary["completeness"]
    short = ("certified", "said", "lacking", "gaps_known", "unknown_bars")
    assert in_the_list == {name: carried[name] for name in short}
    again = rerun(stored, found["trial"])
    assert again["identical"] and again["completeness"] == {"kept": carried, "now": carried}
    assert completeness_again(again) == [SAID, carried["lacking"]]


def test_trades_one_by_one_are_of_all_hours_and_bars_made_across_a_gap_are_unknown(stored: Path) -> None:
    """12:45 to 15:15; the bars of 14:15, 14:30 and 14:45 are made of what is left of the trades."""
    found = backtest_ticks(WantedTicks(data_dir=stored, instrument=BTC, fast=1, slow=2, timeframe="15m"), 1)
    carried = found["completeness"]
    assert carried["said"] == "4 hours were read: 1 complete, 2 cannot tell, 1 gap known."
    assert carried["lacking"].startswith(f"{GAP} 3 bars are unknown, not flat; a gap lies in them")
    assert rerun(stored, found["trial"])["completeness"] == {"kept": None, "now": carried}
    one_hour = WantedTicks(data_dir=stored, instrument=BTC, fast=1, slow=2, timerange="1704114000-1704117600")
    within = backtest_ticks(one_hour, 2)["completeness"]  # 13:00 to 14:00
    assert (within["said"], within["lacking"]) == ("1 hours were read: 1 complete.", None)


@pytest.mark.slow
def test_of_several_instruments_the_hours_of_each_count(stored: Path) -> None:
    found = portfolio(asked(stored, more_instruments=(ETH,)), 1)
    assert found["completeness"]["said"] == ("6 hours of 2 series were read: 4 complete, 1 cannot tell, 1 gap known.")
    assert found["completeness"]["lacking"] == LACKING
    assert [one["instrument"] for one in found["completeness"]["instruments"]] == [BTC, ETH]
    point = rerun(stored, found["trial"])["completeness"]
    assert point["now"] == point["kept"] == found["completeness"]


@pytest.mark.parametrize(("strategy", "more"), [("follows", ()), ("pair", (ETH,))])
def test_what_a_strategy_reads_elsewhere_and_its_legs_count_too(
    stored: Path, strategy: str, more: tuple[str, ...]
) -> None:
    mine = stored.parent / "mine.py"
    found = backtest(asked(stored, strategy=strategy, strategies=mine, settings=(), more_instruments=more), 1)
    assert [one["instrument"] for one in found["completeness"]["instruments"]] == [BTC, ETH]
    assert found["completeness"]["hours"] == {**HOURS, "complete": 4}
    assert rerun(stored, found["trial"])["completeness"]["now"] == found["completeness"]


@pytest.mark.slow
def test_where_a_person_looks_it_is_said_in_a_line(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--instrument {BTC} --timeframe 15m --timerange {WITHIN} --data-dir {stored}"
    for command in (f"backtest --strategy sma_cross {options}", f"sweep --strategy sma_cross --set fast=1,2 {options}"):
        monkeypatch.setattr("sys.argv", ["ninefold", *command.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr().out.splitlines()
        assert ended.value.code == 0 and SAID in printed and LACKING in printed
    (tmp_path / SCRIPT).write_text("")
    (tmp_path / STYLE).write_text("")
    write_report(stored, backtest(asked(stored), 1)["trial"], tmp_path / "run.html", tmp_path)
    assert f"{SAID} {LACKING}" in (tmp_path / "run.html").read_text()


def test_a_gap_that_heals_is_told_beside_what_was_said_then(tmp_path: Path) -> None:
    store(tmp_path / "data")
    trial = backtest(asked(tmp_path / "data"), 1)["trial"]
    late = [(1, NOON_NS + 10 * QUARTER_NS, NOON_NS, 40 + n, ID_INTEGER, 0, n, 10_000, 12, BUY) for n in (14, 15)]
    with Tables(tmp_path / "data") as tables:
        tables.write([Chunk(31, 60, NOON_NS + 6 * HOUR_NS, {"trades": rows("trades", late)}, [])])
    again = rerun(tmp_path / "data", trial)
    assert again["identical"] and again["completeness"]["kept"]["said"] == SAID
    assert completeness_again(again) == [
        "3 hours were read: 2 complete, 1 cannot tell.",
        "2 bars are unknown, not flat; nothing is filled there.",  # as they were first known
        f"At its time: {SAID} {LACKING}",
    ]


def test_a_run_of_an_earlier_version_says_nothing_of_it_and_is_still_read(tmp_path: Path) -> None:
    store(tmp_path / "data")
    found = backtest(asked(tmp_path / "data"), 1)
    earlier = {name: value for name, value in found.items() if name != "completeness"}
    save_run(tmp_path / "data", "backtest", 1, earlier, None)
    assert "completeness" not in RunReader(tmp_path / "data").kept(1).summary
    again = rerun(tmp_path / "data", 1)
    assert again["identical"] and again["completeness"]["kept"] is None
    assert completeness_again(again) == [SAID, LACKING]


def test_of_a_file_nothing_is_certified() -> None:
    assert told([], 0) == {
        **{"certified": False, "said": "Read from a file, of which nothing is certified.", "lacking": None},
        **{"hours": None, "gaps_known": None, "unknown_bars": 0, "instruments": []},
    }
    assert told([], 1)["lacking"] == "1 bar is unknown, not flat; nothing is filled there."


STATES = ("let go", "gap known", "cannot tell", "healed", "complete")


@settings(max_examples=50)
@given(
    st.integers(0, 5 * HOUR_NS), st.lists(st.tuples(st.integers(1, 3 * HOUR_NS), st.sampled_from(STATES)), min_size=1)
)
def test_an_hour_is_what_the_worst_of_its_parts_is(start: int, parts: list[tuple[int, str]]) -> None:
    spans: list[Span] = []
    for lasting, state in parts:
        first = spans[-1].to_ns if spans else start
        spans.append(Span(first, first + lasting, state, "", None))
    slow = dict.fromkeys(STATES, 0)
    for hour in range(start // HOUR_NS * HOUR_NS, spans[-1].to_ns, HOUR_NS):
        there = {one.state for one in spans if one.from_ns < hour + HOUR_NS and one.to_ns > hour}
        slow[next(state for state in STATES if state in there)] += 1
    assert hours_of(Completeness(BTC, start, spans[-1].to_ns, tuple(spans), ())) == slow
