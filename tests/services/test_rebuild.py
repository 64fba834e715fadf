"""Tables made again are the same to the byte, and a kill at any moment leaves the old ones or the new ones."""

import hashlib
import json
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from ninefold.journal.reader import read
from ninefold.journal.segment import segments
from ninefold.market.chunk import decode
from ninefold.services import rebuild as rebuilding
from ninefold.services.rebuild import BESIDE, MARK, CannotRebuild, rebuild
from ninefold.services.replay import replay
from ninefold.services.verify import verify
from ninefold.store.data_dir import AlreadyWritten
from ninefold.store.delta import stored_files
from ninefold.store.export import export
from ninefold.store.read import Reader
from ninefold.store.tables import Tables
from tests.calling import ninefold
from tests.services.recorded import write_session

pytestmark = pytest.mark.slow

EXPORTED = ("trades", "bars", "targets")
SECONDS = 30  # of the session
TRADES = 240  # in them: 4 a second, 2 instruments


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    replay(write_session(folder / "session.jsonl.gz", SECONDS), folder / "data")
    return folder / "data"


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


def nobody(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def exported(data_dir: Path) -> dict[str, str]:
    """What leaves a data dir as csv, as hashes."""
    made = {}
    for what in EXPORTED:
        out = BytesIO()
        assert export(data_dir, what, None, None, None, "csv", out) > 10
        made[what] = hashlib.sha256(out.getvalue()).hexdigest()
    return made


def files(data_dir: Path) -> set[str]:
    return {file.path for name in EXPORTED for file in stored_files(data_dir / "tables", name)}


def differing(data_dir: Path) -> list[str]:
    return [check.name for check in verify(data_dir, nobody) if check.ok is False]


def test_exports_are_the_same_to_the_byte_and_nothing_is_left_beside(data: Path) -> None:
    before, old = exported(data), files(data)
    said = rebuild(data, nobody)
    assert exported(data) == before
    assert not files(data) & old
    assert differing(data) == []
    assert not (data / BESIDE).exists()
    assert not (data / "tables" / MARK).exists()
    assert said["rows"]["trades"] == TRADES
    assert said["went_on_from_seq"] == 0


def test_lost_and_broken_tables_come_back(data: Path) -> None:
    before = exported(data)
    Path(stored_files(data / "tables", "trades")[0].path).unlink()
    shutil.rmtree(data / "tables" / "bars")
    assert differing(data) == ["journal to trades", "trades", "bars"]
    rebuild(data, nobody)
    assert exported(data) == before
    shutil.rmtree(data / "tables")
    rebuild(data, nobody)
    assert exported(data) == before
    assert differing(data) == []


def test_it_refuses_while_a_pipeline_writes_the_tables(data: Path) -> None:
    with Tables(data), pytest.raises(AlreadyWritten, match="stop that one"):
        rebuild(data, nobody)
    rebuild(data, nobody)


def test_a_writer_is_refused_while_it_rebuilds(data: Path) -> None:
    refused = []

    def look(what: str, done: int, total: int) -> None:
        if what == "tables" and not refused:
            with pytest.raises(AlreadyWritten):
                Tables(data)
            refused.append(what)

    rebuild(data, look)
    assert refused


def test_without_a_whole_stream_log_it_refuses_and_a_replay_makes_the_log_again(data: Path) -> None:
    before, old = exported(data), files(data)
    [segment] = segments(data / "stream")
    damaged = bytearray(segment.read_bytes())
    damaged[30_000] ^= 1
    segment.write_bytes(damaged)
    with pytest.raises(CannotRebuild, match=r"is damaged: .*the old ones were not touched") as refused:
        rebuild(data, nobody)
    assert f"Or move {data / 'stream'} away and start the pipeline (or the replay) again" in str(refused.value)
    assert files(data) == old
    shutil.rmtree(data / "stream")
    with pytest.raises(CannotRebuild, match="holds nothing"):
        rebuild(data, nobody)
    replay(write_session(data.parent / "session.jsonl.gz", SECONDS), data)
    rebuild(data, nobody)
    assert exported(data) == before
    assert differing(data) == []


# a writer that cannot open a table leaves its lock to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("broken", ["a file", "a log"])
def test_what_a_killed_rebuild_left_broken_is_removed_and_the_old_tables_stay(data: Path, broken: str) -> None:
    before, old = exported(data), files(data)
    half_made(data, broken)
    with pytest.raises(CannotRebuild, match="run it again"):
        rebuild(data, nobody)
    assert files(data) == old
    assert not (data / BESIDE).exists()
    rebuild(data, nobody)
    assert exported(data) == before


def half_made(data: Path, broken: str) -> None:
    """Half of the new tables, as a kill leaves them, and then something of them gone, as a power loss may."""
    beside = data / BESIDE
    chunks = [decode(record.payload) for record in read(data / "stream")]
    with Tables(beside) as tables:
        (beside / "tables" / MARK).touch()
        tables.write(chunks[: len(chunks) // 2])
    if broken == "a file":
        Path(stored_files(beside / "tables", "bars")[0].path).unlink()
    if broken == "a log":
        log = beside / "tables" / "trades" / "_delta_log" / "00000000000000000000.json"
        log.write_text(log.read_text()[:100])


def test_a_half_made_set_is_gone_on_with(data: Path) -> None:
    before = exported(data)
    half_made(data, "nothing")
    assert 0 < rebuild(data, nobody)["went_on_from_seq"] < Reader(data).position()
    assert exported(data) == before


def test_old_tables_that_a_killed_rebuild_had_replaced_already_are_not_taken_for_new_ones(data: Path) -> None:
    before = exported(data)
    replaced = Path(shutil.copytree(data / "tables", data / BESIDE / "tables"))
    Path(stored_files(replaced, "bars")[0].path).unlink()
    assert rebuild(data, nobody)["went_on_from_seq"] == 0
    assert exported(data) == before


def test_new_tables_that_lack_a_row_are_not_put_in_place(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = files(data)
    write = rebuilding._write

    def lossy(tables: Tables, chunks: list) -> None:
        for chunk in chunks:
            if len(chunk.rows("bars")):
                chunk.arrays["bars"] = chunk.arrays["bars"][1:]
        write(tables, chunks)

    monkeypatch.setattr(rebuilding, "_write", lossy)
    with pytest.raises(CannotRebuild, match="bars: on 2024-01-01 the log has"):
        rebuild(data, nobody)
    assert files(data) == old


def test_where_folders_cannot_be_exchanged_it_takes_two_steps(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = exported(data)

    def refuse(one: Path, other: Path) -> None:
        raise OSError(rebuilding.CANNOT_EXCHANGE[0], "not here")

    monkeypatch.setattr(rebuilding, "exchange", refuse)
    rebuild(data, nobody)
    assert exported(data) == before
    assert not (data / BESIDE).exists()
    (data / BESIDE).mkdir()
    (data / "tables").rename(data / BESIDE / "old")  # killed between the two
    rebuild(data, nobody)
    assert exported(data) == before


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(1, 4))])
def test_killed_before_any_line_of_it_there_are_old_or_new_tables_and_the_next_one_ends_it(
    data: Path, seed: int
) -> None:
    said = killed(data, 3, seed)
    assert said["killed"] >= 3
    assert (said["wrong"], said["whole"], said["left"]) == ([], True, False)


@pytest.mark.torture
def test_killed_before_every_line_of_it_there_are_old_or_new_tables(data: Path) -> None:
    said = killed(data, 1_000, 0)
    assert said["killed"] > 50
    assert (said["wrong"], said["whole"], said["left"]) == ([], True, False)


def killed(data_dir: Path, kills: int, seed: int) -> dict:
    program = Path(__file__).with_name("killed_rebuild.py")
    command = [sys.executable, str(program), str(data_dir), str(kills), str(seed)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)


def test_the_command_killed_at_a_random_moment_is_gone_on_with(data: Path) -> None:
    before = exported(data)
    command = [sys.executable, "-m", "ninefold", "rebuild", "--data-dir", str(data), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    beside = data / BESIDE / "tables" / "bars"
    while process.poll() is None and not beside.exists():
        pass
    process.kill()
    process.wait()
    assert exported(data) == before
    said = ninefold("rebuild", "--data-dir", data, "--json")
    assert (said.status, said.err) == (0, "")
    assert said.json["rows"]["trades"] == TRADES
    assert exported(data) == before
    assert not (data / BESIDE).exists()


def test_the_command_says_why_it_refuses(data: Path) -> None:
    with Tables(data):
        said = ninefold("rebuild", "--data-dir", data, "--json")
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("ninefold: ")
    assert "is being written by process" in said.err
