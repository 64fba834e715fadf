"""What several pipeline tests look at: a demo that played recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.recorded import thinned

from .running import Program, all_stored

BTC = "orderbook/binance_spot_btcusdt_20240808.jsonl.gz"
ETH = "orderbook/binance_spot_ethusdt_20240808.jsonl.gz"
SPEED = "18"  # five minutes in seventeen seconds
FIVE_MINUTES = 38_000  # lines of the first recording, and nine seconds more
BESIDE = 6_000  # of the second, about a minute


class Taped:
    """A demo that played recordings of two instruments, the second of which ends early, faster than they were."""

    def __init__(self, folder: Path, tapes: list[Path]) -> None:
        self.data_dir, self.tapes = folder / "data", tapes
        arguments: list[str | Path] = ["--tape", *tapes, "--speed", SPEED, "--json", "--port", "0"]
        program = Program(folder, "demo", *arguments, "--data-dir", self.data_dir)
        try:
            program.url()
            program.until(lambda: all_stored(self.data_dir), "the tape is at its end and all its trades are stored")
            program.interrupt()
        finally:
            program.end()
        self.result = program.result()


@pytest.fixture(scope="session")
def taped(tmp_path_factory: pytest.TempPathFactory, recording: Callable[[str], Path]) -> Taped:
    folder = tmp_path_factory.mktemp("taped")
    return Taped(folder, [thinned(recording(BTC), folder, FIVE_MINUTES), thinned(recording(ETH), folder, BESIDE)])
