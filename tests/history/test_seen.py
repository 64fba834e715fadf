"""What was downloaded is seen by the readers of the data dir, together with what was captured, without their knowing."""

import io
import shutil
from decimal import Decimal

import numpy as np
import pytest

from ninefold.market.arrays import BAR_UNKNOWN, BUY, ID_INTEGER, SELL, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import Listed
from ninefold.store.export import export
from ninefold.store.load import load_bars
from ninefold.store.read import Reader
from ninefold.store.sql import sql
from ninefold.store.tables import Tables

from .exchange import DAY, JANUARY, MINUTE, Exchange, random_trades
from .running import fetch, true_bars

pytestmark = pytest.mark.slow

SPAN = (JANUARY + DAY, JANUARY + DAY + 60 * MINUTE)
NOW = JANUARY + 40 * DAY
TRUTH = random_trades(9, SPAN[0] - 60 * MINUTE, SPAN[1] + 60 * MINUTE, 12 * 10**9)
INSIDE = [one for one in TRUTH if SPAN[0] <= one.time_ns < SPAN[1]]
NAME = "binance:BTC/USDT"


def capture(data_dir, trades, unknown, quote="USDT"):
    """As a pipeline stored it: BTC/USDT is its second instrument, with some trades, and one bar in doubt."""
    first = listed("binance", "SOLUSDT", "SOL", "USDT", tick="0.01", lot="0.00001", finer=(2, 3))
    second = listed("binance", f"BTC{quote}", "BTC", quote, tick="0.01", lot="0.00001", finer=(2, 3))
    with Tables(data_dir) as tables:
        registry = tables.registry()
        registered = [registry.add(first), registry.add(second)]
        records = [Listed(seq=1, known_ns=NOW, instrument=one) for one in registered]
        stored = [
            (
                2,
                one.time_ns,
                NOW,
                2,
                ID_INTEGER,
                0,
                one.id,
                units(one.price, 4),
                units(one.size, 8),
                BUY if one.buy else SELL,
            )
            for one in trades
        ]
        bars = np.zeros(1, Chunk(0, 0, 0).rows("bars").dtype)
        bars["instrument"], bars["width_ns"], bars["open_ns"], bars["close_ns"] = 2, MINUTE, unknown, unknown + MINUTE
        bars["state"], bars["known_ns"], bars["seq"] = BAR_UNKNOWN, NOW, 3
        arrays = {"trades": rows("trades", stored)} if stored else {}
        tables.write(
            [Chunk(1, 1, NOW, {}, records), Chunk(2, 2, NOW, arrays, []), Chunk(3, 3, NOW, {"bars": bars}, [])]
        )


def units(text, places):
    return int(Decimal(text).scaleb(places))


def exported(data_dir, what, **changed):
    out = io.BytesIO()
    export(data_dir, what, NAME, changed.get("timeframe"), None, "csv", out)
    return [line.split(",") for line in out.getvalue().decode().splitlines()[1:]]


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    path = tmp_path_factory.mktemp("downloaded")
    fetch(Exchange(TRUTH, NOW), path, "trades", "1m", span=SPAN)
    return path


@pytest.mark.parametrize("captured", ["nothing", "a half", "another pair"])
def test_everybody_sees_both_as_one(tmp_path, downloaded, captured):
    unknown = SPAN[0] + 30 * MINUTE
    before = INSIDE[: len(INSIDE) // 2]
    shutil.copytree(downloaded, tmp_path, dirs_exist_ok=True)
    if captured != "nothing":
        capture(tmp_path, before if captured == "a half" else [], unknown, "USDT" if captured == "a half" else "EUR")
    lines = [line for line in exported(tmp_path, "trades") if SPAN[0] <= int(line[1]) < SPAN[1]]
    assert [int(line[3]) for line in lines] == [one.id for one in INSIDE], "each once, in order"
    truth = true_bars(TRUTH, "1m", SPAN)
    table = load_bars(NAME, "1m", tmp_path)
    assert table.column("open_ns").to_pylist() == list(truth)
    assert set(table.column("state").to_pylist()) <= {"ok", "flat"}, "the captured bar in doubt is replaced"
    assert [f"{value:.2f}" for value in table.column("close").to_pylist()] == [
        f"{bar.close:.2f}" for bar in truth.values()
    ]
    revisions = {int(line[0]): int(line[12]) for line in exported(tmp_path, "bars", timeframe="1m")}
    assert revisions[unknown] == (1 if captured == "a half" else 0)
    assert {value for key, value in revisions.items() if key != unknown} == {0}
    within = f"exchange_time >= make_timestamp_ns({SPAN[0]}) and exchange_time < make_timestamp_ns({SPAN[1]})"
    of = f"instrument = '{NAME}'"
    counted = sql(tmp_path, f"select count(*), count(distinct trade_id) from trades_priced where {of} and {within}")
    assert [column[0].as_py() for column in counted.columns] == [len(INSIDE), len(INSIDE)]
    asked = sql(
        tmp_path, f"select close, revision from bars_priced where {of} and width_seconds = 60 order by open_time"
    )
    assert [f"{value:.2f}" for value in asked.column("close").to_pylist()] == [
        f"{bar.close:.2f}" for bar in truth.values()
    ]
    assert asked.column("revision").to_pylist() == [revisions[key] for key in truth]


def test_the_newest_rows_are_those_of_both(tmp_path):
    fetch(Exchange(TRUTH, NOW), tmp_path, "trades", span=SPAN)
    capture(tmp_path, INSIDE[-5:], SPAN[0])
    reader = Reader(tmp_path)
    found = reader.trades(2, SPAN[0], SPAN[1], limit=12, newest=True)
    assert found["id_lo"].tolist() == [one.id for one in INSIDE[-12:]]
    assert (found["seq"] < 0).tolist() == [True] * 7 + [False] * 5, "their origin"
    assert reader.trades(2, SPAN[0], SPAN[1], limit=3)["id_lo"].tolist() == [one.id for one in INSIDE[:3]]


def test_captured_trades_are_not_downloaded_again(tmp_path):
    capture(tmp_path, INSIDE[:-2], SPAN[0])
    exchange = Exchange(TRUTH, NOW)
    found = fetch(exchange, tmp_path, "trades", span=SPAN)["trades"]
    assert (found.asked, found.already, found.stored) == (len(INSIDE), len(INSIDE) - 2, 2)
    assert [path.partition("fromId=")[2] for path in exchange.asked if "fromId" in path] == [
        f"{INSIDE[0].id - 1}&limit=1",
        f"{INSIDE[-2].id}&limit=3",
    ]


def test_who_gives_ids_sees_only_what_was_captured(tmp_path):
    fetch(Exchange(TRUTH, NOW), tmp_path, "1m", span=SPAN)
    assert [one.name for one in Reader(tmp_path).registry()] == [NAME]
    assert list(Reader(tmp_path).captured()) == []
    with Tables(tmp_path) as tables:
        assert list(tables.registry()) == []
