"""The same tables on S3-compatible storage: what is new and nothing twice, two publishers at once, a distributed engine."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from ninefold.market.arrays import BUY, ID_INTEGER, SELL, TRADES, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import Listed, Tick
from ninefold.market.time import HOUR_NS, SECOND_NS
from ninefold.services.publish import CannotPublish, publish
from ninefold.store.delta import stored_files
from ninefold.store.layout import SCHEMAS
from ninefold.store.read import Reader
from ninefold.store.scan import scan
from ninefold.store.tables import Tables
from tests.calling import Result, ninefold
from tests.conftest import missing

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
NOON_NS = 1_704_110_400 * SECOND_NS  # 2024-01-01 12:00 UTC
NAMES = ("BTC", "ETH", "SOL")


def lake() -> str:
    """The interpreter of the environment that has an S3 server and a distributed engine."""
    named = os.environ.get("NINEFOLD_LAKE", "")
    if not named or not (Path(named) / "bin" / "python").exists():
        missing(
            "NINEFOLD_LAKE names no environment with moto[server], dask[dataframe], distributed, deltalake and pyarrow "
            f"(found {named!r})"
        )
    return str(Path(named) / "bin" / "python")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 server on loopback, and the environment that says where it is and with which keys."""
    server = subprocess.Popen([lake(), str(HERE / "s3_server.py")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    patch = pytest.MonkeyPatch()
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        told = {"ENDPOINT_URL": url, "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "word", "REGION": "us-east-1"}
        for name, value in {**told, "ALLOW_HTTP": "true", "DEFAULT_REGION": "us-east-1"}.items():
            patch.setenv(f"AWS_{name}", value)
        yield url
    finally:
        patch.undo()
        server.terminate()
        server.communicate()


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own."""
    return made_bucket(endpoint, f"b{abs(hash(request.node.name)) % 10**9}")


class Published(NamedTuple):
    """A data dir and the bucket that has all of it, for tests that only look. done: what the command said of the first 60 chunks;
    again: a second call; more: the one that put what came after."""

    data_dir: Path
    bucket: str
    done: Result
    again: dict[str, Any]
    more: dict[str, Any]


@pytest.fixture(scope="module")
def published(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Published:
    data_dir, to = tmp_path_factory.mktemp("published"), made_bucket(endpoint, "published")
    write(data_dir, 1, 60, at_once=20)
    done = ninefold("publish", "--data-dir", data_dir, "--json", "--to", to)
    again = publish(data_dir, to, quiet)
    write(data_dir, 61, 100, at_once=20)
    return Published(data_dir, to, done, again, publish(data_dir, to, quiet, most_rows=300))


def made_bucket(endpoint: str, name: str) -> str:
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=key/20240101/us-east-1/s3/aws4_request"}
    with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT", headers=signed)):
        return f"s3://{name}/tables"


def chunks(first: int, last: int) -> Iterator[Chunk]:
    """Twenty trades a chunk, eight chunks an hour, from noon on; each with its tick and a bar."""
    rng = np.random.default_rng(first)
    if first == 1:
        made = [
            listed("kraken", f"{name}USD", name, "USD", tick="0.01", lot="0.001", id=id)
            for id, name in enumerate(NAMES, 1)
        ]
        yield Chunk(1, 1, NOON_NS, records=[Listed(seq=1, known_ns=NOON_NS, instrument=one) for one in made])
        first = 2
    for seq in range(first, last + 1):
        at = NOON_NS + seq * HOUR_NS // 8
        trades = np.zeros(20, TRADES)
        trades["instrument"] = rng.integers(1, 4, 20)
        trades["exchange_ns"], trades["receive_ns"], trades["seq"] = at + np.arange(20), at + 50, seq
        trades["id_kind"], trades["id_lo"] = ID_INTEGER, 20 * seq + np.arange(20)
        trades["price"], trades["size"] = rng.integers(1, 10**9, 20), rng.integers(1, 10**6, 20)
        trades["taker_side"] = rng.choice([BUY, SELL], 20)
        bars = rows("bars", [(1, SECOND_NS, at, at + SECOND_NS, *range(90, 97), *range(4), 0, 0, at + SECOND_NS, seq)])
        tick = Tick(seq=seq, known_ns=at, exchange_ns=at)
        yield Chunk(seq, seq, at, {"trades": trades, "bars": bars}, [tick])


def write(data_dir: Path, first: int, last: int, at_once: int = 5) -> None:
    """Commits of a few chunks each."""
    with Tables(data_dir) as tables:
        waiting = list(chunks(first, last))
        for place in range(0, len(waiting), at_once):
            tables.write(waiting[place : place + at_once])


def quiet(what: str, done: int, total: int) -> None:
    """No bar is wanted."""


def local(data_dir: Path, name: str) -> list[str]:
    """Every row that a data dir has of a table, sorted."""
    return _texts(scan(name, stored_files(data_dir / "tables", name), None))


def remote(to: str, name: str) -> list[str]:
    return _texts(DeltaTable(f"{to}/{name}").to_pyarrow_table())


def _texts(table: pa.Table) -> list[str]:
    names = [name for name in table.column_names if name != "day"]
    return sorted(repr(tuple(row[name] for name in names)) for row in table.to_pylist())


def same(data_dir: Path, to: str, names: Iterable[str] = SCHEMAS) -> None:
    for name in names:
        assert remote(to, name) == local(data_dir, name), name


def test_what_is_new_is_added_and_nothing_twice(published):
    first = published.done.json
    assert (first["position"], first["rows"]["trades"]) == (60, 1180)
    assert (sum(published.again["rows"].values()), published.again["commits"]) == (0, 0)
    assert published.more["rows"]["trades"] == 800
    assert published.more["commits"] > len(SCHEMAS), "the trades took several"
    same(published.data_dir, published.bucket)


def test_the_days_are_partitions_and_the_instruments_say_what_the_numbers_mean(published):
    bucket = published.bucket
    added = pa.table(DeltaTable(f"{bucket}/trades").get_add_actions(flatten=True))
    assert {str(day) for day in added.column("partition.day").to_pylist()} == {"2024-01-01", "2024-01-02"}
    found = DeltaTable(f"{bucket}/instruments").to_pyarrow_table().to_pylist()
    assert [(one["id"], one["name"], one["price_decimals"]) for one in found] == [
        (1, "kraken:BTC/USD", 2),
        (2, "kraken:ETH/USD", 2),
        (3, "kraken:SOL/USD", 2),
    ]


def test_rows_of_the_last_number_that_come_later_are_not_forgotten(tmp_path, bucket):
    made = list(chunks(1, 10))
    last = made[-1].rows("trades")
    made[-1].arrays["trades"] = last[:12]
    with Tables(tmp_path) as tables:
        tables.write(made)
        publish(tmp_path, bucket, quiet)
        tables.write([Chunk(10, 10, made[-1].known_ns, {"trades": last[12:]})])
    assert publish(tmp_path, bucket, quiet)["rows"]["trades"] == 8
    same(tmp_path, bucket, ["trades"])


def test_a_place_is_refused_that_holds_something_else_or_a_later_state(tmp_path, published):
    whole, bucket = published.data_dir, published.bucket
    write(tmp_path, 1, 10)
    with pytest.raises(CannotPublish, match="and this is another"):
        publish(tmp_path, bucket, quiet)
    (tmp_path / "state" / "origin").write_text((whole / "state" / "origin").read_text())
    with pytest.raises(CannotPublish, match="later state"):
        publish(tmp_path, bucket, quiet)
    with pytest.raises(CannotPublish, match="like s3://bucket/prefix"):
        publish(tmp_path, "bucket/tables", quiet)
    with pytest.raises(CannotPublish, match=r"did not take it: .*NoSuchBucket") as told:
        publish(tmp_path, "s3://nowhere/tables", quiet)
    assert "word" not in str(told.value)


def test_two_that_publish_at_once_store_every_row_once(tmp_path, bucket):
    """Each with a view of its own of the bucket; nothing but the bucket tells one of the other."""
    write(tmp_path, 1, 30, at_once=5)
    ready = threading.Barrier(2)

    def race(_: int) -> dict[str, Any]:
        ready.wait(60)
        return publish(tmp_path, bucket, quiet, most_rows=100)

    with ThreadPoolExecutor(2) as both:
        results = list(both.map(race, range(2)))
    same(tmp_path, bucket)
    assert sum(one["lost_races"] for one in results) > 0, "they raced, and who was too late gave way"
    assert sum(one["rows"]["trades"] for one in results) == 580, "each row was put by one of them"
    log = [one["operation"] for name in SCHEMAS for one in DeltaTable(f"{bucket}/{name}").history()]
    written = sum(operation == "WRITE" for operation in log)
    assert sum(one["commits"] for one in results) == written, "no commit took the place of another"


@pytest.mark.torture
def test_a_distributed_engine_counts_and_sums_the_same(published):
    done = subprocess.run(
        [lake(), str(HERE / "engine.py"), published.bucket], capture_output=True, timeout=200, env=os.environ
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    found = json.loads(done.stdout)
    assert found["workers"] == 2
    assert found["readers"] >= 1
    reader = Reader(published.data_dir)
    for one in reader.captured():
        mine = reader.trades(one.id)
        assert found["instruments"][str(one.id)] == [len(mine), int(mine["price"].sum()), int(mine["size"].sum())]
    assert sum(count for count, _, _ in found["instruments"].values()) == 1980


def test_the_command_prints_one_document(published):
    assert (published.done.status, published.done.err) == (0, "")
    assert published.done.json["to"] == published.bucket
    other = ninefold("publish", "--data-dir", published.data_dir, "--to", "nowhere")
    assert other.status == 2
    assert "like s3://bucket/prefix" in other.err
