"""What was made of tables and is still so, because nothing was committed to them since.

In:  the tables it is made of, as they are now; what is asked; how to make it. Out: it, from memory where that is right.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from ninefold.store.listing import Live

T = TypeVar("T")
_KEPT = 64  # answers


class Remembered(Generic[T]):
    """Answers of one kind. They are handed out as they are: nobody may change them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[Sequence[Live | None], T]] = OrderedDict()

    def get(self, asked: Hashable, tables: Sequence[Live | None], make: Callable[[], T]) -> T:
        """tables: read before `make` is called, so that what is committed meanwhile is noticed the next time."""
        with self._lock:
            known = self._found.get(asked)
        if (
            known is not None
            and len(known[0]) == len(tables)
            and all(a is b for a, b in zip(known[0], tables, strict=True))
        ):
            return known[1]
        made = make()
        with self._lock:
            self._found[asked] = (tables, made)
            self._found.move_to_end(asked)
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return made
