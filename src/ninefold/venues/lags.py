"""How long frames were under way, kept until somebody asks.

In:  receive_ns - exchange_ns of frames, one by one or as arrays. Out: all since the last `take`, in order.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

FEW = 32  # lags; as many are kept as numbers: thousands of small arrays take long to be put together


class Lags:
    """count: how many `take` would give."""

    def __init__(self) -> None:
        self.count = 0
        self._numbers: list[int] = []
        self._parts: list[np.ndarray] = []

    def add(self, stamps: Iterable[tuple[int, int, int]]) -> None:
        """Of frames: (connection, exchange_ns, receive_ns)."""
        lags = [receive_ns - exchange_ns for _, exchange_ns, receive_ns in stamps]
        self.count += len(lags)
        self._numbers += lags

    def add_array(self, lags: np.ndarray) -> None:
        """lags: int64, shape (n,)."""
        self.count += len(lags)
        if len(lags) < FEW:
            self._numbers.extend(lags.tolist())
            return
        if self._numbers:
            self._parts.append(np.array(self._numbers, np.int64))
            self._numbers = []
        self._parts.append(lags)

    def take(self) -> np.ndarray:
        """int64, shape (n,)."""
        parts, self._parts = [*self._parts, np.array(self._numbers, np.int64)], []
        self._numbers, self.count = [], 0
        return np.concatenate(parts)
