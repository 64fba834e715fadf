"""The labels of rows that a condition chose: `df[df.close > df.open].index`.

In:  the labels, and for each row there was what the condition knew of it.
Out: the same labels, given out one by one with what the choice of each knew; as a key they are the condition again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks.labelled import Run, chosen_by
from ninefold.backtest.leaks.traced import Traced
from ninefold.backtest.leaks.trail import CannotFollow, Reach, line_now


class ChosenIndex:
    """absent: what the condition knew of each row, chosen or not."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, run: Run, plain: pd.Index, absent: pd.Series, reach: Reach) -> None:
        self.run, self.plain, self.absent, self.reach = run, plain, absent, reach

    @property
    def known(self) -> np.ndarray:
        """For each label what is known of all rows up to it."""
        return chosen_by(self.absent, self.plain)

    def mask(self, index: pd.Index) -> Traced:
        """The condition that chose them, for rows with labels of `index`."""
        known = self.absent.reindex(index).fillna(-1).to_numpy(np.int64)
        return Traced(np.asarray(index.isin(self.plain)), known, self.run.taken, self.reach)

    def __len__(self) -> int:
        return len(self.plain)

    def __iter__(self) -> Iterator[Any]:
        if sys._getframe(1).f_globals.get("__name__", "").startswith(("pandas", "numpy")):
            raise _lost()
        return self._each()

    def _each(self) -> Iterator[Any]:
        for label, known in zip(self.plain, self.known.tolist(), strict=True):
            self.run.taken.condition(known, self.reach)
            yield label

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int) and key >= 0:
            self.run.taken.condition(int(self.known[key]), self.reach)
        found = self.plain[key]
        return ChosenIndex(self.run, found, self.absent, self.reach) if isinstance(found, pd.Index) else found

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.plain, name)
        if callable(found):
            raise _lost()
        values = np.asarray(found)
        return Traced(values, self.known, self.run.taken, self.reach) if values.shape == (len(self.plain),) else found

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise _lost()


def _lost() -> CannotFollow:
    return CannotFollow(
        f"{line_now()}: the labels of rows that a condition chose became plain ones, so the leak check cannot say what is "
        "done with them; use the condition itself: df.loc[condition, column]"
    )
