"""kill -9 of an import, a rebuild, the compaction of tables and the compression of a journal, at random moments.

After each kill nothing that was acknowledged is lost and nothing is doubled; started again until it ends, the work ends as
if it had never been killed. In `make test` compaction is killed here, once; the others are in services/test_rebuild.py,
imports/test_killed.py and journal/test_compress.py. NINEFOLD_SEED sets the seed, which a failure prints.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .works import WORKS

ROOT = Path(__file__).parents[2]
KILLS = 40


@pytest.mark.slow
def test_compaction_that_was_killed_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    said = survive("compaction", tmp_path, kills=1)
    assert said["wrong"] == []
    assert said["killed"] >= 1


@pytest.mark.torture
@pytest.mark.parametrize("work", WORKS)
def test_killed_many_times_it_ends_as_if_it_had_not_been(work: str, tmp_path: Path) -> None:
    said = survive(work, tmp_path, KILLS)
    assert said["wrong"] == []
    assert said["killed"] >= KILLS
    assert said["states"] > 1


def survive(work: str, folder: Path, kills: int) -> dict[str, Any]:
    """Kill it so often; what the program that kills it said."""
    seed = int(os.environ.get("NINEFOLD_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"NINEFOLD_SEED={seed}")
    command = [sys.executable, "-m", "tests.torture.killed", str(folder), str(kills), str(seed), work]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3_000)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return dict(json.loads(done.stdout)[work])
