"""The live status line."""

from __future__ import annotations

import sys
from collections.abc import Callable


def shower(quiet: bool) -> Callable[[Callable[[], str]], None]:
    """Shows a line over the last one on a terminal; on its own elsewhere. Quiet there, it is not even made."""

    def show(line: Callable[[], str]) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{line()}", end="", file=sys.stderr, flush=True)
        elif not quiet:
            print(line(), file=sys.stderr, flush=True)

    return show
