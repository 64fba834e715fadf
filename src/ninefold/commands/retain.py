"""`ninefold retain --data-dir D [--dry-run] [--config FILE] [--json]`: let go what is kept beyond its limits."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.certify import print_columns
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.config import load
from ninefold.services.retain import retain
from ninefold.store.data_dir import check_data_dir


def run(
    data_dir: Annotated[Path, typer.Option(help="the data dir of a stopped pipeline")] = Path("data"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only say what would go; also while a pipeline runs")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="whose [retention] counts; the one the last pipeline ran with if left out")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Remove whole days of tables and whole segments of logs that are beyond the limits of [retention]. A running pipeline
    does it by itself, once an hour.
    """
    with plainly(*KNOWN):
        check_data_dir(data_dir)
        retention = load(config or data_dir / "running.json").retention
        found = retain(data_dir, retention, time.time_ns(), dry_run)
    if json_:
        print(json.dumps(found))
        return
    let_go = found["let_go"]
    assert isinstance(let_go, list)
    if not let_go:
        print("nothing is beyond the limits of [retention]")
        return
    lines = [("kind", "would go" if dry_run else "went", "from", "to", "MB", "MB left", "held back by")]
    for one in let_go:
        parts, megabytes = one["parts"], (f"{one[name] / 1e6:,.1f}" for name in ("bytes", "left_bytes"))
        lines.append(
            (one["kind"], f"{len(parts)}", *(parts[:1] or ["-"]), *(parts[-1:] or ["-"]), *megabytes, one["held_by"])
        )
    print_columns(lines)
    if not dry_run:
        print(
            f"{found['freed_bytes']:,} bytes are free now; what went from tables is kept another hour for who reads it"
        )
