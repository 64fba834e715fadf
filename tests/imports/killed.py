"""A program that imports a CSV in small batches in a process of its own, and kills it again and again until one gets to the end.

Arguments: data dir, file, bytes of a batch, a seed. Prints how often it killed.
Each process is a fork, so that the libraries are loaded once: this one never uses those whose threads do not survive one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import IO

import ninefold.imports.csv as source
from ninefold.imports.mapping import Mapping
from ninefold.imports.run import import_all
from ninefold.imports.source import Place


def main() -> None:
    data_dir, path, chance = Path(sys.argv[1]), sys.argv[2], random.Random(int(sys.argv[4]))
    source.BLOCK_BYTES = int(sys.argv[3])
    kills = 0
    while not killed_once(data_dir, path, chance):
        kills += 1
    print(kills)


def killed_once(data_dir: Path, path: str, chance: random.Random) -> bool:
    """Start the import and kill it some batches later, at any place within one; whether it came to its end before."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reader)
        _import(data_dir, path, writer)
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as told:
        _wait_for(told, chance.randint(0, 6))
        time.sleep(chance.random() * 0.05)  # where in a batch it is hit
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"a process ended with {status}; it said what is above"
    states = (data_dir / "imports" / "state").glob("*.json")
    return any(json.loads(state.read_text())["done"] for state in states)


def _wait_for(told: IO[bytes], batches: int) -> None:
    """Until so many batches are stored, or it has ended."""
    while batches > 0 and (seen := told.read(1)):
        batches -= len(seen)


def _import(data_dir: Path, path: str, writer: int) -> None:
    """In the child: it never comes back. It tells of each batch that is stored."""
    status = 1
    try:
        mapping = Mapping(what="trades", venue="binance")
        parts = source.parts(Place(place=path, mapping=mapping))
        import_all(data_dir, parts, mapping, lambda: 1, lambda *_: os.write(writer, b"."))  # type: ignore[arg-type,return-value]
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
