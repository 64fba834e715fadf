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

from ninefold.backtest.leaks.taken import Taken
from ninefold.backtest.leaks.traced import Traced
from ninefold.backtest.leaks.trail import CannotFollow, line_now


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
    return _columns_once(decide, columns, held) or _columns_once(decide, _backwards(columns), held)


def leak_in_callback(on_bar: Callable[[Any, int], Any], columns: Mapping[str, np.ndarray]) -> Leak | None:
    """Judge a strategy that is called at the close of each bar with all the columns and the row that is now.

    on_bar: takes the columns as attributes and the row; what it returns is of no interest here.
    """
    return _callback_once(on_bar, columns) or _callback_once(on_bar, _backwards(columns))


def _columns_once(decide: Callable[[Any], Any], columns: Mapping[str, np.ndarray], held: bool) -> Leak | None:
    count = len(next(iter(columns.values())))
    taken = Taken()
    traced = {name: Traced(np.array(one), np.arange(count), taken) for name, one in columns.items()}
    found = decide(SimpleNamespace(**traced))
    if not isinstance(found, Traced):
        if taken.anything:
            raise CannotFollow(
                f"{taken.written()[1].where or 'the strategy'}: bars were taken out as numbers and the result is a plain array; "
                "make the result from the bars, np.zeros_like(bars.close) say"
            )
        return None
    if found.shape != (count,):
        raise ValueError(f"the strategy gave the shape {found.shape} for {count} bars; it must be ({count},)")
    late = np.flatnonzero(found.known > np.arange(count) - held)
    if not len(late):
        return None
    return Leak(int(late[0]), int(found.known[late[0]]), len(late), found.reach.where)


def _callback_once(on_bar: Callable[[Any, int], Any], columns: Mapping[str, np.ndarray]) -> Leak | None:
    watched = {name: Watched(np.array(one)) for name, one in columns.items()}
    bars = SimpleNamespace(**watched)
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


def _backwards(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.array(one[::-1]) for name, one in columns.items()}


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

    def _read(self, rows: Any) -> None:
        latest = int(np.max(rows, initial=-1))
        if latest > self.now and self.late is None:
            self.late = Leak(self.now, latest, 1, line_now())
