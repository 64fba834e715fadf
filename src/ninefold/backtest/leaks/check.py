"""Run a strategy on arrays that know what was read, and name the first access to a row later than now.

In:  a function of whole columns, or a callback for one bar at a time, and the columns.
Out: nothing, or the leak: the row that was decided, the later row it knew, the line that reached for it.

What is judged is what ran. So each strategy runs twice, the second time on the same bars from the last to the first:
a condition that was not met is met then, mostly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ninefold.backtest.leaks.lists import Listed
from ninefold.backtest.leaks.taken import Taken
from ninefold.backtest.leaks.traced import Traced
from ninefold.backtest.leaks.trail import CannotFollow, Reach, line_now


class Leak(NamedTuple):
    """`row` was decided with what became known at `knows` only; `rows` of them were; `where` is the line."""

    row: int
    knows: int
    rows: int
    where: str


def leak_in_columns(decide: Callable[[Any], Any], columns: Mapping[str, np.ndarray], held: bool = False) -> Leak | None:
    """Judge a strategy that computes all its rows at once.

    decide:  takes the columns as attributes (`bars.close`), returns shape (n,).
    columns: shape (n,) each; row i of each is known at the close of bar i.
    held:    what is returned is held during its own bar, so row i may know bar i - 1 at most; else it is decided at the
             close of bar i and may know that bar. A position that earns the bar it was decided by is a same-close fill.
    raises:  CannotFollow where a dependence cannot be followed; ValueError if the result has another shape.
    """
    return columns_once(decide, columns, Taken(), held) or columns_once(decide, backwards(columns), Taken(), held)


def leak_in_callback(on_bar: Callable[[Any, int], Any], columns: Mapping[str, np.ndarray]) -> Leak | None:
    """Judge a strategy that is called at the close of each bar with all the columns and the row that is now.

    on_bar: takes the columns as attributes and the row; what it returns is of no interest here.
    """
    return callback_once(on_bar, columns) or callback_once(on_bar, backwards(columns))


def columns_once(
    decide: Callable[[Any], Any], columns: Mapping[str, np.ndarray], taken: Taken, held: bool = False
) -> Leak | None:
    """One run of `leak_in_columns`; taken: that of the libraries the strategy was loaded with."""
    count = len(next(iter(columns.values())))
    traced = {name: Traced(np.array(one), np.arange(count), taken) for name, one in columns.items()}
    found = decide(Columns(**traced))
    if isinstance(found, Listed):
        found = found.traced(taken)
    if not isinstance(found, Traced):
        if taken.anything:
            raise CannotFollow(
                f"{taken.written()[1].where or 'the strategy'}: bars were taken out as numbers and the result is a plain array; "
                "make the result from the bars, np.zeros_like(bars.close) say"
            )
        return None
    if found.shape != (count,):
        raise ValueError(f"the strategy gave the shape {found.shape} for {count} bars; it must be ({count},)")
    return judged(found.known, np.arange(count), found.reach, held)


def judged(known: np.ndarray, own: np.ndarray, reach: Reach, held: bool) -> Leak | None:
    """known: what each result knows; own: the row that it is of."""
    late = np.flatnonzero(known > own - held)
    if not len(late):
        return None
    return Leak(int(own[late[0]]), int(known[late[0]]), len(late), reach.where)


def callback_once(on_bar: Callable[[Any, int], Any], columns: Mapping[str, np.ndarray]) -> Leak | None:
    watched = {name: Watched(np.array(one)) for name, one in columns.items()}
    bars = Columns(**watched)
    first: Leak | None = None
    rows = 0
    for now in range(len(next(iter(columns.values())))):
        for one in watched.values():
            one.now, one.late = now, None
        on_bar(bars, now)
        late = [one.late for one in watched.values() if one.late is not None]
        rows += bool(late)
        first = first or (max(late, key=lambda leak: leak.knows) if late else None)
    return first._replace(rows=rows) if first else None


def backwards(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.array(one[::-1]) for name, one in columns.items()}


class Columns(SimpleNamespace):
    """Columns by attribute and by name: bars.close, bars["close"]."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __len__(self) -> int:
        return len(self.close)


class Watched:
    """A column that notes when a row later than now is read. What was read is handed out all the same."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values
        self.now = -1
        self.late: Leak | None = None

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, key: Any) -> Any:
        self._read(np.arange(len(self._values))[key])
        found = self._values[key]
        return found.copy() if isinstance(found, np.ndarray) else found

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        self._read(np.arange(len(self._values)))
        return self._values.astype(dtype or self._values.dtype)

    def __getattr__(self, name: str) -> Any:
        """Its shape and kind, or a method of all its elements."""
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in ("shape", "ndim", "size", "dtype"):
            self._read(np.arange(len(self._values)))
        return getattr(self._values, name)

    def _read(self, rows: Any) -> None:
        latest = int(np.max(rows, initial=-1))
        if latest > self.now and self.late is None:
            self.late = Leak(self.now, latest, 1, line_now())
