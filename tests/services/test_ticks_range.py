"""`--timerange` on trades and books: what is read, what the book is where it begins, what the ledger knows, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ninefold.backtest.statistics.holdout import BehindTheWall
from ninefold.backtest.ticks.events import BadEvents
from ninefold.backtest.ticks.tape import BadTicks
from ninefold.cli import main
from ninefold.market.arrays import BID, ID_INTEGER, SET_LEVEL, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import Listed
from ninefold.services.backtest_holdout import holdout_status, seal
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_ticks import backtest_ticks
from ninefold.services.ticks_sweep import sweep_ticks
from ninefold.store.tables import Tables
from tests.services.test_backtest_ticks import NAME, NEW_YEAR_NS, SECOND_NS, TAPE, asked, mine, trades
from tests.services.test_research import quietly

__all__ = ["mine"]
NEW_YEAR_S = NEW_YEAR_NS // SECOND_NS


def seconds(first: int | None, end: int | None) -> str | None:
    """A range of seconds of the new year, as people write it."""
    return None if first is end is None else "-".join("" if at is None else str(NEW_YEAR_S + at) for at in (first, end))


def test_a_range_of_a_file_is_all_that_is_read_of_it(mine: Path) -> None:
    path = trades(mine.parent / "a.parquet", *TAPE)
    found = {
        within: backtest_ticks(asked(mine, "large_buyers", file=path, timerange=seconds(*within)), now_ns=1)
        for within in ((0, 4), (1, 5), (None, None))
    }
    # the large purchase of second 0 is bought at 11, the large sale of second 3 would be sold at second 4
    held = [one["open_trade"] and one["open_trade"]["entry_price"] for one in found.values()]
    assert (held, [one["ticks"] for one in found.values()]) == ([11, None, None], [4, 4, 5])
    assert [len(one["trades"]) for one in found.values()] == [0, 0, 1]
    trades(
        path, *TAPE[:-1], (4, 15.004, 0.1, "buy")
    )  # another price, in finer steps, that the first of them has not read
    again = [rerun(mine.parent / "data", one["trial"]) for one in found.values()]
    assert [one["differs"] for one in again] == [[], ["data"], ["data"]] and again[0]["identical"]


def test_a_range_that_ends_at_the_wall_takes_no_look(mine: Path) -> None:
    path, data_dir = trades(mine.parent / "a.parquet", *TAPE), mine.parent / "data"
    seal(data_dir, str(NEW_YEAR_S + 3), 1, now_ns=1)
    wanted = asked(mine, "large_buyers", file=path, timerange=seconds(0, 3))
    assert backtest_ticks(wanted, 2)["ticks"] == 3
    assert sweep_ticks(wanted, 2, quietly)["points"] == 1
    for behind in (seconds(3, 6), None):
        with pytest.raises(BehindTheWall, match=r"behind the holdout's wall at .*; end --timerange there"):
            sweep_ticks(replace(wanted, timerange=behind), 3, quietly)
    backtest_ticks(replace(wanted, timerange=None, look="once"), 4)
    assert holdout_status(data_dir)["looks_left"] == 0


def store_of_levels(path: Path, told_at: int) -> None:
    """Levels of 99.0 and 99.4 that are told once; from the second second on a sale of 0.003 each second at 99.0."""
    made = listed("binanceusdm", "BTCUSDT", "BTC", "USDT", tick="0.1", lot="0.001")
    instrument = msgspec.structs.replace(made, id=1, kind="swap", symbol="BTC/USDT:USDT", settle="USDT")
    at = NEW_YEAR_NS + told_at * SECOND_NS
    levels = [(1, at, at, 2 * told_at + 2, 1, SET_LEVEL, side, price, 5) for side, price in ((BID, 990), (-BID, 994))]
    dealt = [
        (1, NEW_YEAR_NS + n * SECOND_NS, NEW_YEAR_NS + n * SECOND_NS + 1, 2 * n + 3, ID_INTEGER, 0, n, 990, 3, -1)
        for n in range(1, 11)
    ]
    told = [Listed(seq=1, known_ns=NEW_YEAR_NS, instrument=instrument)]
    arrays = {"books": rows("books", levels), "trades": rows("trades", dealt)}
    with Tables(path) as tables:
        tables.write([Chunk(1, 30, NEW_YEAR_NS, arrays, told)])


def test_quotes_meet_the_book_as_it_stood_when_the_range_begins(mine: Path) -> None:
    given = {"instrument": NAME, "timeframe": "1s", "size": None}
    found = []
    for name, told_at in (("early", 0), ("late", 5)):
        store_of_levels(mine.parent / name, told_at)
        wanted = asked(mine, "quote_both_sides", data_dir=mine.parent / name, timerange=seconds(5, 9), **given)
        found.append(backtest_ticks(wanted, 1))
    # a bid at 99.0 behind 5: of 3 at second 6 and 7 the second leaves 1, which is ours
    assert [one["ticks"] for one in found] == [4, 4]
    held = [(one["open_trade"]["entry_time"], one["open_trade"]["entry_price"], one["equity_curve"]) for one in found]
    assert held[0] == held[1] and held[0][:2] == ("2024-01-01T00:00:07Z", 99.0)
    hours = found[0]["completeness"]["instruments"][0]
    assert (hours["from_ns"], hours["to_ns"]) == (
        str(NEW_YEAR_NS + 5 * SECOND_NS),
        str(NEW_YEAR_NS + 8 * SECOND_NS + 1),
    )
    again = rerun(mine.parent / "early", found[0]["trial"])
    assert (again["identical"], again["differs"]) == (True, [])


def test_ranges_without_trades_or_written_otherwise_say_what_there_is(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = trades(mine.parent / "a.parquet", *TAPE)
    with pytest.raises(
        BadTicks,
        match=r"a\.parquet has no trades in this range; it has 2024-01-01 00:00:00 to 2024-01-01 00:00:04: give another --timerange",
    ):
        backtest_ticks(asked(mine, "large_buyers", file=path, timerange="20240201-"), 1)
    store_of_levels(mine.parent / "data", 0)
    with pytest.raises(BadEvents, match=r"holds no trades, books or quotes of binanceusdm:.* in this range"):
        backtest_ticks(asked(mine, "quote_both_sides", instrument=NAME, timerange="20240201-"), 1)
    said = []
    for command in (("backtest", "--strategy", "sma_cross", "--bars"), ("backtest-ticks", "--trades")):
        monkeypatch.setattr("sys.argv", ["ninefold", *command, str(path), "--timerange", "2024"])
        with pytest.raises(SystemExit) as ended:
            main()
        said.append((ended.value.code, capfdbinary.readouterr().err))
    assert said[0] == said[1] and b"timerange is '2024'; allowed are 20240101-20240601" in said[0][1]


def test_rows_of_a_file_keep_their_numbers_in_a_range(mine: Path) -> None:
    path = trades(mine.parent / "a.parquet", *TAPE[:3], (3, 14, 0, "sell"), *TAPE[4:])
    with pytest.raises(BadTicks, match=r"a\.parquet, rows counted from 2: row 1 has size 0 lots"):
        backtest_ticks(asked(mine, "large_buyers", file=path, timerange=seconds(2, None)), 1)
    unsorted = trades(mine.parent / "b.parquet", *TAPE[:3], (0, 14, 1, "sell"), *TAPE[4:])
    with pytest.raises(BadTicks, match="before row 0: trades go oldest first"):
        backtest_ticks(asked(mine, "large_buyers", file=unsorted, timerange=seconds(2, None)), 1)
