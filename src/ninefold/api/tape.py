"""The newest market rows of one kind: bounded, in the order in which they came."""

from __future__ import annotations

from collections import deque

import numpy as np

HELD = 2_000


class Tape:
    """Holds at least the newest HELD rows (all, while there are fewer), as the arrays they came in."""

    def __init__(self) -> None:
        self._parts: deque[np.ndarray] = deque()
        self._rows = 0

    def __len__(self) -> int:
        return min(self._rows, HELD)

    def add(self, rows: np.ndarray) -> None:
        """Append rows, shape (n,), n > 0."""
        part = rows[-HELD:].copy()  # a view would keep the bytes of its whole chunk
        self._parts.append(part)
        self._rows += len(part)
        while self._rows - len(self._parts[0]) >= HELD:
            self._rows -= len(self._parts.popleft())

    def rows(self) -> np.ndarray | None:
        """The newest HELD rows, oldest first; None while there are none."""
        if not self._parts:
            return None
        if len(self._parts) > 1:
            self._parts = deque([np.concatenate(list(self._parts))])
        return self._parts[0][-HELD:]
