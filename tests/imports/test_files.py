"""CSV, Parquet and the files of freqtrade, cryptofeed and tardis, imported into a store and exported again."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import ninefold
from ninefold.imports.mapping import ImportRefused
from ninefold.market.arrays import CLEAR_BOOK
from ninefold.store.read import Reader
from ninefold.store.sql import sql

pytestmark = pytest.mark.slow

BTC = {"what": "trades", "instrument": "binance:BTC/USDT"}
TRADES = """time,price,amount,side,id
1700000000001,61203.10,0.5,buy,7
1700000000001,61203.1,0.25,SELL,8
1700000000002,61203.2,1,,9
"""
NOON_NS = 1_700_000_000_000_000_000 // 60_000_000_000 * 60_000_000_000


def test_trades_of_a_csv_are_stored_exactly_and_seen_by_export_and_sql(importing, write):
    found = importing.one("csv", write("t.csv", TRADES), **BTC)
    assert (found.read, found.stored, found.there, found.refused, found.unit) == (3, 3, 0, 0, "ms")
    assert [
        (row["exchange_ns"], row["trade_id"], row["price"], row["size"], row["taker_side"])
        for row in importing.stored("trades")
    ] == [
        ("1700000000001000000", "7", "61203.10000000", "0.50000000", "buy"),
        ("1700000000001000000", "8", "61203.10000000", "0.25000000", "sell"),
        ("1700000000002000000", "9", "61203.20000000", "1.00000000", "unknown"),
    ]
    answer = sql(importing.data_dir / "imports", "SELECT count(*) AS n, sum(size) AS size FROM trades_priced")
    assert answer.to_pylist() == [{"n": 3, "size": 1.75}]


def test_the_same_import_twice_stores_once(importing, write):
    path = write("t.csv", TRADES)
    importing.one("csv", path, **BTC)
    again = importing.one("csv", path, **BTC)
    assert (again.read, again.stored, again.there, again.refused) == (3, 0, 3, 0)
    assert len(importing.stored("trades")) == 3


def test_a_file_that_has_grown_adds_only_what_is_new(importing, write):
    importing.one("csv", write("t.csv", TRADES), **BTC)
    grown = importing.one("csv", write("t.csv", TRADES + "1700000000003,61203.2,1,buy,10\n"), **BTC)
    assert (grown.stored, grown.there) == (1, 3)


def test_equal_trades_without_ids_next_to_each_other_are_two_and_stay_two(importing, write):
    rows = "time,price,size\n1300000000,0.9,5\n1300000000,0.9,5\n1300000001,0.9,5\n"
    path = write("mtgox.csv", rows)
    said = {"what": "trades", "instrument": "mtgox:BTC/USD"}
    assert importing.one("csv", path, **said).stored == 3
    assert importing.one("csv", path, **said).there == 3
    once_more = write("longer.csv", rows.replace("1300000001", "1300000000"))
    assert importing.one("csv", once_more, **said).stored == 1, "a third equal one of that second"


def test_a_refused_row_is_written_with_its_number_and_reason(importing, write):
    rows = (
        TRADES
        + "1700000000003,x,1,buy,10\n1700000000003,1,0,buy,11\n1700000000003,1,1,up,12\n1700000000003,1\n,1,1,buy,13\n"
    )
    found = importing.one("csv", write("t.csv", rows), **BTC)
    assert (found.read, found.stored, found.refused) == (8, 3, 5)
    refused = [json.loads(line) for line in Path(found.refused_file).read_text().splitlines()]
    assert [(row["row"], row["reason"]) for row in refused] == [
        (4, "price is 'x', no number"),
        (5, "size is 0"),
        (6, "side is 'up'; allowed are 'buy' 'b' 'bid' 'sell' 's' 'ask' 'a' 'unknown' ''"),
        (7, "the row has another number of fields than there are columns"),
        (8, "time is missing"),
    ]
    assert refused[0]["found"] == {"time": "1700000000003", "price": "x", "amount": "1", "side": "buy", "id": "10"}
    assert refused[3]["found"] == {"(malformed)": "1700000000003,1"}


def test_no_row_is_lost_wherever_blocks_are_cut(importing, write, monkeypatch):
    rows = [f'{1_700_000_000_000 + n // 3},{100 + n % 7}.5,{n % 3 + 1},buy,"{n}"' for n in range(120)]
    path = write("t.csv", "\n".join(["time,price,size,side,id", *rows]))
    monkeypatch.setattr("ninefold.imports.csv.BLOCK_BYTES", 337)
    assert importing.one("csv", path, **BTC).stored == 120
    assert sorted(int(row["trade_id"]) for row in importing.stored("trades")) == list(range(120))


def test_a_line_break_inside_quotes_does_not_end_a_row(importing, write, monkeypatch):
    rows = "".join(f'17000000000{n:02},1,1,"a\nb{n}"\n' for n in range(20))
    monkeypatch.setattr("ninefold.imports.csv.BLOCK_BYTES", 50)
    assert importing.one("csv", write("t.csv", "time,price,size,id\n" + rows), **BTC).stored == 20


def test_a_csv_without_a_header_and_with_semicolons_is_read_by_a_mapping(importing, write):
    path = write("bitstamp.csv", "1315922016;5.8;1\n1315922024;5.83;3\n")
    found = importing.one("csv", path, what="trades", instrument="bitstamp:BTC/USD", header=("time", "price", "amount"))
    assert (found.stored, found.unit) == (2, "s")


def test_uuids_and_other_texts_are_ids_too(importing, write):
    uuid = "86839c6f-8752-5e58-90c9-450f3c7d7cab"
    rows = f"time,price,size,id\n1569931199.673977,8377.5,2340,{uuid}\n1569931199.673977,8377.5,2340,T-1\n"
    assert importing.one("csv", write("bybit.csv", rows), what="trades", instrument="bybit:BTC/USD:BTC").stored == 2
    ids = [row["trade_id"] for row in importing.stored("trades")]
    assert ids[0] == uuid and len(ids[1]) == 32


def test_whether_the_buyer_was_the_maker_says_who_took(importing, write):
    path = write("b.csv", "time,price,qty,is_buyer_maker\n1700000000000,1,1,True\n1700000000000,1,2,false\n")
    importing.one("csv", path, **BTC)
    assert [row["taker_side"] for row in importing.stored("trades")] == ["sell", "buy"]


def test_symbols_of_several_venues_in_one_file_are_told_apart(importing, write):
    head = "time,symbol,exchange,price,size\n"
    rows = head + "".join(f"1700000000000,{who},1,1\n" for who in ("BTCUSDT,binance", "BTC-USD,coinbase", "XBT,kraken"))
    found = importing.one("csv", write("m.csv", rows), what="trades", symbols={"XBT": "kraken:BTC/USD"})
    assert found.stored == 3
    assert [row["instrument"] for row in importing.stored("trades")] == [
        "binance:BTC/USDT",
        "coinbase:BTC/USD",
        "kraken:BTC/USD",
    ]


BARS = "open_time,open,high,low,close,volume\n1700000040,10,12,9.5,11,3\n1700000100,11,11,11,11,0\n"


def test_bars_are_stored_with_their_state_and_seen_by_load_bars(importing, write):
    found = importing.one("csv", write("b.csv", BARS), what="bars", instrument="binance:BTC/USDT", timeframe="1m")
    assert (found.stored, found.refused) == (2, 0)
    table = ninefold.load_bars("binance:BTC/USDT", "1m", data_dir=importing.data_dir / "imports")
    assert table.column("state").to_pylist() == ["ok", "flat"]
    assert table.column("low").to_pylist() == [9.5, 11.0]
    assert table.column("open_ns").to_pylist() == [NOON_NS + 60_000_000_000, NOON_NS + 120_000_000_000]


def test_a_bar_that_contradicts_a_stored_one_is_refused_and_an_equal_one_is_there_already(importing, write):
    said = {"what": "bars", "instrument": "binance:BTC/USDT", "timeframe": "1m"}
    importing.one("csv", write("b.csv", BARS), **said)
    other = importing.one("csv", write("c.csv", BARS.replace("9.5", "9.4")), **said)
    assert (other.stored, other.there, other.refused) == (0, 1, 1)
    assert "the stored one stays" in Path(other.refused_file).read_text()


def test_a_bar_named_by_its_close_begins_a_width_before(importing, write):
    said = {"what": "bars", "instrument": "binance:BTC/USDT", "timeframe": "1m", "bar_time": "close"}
    importing.one("csv", write("b.csv", BARS), **said)
    assert importing.stored("bars")[0]["open_ns"] == str(NOON_NS)


def test_impossible_bars_are_refused(importing, write):
    rows = "time,open,high,low,close,volume\n1700000040,10,9,8,10,1\n1700000041,10,10,10,10,1\n1700000100,0,0,0,0,0\n"
    found = importing.one("csv", write("b.csv", rows), what="bars", instrument="binance:BTC/USDT", timeframe="1m")
    reasons = [json.loads(line)["reason"] for line in Path(found.refused_file).read_text().splitlines()]
    assert reasons == [
        "high and low do not hold open and close",
        "its time is no begin of a 1m bar; say --bar-time close if it is the end, or another --timeframe",
        "a price is not above 0",
    ]


def test_what_we_export_can_be_imported_again(importing, write, tmp_path):
    importing.one("csv", write("t.csv", TRADES), **BTC)
    importing.one("csv", write("b.csv", BARS), what="bars", instrument="binance:BTC/USDT", timeframe="1m")
    for what in ("trades", "bars"):
        importing.stored(what)
    other = type(importing)(tmp_path / "other" / "data")
    assert other.one("csv", tmp_path / "trades.csv", what="trades", columns={"time": "exchange_ns"}).stored == 3
    assert other.one("csv", tmp_path / "bars.csv", what="bars", columns={"time": "open_ns"}).stored == 2
    for what in ("trades", "bars"):
        assert other.stored(what) == importing.stored(what)


def test_parquet_with_decimals_and_floats_goes_on_at_any_row(importing, tmp_path, monkeypatch):
    count = 1000
    table = pa.table(
        {
            "ts": pa.array(np.arange(count) * 1000 + 1_700_000_000_000_000, pa.timestamp("us", "UTC")),
            "price": pa.array([f"{n}.{n:04}1" for n in range(1, count + 1)]).cast(pa.decimal128(20, 6)),
            "size": pa.array(np.arange(1, count + 1) / 10),
            "id": pa.array(np.arange(count)),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=300)
    monkeypatch.setattr("ninefold.imports.parquet.BATCH_ROWS", 70)
    found = importing.one("parquet", tmp_path / "t.parquet", **BTC)
    assert (found.stored, found.floats) == (count, ("size",))
    [last] = [row for row in importing.stored("trades") if row["trade_id"] == "999"]
    assert (last["price"], last["size"]) == ("1000.10001000", "100.00000000")


FREQTRADE = [[1700000100000, 10.0, 12.0, 9.5, 11.0, 3.25], [1700000400000, 11, 11, 11, 11, 0]]


def test_freqtrades_json_and_json_gz_bars_are_named_by_their_file(importing, tmp_path, monkeypatch):
    monkeypatch.setattr("ninefold.imports.freqtrade.BLOCK_BYTES", 7)
    folder = tmp_path / "binance"
    (folder / "futures").mkdir(parents=True)
    (folder / "BTC_USDT-5m.json").write_text(json.dumps(FREQTRADE))
    with gzip.open(folder / "futures" / "ETH_USDT_USDT-5m-futures.json.gz", "wt") as file:
        json.dump(FREQTRADE, file)
    found = importing.run("freqtrade", folder)
    assert [one.stored for one in found] == [2, 2]
    assert {(row["instrument"], row["timeframe"]) for row in importing.stored("bars")} == {
        ("binance:BTC/USDT", "5m"),
        ("binance:ETH/USDT:USDT", "5m"),
    }


def test_freqtrades_feather_bars_and_trades_are_read(importing, tmp_path):
    folder = tmp_path / "kraken"
    folder.mkdir()
    dates = pa.array([row[0] for row in FREQTRADE], pa.timestamp("ms", "UTC"))
    prices = {
        name: pa.array([float(row[n + 1]) for row in FREQTRADE])
        for n, name in enumerate(("open", "high", "low", "close", "volume"))
    }
    pyarrow.feather.write_feather(pa.table({"date": dates, **prices}), folder / "BTC_USD-5m.feather", compression="lz4")
    trades = {
        "timestamp": [1700000000123],
        "id": ["a-1"],
        "type": [None],
        "side": ["sell"],
        "price": [0.1],
        "amount": [3.0],
        "cost": [0.3],
    }
    pyarrow.feather.write_feather(pa.table(trades), folder / "BTC_USD-trades.feather", compression="lz4")
    found = importing.run("freqtrade", folder)
    assert [(one.what, one.stored) for one in found] == [("bars", 2), ("trades", 1)]
    [trade] = importing.stored("trades")
    assert (trade["instrument"], trade["price"], trade["taker_side"]) == ("kraken:BTC/USD", "0.10000000", "sell")


@pytest.mark.parametrize(
    "name", ["BTC_USDT-30m.json", "BTC_USDT-8h-funding_rate.feather", "notes.json", "XRPBUSD-5m.json"]
)
def test_a_file_of_freqtrade_that_holds_no_bars_of_ours_is_refused_by_name(importing, tmp_path, name):
    (tmp_path / name).write_text("[]")
    with pytest.raises(ImportRefused, match=name):
        importing.run("freqtrade", tmp_path / name, venue="binance")


TARDIS = {
    "trades": "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    "binance-futures,BTCUSDT,1582329602111000,1582329602418379,42377944,buy,9682,0.132\n"
    "binance-futures,BTCUSDT,1582329602116000,1582329602418420,42377945,unknown,9682.01,0.412\n",
    "quotes": "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
    "binance-futures,BTCUSDT,1582329602111000,1582329602418379,1.5,9682.5,9682,2\n"
    "binance-futures,BTCUSDT,1582329602111000,1582329602418380,,,9682,3\n",
    "incremental_book_L2": "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    "binance-futures,BTCUSDT,1582329602111000,1582329602418379,true,bid,9682,2\n"
    "binance-futures,BTCUSDT,1582329602111000,1582329602418379,true,ask,9683,1\n"
    "binance-futures,BTCUSDT,1582329602112000,1582329602418380,false,bid,9682,0\n"
    "binance-futures,BTCUSDT,1582329602113000,1582329602418381,true,bid,9681,4\n",
}


@pytest.mark.parametrize("kind", TARDIS)
def test_data_sets_of_tardis_are_told_by_their_columns(importing, tmp_path, kind):
    path = tmp_path / f"binance-futures_{kind}_2020-02-22_BTCUSDT.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(TARDIS[kind])
    found = importing.one("tardis", path)
    assert (found.read, found.stored, found.refused) == (TARDIS[kind].count("\n") - 1,) * 2 + (0,)
    again = importing.one("tardis", path)
    assert (again.stored, again.there) == (0, found.read)


@pytest.mark.parametrize("block_bytes", [1, 2**20], ids=["row by row", "at once"])
def test_a_snapshot_of_tardis_begins_by_clearing_the_book(importing, write, monkeypatch, block_bytes):
    monkeypatch.setattr("ninefold.imports.csv.BLOCK_BYTES", block_bytes)
    importing.one("tardis", write("book.csv", TARDIS["incremental_book_L2"]))
    books = Reader(importing.data_dir / "imports").books(1)
    assert books["action"].tolist() == [CLEAR_BOOK, 0, 0, 0, CLEAR_BOOK, 0]
    assert books["price"].tolist() == [0, 968200000000, 968300000000, 968200000000, 0, 968100000000]


def test_another_kind_of_data_set_is_refused_with_what_is_read(importing, write):
    path = write("liquidations.csv", "exchange,symbol,timestamp,local_timestamp,id,side\n")
    with pytest.raises(ImportRefused, match="trades: exchange,symbol,timestamp,local_timestamp,id,side,price,amount"):
        importing.run("tardis", path)


def test_what_cryptofeed_saves_is_read_with_its_names(importing, tmp_path):
    trades = {
        "exchange": ["BINANCE", "BINANCE_FUTURES"],
        "symbol": ["BTC-USDT", "ETH-USDT-PERP"],
        "side": ["sell", "buy"],
        "amount": [0.25, 1.0],
        "price": ["61203.10", "3000"],
        "id": ["17", None],
        "timestamp": [1617647602.123456, 1617647602.5],
        "receipt_timestamp": [1617647602.2, 1617647602.6],
    }
    pq.write_table(pa.table(trades), tmp_path / "trades.parquet")
    candles = (
        "exchange,symbol,start,stop,interval,trades,open,close,high,low,volume,closed,timestamp,receipt_timestamp\n"
        "BINANCE,BTC-USDT,1617647580.0,1617647639.999,1m,7,10,11,12,9,3.5,True,1617647640.01,1617647640.02\n"
        "BINANCE,BTC-USDT,1617647640.0,1617647699.999,1m,1,11,11,11,11,1,False,1617647650.01,1617647650.02\n"
    )
    (tmp_path / "candles.csv").write_text(candles)
    assert importing.one("cryptofeed", tmp_path / "trades.parquet").stored == 2
    bars = importing.one("cryptofeed", tmp_path / "candles.csv")
    assert (bars.stored, bars.refused) == (1, 1), "the bar that was not closed is refused"
    assert [(row["instrument"], row["exchange_ns"], row["trade_id"]) for row in importing.stored("trades")] == [
        ("binance:BTC/USDT", "1617647602123456000", "17"),
        ("binanceusdm:ETH/USDT:USDT", "1617647602500000000", ""),
    ]
    assert importing.stored("bars")[0]["trades"] == "7"


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("trades/mtgox_btcusd_2010-07-17_2011-04-30.parquet", 3_000, {"instrument": "mtgox:BTC/USD"}),  # of 35,527
        pytest.param(
            "trades/mtgox_btcusd_2010-07-17_2011-04-30.parquet",
            35_527,
            {"instrument": "mtgox:BTC/USD"},
            marks=pytest.mark.torture,
        ),
        pytest.param(  # as long and as thinly spread as the one above
            "trades/bitstamp_btcusd_2011-09-13_2012-08-31.parquet",
            40_885,
            {"instrument": "bitstamp:BTC/USD"},
            marks=pytest.mark.torture,
        ),
        (
            "trades/bybit_BTCUSD_2019-10-01_00h-12h.parquet",
            41_454,
            {"instrument": "bybit:BTC/USD:BTC", "columns": {"id": "trdMatchID"}},
        ),
        ("trades/tardis_binance-futures_BTCUSDT_trades_part1.parquet", 4_999, {}),
    ],
)
def test_recorded_trades_are_stored_once_however_often_they_are_imported(
    importing, recording, tmp_path, name, rows, said
):
    path, recorded = recording(name), pq.read_table(recording(name))
    if len(recorded) > rows:
        path = tmp_path / "first.parquet"
        pq.write_table(recorded.slice(0, rows), path)
    once = importing.one("parquet", path, what="trades", **said)
    assert once.read == rows == once.stored + once.there + once.refused
    again = importing.one("parquet", path, what="trades", **said)
    assert (again.stored, again.there, again.refused) == (0, once.stored + once.there, once.refused)


def test_a_damaged_or_foreign_file_is_refused_with_its_name(importing, write):
    with pytest.raises(ImportRefused, match=r"x\.parquet cannot be read"):
        importing.one("parquet", write("x.parquet", "no parquet"), **BTC)
    with pytest.raises(ImportRefused, match="no source 'mysql'; there are postgresql, mongodb"):
        importing.one("mysql", "x", **BTC)


@pytest.mark.parametrize(
    "text",
    [
        b"time,price,size,note\n1300000000,0.9,5,a\n1300000001,0.9,5\n1300000002,0.9,5,caf\xe9\n",
        b"time,price,size,note\n1300000000,0.9,5,a\n1300000002,0.9,5,\xe9,one too many\n",
        b"time,pri\rce,size\n1300000000,0.9,5\n",
        b'time,price,size\n1300000000,0.9,5\n1300000001,0.9\n1300000002,0.9,"' + b"5" * 200_000 + b'"\n',
    ],
    ids=["a row too short", "a row too long", "a header", "an endless field"],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_csv_in_utf_8_is_refused_with_its_name(importing, tmp_path, text):
    (tmp_path / "x.csv").write_bytes(text)
    with pytest.raises(ImportRefused, match=r"x\.csv.*CSV in UTF-8"):
        importing.one("csv", tmp_path / "x.csv", **BTC)


@pytest.mark.parametrize("row", [b"[1700000000000,1.5,2,1,1.75\xe1,10]", b"[1700000000000,1.5,2,01,1.75,10]"])
def test_a_row_that_is_no_json_is_refused_with_its_file(importing, tmp_path, row):
    path = tmp_path / "binance" / "BTC_USDT-1m.json"
    path.parent.mkdir()
    path.write_bytes(b"[" + row + b"]")
    with pytest.raises(ImportRefused, match=r"BTC_USDT-1m\.json has a row that is no JSON"):
        importing.one("freqtrade", path)
