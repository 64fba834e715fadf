"""What several pipeline tests look at: a demo that played a recording, begun early so that it is ready when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .running import Program, Result

BTC = "orderbook/binance_spot_btcusdt_20240808.jsonl.gz"
ETH = "orderbook/binance_spot_ethusdt_20240808.jsonl.gz"


class Taped:
    """A demo of two instruments' recordings at 20 times their speed, stopped before their end."""

    def __init__(self, folder: Path, tapes: list[Path]) -> None:
        self.data_dir = folder / "data"
        self.tapes = tapes
        arguments: list[str | Path] = ["demo", "--tape", *tapes, "--speed", "20", "--seconds", "14", "--json", "--port", "0"]
        self.program = Program(folder, *arguments, "--data-dir", self.data_dir)

    def result(self) -> Result:
        return self.program.result()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests here that look at the shared demo come last: it runs meanwhile, and some wait for its first whole minutes."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    late = {id(item) for item in here if "demo" in getattr(item, "fixturenames", ())}
    ordered = iter([*(item for item in here if id(item) not in late), *(item for item in here if id(item) in late)])
    mine = {id(item) for item in here}
    items[:] = [next(ordered) if id(item) in mine else item for item in items]


@pytest.fixture(scope="session", autouse=True)
def begun_early(request: pytest.FixtureRequest) -> None:
    """Start the shared demo first, if anything here looks at it."""
    here = Path(__file__).parent
    if any("demo" in getattr(item, "fixturenames", ()) for item in request.session.items if here in item.path.parents):
        request.getfixturevalue("demo")


@pytest.fixture(scope="session")
def taped(tmp_path_factory: pytest.TempPathFactory, recording: Callable[[str], Path]) -> Iterator[Taped]:
    running = Taped(tmp_path_factory.mktemp("taped"), [recording(BTC), recording(ETH)])
    yield running
    running.program.end()


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    """Programs put in here are stopped at the end of the test, whatever happened."""
    started: list[Program] = []
    yield started
    for program in reversed(started):
        program.end()
