"""Numbers and conditions that left the traced arrays, where nothing can follow them, and where they may come back.

In:  what was taken out (float(x), int(x), if x) with the row it knows; later, the plain numbers that meet the arrays.
Out: the row that such a number may know. A number equal to one that was taken out is that one. A number that stands in
     the strategy's own text is not. For any other, nobody can say: where it would matter, it is refused.

What is written into an array one by one knows all that was taken out since the last element was written: in a loop over
the rows that is what the loop has just looked at.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ninefold.backtest.leaks.trail import NOTHING, OURS, CannotFollow, Known, Reach, line_now


class Taken:
    """One for all arrays of one run."""

    def __init__(self) -> None:
        self._numbers: dict[float, tuple[int, Reach]] = {}
        self._latest: tuple[int, Reach] = (-1, NOTHING)  # since the last element was written
        self._most: tuple[int, Reach] = (-1, NOTHING)  # of all numbers

    @property
    def anything(self) -> bool:
        """Whether a number or a condition was taken out that no element written since accounts for."""
        return self._latest[0] >= 0

    def condition(self, known: int, reach: Reach) -> None:
        self._latest = max(self._latest, (known, reach))

    def number(self, value: float, known: int, reach: Reach) -> None:
        self.condition(known, reach)
        self._numbers[value] = max(self._numbers.get(value, (-1, NOTHING)), (known, reach))
        self._most = max(self._most, (known, reach))

    def written(self) -> tuple[int, Reach]:
        """What the element knows that is written now by way of numbers and conditions."""
        found, self._latest = self._latest, (-1, NOTHING)
        return found

    def met(self, plain: Any, known: Known) -> tuple[int, Reach]:
        """What a plain number or array knows that meets arrays which know `known`.

        raises: CannotFollow if it may be made of numbers that were taken out and know more than that.
        """
        if not self._numbers or isinstance(plain, bool | np.bool_) or plain is None:
            return -1, NOTHING
        values = np.unique(np.asarray(plain)) if np.ndim(plain) else np.asarray([plain])
        if values.dtype.kind not in "fiu" or (len(values) > 1 and values.dtype.kind != "f"):
            return -1, NOTHING
        own = values[0].item() if len(values) == 1 else math.nan
        if len(values) == 1 and (math.isnan(own) or own in _literals()):
            return -1, NOTHING
        if own in self._numbers:
            return self._numbers[own]
        if known.ndim == 0:
            return self._latest
        rows = np.arange(len(known)).reshape(-1, *([1] * (known.ndim - 1)))
        if (self._most[0] > np.maximum(known, rows)).any():
            raise CannotFollow(
                f"{line_now()}: a plain number meets the bars after numbers were taken out of them "
                f"({self._most[1].where}), and it may be made of those; keep them arrays: close.mean(), not float(close.mean())"
            )
        return -1, NOTHING


def _literals() -> set[Any]:
    """Numbers that stand in the text of the strategy's functions that are running, and those that need no text."""
    found: set[Any] = {0, 1, -1}
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if not frame.f_globals.get("__name__", "").startswith(OURS):
            found |= {one for one in frame.f_code.co_consts if isinstance(one, int | float)}
            found |= {-one for one in frame.f_code.co_consts if isinstance(one, int | float)}
        frame = frame.f_back
    return found
