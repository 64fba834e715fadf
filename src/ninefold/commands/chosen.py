"""Which strategies trade, as options say it.

In:  --strategy, --strategies. Out: the section of a config.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ninefold.config import Strategies

Names = Annotated[
    list[str] | None, typer.Option(help="name of one that trades; may be repeated; the default ones if left out")
]
Folder = Annotated[Path | None, typer.Option(help="a folder with your own strategies, or one file of them")]


def chosen_strategies(names: list[str] | None, folder: Path | None) -> Strategies:
    """folder: or one file; looked for from where the command was called."""
    return Strategies(names=tuple(names or ()), folder=str(folder.resolve()) if folder else "")
