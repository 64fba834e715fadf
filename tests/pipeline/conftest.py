"""What several pipeline tests look at: a demo that played recordings."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from .running import Program, all_stored

BTC = "orderbook/binance_spot_btcusdt_20240808.jsonl.gz"
ETH = "orderbook/binance_spot_ethusdt_20240808.jsonl.gz"
SPEED = "18"  # six minutes in twenty seconds
QUOTES_KEPT = 10  # one best bid and ask in so many
BESIDE = 6_000  # lines of the second recording, about a minute


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


def thinned(whole: Path, folder: Path, most: int | None = None) -> Path:
    """A recording, or its first lines, with all trades and changes of the book; most of it is the best bid and ask."""
    part, quotes = folder / whole.name, 0
    with gzip.open(whole) as lines, gzip.open(part, "wb", 1) as kept:
        for line in islice(lines, most):
            quotes += (is_quote := b"@bookTicker" in line)
            if not is_quote or quotes % QUOTES_KEPT == 0:
                kept.write(line)
    return part


@pytest.fixture(scope="session")
def taped(tmp_path_factory: pytest.TempPathFactory, recording: Callable[[str], Path]) -> Taped:
    folder = tmp_path_factory.mktemp("taped")
    return Taped(folder, [thinned(recording(BTC), folder), thinned(recording(ETH), folder, BESIDE)])
