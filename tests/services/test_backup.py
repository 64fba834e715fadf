"""A backup is whole at any moment, copies only what is new, and never spoils the one before it."""

from __future__ import annotations

import shutil
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from ninefold.journal.inputs import TICK
from ninefold.journal.reader import read
from ninefold.journal.segment import segments
from ninefold.journal.writer import LogWriter
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Fill, Listed
from ninefold.services.backup import CannotBackUp, backup, restore
from ninefold.services.replay import replay
from ninefold.store.data_dir import AlreadyWritten, WriterLock
from ninefold.store.export import FORMS, export
from ninefold.store.ledger import Ledger
from ninefold.store.manifest import read_manifest
from ninefold.store.read import Reader
from ninefold.store.tables import Tables
from ninefold.store.trials import Search, TrialReader, Trials
from tests.calling import ninefold
from tests.services.recorded import write_session

NOON_NS = 1_704_110_400_000_000_000


def nobody(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def exported(data_dir: Path, as_of_ns: int | None = None) -> dict[str, bytes]:
    made = {}
    for what in FORMS:
        out = BytesIO()
        export(data_dir, what, None, None, None, "csv", out, as_of_ns)
        made[what] = out.getvalue()
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    replay(write_session(folder / "session.jsonl.gz", seconds=30), folder / "data")
    return folder / "data"


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


@pytest.mark.slow
def test_a_backup_and_a_restore_give_the_same_data_dir(data: Path, tmp_path: Path) -> None:
    said = backup(data, tmp_path / "copy", nobody)
    last = list(read(data / "journal"))[-1]
    assert (said["position"], said["known_ns"]) == (Reader(data).position(), str(last.receive_ns))
    assert said["new_bytes"] == said["bytes"]
    found, checks = restore(tmp_path / "copy", tmp_path / "again", nobody)
    assert found == {key: value for key, value in said.items() if key not in ("new_bytes", "elapsed_s")}
    assert [check.name for check in checks if check.ok is not True] == []
    assert exported(tmp_path / "again") == exported(data)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_the_ledger_of_trials_is_in_it(data: Path, tmp_path: Path) -> None:
    search = Search(kind="backtest", family="trend", snapshot="s", code="c", config={}, seed=1)
    with closing(Trials(data)) as trials:
        assert trials.begin(search, known_ns=NOON_NS) == 1
        backup(data, tmp_path / "copy", nobody)
    restore(tmp_path / "copy", tmp_path / "again", nobody)
    assert TrialReader(tmp_path / "again").trial(1).search == search


@pytest.mark.slow
def test_a_second_run_copies_only_what_is_new_and_keeps_nothing_old(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    first = backup(data, copy, nobody)
    assert backup(data, copy, nobody)["new_bytes"] == 0
    before = list(read(data / "journal"))[-1]
    journal = LogWriter(data / "journal")
    journal.append(TICK, 0, before.seq + 1, before.receive_ns + 1, b"")
    journal.close()
    with Tables(data) as tables:
        tables.write([Chunk(before.seq + 1, before.seq + 1, before.receive_ns + 1)])
    (data / "halt.json").write_text('{"by": "me", "reason": "", "since_ns": 0}')
    third = backup(data, copy, nobody)
    assert 0 < int(str(third["new_bytes"])) < int(str(first["bytes"])) / 20
    assert (third["run"], third["position"]) == (3, before.seq + 1)
    (data / "halt.json").unlink()
    backup(data, copy, nobody)
    manifest = read_manifest(copy)
    assert manifest is not None
    held = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert held == {one.kept for one in manifest.files} | {"manifest.json", ".writer"}
    assert not any(one.path == "halt.json" for one in manifest.files)
    restore(copy, tmp_path / "again", nobody)
    assert [one.seq for one in read(tmp_path / "again" / "journal")][-1] == before.seq + 1


class Killed(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, pytest.param(30, marks=pytest.mark.torture)])
def test_a_backup_that_is_killed_anywhere_leaves_the_one_before_it_whole(
    data: Path, tmp_path: Path, kills: int
) -> None:
    copy = tmp_path / "copy"
    backup(data, copy, nobody)
    before, old = exported(data), read_manifest(copy)
    last = list(read(data / "journal"))[-1]
    with Tables(data) as tables:
        tables.write([a_trade(last.seq + 1)])
    for log in ("journal", "stream"):
        writer = LogWriter(data / log)
        writer.append(TICK, 0, last.seq + 1, last.receive_ns, b"")
        writer.close()
    ledger = Ledger(data)
    ledger.append([a_fill(last.seq + 1)], last.seq + 1)
    ledger.close()
    steps = 0

    def count(what: str, done: int, total: int) -> None:
        nonlocal steps
        steps += 1

    shutil.copytree(copy, tmp_path / "other")
    backup(data, tmp_path / "other", count)
    rng = np.random.default_rng(5)
    for end in sorted({1, steps, *rng.integers(1, steps + 1, kills).tolist()}):
        left = end

        def kill(what: str, done: int, total: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Killed

        with pytest.raises(Killed):
            backup(data, copy, kill)
        assert read_manifest(copy) == old
        restore(copy, tmp_path / f"again{end}", nobody)
        assert exported(tmp_path / f"again{end}") == before
    backup(data, copy, nobody)
    restore(copy, tmp_path / "last", nobody)
    assert exported(tmp_path / "last") == exported(data) != before


def a_trade(seq: int) -> Chunk:
    trade = (1, NOON_NS + seq, NOON_NS + seq, seq, 1, 0, 10**9 + seq, 4_000_000, 100, 1)
    return Chunk(seq, seq, NOON_NS, {"trades": rows("trades", [trade])})


def a_fill(seq: int) -> Fill:
    of = {"client_order_id": "nf1", "instrument": 1, "side": 1, "price": 1, "size": 1}
    return Fill(seq=seq, known_ns=NOON_NS, **of, fee=0, fee_asset="BNB", trade_id=f"{seq}", exchange_ns=NOON_NS)


@pytest.mark.slow
def test_while_tables_are_written_compacted_and_tidied_up_every_backup_has_all_rows_up_to_its_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trade a commit; backups at commits around checkpoints and compactions, all into one folder."""
    monkeypatch.setattr("ninefold.store.delta.CHECKPOINT_COMMITS", 20)
    made = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001")
    instrument = Registry().add(made)
    data, copy = tmp_path / "data", tmp_path / "copy"
    with Tables(data) as tables:
        tables.write([Chunk(1, 1, NOON_NS, {}, [Listed(seq=1, known_ns=NOON_NS, instrument=instrument)])])
        for seq in range(2, 44):
            tables.write([a_trade(seq)])
            tables.maintain()
            if seq in (16, 19, 20, 21, 43):
                assert backup(data, copy, nobody)["position"] == seq
                again = tmp_path / f"again{seq}"
                restore(copy, again, nobody)
                assert Reader(again).trades(1)["seq"].tolist() == list(range(2, seq + 1))
                with Tables(again) as restored:
                    assert restored.position() == seq
                    restored.write([a_trade(seq + 1)])
                assert len(Reader(again).trades(1)) == seq


@pytest.mark.slow
def test_downloads_and_imports_are_in_it_too(data: Path, tmp_path: Path) -> None:
    """They are data dirs of their own inside the data dir."""
    for name in ("history", "imports"):
        with Tables(data / name) as tables:
            tables.write([a_trade(1)])
        (data / name / "state").mkdir()
        (data / name / "state" / "run.json").write_text(name)
    writer = LogWriter(data / "history" / "journal")
    writer.append(TICK, 0, 1, NOON_NS, b"")
    writer.close()
    backup(data, tmp_path / "copy", nobody)
    restore(tmp_path / "copy", tmp_path / "again", nobody)
    for name in ("history", "imports"):
        assert Reader(tmp_path / "again" / name).trades(1)["seq"].tolist() == [1]
        assert (tmp_path / "again" / name / "state" / "run.json").read_text() == name
    assert [one.seq for one in read(tmp_path / "again" / "history" / "journal")] == [1]


@pytest.mark.slow
def test_a_torn_end_is_left_out_and_a_log_that_was_made_again_is_copied_anew(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    [segment] = segments(data / "journal")
    whole = segment.read_bytes()
    segment.write_bytes(whole + b"\x40\x00\x00\x00torn")
    backup(data, copy, nobody)
    restore(copy, tmp_path / "one", nobody)
    assert segments(tmp_path / "one" / "journal")[0].read_bytes() == whole
    records = list(read(data / "journal"))
    segment.unlink()
    writer = LogWriter(data / "journal")
    for record in records:
        writer.append(*record[:3], record.receive_ns + 1, record.payload)
    writer.append(TICK, 0, records[-1].seq + 1, records[-1].receive_ns + 2, b"")
    writer.close()
    backup(data, copy, nobody)
    restore(copy, tmp_path / "two", nobody)
    assert segments(tmp_path / "two" / "journal")[0].read_bytes() == segment.read_bytes()


def test_what_the_ledger_s_copy_lacks_is_behind_the_position(data: Path, tmp_path: Path) -> None:
    """The stream log has account records that the ledger's thread had not written yet."""
    stored = Ledger(data).events()
    middle = stored[len(stored) // 2].seq
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (data / name).unlink(missing_ok=True)
    ledger = Ledger(data)
    ledger.append([one for one in stored if one.seq < middle], middle - 1)
    ledger.close()
    assert backup(data, tmp_path / "copy", nobody)["position"] == middle - 1
    restore(tmp_path / "copy", tmp_path / "again", nobody)
    assert Ledger(tmp_path / "again").events() == [one for one in stored if one.seq < middle]


def test_a_folder_of_something_else_is_refused_and_not_touched(data: Path, made: Path, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(CannotBackUp, match="holds other files; name a new folder"):
        backup(data, other, nobody)
    assert [path.name for path in other.iterdir()] == ["cat.jpg"]
    backup(data, tmp_path / "copy", nobody)
    with pytest.raises(CannotBackUp, match="use another folder for each data dir"):
        backup(made, tmp_path / "copy", nobody)
    with pytest.raises(CannotBackUp, match="lies in the data dir"):
        backup(data, data / "copy", nobody)
    lock = WriterLock(tmp_path / "copy")
    with pytest.raises(AlreadyWritten):
        backup(data, tmp_path / "copy", nobody)
    lock.release()


@pytest.mark.slow
def test_the_commands_print_one_document_each(data: Path, tmp_path: Path) -> None:
    saved = ninefold("backup", "--data-dir", data, "--to", tmp_path / "copy", "--json")
    assert saved.err == "" and saved.json["position"] == Reader(data).position()
    again = ninefold("restore", tmp_path / "copy", "--data-dir", tmp_path / "again", "--json")
    said = again.json
    assert (again.status, said["whole"], said["position"]) == (0, True, Reader(data).position())
    shown = ninefold("restore", tmp_path / "copy", "--data-dir", tmp_path / "third")
    assert "each with its checksum: everything up to seq" in shown.out and "2024-01-01" in shown.out
    refused = ninefold("restore", tmp_path / "copy", "--data-dir", tmp_path / "third")
    assert (refused.status, refused.out) == (2, "")
    assert "is not empty; a backup is restored into a new --data-dir" in refused.err
