"""Say it when loops are compiled: it takes a minute once, and nobody should wonder what is going on.

In:  what tells people. Out: one line, the first time that a loop was not found among those kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from numba.core import event
from numba.core.errors import NumbaIRAssumptionWarning

COMPILING = "compiling loops; this takes up to a minute, once: they are kept for the next time"


@contextmanager
def told_when_compiling(tell: Callable[[str], None]) -> Iterator[None]:
    """Loops that are kept from an earlier run are loaded without a word."""
    with cast(Any, event).install_listener("numba:compile", _Listener(tell)), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", NumbaIRAssumptionWarning
        )  # a check of its own that errs where loops are inlined
        yield


class _Listener(event.Listener):
    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told = False

    def on_start(self, event: Any) -> None:
        if not self._told:
            self._told = True
            self._tell(COMPILING)

    def on_end(self, event: Any) -> None:
        """Nothing is said of the end: the result is."""
