"""An exchange's own candles: which are finished, and which were told otherwise before.

In:  candles as they are told, the open one again and again, whole pages of old ones after a new connection.
Out: finished ones, oldest first, each once, and again with the next revision where the exchange changed it. A candle is
     finished when a later one is told; the open one is never passed off as finished.
The whole is plain data, so that a snapshot holds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

KEPT = 2000  # of each series; a page holds fewer
Values = tuple[int, int, int, int, int]  # open, high, low, close, volume


class Known(msgspec.Struct, array_like=True):
    """revision: that was told last, -1: none yet."""

    values: Values
    revision: int = -1
    changed: bool = True


class Candles(msgspec.Struct):
    """All series of one adapter, by name; candles by the time at which they open."""

    series: dict[str, dict[int, Known]] = {}

    def fold(self, name: str, told: Sequence[tuple[int, Values]]) -> list[tuple[int, Values, int]]:
        """(open_ns, values, revision) of what is finished and new, oldest first."""
        known = self.series.setdefault(name, {})
        oldest = min(known) if len(known) >= KEPT else -1
        for open_ns, values in told:
            before = known.get(open_ns)
            if before is None and open_ns > oldest:
                known[open_ns] = Known(values)
            elif before is not None and before.values != values:
                before.values, before.changed = values, True
        newest = max(known, default=0)
        finished = []
        for open_ns in sorted(known):
            one = known[open_ns]
            if one.changed and open_ns < newest:
                one.revision, one.changed = one.revision + 1, False
                finished.append((open_ns, one.values, one.revision))
        for open_ns in sorted(known)[:-KEPT]:
            del known[open_ns]
        return finished
