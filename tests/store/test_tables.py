"""Writing chunks: everything once, wherever it is cut and however often it comes."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import KINDS, UNKNOWN_SIDE
from ninefold.market.chunk import Chunk
from ninefold.market.records import Balance, Equity, Fill, Gap, Order, Tick
from ninefold.market.time import DAY_NS, UNKNOWN_NS
from ninefold.store.data_dir import AlreadyWritten, StoreWriteFailed
from ninefold.store.delta import LOG, Table, stored_files
from ninefold.store.layout import SCHEMAS
from ninefold.store.read import Reader
from ninefold.store.rows import rows_of
from ninefold.store.tables import Tables


def mixed(number: int) -> int:
    """A number that nothing can be told of by the one before it: a file of such cannot be made small."""
    return pow(7, number, 2**31 - 1)


def write_all(path: Path, pieces: list[list[Chunk]]) -> None:
    with Tables(path) as tables:
        for piece in pieces:
            tables.write(piece)


def test_a_write_counts_what_it_added_and_a_repeated_one_adds_nothing(tmp_path: Path, market: SimpleNamespace) -> None:
    some = market.chunk(
        1, 4, market.listing(), trades=[market.trade(2, 7, 0), market.trade(3, 8, 1)], bars=[market.bar(4, 0)]
    )
    with Tables(tmp_path) as tables:
        assert tables.position() == 0
        assert tables.write([some]) == (5, 2)
        assert tables.write([some]) == (0, 0)
        assert tables.write([]) == (0, 0)
        assert tables.position() == 4
    counts = Reader(tmp_path).counts()
    assert (counts["trades"], counts["bars"], counts["records"]) == (2, 1, 2)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_new_table_is_the_one_that_the_library_makes(tmp_path: Path, name: str) -> None:
    def said(table: Path) -> list[dict[str, Any]]:
        about, protocol, made = map(json.loads, (table / LOG / f"{0:020d}.json").read_bytes().splitlines())
        return [about["commitInfo"]["operation"], protocol, {**made["metaData"], "id": "", "createdTime": 0}]

    Table(tmp_path, name)
    ours = DeltaTable(tmp_path / name)
    DeltaTable.create(
        tmp_path / "theirs",
        SCHEMAS[name],
        partition_by=ours.metadata().partition_columns,
        configuration=ours.metadata().configuration,
    )
    assert said(tmp_path / name) == said(tmp_path / "theirs")
    assert (ours.version(), ours.metadata().partition_columns != []) == (0, "day" in SCHEMAS[name].names)


def test_rows_come_back_as_they_were(tmp_path: Path, market: SimpleNamespace) -> None:
    chunks = market.stream(30, seed=1)
    write_all(tmp_path, [chunks])
    for kind, dtype in KINDS.items():
        sent = np.concatenate([chunk.rows(kind) for chunk in chunks])
        back = np.concatenate([rows_of(kind, stored_files(tmp_path / "tables", kind), id) for id in (1, 2)])
        assert back.dtype == dtype
        assert sorted(map(repr, back.tolist())) == sorted(map(repr, sent.tolist()))


def test_ids_beyond_int64_survive_the_signed_table(tmp_path: Path, market: SimpleNamespace) -> None:
    largest = 2**64 - 1
    row = (1, market.noon_ns, market.noon_ns, 2, 2, largest, largest - 1, 5, 5, UNKNOWN_SIDE)
    write_all(tmp_path, [[market.chunk(1, 2, market.listing(), trades=[row])]])
    assert Reader(tmp_path).trades(1).tolist() == [row]


def test_an_input_cut_in_two_between_writes_keeps_both_halves(tmp_path: Path, market: SimpleNamespace) -> None:
    first = market.chunk(1, 5, market.listing(), trades=[market.trade(5, 1, 0), market.trade(5, 2, 0)])
    gap = Gap(seq=5, known_ns=0, instrument=1, stream="trades", from_id=3, to_id=4, from_ns=0, to_ns=1)
    second = market.chunk(5, 5, [gap], trades=[market.trade(5, 3, 0)])
    third = market.chunk(5, 6, trades=[market.trade(5, 4, 0), market.trade(6, 5, 0)])
    write_all(tmp_path, [[first], [second], [second], [first], [third], [first, second, third]])
    assert Reader(tmp_path).trades(1)["id_lo"].tolist() == [1, 2, 3, 4, 5]
    assert Reader(tmp_path).records([Gap]) == [gap]


@pytest.mark.slow
def test_a_chunk_that_comes_twice_in_one_write_is_stored_once(tmp_path: Path, market: SimpleNamespace) -> None:
    chunks = market.stream(5, seed=3)
    write_all(tmp_path / "once", [chunks])
    write_all(tmp_path / "twice", [[one for chunk in chunks for one in (chunk, chunk)], chunks])
    assert market.contents(tmp_path / "twice") == market.contents(tmp_path / "once")


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(st.data())
def test_overlapping_pieces_written_again_and_again_store_what_one_write_stores(
    market: SimpleNamespace, data: st.DataObject
) -> None:
    chunks = market.stream(6, seed=data.draw(st.integers(0, 5), label="seed"))
    with TemporaryDirectory() as folder:
        write_all(Path(folder) / "once", [chunks])
        done = 0
        while done < len(chunks):
            start = data.draw(st.integers(0, done), label="from")
            end = data.draw(st.integers(done + 1, len(chunks)), label="to")
            with Tables(Path(folder) / "pieces") as tables:  # opened anew each time, as after a crash
                tables.write(chunks[start:end])
                tables.write(chunks[start : data.draw(st.integers(start, end), label="again to")])
            done = end
        assert market.contents(Path(folder) / "pieces") == market.contents(Path(folder) / "once")


def test_rows_lie_under_the_day_of_the_exchange_or_of_receiving_where_it_gave_none(
    tmp_path: Path, market: SimpleNamespace
) -> None:
    midnight = 12 * market.hour_ns
    lost = list(market.trade(4, 3, 0))
    lost[1], lost[2] = UNKNOWN_NS, market.noon_ns + DAY_NS
    write_all(
        tmp_path,
        [
            [
                market.chunk(
                    1,
                    4,
                    market.listing(),
                    trades=[market.trade(2, 1, midnight - 1), market.trade(3, 2, midnight), tuple(lost)],
                )
            ]
        ],
    )
    days = {file.day.isoformat(): file.rows for file in stored_files(tmp_path / "tables", "trades") if file.day}
    assert days == {"2024-01-01": 1, "2024-01-02": 2}
    reader = Reader(tmp_path)
    assert reader.trades(1)["id_lo"].tolist() == [1, 2, 3]
    assert reader.trades(1, start_ns=market.noon_ns + midnight)["id_lo"].tolist() == [2, 3]
    assert reader.trades(1, end_ns=market.noon_ns + midnight)["id_lo"].tolist() == [1]
    assert reader.trades(1, limit=1, newest=True)["id_lo"].tolist() == [3]


def test_a_commit_is_sorted_by_instrument_then_time(tmp_path: Path, market: SimpleNamespace) -> None:
    trades = [market.trade(2, 1, 9, instrument=2), market.trade(2, 2, 5), market.trade(3, 3, 1), market.trade(4, 4, 5)]
    write_all(tmp_path, [[market.chunk(1, 4, market.listing(), trades=trades)]])
    (file,) = stored_files(tmp_path / "tables", "trades")
    assert pq.read_table(file.path).column("id_lo").to_pylist() == [3, 2, 4, 1]


def test_what_the_ledger_and_the_journal_keep_is_not_in_the_records(tmp_path: Path, market: SimpleNamespace) -> None:
    kept = Equity(seq=3, known_ns=1, quote="USDT", value=None)
    other = [
        Tick(seq=2, known_ns=1, exchange_ns=1),
        Order(seq=2, known_ns=1, client_order_id="a", instrument=1, side=1, size=1, status="sent"),
        Fill(
            seq=2,
            known_ns=1,
            client_order_id="a",
            instrument=1,
            side=1,
            price=1,
            size=1,
            fee=0,
            fee_asset="BTC",
            trade_id="1",
            exchange_ns=1,
        ),
        Balance(seq=2, known_ns=1, asset="BTC", free=1, locked=0),
    ]
    write_all(tmp_path, [[market.chunk(1, 3, [*other, kept])]])
    assert Reader(tmp_path).records() == [kept]


def test_a_second_writer_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with (
        Tables(tmp_path),
        pytest.raises(AlreadyWritten, match=f"written by process {os.getpid()}; one data dir has one writer"),
    ):
        Tables(tmp_path)
    Tables(tmp_path).close()


@pytest.mark.slow
def test_live_files_stay_few_and_the_position_survives_compaction_and_restart(
    tmp_path: Path, market: SimpleNamespace
) -> None:
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, market.listing())])
        most = 0
        for seq in range(2, 72):
            tables.write([market.chunk(seq, seq, trades=[market.trade(seq, seq, seq)])])
            tables.maintain()
            most = max(most, len(stored_files(tmp_path / "tables", "trades")) if seq % 10 == 0 else 0)
        assert most <= 32
    with Tables(tmp_path) as tables:
        assert tables.position() == 71
        assert tables.write([market.chunk(71, 71, trades=[market.trade(71, 71, 71)])]) == (0, 0)
    assert Reader(tmp_path).trades(1)["id_lo"].tolist() == list(range(2, 72))
    assert (tmp_path / "tables" / "trades" / "_delta_log" / "_last_checkpoint").exists()


@pytest.mark.slow
def test_a_refused_write_says_where_and_the_same_chunks_can_be_written_again(
    tmp_path: Path, market: SimpleNamespace
) -> None:
    chunks = market.stream(40, seed=5)
    wide = market.chunk(1000, 1000, trades=[market.trade(1000, id, id * 977, price=mixed(id)) for id in range(20_000)])
    write_all(tmp_path / "whole", [[*chunks, wide]])
    with Tables(tmp_path / "small") as tables:
        tables.write(chunks[:20])
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
        try:
            with pytest.raises(
                StoreWriteFailed,
                match=rf"cannot write {tmp_path}/small/tables: .*Nothing of this write was acknowledged",
            ):
                tables.write([*chunks[20:], wide])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert tables.position() == chunks[19].last_seq
        tables.write([*chunks[20:], wide])
    assert market.contents(tmp_path / "small") == market.contents(tmp_path / "whole")


def test_a_full_disk_is_called_so(tmp_path: Path, market: SimpleNamespace) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        with Tables(disk / "data") as tables:
            tables.write([market.chunk(1, 1, market.listing(), trades=[market.trade(1, 1, 0)])])
            filler = disk / "filler"
            with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            more = market.chunk(
                2, 2, trades=[market.trade(2, id, id * 977, price=mixed(id)) for id in range(2, 20_000)]
            )
            with pytest.raises(
                StoreWriteFailed,
                match=r"no space left on the device\. Nothing of this write was acknowledged; make room",
            ):
                tables.write([more])
            filler.unlink()
            assert tables.write([more]).trades == 19_998
        assert len(Reader(disk / "data").trades(1)) == 19_999
    finally:
        subprocess.run(["umount", str(disk)], check=True)
