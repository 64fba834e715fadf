"""Files are joined into sorted ones: the same rows, few files, bounded memory; and what is read from them is what the
obvious way reads.
"""

from __future__ import annotations

from datetime import date
from itertools import count, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import TRADES
from ninefold.market.time import DAY_NS, UNKNOWN_NS
from ninefold.store import merge
from ninefold.store.data_dir import StoreWriteFailed
from ninefold.store.delta import Table, stored_files
from ninefold.store.layout import effective_ns, number_within_seq, to_arrow, to_numpy
from ninefold.store.listing import StoredFile
from ninefold.store.merge import groups_to_join
from ninefold.store.parquet import footer
from ninefold.store.read import Reader
from ninefold.store.rows import columns_of, count_of, rows_of
from ninefold.store.scan import scan
from ninefold.store.tables import Tables

DAY = 19_723 * DAY_NS  # 2024-01-01


def some_trades(rng: np.random.Generator, count: int, first_seq: int, instruments: int, span_ns: int) -> np.ndarray:
    """Trades by seq, some inputs with several of them, some late, some without a time of the venue."""
    made = np.zeros(count, TRADES)
    made["instrument"] = rng.integers(1, instruments + 1, count)
    made["seq"] = first_seq + np.sort(rng.integers(0, count, count))
    made["exchange_ns"] = DAY + np.sort(rng.integers(0, span_ns, count)) // 10 * 10
    made["exchange_ns"][rng.random(count) < 0.1] -= 50
    made["receive_ns"] = made["exchange_ns"] + 7
    if rng.random() < 0.3:
        made["exchange_ns"][rng.random(count) < 0.1] = UNKNOWN_NS
    made["id_lo"] = rng.integers(0, 2**64, count, np.uint64)
    made["price"] = rng.integers(1, 100, count)
    return made


def stored(path: Path, parts: list[np.ndarray]) -> Table:
    table = Table(path, "trades")
    for rows in parts:
        table.commit(to_arrow("trades", rows, number_within_seq(rows["seq"])), int(rows["seq"][-1]))
    return table


def every_row(path: Path) -> list[tuple]:
    """The obvious way: all rows of all files, with n, by (instrument, time, seq, n)."""
    table = scan("trades", stored_files(path, "trades"), None)
    rows, n = to_numpy("trades", table), table.column("n").to_numpy()
    order = np.lexsort((n, rows["seq"], effective_ns("trades", rows), rows["instrument"]))
    return [(*row, int(number)) for row, number in zip(rows[order].tolist(), n[order], strict=True)]


def join_all(table: Table) -> None:
    for group in merge.whole_days("trades", table.files()):
        table.replace(group, table.join(group))


def parts_of(data: st.DataObject, rows: int = 60) -> list[np.ndarray]:
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000), label="seed"))
    counts = data.draw(st.lists(st.integers(1, rows), min_size=1, max_size=5), label="rows")
    seqs = np.cumsum([1, *counts])
    order = data.draw(st.permutations(range(len(counts))), label="order")  # of the stretches of time
    span_ns = data.draw(st.sampled_from([1, 30, 400]), label="span")
    parts = []
    for number, size in enumerate(counts):
        part = some_trades(rng, size, int(seqs[number]), data.draw(st.sampled_from([1, 3, 200])), span_ns)
        for name in ("exchange_ns", "receive_ns"):
            part[name][part[name] != UNKNOWN_NS] += order[number] * data.draw(st.sampled_from([0, 300, 5_000]))
        parts.append(part)
    return parts


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_joined_files_hold_the_same_rows_sorted(data: st.DataObject) -> None:
    parts = parts_of(data)
    chunk, file_rows = data.draw(st.sampled_from([(8, 20), (64, 64), (10_000, 10_000)]), label="chunk and file")
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(merge, "CHUNK_ROWS", chunk)
        patched.setattr(merge, "FILE_ROWS", file_rows)
        patched.setattr(merge, "SAMPLE_EVERY", 2)
        table = stored(Path(folder), parts)
        before = every_row(Path(folder))
        join_all(table)
        files = stored_files(Path(folder), "trades")
        files.sort(key=lambda file: (file.day or date.min, file.bounds["instrument"]))
        assert every_row(Path(folder)) == before
        assert table.last_seq == Table(Path(folder), "trades").last_seq == int(parts[-1]["seq"][-1])
        for day in {file.day for file in files}:
            some = [file for file in files if file.day == day]
            assert file_rows < 10_000 or len(some) == 1
            apart = [file.bounds["instrument"] for file in some]
            assert all(later[0] > earlier[1] for earlier, later in pairwise(apart))
            read = pa.concat_tables([pq.read_table(file.path, partitioning=None) for file in some])
            rows, n = to_numpy("trades", read), read["n"].to_numpy()
            keys = n, rows["seq"], effective_ns("trades", rows), rows["instrument"]
            np.testing.assert_array_equal(np.lexsort(keys), np.arange(len(rows)))


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.data())
def test_the_fast_way_to_rows_columns_and_counts_finds_what_a_look_at_every_row_finds(data: st.DataObject) -> None:
    parts = parts_of(data)
    groups = data.draw(st.sampled_from([4, 50, 100_000]), label="rows of a row group")
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr("ninefold.store.parquet.GROUP_ROWS", groups)
        patched.setattr(merge, "CHUNK_ROWS", data.draw(st.sampled_from([8, 10_000]), label="chunk"))
        patched.setattr(merge, "SAMPLE_EVERY", 2)
        table = stored(Path(folder), parts)
        if data.draw(st.booleans(), label="joined"):
            join_all(table)
        if data.draw(st.booleans(), label="and one by another program"):
            more = some_trades(np.random.default_rng(1), 9, 10_000, 3, 400)
            foreign = to_arrow("trades", more, number_within_seq(more["seq"]))
            write_deltalake(str(Path(folder) / "trades"), foreign, mode="append")
        files = stored_files(Path(folder), "trades")
        rows = every_row(Path(folder))
        instrument = data.draw(st.sampled_from([1, 2, 3, 77]), label="instrument")
        edges = st.none() | st.sampled_from([row[2] - 7 for row in rows]) | st.integers(DAY - 100, DAY + 26_000)
        start, end = data.draw(edges, label="start"), data.draw(edges, label="end")
        mine = [row[:-1] for row in rows if row[0] == instrument and _within(row, start, end)]
        found = rows_of("trades", files, instrument, start, end)
        assert found.tolist() == mine
        names = ("price", "id_lo", "exchange_ns")
        columns = columns_of("trades", files, instrument, names, start, end)
        for name in names:
            assert columns[name].dtype == TRADES[name]
            np.testing.assert_array_equal(columns[name], found[name])
        limit, newest = data.draw(st.integers(0, 30), label="limit"), data.draw(st.booleans(), label="newest")
        cut = mine[max(len(mine) - limit, 0) :] if newest else mine[:limit]
        found = rows_of("trades", files, instrument, start, end, limit, newest)
        assert found.tolist() == cut
        columns = columns_of("trades", files, instrument, names, start, end, limit, newest)
        for name in names:
            np.testing.assert_array_equal(columns[name], found[name])
        dear = pc.field("price") > 50
        assert rows_of("trades", files, instrument, start, end, None, False, dear).tolist() == [
            row for row in mine if row[7] > 50
        ]
        assert count_of("trades", files) == {
            one: sum(row[0] == one for row in rows) for one in {row[0] for row in rows}
        }


@pytest.mark.parametrize("files", [1, 2])
def test_who_writes_into_an_answer_changes_no_later_one(tmp_path: Path, files: int) -> None:
    rows = np.zeros(4, TRADES)
    rows["instrument"], rows["exchange_ns"], rows["seq"], rows["price"] = 1, DAY + np.arange(4), np.arange(4), 7
    stored(tmp_path, np.split(rows, files))
    for _ in range(3):
        prices = columns_of("trades", stored_files(tmp_path, "trades"), 1, ("price",), limit=3, newest=True)["price"]
        assert prices.tolist() == [7, 7, 7]
        prices[:] = 0


@pytest.mark.parametrize("seqs", [(1, 10), (10, 1)])
def test_rows_of_one_moment_in_two_files_come_by_their_inputs(tmp_path: Path, seqs: tuple[int, int]) -> None:
    parts = []
    for seq in seqs:
        rows = np.zeros(2, TRADES)
        rows["instrument"], rows["exchange_ns"], rows["seq"] = 1, DAY, (seq, seq + 1)
        parts.append(rows)
    stored(tmp_path, parts)
    files = stored_files(tmp_path, "trades")
    assert columns_of("trades", files, 1, ("seq",))["seq"].tolist() == [1, 2, 10, 11]
    assert rows_of("trades", files, 1)["seq"].tolist() == [1, 2, 10, 11]


def _within(row: tuple, start: int | None, end: int | None) -> bool:
    at = row[2] if row[1] == UNKNOWN_NS else row[1]
    return (start is None or at >= start) and (end is None or at < end)


_numbers = count()


def of(rows: int, day: int = 1, instruments: tuple[int, int] = (1, 9), until_ns: int = DAY) -> StoredFile:
    bounds = {"instrument": instruments, "exchange_ns": (DAY, until_ns), "seq": (1, 2)}
    return StoredFile(f"{day} {instruments} {rows} {next(_numbers)}", rows, rows * 13, date(2024, 1, day), bounds)


def test_files_of_about_the_same_size_are_joined_when_there_are_sixteen_of_them() -> None:
    small, larger = [of(1_000) for _ in range(16)], [of(20_000) for _ in range(16)]
    assert groups_to_join("trades", small[1:] + larger[1:]) == []
    assert groups_to_join("trades", small + larger[1:]) == [small]
    assert groups_to_join("trades", small + larger) == [small, larger]
    assert groups_to_join("trades", small[:10] + [of(1_000, day=2) for _ in range(10)]) == []


def test_a_day_that_is_over_becomes_files_that_share_no_instrument() -> None:
    later = of(10, day=2, until_ns=DAY + DAY_NS + merge.OVER_NS)
    low, high, more = of(1_000, instruments=(1, 4)), of(1_000, instruments=(5, 9)), of(100, instruments=(5, 6))
    assert groups_to_join("trades", [low, high, later]) == []
    assert groups_to_join("trades", [low, high, more, later]) == [[more, high]]
    assert (
        groups_to_join("trades", [low, high, of(40, instruments=(5, 6)), later]) == []
    )  # too little to write all again
    apart = [of(1_000, instruments=(one, one)) for one in range(16)]
    assert groups_to_join("trades", [*apart, later]) == [apart]
    assert groups_to_join("trades", [one._replace(rows=merge.FILE_ROWS) for one in apart] + [later]) == []
    soon = of(10, day=2, until_ns=DAY + DAY_NS + merge.OVER_NS - 1)
    assert groups_to_join("trades", [low, high, more, soon]) == []


def test_what_was_let_go_while_it_was_joined_does_not_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    table = stored(tmp_path, [some_trades(rng, 20, 1, 3, 400), some_trades(rng, 20, 30, 3, 400)])
    group = table.files()
    made = table.join(group)
    table.let_go([date(2024, 1, 1)])
    assert table.replace(group, made) is False
    assert table.files() == [] and not any(one.path.exists() for one in made)


@pytest.mark.slow
def test_the_writer_knows_its_files_as_the_log_tells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninefold.store.delta.CHECKPOINT_COMMITS", 15)
    rng = np.random.default_rng(4)
    table = Table(tmp_path, "trades")
    for number in range(1, 26):
        rows = some_trades(rng, 20, 20 * number, 3, 2 * DAY_NS)
        table.commit(to_arrow("trades", rows, number_within_seq(rows["seq"])), int(rows["seq"][-1]))
        if number % 4 == 0:
            join_all(table)
        if number == 13:
            table.let_go([date(2024, 1, 1)])
        if number == 18:
            Table(tmp_path, "trades").commit(table.schema.empty_table(), table.last_seq)  # somebody else's
        assert sorted(table.files()) == sorted(stored_files(tmp_path, "trades"))
        assert DeltaTable(tmp_path / "trades").transaction_version("ninefold") == table.last_seq
    assert 1 < len(table.files()) < 12
    assert DeltaTable(tmp_path / "trades").to_pyarrow_table().num_rows == sum(file.rows for file in table.files())


def test_files_that_lost_rows_never_take_the_place_of_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    table = stored(tmp_path, [some_trades(rng, 20, 1, 3, 400), some_trades(rng, 20, 30, 3, 400)])
    group = table.files()
    made = table.join(group)
    with pytest.raises(OSError, match=r"joining 2 files of .* made 20 rows of 40; they stay as they are"):
        table.replace(group, [made[0]._replace(rows=20)])
    assert sorted(table.files()) == sorted(group)


@pytest.mark.slow
def test_much_is_joined_beside_the_commits_that_follow(
    tmp_path: Path, market: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.store.upkeep.AT_ONCE_ROWS", 10)
    with Tables(tmp_path) as tables:
        for seq in range(1, 33):
            tables.write([market.chunk(seq, seq, trades=[market.trade(seq, seq, seq)])])
        before = len(stored_files(tmp_path / "tables", "trades"))
        tables.maintain()
        assert len(stored_files(tmp_path / "tables", "trades")) == before == 32
        tables.write([market.chunk(33, 33, trades=[market.trade(33, 33, 33)])])
        while len(stored_files(tmp_path / "tables", "trades")) > 2:
            tables.maintain()
        assert tables.position() == 33
    assert Reader(tmp_path).trades(1)["id_lo"].tolist() == list(range(1, 34))


@pytest.mark.slow
def test_a_writer_that_closes_gives_up_what_is_being_joined(
    tmp_path: Path, market: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.store.upkeep.AT_ONCE_ROWS", 10)
    with Tables(tmp_path) as tables:
        for seq in range(1, 33):
            tables.write([market.chunk(seq, seq, trades=[market.trade(seq, seq, seq)])])
        tables.maintain()
    assert Reader(tmp_path).trades(1)["id_lo"].tolist() == list(range(1, 33))
    with Tables(tmp_path) as tables:
        tables.settle()
        assert len(stored_files(tmp_path / "tables", "trades")) == 1
        assert all(footer(file.path).runs is not None for file in stored_files(tmp_path / "tables", "trades"))
    assert Reader(tmp_path).trades(1)["id_lo"].tolist() == list(range(1, 33))


def test_a_damaged_file_is_told_and_stays(tmp_path: Path, market: SimpleNamespace) -> None:
    with Tables(tmp_path) as tables:
        for seq in (1, 2):
            tables.write([market.chunk(seq, seq, trades=[market.trade(seq, seq, seq)])])
        damaged = Path(stored_files(tmp_path / "tables", "trades")[0].path)
        damaged.write_bytes(damaged.read_bytes()[:-9])
        with pytest.raises(StoreWriteFailed, match="cannot write"):
            tables.settle()
        assert len(stored_files(tmp_path / "tables", "trades")) == 2
