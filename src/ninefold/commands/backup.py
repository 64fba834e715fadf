"""`ninefold backup --data-dir D --to FOLDER [--json]`: copy a data dir, also while a pipeline runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.commands.table import print_summary
from ninefold.services.backup import CannotBackUp, backup
from ninefold.store.manifest import CannotRestore


def run(
    to: Annotated[Path, typer.Option(help="the folder of the backup, new or with an earlier one of this data dir")],
    data_dir: Annotated[Path, typer.Option(help="the data dir of a pipeline or a replay")] = Path("data"),
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Copy journal, stream log, tables, ledger and state so that they fit together; a second run copies only what is
    new. The backup before stays whole until then.
    """
    with plainly(CannotBackUp, CannotRestore, *KNOWN), shown_progress() as progress:
        found = backup(data_dir, to, progress)
    if json_:
        print(json.dumps(found))
    else:
        print_summary(found)
