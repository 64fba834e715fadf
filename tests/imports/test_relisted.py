"""An import first, and a pipeline that lists the instrument in coarser units afterwards: every imported row stays visible, in
exact numbers. Where all of them fit the coarser units they are rows of the pipeline's instrument, else of a version before it.
"""

import json
from decimal import Decimal
from fractions import Fraction

import pytest

from ninefold.market.arrays import BUY, ID_INTEGER, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.numbers import to_text
from ninefold.market.records import Listed
from ninefold.market.time import DAY_NS, MINUTE_NS
from ninefold.services.backtest_stored import market_of_store
from ninefold.store.completeness import completeness
from ninefold.store.export import export
from ninefold.store.load import load_bars
from ninefold.store.read import Reader
from ninefold.store.sql import sql
from ninefold.store.tables import Tables

BTC = "binance:BTC/USDT"
NOON = 1_704_110_400 * 10**9  # 2024-01-01
FITTING, FINER = "61203.10", "61203.123456"  # of the pipeline's two decimals of prices


def trade_file(price, ids=range(100, 103)):
    lines = [f"{NOON // 10**6 + n * 60_000},{price},0.00012,buy,{id}" for n, id in enumerate(ids)]
    return "\n".join(["time,price,size,side,id", *lines, ""])


def bar_file(price, days=12):
    lines = [f"{(NOON - DAY_NS // 2 + n * DAY_NS) // 10**6},{price},{price},{price},{price},2.5" for n in range(days)]
    return "\n".join(["time,open,high,low,close,volume", *lines, ""])


def capture(data_dir, first_id=103):
    """The pipeline lists 2 and 5 decimals and captures one trade, at noon and five minutes, of 1.00 and 2.5."""
    of = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001")
    at = NOON + 5 * MINUTE_NS
    trade = (1, at, at + 5, 2, ID_INTEGER, 0, first_id, 100, 250_000, BUY)
    made = Chunk(
        1, 2, NOON, {"trades": rows("trades", [trade])}, [Listed(seq=1, known_ns=NOON, instrument=of_id(of, 1))]
    )
    with Tables(data_dir) as tables:
        tables.write([made])


def of_id(of, id):
    return type(of)(**{name: getattr(of, name) for name in of.__struct_fields__} | {"id": id})


@pytest.fixture(params=[FITTING, FINER], ids=["fitting", "finer"])
def price(request):
    return request.param


@pytest.fixture
def both(importing, write, price):
    """Trades and bars by day imported, read once, and only then listed by a pipeline."""
    importing.one("csv", write("t.csv", trade_file(price)), what="trades", instrument=BTC)
    importing.one("csv", write("b.csv", bar_file(price)), what="bars", instrument=BTC, timeframe="1d")
    assert told(importing.data_dir) == [Decimal(price)] * 3
    assert closes(importing.data_dir) == [Decimal(price)] * 12
    capture(importing.data_dir)
    return importing.data_dir


def told(data_dir):
    """Prices of all trades by readers of arrays, in the order of time."""
    reader = Reader(data_dir)
    found = []
    for of in reader.registry():
        if of.name == BTC:
            found += [(row["exchange_ns"], Decimal(of.price_text(int(row["price"])))) for row in reader.trades(of.id)]
    return [price for _, price in sorted(found)]


def closes(data_dir):
    reader = Reader(data_dir)
    return [
        Decimal(to_text(int(close), of.price_decimals))
        for of in reader.registry()
        for close in reader.bar_columns(of.id, DAY_NS)["close"]
    ]


def exported(data_dir, what, tmp_path):
    out = tmp_path / "out.jsonl"
    export(data_dir, what, BTC, None, None, "jsonl", out)
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_rows_of_an_import_stay_visible_when_a_pipeline_lists_coarser_units(both, price, tmp_path):
    assert told(both) == [*[Decimal(price)] * 3, Decimal(1)]
    assert closes(both) == [Decimal(price)] * 12
    assert [Decimal(row["price"]) for row in exported(both, "trades", tmp_path)] == [*[Decimal(price)] * 3, 1]
    assert [Decimal(row["close"]) for row in exported(both, "bars", tmp_path)] == [Decimal(price)] * 12
    assert [round(close, 6) for close in load_bars(BTC, "1d", both).column("close").to_pylist()] == [float(price)] * 12
    by_sql = sql(both, "SELECT trade_id, price FROM trades_priced ORDER BY trade_id").to_pydict()
    assert by_sql["trade_id"] == [100, 101, 102, 103]
    assert [round(one, 6) for one in by_sql["price"]] == [*[float(price)] * 3, 1.0]
    bars = market_of_store(both, BTC, DAY_NS).bars
    assert [close * bars.tick for close in bars.close.tolist()] == [Fraction(price)] * 12
    assert completeness(both, BTC, None, None).spans


def test_the_instrument_of_the_pipeline_stays_the_one_that_its_name_means(both, price):
    registry = Reader(both).registry()
    assert (registry.named(BTC).id, registry.named(BTC).price_decimals) == (1, 2)
    versions = [one.id for one in registry if one.name == BTC]
    assert versions == ([1] if price == FITTING else [1, 2])


def test_a_trade_that_is_captured_too_counts_once(both, importing, write, price, tmp_path):
    importing.one("csv", write("more.csv", trade_file("1", [103])), what="trades", instrument=BTC)
    assert told(both) == [*[Decimal(price)] * 3, Decimal(1)]
    assert len(exported(both, "trades", tmp_path)) == 4
    assert sql(both, "SELECT count(*) AS n FROM trades").to_pydict()["n"] == [4]
