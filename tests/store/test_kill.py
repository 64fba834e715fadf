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

from ninefold.market.chunk import Chunk
from ninefold.store.certificates import Certificate
from ninefold.store.read import Reader
from ninefold.store.tables import Tables

WRITER = """
import os, pickle, signal, sys
from pathlib import Path
from ninefold.store.delta import Table
from ninefold.store.tables import Tables

path, deadly, pieces = Path(sys.argv[1]), int(sys.argv[2]), pickle.load(sys.stdin.buffer)
commits, commit = 0, Table.commit

def counted(table, rows, last_seq):
    global commits
    commit(table, rows, last_seq)
    commits += 1
    print(commits, flush=True)
    if commits == deadly:
        os.kill(os.getpid(), signal.SIGKILL)

Table.commit = counted
with Tables(path) as tables:
    for piece in pieces:
        tables.write(piece)
        tables.maintain()
"""


def start_writer(path: Path, pieces: list[list[Chunk]], deadly: int = 0) -> subprocess.Popen[bytes]:
    """A writer in its own process. It prints a line after each commit, and kills itself after `deadly` of them (0:
    never).
    """
    command = [sys.executable, "-c", WRITER, str(path), str(deadly)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(pickle.dumps(pieces))
    process.stdin.close()
    return process


def end(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout
    process.kill()
    process.stdout.close()
    return process.wait()


def certified(path: Path) -> list[Certificate]:
    """The latest certificates, without the number of their revision and the write that made it."""
    return [msgspec.structs.replace(one, revision=0, seq=0) for one in Reader(path).certificates()]


@pytest.mark.slow
def test_kill_9_at_random_moments_loses_and_doubles_nothing(tmp_path: Path, market: SimpleNamespace) -> None:
    chance = random.Random(7)
    chunks = market.stream(80, seed=9)  # more than an hour
    with Tables(tmp_path / "whole") as tables:
        tables.write(chunks)
    done = 0
    for number in range(5):
        done = min(done + 8, len(chunks))
        some = chunks[max(done - 12, 0) : done]
        pieces = [some[at : at + 4] for at in range(0, len(some), 4)]
        deadly = chance.randint(1, 25)
        process = start_writer(tmp_path / "killed", pieces, deadly if number % 2 == 0 else 0)
        assert process.stdout
        for _ in range(deadly):
            process.stdout.readline()
        end(process)
        with Tables(tmp_path / "killed") as tables:  # the next start needs no hand, and goes on where the tables are
            tables.write([chunk for chunk in chunks[:done] if chunk.last_seq >= tables.position()])
    with Tables(tmp_path / "killed") as tables:
        tables.write(chunks[done:])
    assert market.contents(tmp_path / "killed") == market.contents(tmp_path / "whole")
    assert certified(tmp_path / "killed") == certified(tmp_path / "whole")


@pytest.mark.slow
def test_a_reader_sees_rows_while_another_process_writes_them(tmp_path: Path, market: SimpleNamespace) -> None:
    chunks = market.stream(30, seed=2)
    Tables(tmp_path).close()
    process = start_writer(tmp_path, [[chunk] for chunk in chunks])
    assert process.stdout
    try:
        reader = Reader(tmp_path)
        seen = []
        while process.stdout.readline():
            seen.append(len(reader.trades(1)) + len(reader.trades(2)))
        assert process.wait() == 0
    finally:
        end(process)
    total = sum(len(chunk.rows("trades")) for chunk in chunks)
    assert seen == sorted(seen) and seen[-1] == total
    assert len(set(seen)) > 5
