"""A simulated exchange for the tests of one file."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A simulated exchange with a generated market; what it printed when it was ready."""
    folder = tmp_path_factory.mktemp("simulator")
    command = [sys.executable, "-m", "ninefold.simulator", "--data-dir", str(folder / "data"), "--port", "0"]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen([*command, "--rate", "100"], stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (folder / "log.txt").read_text()
            yield json.loads(line)
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()
