"""A damaged backup is named and restores nothing; a restored data dir is what the other one was, and runs."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ninefold.config import Config
from ninefold.journal.segment import segments
from ninefold.services.backup import backup, restore
from ninefold.services.replay import replay
from ninefold.store.data_dir import WrongFormat
from ninefold.store.manifest import CannotRestore, Manifest, read_manifest
from ninefold.store.read import Reader
from tests.services.recorded import write_session
from tests.services.test_backup import exported, nobody
from tests.torture.parts import World, until


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a replay."""
    folder = tmp_path_factory.mktemp("made")
    replay(write_session(folder / "session.jsonl.gz", seconds=30), folder / "data")
    backup(folder / "data", folder / "copy", nobody)
    return folder / "copy"


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def manifest_of(copy: Path) -> Manifest:
    found = read_manifest(copy)
    assert found is not None
    return found


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES = {flip: "has another checksum", cut: "bytes instead of", Path.unlink: "is missing"}


@pytest.mark.parametrize("damage", DAMAGES, ids=["flipped", "cut", "missing"])
@pytest.mark.slow
def test_whatever_file_is_damaged_is_named_and_nothing_is_restored(copy: Path, damage: Callable[[Path], None]) -> None:
    files = manifest_of(copy).files
    kinds = {one.path.split("/")[0]: one for one in files}  # one each of journal, stream, tables, ledger, ...
    assert {"journal", "stream", "tables", "ledger.db", "VERSION.json"} <= set(kinds)
    for one in kinds.values():
        whole = (copy / one.kept).read_bytes()
        damage(copy / one.kept)
        with pytest.raises(CannotRestore, match=DAMAGES[damage]) as refused:
            restore(copy, copy.parent / "again", nobody)
        assert str(copy / one.kept) in str(refused.value)
        assert sorted(path.name for path in copy.parent.iterdir()) == ["copy"]
        (copy / one.kept).write_bytes(whole)
    restore(copy, copy.parent / "again", nobody)


def test_what_a_newer_version_wrote_is_refused(copy: Path) -> None:
    for key in ("format", "data_format"):
        text = (copy / "manifest.json").read_text()
        said = json.loads(text)
        said[key] = 99
        (copy / "manifest.json").write_text(json.dumps({**said, "unknown": 1}))
        with pytest.raises(WrongFormat, match="upgrade ninefold"):
            restore(copy, copy.parent / "again", nobody)
        (copy / "manifest.json").write_text(text)


@pytest.mark.parametrize("change", [lambda text: text[:-100], lambda text: text.replace('"bytes"', '"bites"')])
def test_a_damaged_manifest_is_told(copy: Path, change: Callable[[str], str]) -> None:
    (copy / "manifest.json").write_text(change((copy / "manifest.json").read_text()))
    with pytest.raises(CannotRestore, match=r"manifest\.json is damaged"):
        restore(copy, copy.parent / "again", nobody)


@pytest.mark.parametrize("path", ["../outside", "/tmp/outside", "tables/../../outside"])
def test_a_manifest_that_leads_out_of_the_data_dir_is_refused(copy: Path, path: str) -> None:
    said = json.loads((copy / "manifest.json").read_text())
    said["files"][0]["path"] = path
    (copy / "manifest.json").write_text(json.dumps(said))
    with pytest.raises(CannotRestore, match="does not lie in a backup"):
        restore(copy, copy.parent / "again", nobody)
    assert sorted(path.name for path in copy.parent.iterdir()) == ["copy"]


def test_only_an_empty_place_is_taken(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotRestore, match=r"no backup in .*nowhere \(no manifest\.json\)"):
        restore(tmp_path / "nowhere", tmp_path / "again", nobody)
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    with pytest.raises(CannotRestore, match="is not empty"):
        restore(copy, full, nobody)
    assert (full / "mine").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    (tmp_path / ".empty.restoring" / "tables").mkdir(parents=True)  # of a restore that was killed
    restore(copy, tmp_path / "empty", nobody)
    assert not (tmp_path / ".empty.restoring").exists()
    assert Reader(tmp_path / "empty").position() == manifest_of(copy).position


@pytest.mark.torture
@pytest.mark.timeout(300)
def test_the_drill_a_running_pipeline_is_saved_killed_restored_and_goes_on(tmp_path: Path) -> None:
    world = World(tmp_path / "data")
    world.data_dir.mkdir()
    again = World(tmp_path / "again")
    try:
        world.start("simulator", "cold", "hot")
        until(lambda: world.counter("execute", "fills") >= 1, "the first fill", 120.0)
        world.wait_for_flow()
        first = backup(world.data_dir, tmp_path / "copy", nobody)
        stored_past(world, first)
        second = backup(world.data_dir, tmp_path / "copy", nobody)
        assert int(str(second["position"])) > int(str(first["position"]))
        assert int(str(second["new_bytes"])) < int(str(second["bytes"]))
        stored_past(world, second)
        world.kill("hot", "cold")
        _, checks = restore(tmp_path / "copy", again.data_dir, nobody)
        assert [check for check in checks if check.ok is False] == []
        known_ns = int(str(second["known_ns"]))
        there, here = exported(world.data_dir, known_ns), exported(again.data_dir, known_ns)
        assert {what: text.count(b"\n") > 1 for what, text in here.items()} == dict.fromkeys(here, True)
        assert here == there
        assert exported(world.data_dir)["trades"] != there["trades"]
        go_on(world, again)
        whole_again(again.data_dir)
    finally:
        again.end()
        world.end()


def stored_past(world: World, copied: dict[str, object]) -> None:
    """Wait until the tables, and what the ledger has of them, are well past a backup."""
    position = int(str(copied["position"]))
    until(lambda: Reader(world.data_dir).position() > position + 60, "more is stored", 120.0)


def go_on(world: World, again: World) -> None:
    """The exchange that the other one talked to is there still; the pipeline starts on the restored data dir."""
    said = msgspec.json.decode((world.data_dir / "running.json").read_bytes(), type=Config)
    moved = msgspec.structs.replace(said, data_dir=str(again.data_dir))
    (again.data_dir / "running.json").write_bytes(msgspec.json.encode(moved))
    before = Reader(again.data_dir).counts()["trades"]
    again.start("cold", "hot")
    again.wait_for_flow()
    until(lambda: Reader(again.data_dir).counts()["trades"] > before, "new trades are stored")
    again.stop()


def whole_again(data_dir: Path) -> None:
    """Nothing was lost or doubled on the way: backed up and restored once more, everything still fits together."""
    backup(data_dir, data_dir.parent / "copy2", nobody)
    _, checks = restore(data_dir.parent / "copy2", data_dir.parent / "third", nobody)
    assert [check for check in checks if check.ok is False] == []
    assert exported(data_dir.parent / "third") == exported(data_dir)
    assert segments(data_dir / "journal")
    with sqlite3.connect(data_dir / "ledger.db") as db:
        doubled = db.execute(
            "SELECT count(*) FROM (SELECT id FROM events WHERE type = 'order' AND payload LIKE '%\"intended\"%'"
            " GROUP BY id HAVING count(*) > 1)"
        ).fetchone()
    db.close()
    assert doubled == (0,)
