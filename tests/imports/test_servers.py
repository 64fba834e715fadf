"""PostgreSQL, MongoDB and InfluxDB as they really answer: servers of this machine, or of a package, on loopback."""

import asyncio
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ninefold.imports.mapping import ImportRefused
from tests.imports.conftest import broken_off, driver

pytestmark = pytest.mark.slow

asyncpg, pymongo = driver("asyncpg"), driver("pymongo")
Decimal128, Int64 = driver("bson").Decimal128, driver("bson").Int64

STARTED = datetime(2024, 1, 1, tzinfo=UTC)
COUNT = 2_000


def execute(url: str, *statements: str, rows: tuple[str, list[tuple[object, ...]]] | None = None) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
            if rows:
                await connection.copy_records_to_table(rows[0], records=rows[1])
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture
def trades_table(postgres: str) -> Iterator[tuple[str, str]]:
    """A table of trades with NUMERIC prices, several of one time; its name needs quotes."""
    rows = [
        (
            number,
            STARTED + timedelta(milliseconds=number // 4),
            "BTC/USDT",
            Decimal(number + 1) / 1000,
            (number % 7 + 1) / 10,
            "buy",
        )
        for number in range(COUNT)
    ]
    execute(
        postgres,
        'DROP TABLE IF EXISTS "my trades"',
        'CREATE TABLE "my trades" (id bigint, ts timestamptz, symbol text, price numeric(20, 8), amount float8, side text)',
        rows=("my trades", rows),
    )
    yield postgres, "my trades"
    execute(postgres, 'DROP TABLE "my trades"')


@pytest.mark.parametrize("block_bytes", [900, 8 * 2**20], ids=["small blocks", "large blocks"])
def test_postgresql_numbers_keep_their_digits_and_floats_are_named(importing, trades_table, monkeypatch, block_bytes):
    monkeypatch.setattr("ninefold.imports.postgres.BLOCK_BYTES", block_bytes * 10)
    url, table = trades_table
    found = importing.one("postgresql", url, table, what="trades", venue="binance")
    assert (found.read, found.stored, found.refused, found.floats) == (COUNT, COUNT, 0, ("amount",))
    by_id = {row["trade_id"]: row for row in importing.stored("trades")}
    assert len(by_id) == COUNT
    assert (by_id["1998"]["price"], by_id["2"]["size"]) == ("1.99900000", "0.30000000")
    assert by_id["1998"]["exchange_ns"] == str(1_704_067_200_000_000_000 + 499 * 1_000_000)


def test_postgresql_goes_on_behind_the_rows_it_has_read_and_doubles_none_of_the_same_time(
    importing, trades_table, monkeypatch
):
    """The import is broken off behind every batch; rows of one millisecond are cut in between."""
    monkeypatch.setattr("ninefold.imports.postgres.BLOCK_BYTES", 7_000)
    url, table = trades_table
    execute(url, 'UPDATE "my trades" SET id = NULL, amount = id')  # nothing but the place in the order tells them apart
    reads = broken_off(monkeypatch, lambda: importing.one("postgresql", url, table, what="trades", venue="binance"))
    assert reads > 1
    sizes = [Decimal(row["size"]) for row in importing.stored("trades")]
    assert sorted(sizes) == list(range(1, COUNT)), "all but the one of size 0, which is refused"


def test_rows_added_to_a_table_later_are_added_and_rows_without_a_time_are_refused(importing, trades_table):
    url, table = trades_table
    importing.one("postgresql", url, table, what="trades", venue="binance")
    execute(
        url,
        "INSERT INTO \"my trades\" VALUES (9000, '2024-01-02 00:00:00+02', 'BTC/USDT', 1, 1, 'sell'), (9001, NULL, 'BTC/USDT', 1, 1, '')",
    )
    again = importing.one("postgresql", url, table, what="trades", venue="binance")
    assert (again.read, again.stored, again.there, again.refused) == (COUNT + 2, 1, COUNT, 1)


def test_postgresql_times_without_a_zone_need_one_said(importing, postgres):
    execute(
        postgres,
        "DROP TABLE IF EXISTS naive",
        "CREATE TABLE naive AS SELECT timestamp '2024-01-01 00:00:00.5' AS ts, 1::numeric AS price, 2::numeric AS size",
    )
    said = {"what": "trades", "instrument": "binance:BTC/USDT"}
    with pytest.raises(ImportRefused, match="ts has no time zone"):
        importing.one("postgresql", postgres, "naive", **said)
    assert (
        importing.one("postgresql", postgres, "naive", time_zone="UTC", **said).first
        == "2024-01-01T00:00:00.500000000Z"
    )


def test_a_table_or_a_server_that_is_not_there_is_named(importing, postgres):
    with pytest.raises(ImportRefused, match='relation "nothing" does not exist'):
        importing.one("postgresql", postgres, "nothing", what="trades")
    with pytest.raises(ImportRefused, match=r"PostgreSQL at 127\.0\.0\.1/x"):
        importing.one("postgresql", "postgresql://me:hidden@127.0.0.1:1/x", "t", what="trades")


def test_cryptofeeds_tables_are_read_by_their_own_names(importing, postgres):
    head = "id serial PRIMARY KEY, timestamp TIMESTAMP, receipt_timestamp TIMESTAMP, exchange VARCHAR(32), symbol VARCHAR(32)"
    execute(
        postgres,
        "DROP TABLE IF EXISTS cf_trades, cf_candles",
        f"CREATE TABLE cf_trades ({head}, side VARCHAR(8), amount NUMERIC(64, 32), price NUMERIC(64, 32), trade_id VARCHAR(32),"
        " order_type VARCHAR(32))",
        f"CREATE TABLE cf_candles ({head}, candle_start TIMESTAMP, candle_stop TIMESTAMP, interval VARCHAR(4), trades INTEGER,"
        " open NUMERIC(64, 32), close NUMERIC(64, 32), high NUMERIC(64, 32), low NUMERIC(64, 32), volume NUMERIC(64, 32), closed BOOLEAN)",
        "INSERT INTO cf_trades VALUES (DEFAULT, '2021-04-05 18:33:22.123', '2021-04-05 18:33:22.2', 'COINBASE', 'BTC-USD', 'sell',"
        " 0.00012345, 58000.01, '99', NULL)",
        "INSERT INTO cf_candles VALUES (DEFAULT, '2021-04-05 18:34:00', '2021-04-05 18:34:00.2', 'BINANCE', 'BTC-USDT',"
        " '2021-04-05 18:33:00', '2021-04-05 18:33:59.999', '1m', 5, 10, 11, 12, 9, 3.5, TRUE)",
    )
    assert importing.one("cryptofeed", postgres, "cf_trades").stored == 1
    assert importing.one("cryptofeed", postgres, "cf_candles", what="bars").stored == 1
    [trade], [bar] = importing.stored("trades"), importing.stored("bars")
    assert (trade["instrument"], trade["trade_id"], trade["size"]) == ("coinbase:BTC/USD", "99", "0.00012345")
    assert (bar["instrument"], bar["low"], bar["trades"]) == ("binance:BTC/USDT", "9.00000000", "5")


def test_mongodb_documents_of_every_kind_of_number_are_read_and_gone_on_with(importing, mongodb, monkeypatch):
    monkeypatch.setattr("ninefold.imports.mongo.ROWS", 150)
    kinds = (Decimal128, str, float, lambda text: Int64(Decimal(text)))
    documents = [
        {
            "when": STARTED + timedelta(seconds=number // 3),
            "deal": {"price": kinds[number % 4](f"{number + 1}.5"), "size": kinds[number % 3]("0.25")},
            "pair": "ETH/USDT",
            "id": number,
        }
        for number in range(600)
    ]
    with pymongo.MongoClient(mongodb) as client:
        client.market.trades.drop()
        client.market.trades.insert_many(documents)
    said = {
        "what": "trades",
        "venue": "binance",
        "columns": {"time": "when", "price": "deal.price", "size": "deal.size"},
    }
    reads = broken_off(monkeypatch, lambda: importing.one("mongodb", f"{mongodb}/market", "trades", **said))
    assert reads >= 4
    stored = {int(row["trade_id"]): row for row in importing.stored("trades")}
    assert [stored[number]["price"] for number in (0, 1, 2, 3)] == [
        "1.50000000",
        "2.50000000",
        "3.50000000",
        "4.00000000",
    ]
    assert len(stored) == 600 and {row["size"] for row in stored.values()} == {"0.25000000"}
    assert stored[599]["exchange_ns"] == str(1_704_067_200_000_000_000 + 199 * 10**9)


def write_points(address: str, lines: list[str]) -> None:
    with urllib.request.urlopen(f"{address}/write?db=market&precision=ns", "\n".join(lines).encode(), timeout=10):
        pass


def test_influxdb_points_are_read_in_chunks_and_gone_on_with(importing, influxdb, monkeypatch):
    monkeypatch.setattr("ninefold.imports.influx.CHUNK_ROWS", 97)
    monkeypatch.setattr("ninefold.imports.influx.BATCH_ROWS", 150)
    start = 1_700_000_000_000_000_000
    write_points(
        influxdb,
        [
            f"deals,symbol=BTC-USDT,venue=binance,n={number % 3} "
            f'price={number}.25,amount=0.1,tid={number}i,side="sell" {start + number // 3}'
            for number in range(1, 1001)
        ],
    )
    said = {"what": "trades", "columns": {"id": "tid"}}
    reads = broken_off(monkeypatch, lambda: importing.one("influxdb", f"{influxdb}/market", "deals", **said))
    assert reads > 3
    stored = {int(row["trade_id"]): row for row in importing.stored("trades")}
    assert sorted(stored) == list(range(1, 1001))
    assert (stored[1000]["price"], stored[1000]["exchange_ns"], stored[1000]["taker_side"]) == (
        "1000.25000000",
        str(start + 333),
        "sell",
    )


def test_a_measurement_that_is_not_there_is_named(importing, influxdb):
    with pytest.raises(ImportRefused, match="market has no measurement 'nothing'"):
        importing.one("influxdb", f"{influxdb}/market", "nothing", what="trades")


class FluxAnswers(BaseHTTPRequestHandler):
    """Answers Flux as the documentation of InfluxDB 2 shows it; no real server of 2.x can be had here."""

    asked: list[str] = []  # noqa: RUF012  (of all requests)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append(f"{self.path} {self.headers['Authorization']} {body}")
        rows = [
            f",_result,0,2024-01-01T00:00:0{second}.5Z,{second + 1}.5,0.25,BTC/USDT,{second}" for second in range(3)
        ]
        text = "\r\n".join([",result,table,_time,price,size,symbol,id", *rows, "", ""])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


def test_flux_of_influxdb_2_is_asked_with_a_token_and_its_csv_read(importing, monkeypatch):
    monkeypatch.setenv("INFLUX_TOKEN", "t0")
    server = ThreadingHTTPServer(("127.0.0.1", 0), FluxAnswers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        place = f"http://127.0.0.1:{server.server_port}/?org=us&bucket=ticks"
        found = importing.one("influxdb", place, "deals", what="trades", venue="binance")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (found.read, found.stored) == (3, 3)
    assert FluxAnswers.asked[-1].startswith("/api/v2/query?org=us Token t0 ")
    assert urllib.parse.unquote(FluxAnswers.asked[-1]).count('from(bucket: \\"ticks\\")') == 1
