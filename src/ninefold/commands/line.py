"""The live status line."""

from __future__ import annotations

import sys
from collections.abc import Callable


def shower(quiet: bool) -> Callable[[str], None]:
    """Shows a line over the last one on a terminal; on its own elsewhere, and not at all if quiet."""

    def show(line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        elif not quiet:
            print(line, file=sys.stderr, flush=True)

    return show
