"""Is the machine ours? What other programs take of it would be counted against whom it happens to hit.

In:  something to measure. Out: its result from a try in which others took next to nothing; if there is none, from the
     least disturbed try. How much others took (of one core) is kept beside the results.
"""

from __future__ import annotations

import mmap
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.capture.run import median, progress

T = TypeVar("T")
Moment = tuple[float, float, float]
DISTURBED = 0.04  # of a core, in the mean of a try
CALM = 0.03
LOOK_S = 2.0
TRIES = 5
TOUCHED = 0.8  # of the memory that is free
PIECE_BYTES = 64 * 1024 * 1024
PATIENCE_S = 1800.0  # waited in all, by one part
HERTZ = os.sysconf("SC_CLK_TCK")


def touch_memory() -> None:
    """Have the host of a virtual machine hand out the memory that is free: at its first use that takes up to ten times as
    long as the use, and would be counted against whoever comes first.
    """
    words = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(words["MemAvailable"].split()[0]) * 1024
    held = []
    for _ in range(int(free * TOUCHED) // PIECE_BYTES):
        piece = mmap.mmap(-1, PIECE_BYTES)
        np.frombuffer(piece, np.uint8)[:: mmap.PAGESIZE] = 1
        held.append(piece)


class Watch:
    """Waits for a calm machine as long as its patience lasts; none in the short form. others: what they took, a try."""

    def __init__(self, short: bool) -> None:
        self.others: list[float] = []
        self._patience_s = 0.0 if short else PATIENCE_S

    def undisturbed(self, measure: Callable[[], T]) -> T:
        """The result of the least disturbed try."""
        best, made = self._once(measure)
        for _ in range(TRIES - 1):
            if best < DISTURBED or self._patience_s <= 0:
                break
            progress(f"others took {100 * best:.0f} % of a core; once more")
            others, again = self._once(measure)
            if others < best:
                best, made = others, again
        self.others.append(best)
        return made

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Of what is done once."""
        self.wait()
        before = _now()
        yield
        self.others.append(_taken(before))

    def wait(self) -> None:
        """Until others take next to nothing, or patience ends."""
        while self._patience_s > 0:
            before = _now()
            time.sleep(LOOK_S)
            if _taken(before) < CALM:
                return
            self._patience_s -= LOOK_S

    def said(self) -> str:
        """For the title of a table."""
        return (
            f"other programs took {100 * median(self.others):.0f} % of a core, {100 * max(self.others):.0f} % at most"
        )

    def _once(self, measure: Callable[[], T]) -> tuple[float, T]:
        self.wait()
        before = _now()
        made = measure()
        return _taken(before), made


def _now() -> Moment:
    """When, and processor seconds so far: of everything, of us and of whom we started."""
    return time.monotonic(), _everything(), _ours()


def _taken(before: Moment) -> float:
    """What others took of one core since then."""
    at, everything, ours = _now()
    return max(0.0, (everything - before[1]) - (ours - before[2])) / (at - before[0])


def _everything() -> float:
    """user, nice, system, irq and softirq of all cores."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(ticks[:3]) + sum(ticks[5:7])) / HERTZ


def _ours() -> float:
    """Of this process and all below it, with what those that have ended took."""
    below: dict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(path.parent.name)
        below[int(words[1])].append(pid)
        ticks[pid] = sum(map(int, words[11:15]))
    waiting, total = [os.getpid()], 0
    while waiting:
        pid = waiting.pop()
        total += ticks.get(pid, 0)
        waiting += below[pid]
    return total / HERTZ
