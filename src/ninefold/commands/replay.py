"""`ninefold replay SOURCE --data-dir D [--json]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.failing import plainly
from ninefold.commands.table import print_summary
from ninefold.journal.recordings import BadRecording
from ninefold.journal.segment import Damaged, WrongVersion
from ninefold.journal.writer import DiskFull
from ninefold.services.replay import OtherSource, replay
from ninefold.store.data_dir import AlreadyWritten, StoreWriteFailed, WrongFormat


def run(
    source: Annotated[Path, typer.Argument(help="a recording (.jsonl.gz) or a data dir with a journal")],
    data_dir: Annotated[Path, typer.Option(help="where to store what comes out; empty, or of the same source")],
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Play a journal or a recording through the whole pipeline, as fast as it goes, keeping the recorded receive times."""

    def progress(inputs: int) -> None:
        if sys.stderr.isatty() and inputs % 8192 < 256:
            print(f"\r{inputs:,} inputs", end="", file=sys.stderr, flush=True)

    with plainly(BadRecording, OtherSource, Damaged, WrongVersion, WrongFormat, AlreadyWritten, StoreWriteFailed, DiskFull):
        found = replay(source, data_dir, progress=progress)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    if json_:
        print(json.dumps(found))
    else:
        print_summary(found)
