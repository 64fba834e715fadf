"""`ninefold replay SOURCE --data-dir D [--json]`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ninefold.bus.failed import BusFailed
from ninefold.commands.chosen import Folder, Legs, Names, chosen_strategies
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.table import print_summary
from ninefold.journal.recordings import BadRecording
from ninefold.services import lean
from ninefold.services.children import ChildFailed
from ninefold.services.replay import NotFresh, OtherSource, replay


def run(
    source: Annotated[Path, typer.Argument(help="a recording (.jsonl.gz) or a data dir with a journal")],
    data_dir: Annotated[Path, typer.Option(help="where to store what comes out; empty, or of the same source")],
    strategy: Names = None,
    strategies: Folder = None,
    legs: Legs = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
    bus: Annotated[
        str, typer.Option(help="nats: every stage as a process of its own, over a NATS server started here")
    ] = "",
) -> None:
    """Play a journal or a recording through the whole pipeline, as fast as it goes, keeping the recorded receive
    times.
    """

    def progress(inputs: int) -> None:
        if sys.stderr.isatty() and inputs % 8192 < 256:
            print(f"\r{inputs:,} inputs", end="", file=sys.stderr, flush=True)

    if bus not in ("", "nats"):
        raise typer.BadParameter(f"{bus!r}; the bus may be nats, or left out", param_hint="--bus")
    chosen = chosen_strategies(strategy, strategies, legs)
    with plainly(BadRecording, OtherSource, NotFresh, BusFailed, ChildFailed, *KNOWN):
        found = (
            asyncio.run(lean.load("ninefold.services.replay_bus").replay_over_bus(source, data_dir, progress, chosen))
            if bus
            else replay(source, data_dir, progress=progress, strategies=chosen)
        )
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    if json_:
        print(json.dumps(found))
    else:
        print_summary(found)
