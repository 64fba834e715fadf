"""Does a venue's feed fall behind? Frames may come without a pause and yet be ever older, which no receive time shows.

In:  receive_ns - exchange_ns of each frame that carries the venue's time.
Out: at each look whether the feed is late: even the quickest frame since the last look took LATE_NS longer than the
     quickest of the looks before. What our clock is off cancels out; a jump of it is told too, as it should be.
"""

from __future__ import annotations

import msgspec

from ninefold.market.time import SECOND_NS

LATE_NS = 2 * SECOND_NS
LOOKS = 360  # that the quickest frame is remembered of: an hour, at a look every ten seconds


def lateness(venue: str, behind_ns: int) -> str:
    """For people: that a feed is late, or in time again."""
    if not behind_ns:
        return f"What {venue} says comes in time again."
    return (
        f"What {venue} says comes {behind_ns / SECOND_NS:.1f} s later than usual, though without a pause. "
        "No new orders are sent there until it is in time again."
    )


class LagWatch(msgspec.Struct):
    """Of one venue. told_ns: how late it was when that was last told, 0: in time."""

    quickest_ns: int | None = None
    before: list[int] = []
    told_ns: int = 0

    def see(self, lag_ns: int) -> None:
        if self.quickest_ns is None or lag_ns < self.quickest_ns:
            self.quickest_ns = lag_ns

    def look(self) -> int | None:
        """How far the feed is behind when that begins and each time it has doubled, 0 when it is in time again."""
        quickest_ns, self.quickest_ns = self.quickest_ns, None
        if quickest_ns is None:
            return None
        behind_ns = quickest_ns - min(self.before, default=quickest_ns)
        self.before.append(quickest_ns)
        del self.before[:-LOOKS]
        if behind_ns <= LATE_NS:
            was_late, self.told_ns = self.told_ns > 0, 0
            return 0 if was_late else None
        if behind_ns < 2 * self.told_ns:
            return None
        self.told_ns = behind_ns
        return behind_ns
