"""Which line of a strategy first reached for a later row.

In:  for each array the row that every element knows, and what the arrays it was made from had reached for.
Out: the reach of an array (how many rows beyond its own the worst element knows) and the line that gave it that reach.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Known = NDArray[np.int64]
OURS = ("ninefold.backtest.leaks", "ninefold.freqtrade", "ninefold.services", "numpy", "pandas", "talib")


class CannotFollow(TypeError):
    """A use of the bars through which no dependence can be followed; it says what to use instead."""


class Reach(NamedTuple):
    """`rows` beyond its own row that an element knows; `where` is the line that made it so."""

    rows: int
    where: str


NOTHING = Reach(-1, "")


def reach_of(known: Known, made_from: Iterable[Reach]) -> Reach:
    """The reach of what was made just now: inherited from the furthest reaching of its parts, or of this line."""
    if known.ndim == 0 or known.size == 0:
        rows = int(known) if known.size else -1
    else:
        own = np.arange(len(known)).reshape(-1, *([1] * (known.ndim - 1)))
        rows = int((known - own).max())
    furthest = max(made_from, default=NOTHING)
    return Reach(rows, furthest.where if furthest.rows >= rows and furthest.where else line_now())


def line_now() -> str:
    """File, line and function of the strategy's code that is running: the first frame that is not ours nor numpy's."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(OURS):
        frame = frame.f_back
    name = frame.f_code.co_filename.rpartition("/")[2]
    return f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
