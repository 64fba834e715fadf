"""kill -9 of the pipeline, of the exchange, and of both, at random moments, again and again; then everything must add up.

The moments are drawn by the bytes that the journal grows, from a seed that a failure prints; NINEFOLD_SEED sets it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import truth
from .parts import World, size_of, until

PIPELINE = ("cold", "hot")
VICTIMS = {
    "the pipeline": PIPELINE,
    "the hot process": ("hot",),
    "the cold process": ("cold",),
    "the exchange": ("simulator",),
    "everything": ("simulator", *PIPELINE),
}
ALL = VICTIMS["everything"]
QUICK_ROUNDS, TORTURE_ROUNDS = 3, 20
LONG_BYTES, SHORT_BYTES = 150_000, 20_000  # of journal: some three seconds of it; the first moments of a start
DURING_START = 1 / 3  # so often a start is killed as well
FIRST_FILLS = 3
TRIES = 8


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data dir of a demo that has traded and was stopped."""
    world = World(tmp_path_factory.mktemp("traded") / "data")
    world.data_dir.mkdir()
    try:
        world.start(*ALL)
        until(lambda: world.counter("execute", "fills") >= FIRST_FILLS, "the first fills", 120.0)
        world.stop()
    finally:
        world.end()
    return world.data_dir


@pytest.fixture
def world(traded: Path, tmp_path: Path) -> Iterator[World]:
    """A copy of it, running."""
    data_dir = tmp_path / "data"
    shutil.copytree(traded, data_dir)
    world = World(data_dir)
    try:
        world.start(*ALL)
        world.wait_for_flow()
        yield world
    finally:
        world.end()


@pytest.mark.slow
def test_after_kill_9_nothing_is_lost_doubled_or_left_open(world: World) -> None:
    survive(world, list(VICTIMS.values()) * QUICK_ROUNDS)


@pytest.mark.torture
@pytest.mark.parametrize("victims", VICTIMS.values(), ids=VICTIMS)
def test_after_many_kills_nothing_is_lost_doubled_or_left_open(world: World, victims: tuple[str, ...]) -> None:
    survive(world, [victims] * TORTURE_ROUNDS)


@pytest.mark.slow
def test_a_hole_that_was_seen_but_not_healed_at_the_kill_is_healed_by_the_next_start(world: World) -> None:
    for _ in range(TRIES):
        world.kill("hot")
        before = sum(1 for _ in truth.entries(world.data_dir))
        world.start("hot")
        until(lambda begun=before: trades_and_answers(world.data_dir, begun)[0], "a trade after the start")
        os.kill(world.parts["hot"].process.pid, signal.SIGSTOP)  # so that it cannot heal while we look
        _, answers = trades_and_answers(world.data_dir, before)
        world.kill("hot")
        if not answers and holes(truth.journalled_deals(world.data_dir)):
            break
        world.start("hot")
    else:
        pytest.skip(f"the answer came before the kill, {TRIES} times")
    world.start("hot")
    world.wait_for_flow()
    check(world)


def survive(world: World, rounds: list[tuple[str, ...]]) -> None:
    """Kill each group of processes in turn, and start it again without a hand; then stop, and check all that must be true."""
    seed = int(os.environ.get("NINEFOLD_SEED", "0")) or random.randrange(1, 1 << 32)
    chance = random.Random(seed)
    print(f"NINEFOLD_SEED={seed}")
    for victims in chance.sample(rounds, len(rounds)):
        kill_after(world, victims, chance.randrange(LONG_BYTES))
        if chance.random() < DURING_START:
            world.start(*victims)
            kill_after(world, victims, chance.randrange(SHORT_BYTES))
        world.start(*victims)
        world.wait_for_flow()
    check(world)


def check(world: World) -> None:
    """Come to rest, stop, and hold everything that was kept against everything else."""
    come_to_rest(world)
    world.stop()
    truth.check_numbers(world.data_dir)
    truth.check_exchange(world.data_dir)
    truth.check_trades(world.data_dir)
    assert truth.check_bars(world.data_dir) > 0
    assert truth.check_account(world.data_dir, opening()) >= FIRST_FILLS


def kill_after(world: World, victims: tuple[str, ...], bytes: int) -> None:
    journal = world.data_dir / "journal"
    begin = size_of(journal)
    until(lambda: size_of(journal) >= begin + bytes, f"the journal grows by {bytes} bytes")
    print(f"kill -9 of {', '.join(victims)} after {bytes} bytes more in the journal")
    world.kill(*victims)


def come_to_rest(world: World) -> None:
    """No new orders; those under way come to an end; what was missed is healed and stored."""
    command = [sys.executable, "-m", "ninefold", "halt", "--data-dir", str(world.data_dir)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    until(lambda: not truth.open_orders(world.data_dir), "no order is open in the ledger")
    until(lambda: not holes(dict(truth.stored_deals(world.data_dir))), "no trade is missing between the first and the last stored one")
    seq = world.last_seq("collect")
    until(lambda: world.last_seq("record") > seq + 100, "bars of healed trades are stored")


def holes(deals: truth.Deals) -> list[tuple[str, int]]:
    """Trades that are missing between the first and the last of each symbol."""
    by_symbol: dict[str, set[int]] = {}
    for symbol, number in deals:
        by_symbol.setdefault(symbol, set()).add(number)
    return [(symbol, number) for symbol, ids in by_symbol.items() for number in range(min(ids), max(ids)) if number not in ids]


def trades_and_answers(data_dir: Path, after_seq: int) -> tuple[int, int]:
    """How many trade frames and how many answers to questions for trades the journal has behind a seq."""
    later = [entry for entry in truth.entries(data_dir) if entry.seq > after_seq]
    frames = sum(b"@trade" in entry.payload for entry in later if entry.kind == truth.FRAME)
    return frames, sum(b"historicalTrades" in entry.payload for entry in later if entry.kind == truth.ANSWER)


def opening() -> dict[str, int]:
    """What a new account of the simulated exchange holds."""
    whole = {"USDT": 100_000, "BTC": 1, "ETH": 10, "SOL": 200, "ADA": 20_000, "DOGE": 100_000}
    return {asset: amount * truth.E8 for asset, amount in whole.items()}
