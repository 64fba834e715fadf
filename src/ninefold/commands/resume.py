"""`ninefold resume`: orders may be sent again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.failing import plainly
from ninefold.services import halt
from ninefold.store.data_dir import NoDataDir, WrongFormat, check_data_dir


def run(data_dir: Annotated[Path, typer.Option(help="the data dir of the pipeline")] = Path("data")) -> None:
    """Allow orders again, also of what was sold out."""
    with plainly(NoDataDir, WrongFormat):
        check_data_dir(data_dir)
    print("resumed: orders may be sent again" if halt.clear(data_dir) else "nothing was halted")
