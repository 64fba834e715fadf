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


Legs = Annotated[
    list[str] | None,
    typer.Option(help="of a strategy with legs, the pair of each: NAME=BTC/USDT,ETH/USDT; may be repeated"),
]


def chosen_strategies(names: list[str] | None, folder: Path | None, legs: list[str] | None) -> Strategies:
    """folder: or one file; looked for from where the command was called."""
    pairs: dict[str, tuple[str, ...]] = {}
    for one in legs or ():
        name, equals, given = one.partition("=")
        if not name or not equals or not given:
            raise typer.BadParameter(f"{one!r}; write NAME=BTC/USDT,ETH/USDT, a pair for each leg", param_hint="--legs")
        pairs[name] = tuple(given.split(","))
    return Strategies(names=tuple(names or ()), folder=str(folder.resolve()) if folder else "", legs=pairs)
