"""Simulators for tests: processes of their own."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .running import Simulator


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Simulator]]:
    """A function that starts simulators; what is left of them is stopped at the end."""
    started: list[Simulator] = []

    def run(*arguments: str, largest_file: int | None = None) -> Simulator:
        started.append(Simulator(tmp_path / "exchange", *arguments, largest_file=largest_file))
        return started[-1]

    yield run
    for each in started:
        each.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """One generated market for the tests of a module."""
    running = Simulator(tmp_path_factory.mktemp("simulator") / "exchange")
    yield running
    assert running.stop() == 0
