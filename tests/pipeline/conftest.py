"""What several pipeline tests look at: a demo that played recordings, and the shared demo, begun early."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .running import Program, count

BTC = "orderbook/binance_spot_btcusdt_20240808.jsonl.gz"
ETH = "orderbook/binance_spot_ethusdt_20240808.jsonl.gz"
KNOWN_BARS = "bars where state <> 2 and width_ns = 1000000000"
ENOUGH_BARS = 450  # of the 680 seconds of both recordings; `ninefold train` wants some 400


class Taped:
    """Recordings of two instruments at 20 times their speed, ended by Ctrl-C before their end but with enough bars to learn from."""

    def __init__(self, folder: Path, tapes: list[Path]) -> None:
        self.data_dir = folder / "data"
        self.tapes = tapes
        arguments: list[str | Path] = ["--tape", *tapes, "--speed", "20", "--json", "--port", "0"]
        program = Program(folder, "demo", *arguments, "--data-dir", self.data_dir)
        try:
            program.url()
            program.until(lambda: count(self.data_dir, KNOWN_BARS) > ENOUGH_BARS, "there are enough bars to learn from")
            program.interrupt()
        finally:
            program.end()
        self.result = program.result()


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
def taped(tmp_path_factory: pytest.TempPathFactory, recording: Callable[[str], Path]) -> Taped:
    return Taped(tmp_path_factory.mktemp("taped"), [recording(BTC), recording(ETH)])
