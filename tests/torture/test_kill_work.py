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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from .works import WORKS

ROOT = Path(__file__).parents[2]
QUICKLY = ("an import of csv", "a rebuild", "compaction")
QUICK_KILLS, TORTURE_KILLS = 1, 40


@pytest.fixture(scope="module")
def survived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return survive(QUICKLY, tmp_path_factory.mktemp("killed"), QUICK_KILLS)


@pytest.mark.slow
@pytest.mark.parametrize("work", QUICKLY)
def test_killed_it_ends_as_if_it_had_not_been(work: str, survived: dict[str, dict[str, Any]]) -> None:
    assert survived[work]["wrong"] == []
    assert survived[work]["killed"] >= QUICK_KILLS


@pytest.mark.torture
@pytest.mark.parametrize("work", WORKS)
def test_killed_many_times_it_ends_as_if_it_had_not_been(work: str, tmp_path: Path) -> None:
    said = survive([work], tmp_path, TORTURE_KILLS)[work]
    assert said["wrong"] == []
    assert said["killed"] >= TORTURE_KILLS
    assert said["states"] > 1


def survive(works: Sequence[str], folder: Path, kills: int) -> dict[str, dict[str, Any]]:
    """Kill each so often; what the program that kills them said."""
    seed = int(os.environ.get("NINEFOLD_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"NINEFOLD_SEED={seed}")
    command = [sys.executable, "-m", "tests.torture.killed", str(folder), str(kills), str(seed), *works]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3_000)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return dict(json.loads(done.stdout))
