"""The recorder: when it commits, when it takes no more, and that tables are looked after while nothing comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ninefold.market.arrays import TRADES
from ninefold.market.chunk import Chunk
from ninefold.services import record
from ninefold.services.record import Record
from ninefold.store.delta import COMPACT_COMMITS, stored_files
from ninefold.store.read import Reader

WAIT_S = 60.0


def chunk(first: int, rows: int) -> Chunk:
    trades = np.zeros(rows, TRADES)
    trades["instrument"], trades["seq"], trades["exchange_ns"] = 1, np.arange(first, first + rows), 10**18
    trades["receive_ns"] = 10**18
    return Chunk(first, first + rows - 1, 10**18, {"trades": trades})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


def running(path: Path, story: Callable[[Record], object]) -> None:
    """A recorder that runs while the story is told."""

    async def told() -> None:
        stop = asyncio.Event()
        recorder = Record(path, lambda: 2 * 10**18)
        job = asyncio.ensure_future(recorder.run(stop))
        await story(recorder)  # type: ignore[misc]
        stop.set()
        await job
        await recorder.close()

    asyncio.run(told())


def test_what_waits_is_committed_in_time_and_what_is_left_at_the_end(tmp_path: Path) -> None:
    async def story(recorder: Record) -> None:
        recorder.take([chunk(1, 5)])
        await until(lambda: recorder.meter.counters.get("rows_stored") == 5)
        assert recorder.position == 5
        recorder.take([chunk(6, 2)])

    running(tmp_path, story)
    assert Reader(tmp_path).counts()["trades"] == 7


def test_much_is_committed_at_once_and_more_is_refused_until_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "COMMIT_S", 3600.0)
    monkeypatch.setattr(record, "ENOUGH_ROWS", 10)
    monkeypatch.setattr(record, "MOST_WAITING", 25)

    async def story(recorder: Record) -> None:
        first = recorder.position
        recorder.take([chunk(1, 9)])
        await asyncio.sleep(0)
        assert recorder.position == first == 0 and not recorder.full
        recorder.take([chunk(10, 1), chunk(11, 20)])
        assert recorder.full
        await until(lambda: recorder.position == 30 and not recorder.full)
        recorder.take([chunk(31, 4)])  # too little: it waits for its time, or for the end
        assert recorder.position == 30

    running(tmp_path, story)
    assert Reader(tmp_path).counts()["trades"] == 34


@pytest.mark.slow
def test_tables_are_looked_after_while_nothing_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are joined beside the commits count although no commit follows."""
    monkeypatch.setattr(record, "COMMIT_S", 0.01)
    monkeypatch.setattr(record, "UPKEEP_S", 0.02)
    monkeypatch.setattr("ninefold.store.upkeep.AT_ONCE_ROWS", 1)

    async def story(recorder: Record) -> None:
        for seq in range(1, COMPACT_COMMITS + 2):
            recorder.take([chunk(seq, 1)])
            await until(lambda seq=seq: recorder.position == seq)  # type: ignore[misc]
        await until(lambda: len(stored_files(tmp_path / "tables", "trades")) == 1)

    running(tmp_path, story)
    assert Reader(tmp_path).trades(1)["seq"].tolist() == list(range(1, COMPACT_COMMITS + 2))
