"""Bad input and a hostile machine: said clearly, nothing lost, nothing left running."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from ninefold.config import Config
from tests.calling import ninefold

from . import truth
from .parts import World, until
from .settle import check

pytestmark = pytest.mark.slow

ALL = ("simulator", "cold", "hot")
BROKEN = 20
SOON_S, STOP_S, ORPHAN_S = 30.0, 15.0, 20.0  # an idle machine needs a third of it; tests share theirs
DISK_BYTES = 48 * 1024 * 1024
FILE_BYTES = 1_500_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Not started yet."""
    world = World(tmp_path / "data")
    world.data_dir.mkdir()
    try:
        yield world
    finally:
        world.end()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MB, where this machine lets us make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(
            f"only root may mount a small disk here ({made.stderr.strip()}); the limit on a file's size is tested without"
        )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_malformed_frames_are_kept_counted_and_shown_and_disturb_nothing(world: World) -> None:
    world.start(*ALL)
    world.wait_for_flow()
    before = world.counter("collect", "duplicates")
    world.ask("/sim/v1/faults", {"kind": "malformed", "count": BROKEN})
    until(lambda: world.get("/api/v1/status")["malformed"] == BROKEN, f"{BROKEN} malformed frames are counted")
    alarms = [one for one in world.get("/api/v1/messages?limit=500")["messages"] if one["kind"] == "alarm"]
    world.wait_for_flow()
    assert len(alarms) == BROKEN, alarms
    assert world.get("/api/v1/status")["malformed"] == BROKEN
    assert world.counter("collect", "duplicates") == before
    assert world.counter("collect", "gaps") == 0
    check(world)
    told = [
        json.loads(row["payload"]) for row in truth.stored_rows(world.data_dir, "records") if row["type"] == "malformed"
    ]
    journal = {entry.seq: entry.payload for entry in truth.entries(world.data_dir)}
    assert len(told) == BROKEN
    for record in told:
        assert record["reason"] and journal[record["seq"]].decode().startswith(record["excerpt"])
    _names_what_there_is(world.data_dir)


def _names_what_there_is(data_dir: Path) -> None:
    """A command that names an unknown instrument says which there are."""
    said = ninefold("export", "trades", "--data-dir", data_dir, "--instrument", "binance:BCT/USDT")
    assert said.status == 2
    assert "binance:BTC/USDT" in said.err and "Traceback" not in said.err


def test_an_unknown_symbol_is_named_and_nothing_starts(world: World) -> None:
    world.start("simulator")
    path = world.data_dir / "running.json"
    config = msgspec.json.decode(path.read_bytes(), type=Config)
    venue = msgspec.structs.replace(config.venue, pairs=("BTC/USDT", "BCT/USDT"))
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(config, venue=venue)))
    world.start("hot")
    hot = world.parts["hot"]
    assert hot.ended() == 2
    assert "BCT" in hot.words() and "Traceback" not in hot.words()
    assert len(hot.words().splitlines()) == 1


def test_a_port_in_use_is_said_and_nothing_is_left_running(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = ninefold("demo", "--data-dir", tmp_path / "data", "--port", str(port))
    assert demo.status == 2
    assert str(port) in demo.err and "in use" in demo.err and "Traceback" not in demo.err
    assert running_in(tmp_path) == []


def test_a_data_dir_of_a_newer_version_is_refused_and_both_versions_named(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "VERSION.json").write_text('{"format": 99, "written_by": "9.9.9"}')
    demo = ninefold("demo", "--data-dir", data_dir, "--port", "0")
    said = demo.err
    assert demo.status == 2
    assert "99" in said and "9.9.9" in said and "up to 2" in said and "Traceback" not in said
    assert sorted(path.name for path in data_dir.iterdir()) == ["VERSION.json"]


@pytest.mark.torture
def test_a_torn_tail_is_told_cut_and_survived(world: World) -> None:
    world.start(*ALL)
    world.wait_for_flow()
    world.stop()
    for log in ("journal", "stream"):
        newest = sorted((world.data_dir / log).glob("*.nfj"))[-1]
        with newest.open("ab") as file:
            file.write(b"\x40\x00\x00\x00torn in the middle")
    world.start(*ALL)
    world.wait_for_flow()
    words = world.parts["hot"].words()
    assert words.count("torn end") == 2 and "22 bytes" in words, words
    assert "journal" in words and "stream" in words
    check(world)


@pytest.mark.torture
def test_a_halted_data_dir_starts_halted_and_trades_after_resume(world: World) -> None:
    world.start(*ALL)
    world.wait_for_flow()
    world.stop()
    assert ninefold("halt", "--data-dir", world.data_dir, "--reason", "for the test").status == 0
    orders = len(truth.exchange_rows(world.data_dir, "select * from orders"))
    world.start(*ALL)
    world.wait_for_flow()
    until(lambda: world.counter("execute", "refused") > 0, "an order is refused")
    assert world.get("/api/v1/status")["halted"]
    assert world.ask("/sim/v1/state")["orders"] == orders
    assert ninefold("resume", "--data-dir", world.data_dir).status == 0
    until(lambda: world.ask("/sim/v1/state")["orders"] > orders, "an order leaves")
    assert not world.get("/api/v1/status")["halted"]
    check(world)


def test_a_full_disk_stops_trading_first_recording_last_and_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    world = World(small_disk / "data")
    for name in ("simulator", "logs"):  # the exchange and the logs are elsewhere
        (tmp_path / name).mkdir()
        world.data_dir.mkdir(exist_ok=True)
        (world.data_dir / name).symlink_to(tmp_path / name)
    try:
        world.start(*ALL)
        until(lambda: world.counter("execute", "fills") > 0, "the first fill", 120.0)
        ballast = small_disk / "ballast"
        fill(ballast, leave=DISK_BYTES // 20)
        until(lambda: truth.ledger_events(world.data_dir, "halted"), "the disk guard halts")
        seq = world.last_seq("record")
        until(lambda: world.last_seq("record") > seq, "it still records")
        fill(ballast, leave=0)
        hot = world.parts.pop("hot")
        assert hot.ended() == 2, hot.words()
        assert "no space left" in hot.words().lower() and "Traceback" not in hot.words(), hot.words()
        cold = world.parts.pop("cold")
        code = cold.stop() if cold.running else cold.ended()
        assert "Traceback" not in cold.words(), cold.words()
        assert code in (0, 2, -signal.SIGTERM), cold.words()  # told to stop while it was ending by itself
        ballast.unlink()
        world.start("cold", "hot")
        world.wait_for_flow()
        check(world)
    finally:
        world.end()


@pytest.mark.torture
def test_a_log_that_cannot_grow_stops_the_pipeline_and_what_was_stored_is_whole(world: World) -> None:
    world.start(*ALL, before=limit_files)
    hot = world.parts["hot"]
    assert hot.ended() == 2, hot.words()
    assert "could not write" in hot.words() or "cannot write" in hot.words(), hot.words()
    assert "Traceback" not in hot.words(), hot.words()
    del world.parts["hot"]
    world.kill("cold")
    world.start("cold", "hot")
    world.wait_for_flow()
    check(world)


@pytest.mark.torture
def test_ctrl_c_stops_everything_within_five_seconds(tmp_path: Path) -> None:
    demo = start_demo(tmp_path)
    family = running_family(demo, tmp_path)
    demo.send_signal(signal.SIGINT)
    begin = time.monotonic()
    said_at_end(demo, SOON_S)
    assert time.monotonic() - begin < STOP_S
    assert demo.returncode == 0
    assert [process for process in family if lives(process)] == []


@pytest.mark.torture
def test_kill_9_of_the_demo_leaves_no_orphans(tmp_path: Path) -> None:
    demo = start_demo(tmp_path)
    family = running_family(demo, tmp_path)
    demo.kill()
    said_at_end(demo, SOON_S)
    try:
        until(lambda: not [one for one in family if lives(one)], "all of its processes have ended", ORPHAN_S)
    finally:
        for process in filter(lives, family):
            process.kill()


def start_demo(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """`ninefold demo` in `folder`/data, on any port unless one is named."""
    line = [sys.executable, "-m", "ninefold", "demo", "--data-dir", str(folder / "data"), "--port", "0", *arguments]
    return subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def said_at_end(demo: subprocess.Popen[str], seconds: float) -> str:
    try:
        return demo.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        demo.kill()
        raise AssertionError(f"the demo did not end within {seconds} s; it said: {demo.communicate()[1]}") from None


def running_family(demo: subprocess.Popen[str], folder: Path) -> list[psutil.Process]:
    """The demo's processes, once all of them work."""
    world = World(folder / "data")
    until(lambda: world.counter("record", "trades_stored") > 0, "trades are stored")
    family = psutil.Process(demo.pid).children(recursive=True)
    assert len(family) == len(ALL), family
    return family


def lives(process: psutil.Process) -> bool:
    """Whether it still does something; a dead one that nobody has asked about does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def running_in(folder: Path) -> list[psutil.Process]:
    """Processes whose command line names the folder."""
    return [
        one
        for one in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in one.info["cmdline"] or ())
    ]


def fill(ballast: Path, leave: int) -> None:
    """Leave so many bytes of the disk free."""
    with ballast.open("ab", buffering=0) as file:  # what did not fit must not be tried again when it closes
        while (free := os.statvfs(ballast.parent).f_bavail * 4096) > leave:
            try:
                file.write(b"\0" * min(free - leave, 1 << 20))
            except OSError:
                return


def limit_files() -> None:
    """No file of this process may grow beyond this."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
