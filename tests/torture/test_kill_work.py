"""kill -9 of an import, a rebuild, the compaction of tables and the compression of a journal, at random moments.

After each kill nothing that was acknowledged is lost and nothing is doubled; started again until it ends, the work ends as
if it had never been killed. NINEFOLD_SEED sets the seed, which a failure prints.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from .works import WORKS

ROOT = Path(__file__).parents[2]
QUICKLY = ("an import of csv", "a rebuild", "compaction")
QUICK_KILLS, TORTURE_KILLS = 2, 40


@pytest.mark.slow
@pytest.mark.parametrize("work", QUICKLY)
def test_killed_it_ends_as_if_it_had_not_been(work: str, tmp_path: Path) -> None:
    assert survive(work, tmp_path, QUICK_KILLS)["killed"] >= QUICK_KILLS


@pytest.mark.torture
@pytest.mark.parametrize("work", WORKS)
def test_killed_many_times_it_ends_as_if_it_had_not_been(work: str, tmp_path: Path) -> None:
    said = survive(work, tmp_path, TORTURE_KILLS)
    assert said["killed"] >= TORTURE_KILLS
    assert said["states"] > 1


def survive(work: str, folder: Path, kills: int) -> dict[str, int]:
    """Kill it so often; what the program that kills it said. raises: AssertionError if something was wrong."""
    seed = int(os.environ.get("NINEFOLD_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"NINEFOLD_SEED={seed}")
    command = [sys.executable, "-m", "tests.torture.killed", work, str(folder), str(kills), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3_000)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    print(f"{work}: {done.stdout}")
    assert not said["wrong"], said["wrong"]
    return dict(said)
