"""A program that rebuilds a data dir and is killed before a chosen line of the rebuild, again and again.

Arguments: a data dir, how many kills, a seed. Prints how often it was killed, and where exports were not as before.
Each rebuild runs in a fork: the parent never uses the libraries whose threads do not survive one.
"""

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any

from ninefold.services import rebuild
from ninefold.store.export import export

WATCHED = (rebuild.__file__, shutil.__file__)


def main() -> None:
    data_dir, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rebuild.ROWS = 2_000  # some commits
    before = forked(lambda: exported(data_dir))[1]
    lines = forked(lambda: rebuilt(data_dir, ""))[1]
    swap = lines[lines.index("_put_in_place") :]
    chosen = random.Random(seed).sample(sorted(set(lines)), min(kills, len(set(lines))))
    chosen += [line for line in dict.fromkeys(swap) if line not in chosen][: kills // 2]
    killed, wrong = 0, []
    for line in chosen:
        status, _ = forked(lambda line=line: rebuilt(data_dir, line))
        killed += status == -signal.SIGKILL
        if status not in (0, -signal.SIGKILL) or forked(lambda: exported(data_dir)) != (0, before):
            wrong.append(f"{line}: {status}")
    status, _ = forked(lambda: rebuilt(data_dir, ""))
    whole = (status, forked(lambda: exported(data_dir))[1]) == (0, before)
    print(json.dumps({"killed": killed, "wrong": wrong, "whole": whole, "left": (data_dir / rebuild.BESIDE).exists()}))


def rebuilt(data_dir: Path, deadly: str) -> list[str]:
    """Rebuild, and die before the line `deadly`; the lines that ran, and the functions at their first line."""
    ran: list[str] = []

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        if code.co_filename not in WATCHED:
            return None
        if event == "line":
            line = f"{Path(code.co_filename).name}:{frame.f_lineno}"
            if line == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            ran.append(line)
        elif event == "call" and code.co_name == "_put_in_place":
            ran.append(code.co_name)
        return trace

    sys.settrace(trace)
    rebuild.rebuild(data_dir, lambda what, done, total: None)
    sys.settrace(None)
    return ran


def exported(data_dir: Path) -> dict[str, str]:
    """What leaves the data dir as csv."""
    made = {}
    for what in ("trades", "bars", "targets"):
        out = BytesIO()
        export(data_dir, what, None, None, None, "csv", out)
        made[what] = out.getvalue().decode()
    return made


def forked(work: Callable[[], Any]) -> tuple[int, Any]:
    """Exit status of a process of its own that does it, and what it gave."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        with os.fdopen(writer, "wb") as told:
            told.write(json.dumps(work()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        answer = said.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, json.loads(answer) if answer else None


if __name__ == "__main__":
    main()
