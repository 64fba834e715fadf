"""The newest market rows of one kind: bounded, in the order in which they came."""

from __future__ import annotations

import numpy as np

HELD = 2_000
MOST_PARTS = 64  # small arrays cost more than what is in them: so many are joined into one


class Tape:
    """Holds the newest `held` rows."""

    def __init__(self, held: int = HELD) -> None:
        self._held = held
        self._parts: list[np.ndarray] = []
        self._rows = 0

    def __len__(self) -> int:
        return min(self._rows, self._held)

    def add(self, rows: np.ndarray) -> None:
        """Append rows, shape (n,), n > 0."""
        part = rows[-self._held :].copy()  # a view would keep the bytes of its whole chunk
        self._parts.append(part)
        self._rows += len(part)
        if len(self._parts) >= MOST_PARTS or self._rows >= 2 * self._held:
            self._join()

    def rows(self) -> np.ndarray | None:
        """The newest rows that are held, oldest first; None while there are none."""
        if not self._parts:
            return None
        self._join()
        return self._parts[0]

    def _join(self) -> None:
        if len(self._parts) > 1 or self._rows > self._held:
            joined = np.concatenate(self._parts)[-self._held :]
            self._parts = [joined if len(joined) == self._rows else joined.copy()]
            self._rows = len(joined)
