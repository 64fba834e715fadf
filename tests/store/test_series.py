"""Long stretches of bars are mapped from a copy, and are what the tables say all the same; candles straight from trades."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.time import DAY_NS, HOUR_NS, MINUTE_NS
from ninefold.store import series
from ninefold.store.candles import candles_of
from ninefold.store.load import load_bars
from ninefold.store.read import Reader
from ninefold.store.retention import days_of
from ninefold.store.series import COLUMNS
from ninefold.store.tables import Tables

BTC = "binance:BTC/USDT"
DAYS = 12


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, market: SimpleNamespace) -> Path:
    """Two bars of a minute and one of five every day at noon."""
    folder = tmp_path_factory.mktemp("twelve days")
    with Tables(folder) as tables:
        tables.write([market.chunk(1, 1, market.listing())])
        for day in range(DAYS):
            seq = 2 + day
            bars = [market.bar(seq, day * DAY_NS + at * MINUTE_NS, close=100 + seq + at) for at in (0, 1)]
            bars.append(market.bar(seq, day * DAY_NS, width_ns=5 * MINUTE_NS))
            tables.write([market.chunk(seq, seq, bars=bars)])
    return folder


@pytest.fixture
def twelve_days(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


def write(path: Path, chunk: object) -> None:
    with Tables(path) as tables:
        tables.write([chunk])  # type: ignore[list-item]


def check(path: Path, start_ns: int | None = None, end_ns: int | None = None) -> int:
    """The mapped columns are those of the rows; how many bars there are."""
    found = Reader(path).bar_columns(1, MINUTE_NS, start_ns, end_ns)
    rows = Reader(path).bars(1, MINUTE_NS, start_ns, end_ns)
    assert list(found) == list(COLUMNS)
    for name in COLUMNS:
        assert found[name].dtype == rows[name].dtype
        np.testing.assert_array_equal(found[name], rows[name])
    return len(rows)


def copies(path: Path) -> list[Path]:
    return sorted((path / "cache" / "bars").glob("*"))


def test_a_copy_is_made_once_and_says_what_the_tables_say(twelve_days: Path) -> None:
    assert check(twelve_days) == 2 * DAYS
    [made] = copies(twelve_days)
    before = made.stat()
    assert check(twelve_days) == 2 * DAYS
    assert [(one, one.stat().st_ino) for one in copies(twelve_days)] == [(made, before.st_ino)]
    shutil.rmtree(twelve_days / "cache")
    assert check(twelve_days) == 2 * DAYS


@pytest.mark.slow
def test_the_day_that_still_grows_is_not_in_the_copy(twelve_days: Path, market: SimpleNamespace) -> None:
    check(twelve_days)
    made = copies(twelve_days)
    write(twelve_days, market.chunk(20, 20, bars=[market.bar(20, (DAYS - 1) * DAY_NS + HOUR_NS)]))
    assert check(twelve_days) == 2 * DAYS + 1
    assert copies(twelve_days) == made
    write(twelve_days, market.chunk(21, 21, bars=[market.bar(21, DAYS * DAY_NS)]))
    assert check(twelve_days) == 2 * DAYS + 2
    assert len(copies(twelve_days)) == 1 and copies(twelve_days) != made


@pytest.mark.slow
def test_a_restated_bar_and_a_day_that_was_let_go_count_at_once(twelve_days: Path, market: SimpleNamespace) -> None:
    check(twelve_days)
    write(twelve_days, market.chunk(20, 20, bars=[market.bar(20, 3 * DAY_NS, close=77, revision=1)]))
    check(twelve_days)
    assert Reader(twelve_days).bar_columns(1, MINUTE_NS)["close"][6] == 77
    with Tables(twelve_days) as tables:
        tables.let_go("bars", days_of(twelve_days / "tables", "bars")[:2], 7)
    assert check(twelve_days) == 2 * (DAYS - 2)
    with Tables(twelve_days) as tables:
        tables.settle()
    assert check(twelve_days) == 2 * (DAYS - 2)


@pytest.mark.parametrize(
    "harm", [lambda one: one.write_bytes(b""), lambda one: one.write_bytes(one.read_bytes()[:200])]
)
def test_a_copy_that_is_not_whole_is_made_again(twelve_days: Path, harm: Callable[[Path], object]) -> None:
    check(twelve_days)
    harm(copies(twelve_days)[0])
    assert check(twelve_days) == 2 * DAYS


def test_where_no_copy_can_be_written_the_tables_are_read(twelve_days: Path) -> None:
    (twelve_days / "cache").write_text("not a folder")
    assert check(twelve_days) == 2 * DAYS


def test_copies_that_take_too_much_go_the_oldest_first(twelve_days: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(twelve_days)
    [first] = copies(twelve_days)
    monkeypatch.setattr(series, "KEPT_BYTES", first.stat().st_size + 10)
    assert len(Reader(twelve_days).bar_columns(1, 5 * MINUTE_NS)["close"]) == DAYS
    assert len(copies(twelve_days)) == 1 and copies(twelve_days) != [first]
    assert check(twelve_days) == 2 * DAYS


def test_a_moment_of_the_past_is_read_from_the_tables(twelve_days: Path, market: SimpleNamespace) -> None:
    then = market.noon_ns + 4 * DAY_NS
    found = Reader(twelve_days, then).bar_columns(1, MINUTE_NS)
    assert len(found["close"]) == 8
    assert copies(twelve_days) == []


def test_bars_for_notebooks_are_the_same_whether_mapped_or_not(
    twelve_days: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, mapped = load_bars(BTC, "1m", twelve_days), load_bars(BTC, "1m", twelve_days)
    monkeypatch.setattr("ninefold.store.read.SERIES_FILES", 1_000)
    assert first.equals(mapped, check_metadata=True)
    assert load_bars(BTC, "1m", twelve_days).equals(mapped, check_metadata=True)
    assert mapped.num_rows == 2 * DAYS and mapped.column("state").to_pylist() == ["ok"] * 24


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.data())
def test_whatever_comes_in_whatever_order_the_mapped_columns_are_those_of_the_rows(
    market: SimpleNamespace, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder, Tables(Path(folder)) as tables:
        path = Path(folder)
        tables.write([market.chunk(1, 1, market.listing())])
        places = st.tuples(st.integers(0, 14), st.integers(0, 3), st.integers(0, 2))
        for number in range(data.draw(st.integers(8, 14), label="writes")):
            found = data.draw(st.lists(places, min_size=1, max_size=4, unique=True), label="bars")
            seq = 2 + number
            bars = [
                market.bar(seq, day * DAY_NS + at * MINUTE_NS, close=seq, state=state, revision=number)
                for day, at, state in found
            ]
            tables.write([market.chunk(seq, seq, bars=bars)])
            if number > 5:
                edges = st.none() | st.integers(-2, 16).map(lambda day: market.noon_ns + day * DAY_NS)
                check(path, data.draw(edges, label="start"), data.draw(edges, label="end"))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9), st.integers(0, 5)), max_size=30).map(sorted),
    st.sampled_from([1, 7, 100]),
)
def test_candles_are_those_of_a_look_at_every_trade(trades: list[tuple[int, int, int]], width_ns: int) -> None:
    expected = []
    for opened in sorted({at // width_ns * width_ns for at, _, _ in trades}):
        some = [(price, size) for at, price, size in trades if opened <= at < opened + width_ns]
        prices = [price for price, _ in some]
        volume = sum(size for _, size in some)
        expected.append((opened, prices[0], max(prices), min(prices), prices[-1], volume, len(some)))
    columns = np.array(trades, np.int64).reshape(-1, 3).T
    assert list(zip(*(column.tolist() for column in candles_of(*columns, width_ns).values()), strict=True)) == expected


def test_candles_of_stored_trades_need_no_stored_bar(tmp_path: Path, market: SimpleNamespace) -> None:
    trades = [market.trade(2 + n, n, n * 20 * 10**9, price=100 + n) for n in range(6)]
    write(tmp_path, market.chunk(1, 9, market.listing(), trades=trades))
    made = Reader(tmp_path).candles(1, MINUTE_NS)
    assert made["open"].tolist() == [100, 103] and made["close"].tolist() == [102, 105]
    assert (made["open_ns"] - market.noon_ns).tolist() == [0, MINUTE_NS]
