"""Which strategies trade, as options say it.

In:  --strategy, --strategies. Out: the section of a config.
"""

from __future__ import annotations

from pathlib import Path

from ninefold.config import Strategies


def chosen_strategies(names: list[str] | None, folder: Path | None) -> Strategies:
    """folder: or one file; looked for from where the command was called."""
    return Strategies(names=tuple(names or ()), folder=str(folder.resolve()) if folder else "")
