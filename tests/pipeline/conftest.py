"""What several pipeline tests look at: a demo that played recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .running import Program, all_stored

BTC = "orderbook/binance_spot_btcusdt_20240808.jsonl.gz"
ETH = "orderbook/binance_spot_ethusdt_20240808.jsonl.gz"
SPEED = "12"  # six minutes in half a minute


class Taped:
    """A demo that played recordings of two instruments to their end, faster than they were."""

    def __init__(self, folder: Path, tapes: list[Path]) -> None:
        self.data_dir = folder / "data"
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
    return Taped(tmp_path_factory.mktemp("taped"), [recording(BTC), recording(ETH)])
