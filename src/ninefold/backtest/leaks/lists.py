"""Python lists that remember what each element knows.

In:  elements that a strategy appends, mostly plain numbers chosen by conditions on the bars.
Out: the same list. An element knows the conditions that were met before it was put there; whoever reads it knows them
     again. Without this a loop that appends 1 or 0 would be a way out of the arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ninefold.backtest.leaks.taken import NONE, Had, Taken
from ninefold.backtest.leaks.traced import Traced


class Listed(list[Any]):
    """had: for each element what it knows beside itself."""

    def __init__(self, elements: Iterable[Any] = (), taken: Taken | None = None) -> None:
        super().__init__()
        self.taken = taken
        self.had: list[Had] = []
        for one in elements:
            self.append(one)
        if isinstance(elements, Listed):
            self.had = list(elements.had)

    def append(self, element: Any) -> None:
        super().append(element)
        self.had.append(self.taken.written_at(len(self) - 1, self) if self.taken else NONE)

    def extend(self, elements: Iterable[Any]) -> None:
        for one in elements:
            self.append(one)

    def insert(self, place: Any, element: Any) -> None:
        super().insert(place, element)
        self.had.insert(place, self.taken.written() if self.taken else NONE)

    def pop(self, place: Any = -1) -> Any:
        self._told(self.had.pop(place))
        return super().pop(place)

    def __setitem__(self, place: Any, element: Any) -> None:
        super().__setitem__(place, element)
        if self.taken is None:
            return
        if isinstance(place, slice):
            self.had = [self.taken.written()] * len(self)
        else:
            self.had[place] = self.taken.written_at(range(len(self))[place], self)

    def __iter__(self) -> Iterator[Any]:
        for place, one in enumerate(super().__iter__()):
            self._told(self.had[place])
            yield one

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, Traced):  # which one was chosen is known, too
            at = int(place.values)
            self._told(self.had[at])
            return traced_of([super().__getitem__(at)], place.taken)[0].floored(int(place.known.max()), place.reach)
        found = super().__getitem__(place)
        if not isinstance(place, slice):
            self._told(self.had[place])
            return found
        made = Listed((), self.taken)
        list.extend(made, found)
        made.had = self.had[place]
        return made

    def __mul__(self, times: Any) -> Listed:
        made = Listed((), self.taken)
        list.extend(made, list.__mul__(self, times))
        made.had = self.had * int(times)
        return made

    def __add__(self, other: Any) -> Listed:
        made = Listed((), self.taken)
        list.extend(made, [*list.__iter__(self), *list.__iter__(other)])
        made.had = self.had + (other.had if isinstance(other, Listed) else [NONE] * len(other))
        return made

    def traced(self, taken: Taken) -> Traced:
        """The same as an array."""
        return traced_of(self, taken)

    def _told(self, had: Had) -> None:
        if self.taken is not None and had[0] >= 0:
            self.taken.condition(*had)


def traced_of(elements: Iterable[Any], taken: Taken) -> Traced:
    """An array of a list, a tuple or a plain array, and what each element knows."""
    if isinstance(elements, np.ndarray):
        return Traced(elements, np.full(elements.shape, -1), taken)
    had = elements.had if isinstance(elements, Listed) else None
    plain = list(list.__iter__(elements)) if isinstance(elements, list) else list(elements)
    parts = [traced_of(one, taken) if isinstance(one, list | tuple) else one for one in plain]
    values = np.array([one.values if isinstance(one, Traced) else one for one in parts])
    known = np.full(values.shape, -1)
    reach = NONE[1]
    for place, one in enumerate(parts):
        if isinstance(one, Traced):
            known[place] = one.known
            reach = max(reach, one.reach)
        if had is not None:
            known[place] = np.maximum(known[place], had[place][0])
            reach = max(reach, had[place][1])
    return Traced(values, known, taken)._made(values, known, (reach,))
