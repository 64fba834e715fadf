"""What a table has now is noticed at once, and asked for only when its log went on."""

from __future__ import annotations

import shutil
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from ninefold.store import blocks
from ninefold.store.layout import SCHEMAS
from ninefold.store.listing import APP, _stored_file, committed_seq, live, stored_files
from ninefold.store.read import Reader
from ninefold.store.remembered import Remembered
from ninefold.store.retention import days_of
from ninefold.store.tables import Tables

pytestmark = pytest.mark.slow


def test_each_commit_is_seen_by_the_next_question_and_nothing_is_read_without_one(
    tmp_path: Path, market: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.store.delta.CHECKPOINT_COMMITS", 10)
    folder = tmp_path / "tables"
    assert live(folder, "trades") is None and stored_files(folder, "trades") == [] and committed_seq(folder, "x") == 0
    with Tables(tmp_path) as tables:
        for seq in range(1, 30):  # beyond two checkpoints
            tables.write([market.chunk(seq, seq, trades=[market.trade(seq, seq, seq)])])
            assert sum(file.rows for file in stored_files(folder, "trades")) == committed_seq(folder, "trades") == seq
            assert live(folder, "trades") is live(folder, "trades")


def test_what_the_commits_say_is_what_the_library_reads_in_them(tmp_path: Path, market: SimpleNamespace) -> None:
    folder, day_ns = tmp_path / "tables", 86_400 * 10**9
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, market.listing())])
        for seq in range(2, 40):
            tables.write([market.chunk(seq, seq, trades=[market.trade(seq, seq, seq + seq % 3 * day_ns)])])
            tables.maintain()
        tables.let_go("trades", days_of(folder, "trades")[:1], 7)
        for name in SCHEMAS:
            now, delta = live(folder, name), DeltaTable(str(folder / name))
            listed = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
            theirs = sorted((_stored_file(action, folder / name) for action in listed), key=lambda file: file.path)
            assert now is not None and sorted(now.files, key=lambda file: file.path) == theirs, name
            assert (now.version, now.last_seq) == (delta.version(), delta.transaction_version(APP) or 0), name
            assert now.columns == tuple(field.name for field in delta.schema().fields), name
    assert now.version > 30 and 1 < len(stored_files(folder, "trades")) < 20, "some were joined"


def test_who_comes_back_after_the_log_was_tidied_up_sees_what_is_there(tmp_path: Path, market: SimpleNamespace) -> None:
    folder = tmp_path / "tables"
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, trades=[market.trade(1, 1, 1)])])
        assert committed_seq(folder, "trades") == 1
        for seq in range(2, 6):
            tables.write([market.chunk(seq, seq, trades=[market.trade(seq, seq, seq)])])
        DeltaTable(str(folder / "trades")).create_checkpoint()
        log = sorted((folder / "trades" / "_delta_log").glob("*.json"))
        for old in log[:-1]:
            old.unlink()
        assert committed_seq(folder, "trades") == 5 and len(stored_files(folder, "trades")) == 5


def test_other_tables_under_the_same_path_are_not_taken_for_the_old_ones(
    tmp_path: Path, market: SimpleNamespace
) -> None:
    for id in (7, 8, 9):
        with Tables(tmp_path) as tables:
            tables.write([market.chunk(1, 1, market.listing(), trades=[market.trade(1, id, 1)])])
        assert Reader(tmp_path).trades(1)["id_lo"].tolist() == [id]
        assert len(Reader(tmp_path).registry()) == 2
        shutil.rmtree(tmp_path / "tables")
        assert Reader(tmp_path).trades(1).tolist() == []


def test_a_commit_that_is_cut_short_is_named(tmp_path: Path, market: SimpleNamespace) -> None:
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, trades=[market.trade(1, 1, 1)])])
    commit = tmp_path / "tables" / "trades" / "_delta_log" / f"{1:020d}.json"
    commit.write_bytes(commit.read_bytes()[:-5])
    with pytest.raises(DeltaError, match=f"{commit.name} is damaged"):
        Tables(tmp_path)


def test_an_answer_is_remembered_until_something_is_committed(tmp_path: Path, market: SimpleNamespace) -> None:
    made: list[int] = []
    answers: Remembered[int] = Remembered()

    def ask() -> int:
        return answers.get("trades", [live(tmp_path / "tables", "trades")], lambda: made.append(1) or len(made))

    assert [ask(), ask()] == [1, 1]  # there is no table
    with Tables(tmp_path) as tables:
        assert [ask(), ask()] == [2, 2]
        tables.write([market.chunk(1, 1, trades=[market.trade(1, 1, 1)])])
        assert [ask(), ask()] == [3, 3]


def test_what_stays_decoded_is_bounded_and_never_wrong(
    tmp_path: Path, market: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tables(tmp_path) as tables:
        trades = [market.trade(1, id, id, instrument=1 + id % 2, price=pow(3, id, 10_007)) for id in range(900)]
        tables.write([market.chunk(1, 1, trades=trades)])
    expected = Reader(tmp_path).trades(2).tolist()
    for most in (0, 5_000, 64 * 2**20):
        monkeypatch.setattr(blocks, "KEPT_BYTES", most)
        monkeypatch.setattr(blocks, "_blocks", OrderedDict())
        monkeypatch.setattr(blocks, "_bytes", 0)
        for _ in range(3):
            assert Reader(tmp_path).trades(2).tolist() == expected
            assert Reader(tmp_path).trades(2, limit=5, newest=True).tolist() == expected[-5:]
            assert blocks._bytes == sum(block.nbytes for block in blocks._blocks.values()) <= most
