"""`ninefold rebuild --data-dir D [--json]`: make the tables again from the stream log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.commands.table import print_summary
from ninefold.services.rebuild import CannotRebuild, rebuild


def run(
    data_dir: Annotated[Path, typer.Option(help="the data dir of a stopped pipeline or of a replay")] = Path("data"),
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Write new tables beside the old ones and replace these once the new ones are whole. It may be killed at any
    moment; the next one goes on.
    """
    with plainly(CannotRebuild, *KNOWN), shown_progress() as progress:
        found = rebuild(data_dir, progress)
    if json_:
        print(json.dumps(found))
    else:
        print_summary(found)
