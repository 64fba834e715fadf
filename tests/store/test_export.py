"""Exports: columns that are promised, exact numbers, the same bytes for the same content."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import ID_AGGREGATE, ID_NONE, ID_TEXT, ID_UUID
from ninefold.market.instruments import UnknownInstrument
from ninefold.market.numbers import to_text
from ninefold.market.records import Fill, Order
from ninefold.market.time import DAY_NS, MINUTE_NS, UNKNOWN_NS
from ninefold.store.delta import stored_files
from ninefold.store.export import FORMATS, FORMS, export
from ninefold.store.ledger import Ledger
from ninefold.store.tables import Tables
from ninefold.store.text import csv_lines, decimal_text, json_lines
from ninefold.store.timerange import parse_timerange

COLUMNS = {
    "trades": "instrument exchange_ns receive_ns trade_id price size taker_side",
    "bars": "open_ns close_ns open high low close volume instrument timeframe buy_volume trades state revision",
    "targets": "instrument strategy timeframe close_ns known_ns target",
    "orders": "client_order_id instrument side type price size filled status created_ns updated_ns "
    "reason strategies may_id",
    "fills": "client_order_id instrument side price size fee fee_asset trade_id exchange_ns maker",
}


def text(
    path: Path,
    what: str,
    format: str = "csv",
    instrument: str | None = None,
    timeframe: str | None = None,
    timerange: str | None = None,
) -> str:
    out = io.BytesIO()
    rows = export(path, what, instrument, timeframe, timerange, format, out)
    if format == "csv":
        assert rows == len(list(csv.reader(io.StringIO(out.getvalue().decode())))) - 1
    return out.getvalue().decode()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, market: SimpleNamespace) -> Path:
    """Two trades of each instrument, three minutes of bars, a target, two orders, a fill; for tests that only look."""
    folder = tmp_path_factory.mktemp("stored")
    noon = market.noon_ns
    trades = [
        market.trade(2, 8, 3, instrument=2, price=1234, size=7, side=-1),
        market.trade(2, 4_000_000_001, 1),
        market.trade(3, 4_000_000_002, 2, price=-5, size=0, side=0),
        (2, UNKNOWN_NS, noon + DAY_NS, 3, ID_NONE, 0, 0, 1, 1, 1),
    ]
    bars = [
        market.bar(4, 0),
        market.bar(4, MINUTE_NS, state=1),
        market.bar(4, 2 * MINUTE_NS, state=2),
        market.bar(4, 0, width_ns=5 * MINUTE_NS),
    ]
    targets = [
        (1, b"trend", MINUTE_NS, noon + 5, 0.25, noon + 6, 4),
        (1, b"fade", MINUTE_NS, noon + 5, np.nan, noon + 6, 4),
    ]
    with Tables(folder) as tables:
        tables.write([market.chunk(1, 4, market.listing(), trades=trades, bars=bars, targets=targets)])
        tables.write([market.chunk(5, 5, bars=[market.bar(5, 0, close=105, revision=1)])])
    order = Order(
        seq=4,
        known_ns=noon,
        client_order_id="nf1",
        instrument=1,
        side=-1,
        size=12,
        status="intended",
        strategies=("trend", "fade"),
    )
    limit = Order(
        seq=4,
        known_ns=noon,
        client_order_id="nf2",
        instrument=2,
        side=1,
        size=3,
        status="refused",
        order_type="limit",
        price=99,
        reason='too "big",\nreally',
    )
    done = Order(
        seq=6,
        known_ns=noon + 9,
        client_order_id="nf1",
        instrument=1,
        side=-1,
        size=12,
        status="filled",
        filled=12,
        may_id="may-1",
    )
    fill = Fill(
        seq=6,
        known_ns=noon + 9,
        client_order_id="nf1",
        instrument=1,
        side=-1,
        price=6_120_310,
        size=12,
        fee=-7,
        fee_asset="BNB",
        trade_id="88",
        exchange_ns=noon + 8,
    )
    ledger = Ledger(folder)
    ledger.append([order, limit], 4)
    ledger.append([done, fill], 6)
    ledger.close()
    return folder


def test_the_columns_are_those_that_are_promised(stored: Path) -> None:
    assert {what: " ".join(form.schema.names) for what, form in FORMS.items()} == COLUMNS
    for what, columns in COLUMNS.items():
        assert text(stored, what).split("\n")[0] == columns.replace(" ", ",")


def test_trades_with_the_venue_s_numbers(stored: Path) -> None:
    noon = 1_704_110_400_000_000_000
    assert text(stored, "trades").split("\n")[1:] == [
        f"binance:ADA/BTC,{noon + 3},{noon + 8},8,0.00001234,7,sell",
        f"binance:ADA/BTC,,{noon + DAY_NS},,0.00000001,1,buy",
        f"binance:BTC/USDT,{noon + 1},{noon + 6},4000000001,61203.10,0.00012,buy",
        f"binance:BTC/USDT,{noon + 2},{noon + 7},4000000002,-0.05,0.00000,unknown",
        "",
    ]
    assert len(text(stored, "trades", timerange="20240102-").split("\n")) == 3
    assert len(text(stored, "trades", instrument="binance:BTC/USDT").split("\n")) == 4


def test_bars_in_their_latest_revision_and_unknown_ones_empty(stored: Path) -> None:
    noon = 1_704_110_400_000_000_000
    assert text(stored, "bars", timeframe="1m").split("\n")[1:] == [
        f"{noon},{noon + MINUTE_NS},0.90,1.10,0.80,1.05,0.00050,binance:BTC/USDT,1m,0.00020,3,ok,1",
        f"{noon + MINUTE_NS},{noon + 2 * MINUTE_NS},0.90,1.10,0.80,1.00,0.00050,binance:BTC/USDT,1m,0.00020,3,flat,0",
        f"{noon + 2 * MINUTE_NS},{noon + 3 * MINUTE_NS},,,,,,binance:BTC/USDT,1m,,,unknown,0",
        "",
    ]
    assert [line.split(",")[8] for line in text(stored, "bars").split("\n")[1:-1]] == ["1m", "1m", "1m", "5m"]


def test_orders_fills_and_targets(stored: Path) -> None:
    noon = 1_704_110_400_000_000_000
    assert list(csv.reader(io.StringIO(text(stored, "orders"))))[1:] == [
        [
            "nf2",
            "binance:ADA/BTC",
            "buy",
            "limit",
            "0.00000099",
            "3",
            "0",
            "refused",
            f"{noon}",
            f"{noon}",
            'too "big",\nreally',
            "",
            "",
        ],
        [
            "nf1",
            "binance:BTC/USDT",
            "sell",
            "market",
            "",
            "0.00012",
            "0.00012",
            "filled",
            f"{noon}",
            f"{noon + 9}",
            "",
            "",
            "may-1",
        ],
    ]
    assert text(stored, "fills").split("\n")[1:] == [
        f"nf1,binance:BTC/USDT,sell,61203.10,0.00012,-0.00000007,BNB,88,{noon + 8},false",
        "",
    ]
    assert text(stored, "targets").split("\n")[1:] == [
        f"binance:BTC/USDT,trend,1m,{noon + 5},{noon + 6},0.25",
        f"binance:BTC/USDT,fade,1m,{noon + 5},{noon + 6},",
        "",
    ]


def test_json_lines_keep_nanoseconds_exact_and_parquet_says_the_same(stored: Path, tmp_path: Path) -> None:
    for what in FORMS:
        lines = [json.loads(line) for line in text(stored, what, "jsonl").split("\n")[:-1]]
        assert export(stored, what, None, None, None, "parquet", tmp_path / f"{what}.parquet") == len(lines)
        rows = pq.read_table(tmp_path / f"{what}.parquet").to_pylist()
        for row in rows:
            row.update({name: str(value) for name, value in row.items() if name.endswith("_ns") and value is not None})
        assert rows == lines
    assert lines[0]["exchange_ns"] == "1704110400000000008"
    assert lines[0]["maker"] is False


def test_ids_are_the_venue_s_text(tmp_path: Path, market: SimpleNamespace) -> None:
    ids = [
        (ID_AGGREGATE, 0, 2**63 + 1),
        (ID_UUID, 0x0123456789ABCDEF, 0xFEDCBA9876543210),
        (ID_TEXT, 1, 2),
        (ID_NONE, 0, 0),
    ]
    trades = [(1, market.noon_ns + at, market.noon_ns, 2, *id, 1, 1, 1) for at, id in enumerate(ids)]
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 2, market.listing(), trades=trades)])
    assert [line.split(",")[3] for line in text(tmp_path, "trades").split("\n")[1:-1]] == [
        "9223372036854775809",
        "01234567-89ab-cdef-fedc-ba9876543210",
        "00000000000000010000000000000002",
        "",
    ]


@pytest.mark.slow
def test_equal_content_gives_equal_bytes_however_it_was_cut_and_compacted(
    tmp_path: Path, market: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.store.delta.COMPACT_COMMITS", 15)
    chunks = market.stream(40, seed=4)
    with Tables(tmp_path / "one") as tables:
        tables.write(chunks)
    with Tables(tmp_path / "many") as tables:
        for piece in chunks:
            tables.write([piece])
            tables.maintain()
    assert 1 < len(stored_files(tmp_path / "many" / "tables", "trades")) < 20
    for what in ("trades", "bars", "targets"):
        for format in FORMATS:
            outs = [io.BytesIO(), io.BytesIO()]
            for out, name in zip(outs, ("one", "many"), strict=True):
                assert export(tmp_path / name, what, None, None, None, format, out) > 50
            assert outs[0].getvalue() == outs[1].getvalue()


def test_versions_of_an_instrument_are_exported_under_their_name_in_order_of_time(
    tmp_path: Path, market: SimpleNamespace
) -> None:
    finer = market.relisted(3, tick="0.001", lot="1")
    with Tables(tmp_path) as tables:
        trades = [market.trade(2, 1, 0), market.trade(3, 3, 20), market.trade(3, 2, 10, instrument=3)]
        tables.write([market.chunk(1, 3, [*market.listing(), finer], trades=trades)])
    lines = [line.split(",")[3:6] for line in text(tmp_path, "trades", instrument="binance:BTC/USDT").split("\n")[1:-1]]
    assert lines == [["1", "61203.10", "0.00012"], ["2", "6120.310", "12"], ["3", "61203.10", "0.00012"]]


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"what": "candles"}, ValueError, "no export of 'candles'; allowed are trades bars targets orders fills"),
        ({"format": "xlsx"}, ValueError, "no format 'xlsx'; allowed are csv parquet jsonl"),
        ({"instrument": "binance:BTC/USD"}, UnknownInstrument, "did you mean 'binance:BTC/USDT'"),
        ({"timeframe": "2m"}, ValueError, "no timeframe '2m'; allowed are 1s 5s 1m"),
        ({"what": "trades", "timeframe": "1m"}, ValueError, "trades have no timeframe, found '1m'; leave it out"),
        ({"timerange": "2024"}, ValueError, "timerange is '2024'; allowed are 20240101-20240601"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_exported_is_refused_and_nothing_is_written(
    stored: Path, change: dict[str, str], error: type[Exception], says: str
) -> None:
    wanted = {"what": "bars", "instrument": None, "timeframe": None, "timerange": None, "format": "csv", **change}
    out = stored / "out.csv"
    with pytest.raises(error, match=says):
        export(stored, out=out, **wanted)  # type: ignore[arg-type]
    assert not out.exists()


@pytest.mark.parametrize(
    ("range", "expected"),
    [
        (None, (None, None)),
        ("20240101-20240102", (1_704_067_200 * 10**9, 1_704_153_600 * 10**9)),
        ("-20240102", (None, 1_704_153_600 * 10**9)),
        ("1704067200-", (1_704_067_200 * 10**9, None)),
        ("1704067200123-20240102", (1_704_067_200_123 * 10**6, 1_704_153_600 * 10**9)),
    ],
)
def test_time_ranges(range: str | None, expected: tuple[int | None, int | None]) -> None:
    assert parse_timerange(range) == expected


@pytest.mark.parametrize("range", ["-", "20240101", "20241301-", "20240102-20240101", "2024-01-01", "now-"])
def test_time_ranges_that_mean_nothing_are_refused(range: str) -> None:
    with pytest.raises(ValueError, match="timerange"):
        parse_timerange(range)


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1), st.integers(0, 18))
def test_decimal_text_of_a_column_is_that_of_its_values(units: list[int], decimals: int) -> None:
    assert decimal_text(np.array(units, np.int64), decimals).to_pylist() == [to_text(one, decimals) for one in units]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.text(st.characters(codec="utf-8"))), st.integers(-(2**63), 2**63 - 1)),
        min_size=1,
    )
)
def test_any_text_comes_back_from_csv_and_json(rows: list[tuple[str | None, int]]) -> None:
    table = pa.table(
        {
            "text": pa.array([row[0] for row in rows], pa.string()),
            "at_ns": pa.array([row[1] for row in rows], pa.int64()),
        }
    )
    assert [json.loads(line) for line in json_lines(table).decode().split("\n")[:-1]] == [
        {"text": text, "at_ns": str(at)} for text, at in rows
    ]
    back = list(csv.reader(io.StringIO(csv_lines(table).decode(), newline="")))
    assert back == [[text or "", str(at)] for text, at in rows]


def test_a_file_is_written_too(stored: Path) -> None:
    with TemporaryDirectory() as folder:
        out = Path(folder) / "trades.csv"
        assert export(stored, "trades", None, None, None, "csv", out) == 4
        assert out.read_text() == text(stored, "trades")
