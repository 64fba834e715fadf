"""kill -9 of a real writer, between any two commits and at random moments; and a reader beside a writer."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from ninefold.store.certificates import Certificate
from ninefold.store.read import Reader
from ninefold.store.tables import Tables

HERE = Path(__file__).parent
WRITER = """
import pickle, sys
from pathlib import Path
from ninefold.store.tables import Tables

with Tables(Path(sys.argv[1])) as tables:
    for chunk in pickle.load(sys.stdin.buffer):
        tables.write([chunk])
        print(chunk.last_seq, flush=True)
"""


def certified(path: Path) -> list[Certificate]:
    """The latest certificates, without the number of their revision and the write that made it."""
    return [msgspec.structs.replace(one, revision=0, seq=0) for one in Reader(path).certificates()]


@pytest.mark.slow
def test_kill_9_at_random_moments_loses_and_doubles_nothing(tmp_path: Path, market: SimpleNamespace) -> None:
    chance = random.Random(7)
    chunks = market.stream(70, seed=9)  # more than an hour
    with Tables(tmp_path / "whole") as tables:
        tables.write(chunks)
    rounds, done = [], 0
    for number in range(4):
        done = min(done + 8, len(chunks))
        some = chunks[max(done - 12, 0) : done]
        pieces = [some[at : at + 4] for at in range(0, len(some), 4)]
        rounds.append((pieces, chance.randint(1, 25), number % 2 == 0, chunks[:done]))
    program = [sys.executable, HERE / "killed_writer.py", tmp_path / "killed"]
    said = subprocess.run(program, input=pickle.dumps(rounds), check=True, stdout=subprocess.PIPE, timeout=120).stdout
    assert int(said) >= 3
    with Tables(tmp_path / "killed") as tables:
        tables.write(chunks[done:])
    assert market.contents(tmp_path / "killed") == market.contents(tmp_path / "whole")
    assert certified(tmp_path / "killed") == certified(tmp_path / "whole")


@pytest.mark.slow
def test_a_reader_sees_rows_while_another_process_writes_them(tmp_path: Path, market: SimpleNamespace) -> None:
    chunks = market.stream(15, seed=2)
    Tables(tmp_path).close()
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(pickle.dumps(chunks))
        process.stdin.close()
        reader = Reader(tmp_path)
        seen = [len(reader.trades(1)) + len(reader.trades(2)) for _ in process.stdout]
    assert process.returncode == 0
    total = sum(len(chunk.rows("trades")) for chunk in chunks)
    assert seen == sorted(seen) and seen[-1] == total
    assert len(set(seen)) > 5
