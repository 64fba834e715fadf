"""A program that writes tables, is killed after some commits, and writes on, again and again.

Arguments: a data dir. In, pickled: rounds of (pieces, deadly, by itself, again): chunks that are written piece by piece until the
writer is killed after `deadly` commits, by itself or from outside while it goes on; and chunks that the next writer is given.
Prints how often one was killed. Each writer is a fork: the parent never uses the libraries whose threads do not survive one.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow as pa

from ninefold.market.chunk import Chunk
from ninefold.store.delta import Table
from ninefold.store.tables import Tables

forks = multiprocessing.get_context("fork")


def main() -> None:
    path, kills = Path(sys.argv[1]), 0
    for pieces, deadly, by_itself, again in pickle.load(sys.stdin.buffer):
        here, there = forks.Pipe(duplex=False)
        writer = forks.Process(target=write, args=(path, pieces, there, deadly if by_itself else 0))
        writer.start()
        there.close()
        with suppress(EOFError):  # it had less to write
            for _ in range(deadly):
                here.recv_bytes()
        writer.kill()
        writer.join()
        kills += writer.exitcode == -signal.SIGKILL
        following = forks.Process(target=go_on, args=(path, again))
        following.start()
        following.join()
        assert following.exitcode == 0
    print(kills)


def write(path: Path, pieces: list[list[Chunk]], told: Connection, deadly: int) -> None:
    """Tell of each commit; kill this process after `deadly` of them (0: never)."""
    commits, commit = 0, Table.commit

    def counted(table: Table, rows: pa.Table, last_seq: int) -> None:
        nonlocal commits
        commit(table, rows, last_seq)
        commits += 1
        told.send_bytes(b"committed")
        if commits == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    Table.commit = counted  # type: ignore[method-assign]
    with Tables(path) as tables:
        for piece in pieces:
            tables.write(piece)
            tables.maintain()


def go_on(path: Path, chunks: list[Chunk]) -> None:
    """The next start needs no hand, and goes on where the tables are."""
    with Tables(path) as tables:
        tables.write([chunk for chunk in chunks if chunk.last_seq >= tables.position()])


if __name__ == "__main__":
    main()
