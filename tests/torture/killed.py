"""A program that does a work in processes of its own and kills them at random moments, again and again.

Arguments: a folder, how many kills, a seed, the names of works. Prints as JSON by work how often it killed, in how many
different states that left things, and what was wrong.
A moment is a part of the time that the undisturbed work takes. Each process is a fork: this one never uses the libraries
whose threads do not survive one.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.torture.works import WORKS, Found, Work

LONGEST_S = 120.0


class Failed(RuntimeError):
    """A process ended by itself, and not well."""


def main() -> None:
    folder, kills, seed, *works = sys.argv[1:]
    told = {
        name: killed_often(WORKS[name], Path(folder) / str(n), int(kills), random.Random(seed))
        for n, name in enumerate(works)
    }
    print(json.dumps(told))


def killed_often(work: Work, folder: Path, kills: int, chance: random.Random) -> dict[str, Any]:
    """What came of so many kills of a work."""
    folder.mkdir()
    forked(lambda: work.make(folder / "before"))
    undisturbed = Path(shutil.copytree(folder / "before", folder / "undisturbed"))
    begun = time.monotonic()
    forked(lambda: work.do(undisturbed))
    seconds = time.monotonic() - begun
    whole: Found = forked(lambda: work.look(undisturbed))
    killed, ended, states, wrong = 0, 0, set(), []
    while killed < kills and not wrong:
        data_dir = Path(shutil.copytree(folder / "before", folder / "killed"))
        for found in after_each_kill(work, data_dir, seconds, kills - killed, chance):
            killed += 1
            states.add(json.dumps(found))
            wrong += [f"after kill {killed}: {why}" for why in [work.wrong(found, whole)] if why]
        ended += 1
        if look(work, data_dir) != whole:
            wrong.append(f"after kill {killed} it ended otherwise than undisturbed")
        shutil.rmtree(data_dir)
    return {"killed": killed, "ended": ended, "states": len(states), "wrong": wrong, "seconds": seconds}


def after_each_kill(work: Work, data_dir: Path, seconds: float, most: int, chance: random.Random) -> Iterator[Found]:
    """Do the work until it is done, killed within so many seconds as often as chance will have it, at most so often: on a
    machine that has become slow it would never be done.
    """
    for _ in range(most):
        if forked(lambda: work.do(data_dir), seconds * chance.random()) is not KILLED:
            return
        yield look(work, data_dir)
    forked(lambda: work.do(data_dir))


def look(work: Work, data_dir: Path) -> Found:
    return dict(forked(lambda: work.look(data_dir)))


KILLED = object()


def forked(do: Callable[[], Any], seconds: float = LONGEST_S) -> Any:
    """What a process of its own gave that does it, or KILLED if it was not done after so many seconds.

    raises: Failed if it ended by itself, and not well.
    """
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        _do(do, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        done, _, _ = select.select([said], [], [], seconds)
        if not done:
            os.kill(child, signal.SIGKILL)
        answer = said.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == -signal.SIGKILL:
        return KILLED
    if status:
        raise Failed(f"a process ended with {status}; it said what is above")
    return json.loads(answer)


def _do(do: Callable[[], Any], writer: int) -> None:
    """In the child: it never comes back."""
    status = 1
    try:
        answer = json.dumps(do()).encode()
        with os.fdopen(writer, "wb") as told:
            told.write(answer)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
