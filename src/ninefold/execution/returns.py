"""Returns of the bars that closed while we looked: what the tail of the book and volatility are measured by.

In:  bars of any widths, first revisions count. Out: returns of one instrument, or of several over the same bars.
An unknown bar has no return, and neither has the one behind it. Memory is bounded: the newest bars of each series.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from ninefold.market.arrays import BAR_UNKNOWN

KEPT = 1_000  # bars of a series; at a minute each more than half a day


class Returns:
    """widths: of the bars that are followed."""

    def __init__(self, widths: Iterable[int] = ()) -> None:
        self._widths = frozenset(widths)
        self._last: dict[tuple[int, int], tuple[int, int]] = {}  # instrument and width to (close_ns, close)
        self._of: dict[tuple[int, int], deque[tuple[int, float]]] = {}
        self._joint: dict[tuple[int, tuple[int, ...]], np.ndarray] = {}

    def fold(self, bars: np.ndarray) -> None:
        if not len(bars) or not self._widths:
            return
        for row in bars[["instrument", "width_ns", "close_ns", "close", "state", "revision"]].tolist():
            instrument, width_ns, close_ns, close, state, revision = row
            if width_ns in self._widths and revision == 0:
                self._add((instrument, width_ns), close_ns, 0 if state == BAR_UNKNOWN else close)

    def of(self, instrument: int, width_ns: int) -> list[float]:
        """Those of one series, oldest first."""
        return [value for _, value in self._of.get((instrument, width_ns), ())]

    def joint(self, instruments: Sequence[int], width_ns: int) -> np.ndarray:
        """Shape (bars, instruments): the bars for which all of them have a return, oldest first."""
        key = (width_ns, tuple(instruments))
        if key not in self._joint:
            series = [dict(self._of.get((one, width_ns), ())) for one in instruments]
            shared = sorted(set(series[0]).intersection(*series[1:])) if series else []
            self._joint[key] = np.array([[one[at] for one in series] for at in shared]).reshape(
                len(shared), len(series)
            )
        return self._joint[key]

    def _add(self, key: tuple[int, int], close_ns: int, close: int) -> None:
        """close: 0 of an unknown bar."""
        last_ns, last = self._last.get(key, (0, 0))
        if close_ns <= last_ns:
            return
        if close and last and close_ns - last_ns == key[1]:
            self._of.setdefault(key, deque(maxlen=KEPT)).append((close_ns, close / last - 1.0))
            self._joint.clear()
        self._last[key] = (close_ns, close)
