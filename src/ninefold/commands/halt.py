"""`ninefold halt`: nothing is sent from now on, whether a pipeline runs or not."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.failing import plainly
from ninefold.services import halt
from ninefold.store.data_dir import NoDataDir, WrongFormat, check_data_dir


def run(
    data_dir: Annotated[Path, typer.Option(help="the data dir of the pipeline")] = Path("data"),
    reason: Annotated[str, typer.Option(help="why, for the record")] = "by hand",
) -> None:
    """Stop all orders at once. It works by a file in the data dir, so it holds when everything else is down."""
    with plainly(NoDataDir, WrongFormat):
        check_data_dir(data_dir)
    halt.write(data_dir, halt.Halt(f"{getpass.getuser()} (command line)", reason, time.time_ns()))
    print(f"halted: no order leaves until `ninefold resume --data-dir {data_dir}`")
