"""Imports that are killed at any moment lose nothing, double nothing and count right in the end."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.imports.conftest import broken_off

ROWS = 4_000
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def write_trades(path: Path, seed: int) -> Counter[tuple[str, str, str]]:
    """Trades with and without ids, equal ones, bad ones; returns what must be stored: instrument, time, id, how often."""
    chance = random.Random(seed)
    truth: Counter[tuple[str, str, str]] = Counter()
    time_ms = 1_700_000_000_000
    with path.open("w") as file:
        file.write("time,symbol,price,size,side,id\n")
        for number in range(ROWS):
            time_ms += chance.choice((0, 0, 0, 1, 40_000))
            symbol = chance.choice(SYMBOLS)
            name = str(number) if symbol != "SOL/USDT" else ""
            price = "bad" if chance.random() < 0.01 else f"{chance.randint(1, 3)}.5"
            file.write(f"{time_ms},{symbol},{price},1,buy,{name}\n")
            if price != "bad":
                truth[f"binance:{symbol}", str(time_ms * 1_000_000), name] += 1
    return truth


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.torture)])
def test_what_was_killed_again_and_again_ends_as_if_it_had_not_been(importing, tmp_path, seed):
    truth = write_trades(tmp_path / "trades.csv", seed)
    program = Path(__file__).with_name("killed.py")
    command = [sys.executable, program, importing.data_dir, tmp_path / "trades.csv", "8192", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 3
    stored = Counter((row["instrument"], row["exchange_ns"], row["trade_id"]) for row in importing.stored("trades"))
    assert stored == truth
    [state] = (importing.data_dir / "imports" / "state").glob("*.json")
    said = json.loads(state.read_text())
    refused = ROWS - truth.total()
    assert (said["read"], said["stored"], said["there"], said["refused"]) == (ROWS, truth.total(), 0, refused)
    assert len(state.with_suffix(".refused.jsonl").read_text().splitlines()) == refused


@pytest.mark.slow
def test_what_is_stored_and_not_yet_noted_when_it_is_killed_counts_once(importing, tmp_path, monkeypatch):
    monkeypatch.setattr("ninefold.imports.csv.BLOCK_BYTES", 24_000)
    truth = write_trades(tmp_path / "trades.csv", 3)
    said = {"what": "trades", "venue": "binance"}
    batches = broken_off(monkeypatch, lambda: importing.one("csv", tmp_path / "trades.csv", **said))
    assert batches > 6
    stored = Counter((row["instrument"], row["exchange_ns"], row["trade_id"]) for row in importing.stored("trades"))
    assert stored == truth
    [refused] = (importing.data_dir / "imports" / "state").glob("*.jsonl")
    numbers = [json.loads(line)["row"] for line in refused.read_text().splitlines()]
    assert len(numbers) == len(set(numbers)) == ROWS - truth.total()
