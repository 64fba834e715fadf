"""SQL over the stored data: what it shows, and that it can reach nothing else. Bars for notebooks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ninefold.market.instruments import UnknownInstrument
from ninefold.market.time import MINUTE_NS
from ninefold.store.data_dir import NoDataDir
from ninefold.store.load import load_bars
from ninefold.store.sql import SqlError, sql
from ninefold.store.tables import Tables


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, market: SimpleNamespace) -> Path:
    """For tests that only look."""
    folder = tmp_path_factory.mktemp("stored")
    bars = [market.bar(3, 0), market.bar(3, MINUTE_NS, state=1), market.bar(3, 2 * MINUTE_NS, state=2)]
    with Tables(folder) as tables:
        tables.write(
            [
                market.chunk(
                    1, 3, market.listing(), trades=[market.trade(2, 7, 0), market.trade(3, 8, 1, size=3)], bars=bars
                )
            ]
        )
        tables.write([market.chunk(4, 4, bars=[market.bar(4, 0, close=105, revision=1)])])
    return folder


def test_tables_as_stored_and_views_for_people(stored: Path, market: SimpleNamespace) -> None:
    assert sql(stored, "SELECT count(*) AS n, sum(size) AS lots FROM trades").to_pylist() == [{"n": 2, "lots": 15}]
    (first, _) = sql(stored, "SELECT * FROM trades_priced ORDER BY seq").to_pylist()
    assert (first["instrument"], first["price"], first["size"], first["taker_side"]) == (
        "binance:BTC/USDT",
        61203.1,
        0.00012,
        "buy",
    )
    assert (
        sql(stored, "SELECT CAST(min(exchange_time) AS VARCHAR) AS t FROM trades_priced").column("t")[0].as_py()
        == "2024-01-01 12:00:00"
    )
    closes = sql(stored, "SELECT close, state, revision FROM bars_priced ORDER BY open_time").to_pylist()
    assert closes == [
        {"close": 1.05, "state": "ok", "revision": 1},
        {"close": 1.0, "state": "flat", "revision": 0},
        {"close": None, "state": "unknown", "revision": 0},
    ]
    assert sql(stored, 'SELECT count(*) AS n FROM "values"').to_pylist() == [{"n": 0}]
    assert sql(stored, "SELECT name FROM instruments ORDER BY id").column("name").to_pylist() == [
        "binance:BTC/USDT",
        "binance:ADA/BTC",
    ]
    assert sql(stored, "SELECT state FROM certificates").num_rows == 1
    assert sql(stored, "SELECT * FROM orders, fills, books_priced, quotes_priced").num_rows == 0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT * FROM query('COPY trades TO ''{out}''')",
        "COPY trades TO '{out}'",
        "ATTACH '{out}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "EXPORT DATABASE '{out}'",
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW trades_priced",
        "SET enable_external_access = true",
        "PRAGMA enable_external_access = true",
        "CALL pragma_version()",
        "SELECT 1; SELECT 2",
        "",
        "SELECT * FROM secret",
    ],
)
@pytest.mark.slow
def test_a_query_reaches_no_file_network_extension_or_variable(stored: Path, query: str) -> None:
    secret = pd.DataFrame({"a": [1]})
    out = stored / "out"
    with pytest.raises(SqlError):
        sql(stored, query.format(out=out))
    assert not out.exists() and len(secret) == 1


@pytest.mark.slow
def test_an_error_names_what_exists(stored: Path) -> None:
    with pytest.raises(SqlError, match="trades has the columns instrument, exchange_ns, receive_ns, seq"):
        sql(stored, "SELECT nothing FROM trades")
    with pytest.raises(SqlError, match="tables: bars, bars_priced, bars_revisions, books"):
        sql(stored, "SELECT * FROM candles")
    with pytest.raises(SqlError, match="found CREATE; allowed is one SELECT: the stored data is read-only here"):
        sql(stored, "CREATE TABLE a (b INTEGER)")
    with pytest.raises(NoDataDir):
        sql(stored / "nowhere", "SELECT 1")


@pytest.mark.slow
def test_rows_and_time_are_limited_and_nothing_is_cut_off_silently(stored: Path) -> None:
    assert sql(stored, "SELECT * FROM range(10)", rows=10).num_rows == 10
    with pytest.raises(SqlError, match="more than 9 rows; add LIMIT"):
        sql(stored, "SELECT * FROM range(10)", rows=9)
    with pytest.raises(SqlError, match=r"more than 0\.2 s and was stopped"):
        sql(stored, "SELECT sum(sqrt(a.range * b.range)) FROM range(1000000) a, range(1000000) b", seconds=0.2)


def test_bars_for_notebooks_in_polars_and_pandas(stored: Path, market: SimpleNamespace) -> None:
    table = load_bars("binance:BTC/USDT", "1m", stored)
    assert table.column_names == ["open_ns", "close_ns", "time", "open", "high", "low", "close", "volume", "state"]
    np.testing.assert_array_equal(table.column("close").to_numpy(), [1.05, 1.0, np.nan])
    np.testing.assert_array_equal(table.column("volume").to_numpy(), [0.0005, 0.0005, np.nan])
    assert table.column("state").to_pylist() == ["ok", "flat", "unknown"]
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    assert frame["time"].dt.to_string("%Y-%m-%d %H:%M").to_list()[1] == "2024-01-01 12:01"
    assert frame["close"].to_list()[:2] == [1.05, 1.0]
    pandas = table.to_pandas()
    assert pandas["time"].iloc[0] == pd.Timestamp("2024-01-01 12:00", tz="UTC")
    assert pandas["open_ns"].iloc[0] == market.noon_ns
    assert load_bars("binance:ADA/BTC", "1m", str(stored)).num_rows == 0
    with pytest.raises(UnknownInstrument, match="did you mean"):
        load_bars("binance:BTC/USD", "1m", stored)
    with pytest.raises(ValueError, match="no timeframe '2m'"):
        load_bars("binance:BTC/USDT", "2m", stored)
