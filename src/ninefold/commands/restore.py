"""`ninefold restore FOLDER --data-dir D [--json]`: put a backup into a new data dir and verify it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ninefold.commands.certify import print_columns
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.commands.verify import MARKS
from ninefold.market.time import SECOND_NS
from ninefold.services.backup import restore
from ninefold.store.manifest import CannotRestore


def run(
    folder: Annotated[Path, typer.Argument(help="the folder that `ninefold backup` wrote")],
    data_dir: Annotated[Path, typer.Option(help="where to put it: a new data dir")],
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Copy a backup into a new data dir, compare every file with its checksum, and verify the whole. Exit status 1 if
    anything differs.
    """
    with plainly(CannotRestore, *KNOWN), shown_progress() as progress:
        found, checks = restore(folder, data_dir, progress)
    whole = all(check.ok is not False for check in checks)
    if json_:
        said = [msgspec.to_builtins(check) for check in checks]
        print(json.dumps({"data_dir": str(data_dir), **found, "whole": whole, "checks": said}))
    else:
        known = datetime.fromtimestamp(int(str(found["known_ns"])) // SECOND_NS, UTC)
        print(
            f"restored {found['files']:,} files, {found['bytes']:,} bytes, each with its checksum: everything up to "
            f"seq {found['position']:,}, {known:%Y-%m-%d %H:%M:%S} UTC, and what followed as far as it was copied"
        )
        print_columns([(MARKS[check.ok], check.name, f"{check.found} {check.do}") for check in checks])
    sys.exit(0 if whole else 1)
