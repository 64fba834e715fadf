"""`ninefold verify --data-dir D [--json]`: is what is stored whole?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.services.verify import verify

MARKS = {True: "ok", False: "WRONG", None: "-"}


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
