"""A program that begins replays which are killed, or end by themselves, before they are through.

Arguments: a recording, a folder. Makes the data dirs `killed`, killed again and again while its journal grows, and `ended 0` and
`ended 3`, which ended instead of storing something for the first and for the fourth time. Prints how often the first was killed.
Each replay runs in a fork: the parent never uses the libraries whose threads do not survive one.
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

from ninefold.market.chunk import Chunk
from ninefold.services import replay
from ninefold.store.tables import Tables, Written

KILLS = 3
forks = multiprocessing.get_context("fork")


def main() -> None:
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for stores in (0, 3):
        child = forks.Process(target=end, args=(source, folder / f"ended {stores}", stores))
        child.start()
        child.join()
        assert child.exitcode == 9
    print(killed(source, folder / "killed"))


def killed(source: Path, data_dir: Path) -> int:
    """Replay, and kill it each time when the journal has grown by a random piece; how often it was."""
    rng, target, kills = random.Random(4), 0, 0
    for _ in range(KILLS):
        child = forks.Process(target=replay.replay, args=(source, data_dir))
        child.start()
        target += rng.randrange(50_000, 200_000)
        while child.is_alive() and journalled(data_dir) < target:
            time.sleep(0.005)
        child.kill()
        child.join()
        kills += child.exitcode == -signal.SIGKILL
    return kills


def journalled(data_dir: Path) -> int:
    return sum(path.stat().st_size for path in (data_dir / "journal").glob("*.nfj"))


def end(source: Path, data_dir: Path, stores: int) -> None:
    """Replay, and end with 9 where something is to be stored again after so many times."""
    left, write = stores, Tables.write

    def ended(tables: Tables, chunks: list[Chunk]) -> Written:
        nonlocal left
        left -= 1
        if left < 0:
            os._exit(9)
        return write(tables, chunks)

    Tables.write, replay.STORE_ROWS = ended, 1_500  # type: ignore[method-assign,assignment]
    replay.replay(source, data_dir)


if __name__ == "__main__":
    main()
