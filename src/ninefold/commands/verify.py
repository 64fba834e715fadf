"""`ninefold verify --data-dir D [--json]`: is what is stored whole?"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.services import compare
from ninefold.services.verify import verify

MARKS = {True: "ok", False: "WRONG", None: "-"}
SHOWN_EVERY_S = 0.1


def run(
    data_dir: Annotated[Path, typer.Option(help="the data dir of a pipeline or a replay")] = Path("data"),
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Read journal and stream log end to end and compare the tables with them, also while a pipeline runs. Exit
    status 1 if anything differs.
    """
    with plainly(*KNOWN), shown_progress() as progress:
        checks = verify(data_dir, progress)
    whole = all(check.ok is not False for check in checks)
    if json_:
        said = [msgspec.to_builtins(check) for check in checks]
        print(json.dumps({"data_dir": str(data_dir), "whole": whole, "checks": said}))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            do = f"\n{' ' * (width + 8)}to do: {check.do}" if check.do else ""
            print(f"{MARKS[check.ok]:<6}{check.name.ljust(width)}  {check.found}{do}")
    sys.exit(0 if whole else 1)


@contextmanager
def shown_progress() -> Iterator[compare.Progress]:
    """A bar for each thing that is read, with the time it will still take, on standard error if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        tasks: dict[str, TaskID] = {}
        shown: dict[str, float] = {}

        def progress(what: str, done: int, total: int) -> None:
            now = time.monotonic()
            if done < total and now - shown.get(what, 0.0) < SHOWN_EVERY_S:
                return
            shown[what] = now
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield progress
