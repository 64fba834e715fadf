"""How often somebody may ask: a bucket for each key, filled at a steady rate; memory is bounded.

In:  keys and moments of a clock that does not go back. Out: 0, or how long to wait.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

MOST_KEYS = 4_096


class Buckets:
    """per_s: how many a second; burst: how many at once after a rest. The key that was used longest ago is forgotten first."""

    def __init__(self, per_s: float, burst: int, most: int = MOST_KEYS) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._most = most
        self._held: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # what is left, and when that was so

    def __len__(self) -> int:
        return len(self._held)

    def wait_s(self, key: Hashable, now_s: float) -> float:
        """Seconds until the next one; 0: now."""
        return max(0.0, (1.0 - self._left(key, now_s)) / self._per_s)

    def take(self, key: Hashable, now_s: float) -> float:
        """Take one, and return 0; or take none, and return as `wait_s`."""
        wait_s = self.wait_s(key, now_s)
        if wait_s == 0.0:
            self._held[key] = self._left(key, now_s) - 1.0, now_s
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return wait_s

    def _left(self, key: Hashable, now_s: float) -> float:
        left, at_s = self._held.get(key, (self._burst, now_s))
        return min(self._burst, left + (now_s - at_s) * self._per_s)
