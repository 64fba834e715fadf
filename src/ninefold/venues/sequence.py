"""Contiguous numbers: trades that must follow each other without a hole, and books that grow from a snapshot by
numbered changes.

In:  ids as they arrive.
Out: which are new, which ranges are missing. Venues that number their trades or book changes share this; their own
     rules are parameters.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

WAITING_MOST = 4096  # changes kept while a snapshot is on its way; with fewer than all of them it is asked for again
MISSING_MOST = 4096  # remembered holes; of an older one only the journal has what comes later


@dataclass(slots=True)
class TradeIds:
    """Which trade ids of one instrument were seen."""

    next_id: int = 0  # 0: none seen yet
    first_id: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)  # rising

    def arrive(self, trade_id: int, *, may_precede: bool = False) -> tuple[bool, tuple[int, int] | None]:
        """(is it new, the hole that it uncovers). may_precede: one before the first is new; else it is not wanted."""
        if self.next_id == 0:
            self.first_id = trade_id
        if self.next_id == 0 or trade_id == self.next_id:
            self.next_id = trade_id + 1
            return True, None
        if may_precede and trade_id < self.first_id:
            return True, self._begin_earlier(trade_id)
        if trade_id > self.next_id:
            hole = (self.next_id, trade_id - 1)
            self.missing = [*self.missing, hole][-MISSING_MOST:]
            self.next_id = trade_id + 1
            return True, hole
        return self._fill(trade_id), None

    def missing_in(self, first: int, last: int) -> list[tuple[int, int]]:
        """What of first..last has not come yet."""
        return [(max(a, first), min(b, last)) for a, b in self.missing if a <= last and b >= first]

    def _begin_earlier(self, trade_id: int) -> tuple[int, int] | None:
        """The very first trades may come in another order too; the hole up to the first one so far."""
        hole = (trade_id + 1, self.first_id - 1)
        self.first_id = trade_id
        if hole[0] > hole[1]:
            return None
        self.missing.insert(0, hole)
        return hole

    def _fill(self, trade_id: int) -> bool:
        place = bisect_right(self.missing, trade_id, key=lambda hole: hole[0]) - 1
        if place < 0 or trade_id > self.missing[place][1]:
            return False
        first, last = self.missing[place]
        parts = [(first, trade_id - 1), (trade_id + 1, last)]
        self.missing[place : place + 1] = [(a, b) for a, b in parts if a <= b]
        return True


@dataclass(slots=True)
class BookSync:
    """One instrument's book between snapshot and changes. Changes that come before the snapshot wait in `waiting`."""

    last_id: int = 0  # 0: no snapshot yet
    waiting: list[tuple[int, int, object]] = field(default_factory=list)

    def reset(self) -> None:
        self.last_id = 0
        self.waiting = []

    def snapshot(self, last_id: int) -> list[object] | None:
        """Take a snapshot; the changes to apply after it, or None if it is older than the oldest waiting change
        needs.
        """
        later = [change for change in self.waiting if change[1] > last_id]
        if later and later[0][0] > last_id + 1:
            return None
        self.last_id, self.waiting = last_id, []
        applied: list[object] = []
        for first, last, body in later:
            if self.change(first, last, body) == "apply":
                applied.append(body)
        return applied

    def change(self, first: int, last: int, body: object) -> str:
        """What to do with a change that covers ids first..last: "apply", "old", "wait" (no snapshot yet) or "gap"
        (one was missed).
        """
        if self.last_id == 0:
            self.waiting.append((first, last, body))
            if len(self.waiting) > WAITING_MOST:
                del self.waiting[0]
            return "wait"
        if last <= self.last_id:
            return "old"
        if first > self.last_id + 1:
            self.reset()
            self.waiting.append((first, last, body))
            return "gap"
        self.last_id = last
        return "apply"
