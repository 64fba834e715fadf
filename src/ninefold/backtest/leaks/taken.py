"""Numbers and conditions that left the traced arrays, where nothing can follow them, and where they may come back.

In:  what was taken out (float(x), int(x), if x) with the row it knows; later, the plain numbers that meet the arrays.
Out: the row that such a number may know. A number equal to one that was taken out is that one. A number that stands in
     the strategy's own text is not. For any other, nobody can say: where it would matter, it is refused.

What is written into an array one by one knows all that was taken out since the last element was written, and since the
loop over this array began: in a loop over the rows that is what the loop has looked at, and what it may have kept.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ninefold.backtest.leaks.trail import NOTHING, OURS, CannotFollow, Known, Reach, line_now

Had = tuple[int, Reach]
NONE: Had = (-1, NOTHING)


class Loop:
    """What was taken out since the first of a row of writes into one array."""

    __slots__ = ("backwards", "had", "into", "row")

    def __init__(self, into: object, row: int, had: Had) -> None:
        self.into = into  # kept, so that no other array gets its id
        self.row, self.had, self.backwards = row, had, False


class Taken:
    """One for all arrays of one run."""

    def __init__(self) -> None:
        self._numbers: dict[float, Had] = {}
        self._latest = NONE  # since the last element was written
        self._most = NONE  # of all numbers
        self._loops: dict[tuple[int, Any], Loop] = {}

    @property
    def anything(self) -> bool:
        """Whether a number or a condition was taken out that no element written since accounts for."""
        return self._latest[0] >= 0

    def condition(self, known: int, reach: Reach) -> None:
        self._latest = max(self._latest, (known, reach))
        for loop in self._loops.values():
            loop.had = max(loop.had, (known, reach))

    def number(self, value: float, known: int, reach: Reach) -> None:
        self.condition(known, reach)
        self._numbers[value] = max(self._numbers.get(value, NONE), (known, reach))
        self._most = max(self._most, (known, reach))

    def written(self) -> Had:
        """What is written now, all at once, knows by way of numbers and conditions."""
        found, self._latest = self._latest, NONE
        return found

    def written_at(self, row: int, into: object, column: Any = None) -> Had:
        """What the element of `into` that is written now knows.

        raises: CannotFollow if rows are written from the last to the first after conditions: what a later row decided
                may have been kept for this one.
        """
        latest = self.written()
        place = (id(into), column)
        loop = self._loops.get(place)
        if loop is not None and row < loop.row:
            loop.backwards = loop.backwards or loop.row - row == 1
        if loop is None or (row < loop.row and not loop.backwards):
            loop = self._loops[place] = Loop(into, row, latest)
        loop.row = row
        if loop.backwards and loop.had[0] > max(row, latest[0]):
            raise CannotFollow(
                f"{line_now()}: rows are written from the last to the first after conditions, so what was decided at a "
                "later row may be kept for an earlier one; loop from the first row to the last"
            )
        return loop.had

    def apart(self, test: Callable[[], Any]) -> bool:
        """A condition that only guards: the strategy goes on or ends with an error, so nothing that is written knows it."""
        latest, kept = self._latest, {place: loop.had for place, loop in self._loops.items()}
        found = bool(test())
        self._latest = latest
        for place, had in kept.items():
            self._loops[place].had = had
        return found

    def branch(self, why: list[Had], test: Callable[[], Any]) -> bool:
        """A condition that may choose what a function gives; what it knows is noted in `why`, too."""
        found: bool = self.choice(why, lambda: bool(test()))
        return found

    def choice(self, why: list[Had], choose: Callable[[], Any]) -> Any:
        """The same of anything that compares bars to give one of several things."""
        before, self._latest = self._latest, NONE
        found = choose()
        if self._latest[0] >= 0:
            why.append(self._latest)
        self._latest = max(before, self._latest)
        return found

    def met(self, plain: Any, known: Known) -> Had:
        """What a plain number or array knows that meets arrays which know `known`.

        raises: CannotFollow if it may be made of numbers that were taken out and know more than that.
        """
        if not self._numbers or isinstance(plain, bool | np.bool_) or plain is None:
            return NONE
        values = np.unique(np.asarray(plain)) if np.ndim(plain) else np.asarray([plain])
        if values.dtype.kind not in "fiu" or (len(values) > 1 and values.dtype.kind != "f"):
            return NONE
        own = values[0].item() if len(values) == 1 else math.nan
        if len(values) == 1 and (math.isnan(own) or own in _literals()):
            return NONE
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
        return NONE


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
