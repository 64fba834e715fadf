"""A process that is watched makes its calls up to the last one, and that one never: as strace kills it, too."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import missing

from .intercepted import Call, possible, stop_and_be_watched, watch

BYTES = 9


@pytest.fixture(scope="module", autouse=True)
def intercepted() -> None:
    if why := possible():
        pytest.skip(why)


@pytest.mark.parametrize("n", [1, 4, BYTES])
def test_killed_at_its_nth_write_a_program_has_made_those_before_it_and_strace_leaves_the_same(
    tmp_path: Path, n: int
) -> None:
    told: Counter[Call] = Counter()
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"

    def is_last(call: Call) -> bool:
        told[call] += 1
        return call == ("write", "ours") and told[call] == n

    child = forked(lambda: os.execvp("dd", copying(ours)))
    assert watch(child, is_last, 60.0) == -signal.SIGKILL
    assert ours.stat().st_size == n - 1
    if shutil.which("strace") is None:
        missing("strace is not installed (apt-get install strace)")
    killing = ["-o", "/dev/null", "-P", str(theirs), "-e", f"inject=write:signal=KILL:when={n}"]
    subprocess.run(["strace", *killing, *copying(theirs)], capture_output=True)
    assert theirs.stat().st_size == n - 1


def test_the_calls_of_every_thread_are_told_with_what_they_change(tmp_path: Path) -> None:
    told: Counter[Call] = Counter()

    def work() -> None:
        with (tmp_path / "file12").open("wb", buffering=0) as file:
            threads = [threading.Thread(target=lambda: (file.write(b"1"), os.fdatasync(file.fileno()))) for _ in "abc"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        os.rename(tmp_path / "file12", tmp_path / "file")

    def is_last(call: Call) -> bool:
        told[call] += 1
        return False

    assert watch(forked(work), is_last, 60.0) == 0
    assert told == {Call("write", "file"): 3, Call("fdatasync", "file"): 3, Call("rename", ""): 1}


def test_one_that_does_not_end_in_time_is_killed() -> None:
    assert watch(forked(signal.pause), lambda call: False, 0.1) is None


def copying(to: Path) -> list[str]:
    """A program that writes one byte at a time."""
    return ["dd", "if=/dev/zero", f"of={to}", "bs=1", f"count={BYTES}", "status=none"]


def forked(work: Callable[[], object]) -> int:
    """A child that is watched while it does this."""
    if child := os.fork():
        return child
    try:
        stop_and_be_watched()
        work()
        os._exit(0)
    finally:
        os._exit(1)
