"""One pair's trades at Kraken: which ids came, which are missing, and what has to be asked for.

In:  ids in the order in which they arrive, from the websocket and from REST, and how far an answer of REST reached.
Out: which are new, and the holes that opened or were healed.
REST counts by time and not by id, so an asking is a walk by pages from before the oldest hole; ids tell what is new.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ninefold.market.records import Gap
from ninefold.market.time import SECOND_NS
from ninefold.venues.sequence import TradeIds

PAGE = 1000  # trades in a full answer
MARGIN_NS = SECOND_NS  # asked for before a hole: REST and websocket cut one time differently, and times may go back
LONGEST_PAUSE_S = 60


class Hole(msgspec.Struct):
    """Trade ids that were missed. left: how many are still missing; told_out: REST has no more of them than came."""

    first: int
    last: int
    left: int
    from_ns: int
    to_ns: int
    told_out: bool = False


class Told(NamedTuple):
    hole: Hole
    healed: bool


class Series(msgspec.Struct):
    """doubt_id: the id before which nothing was missed when the connection was lost; 0: no doubt.

    asked: what an answer is awaited to; walk_ns: where the walk began that it belongs to; tries: walks in a row that left a
    hole open.
    """

    ids: TradeIds = msgspec.field(default_factory=TradeIds)
    last_ns: int = 0
    holes: list[Hole] = []
    doubt_id: int = 0
    asked: str = ""
    walk_ns: int = 0
    tries: int = 0

    def arrive(self, id: int, time_ns: int, live: bool) -> tuple[bool, list[Told]]:
        """(is it new, what that tells). live: it came on the websocket, so nothing older is still on its way."""
        expected, last_ns = self.ids.next_id, self.last_ns or time_ns
        is_new, missing = self.ids.arrive(id)
        if not is_new:
            return False, []
        self.last_ns = max(time_ns, self.last_ns)
        if missing is not None:
            first, last = missing
            hole = Hole(first, last, last - first + 1, last_ns, time_ns)
            self.holes.append(hole)
            self.doubt_id = 0 if live else self.doubt_id
            return True, [Told(hole, healed=False)]
        if id < expected:
            for hole in self.holes:
                hole.left -= hole.first <= id <= hole.last
            return True, self._healed()
        if live and self.doubt_id:
            self.doubt_id = 0
            return True, [Told(Hole(id, id - 1, 0, last_ns, last_ns), healed=True), *self._healed()]
        return True, []

    def lost(self) -> None:
        self.doubt_id = self.doubt_id or self.ids.next_id
        self.asked = ""

    def begin(self) -> int:
        """Begin a walk from the oldest hole, or from the newest trade if there is none: since when to ask."""
        from_ns = min([hole.from_ns for hole in self.open_holes()], default=self.last_ns)
        self.walk_ns = max(from_ns - MARGIN_NS, 0)
        return self.walk_ns

    def goes_on(self, newest: int, rows: int) -> bool:
        """Whether a page that ends with the id `newest` needs the next one."""
        return rows >= PAGE and (self.doubt_id > 0 or any(hole.last > newest for hole in self.open_holes()))

    def walked(self, newest: int, proves: bool) -> list[Told]:
        """End the walk. proves: the answer held all trades up to now, and the connection has been there since before."""
        for hole in self.open_holes():
            hole.told_out = hole.last <= newest and self.walk_ns <= hole.from_ns
        told = self._settle() if proves and self.doubt_id else []
        told += self._healed()
        self.tries = self.tries + 1 if self.open_holes() else 0
        return told

    def open_holes(self) -> list[Hole]:
        return [hole for hole in self.holes if hole.left and not hole.told_out]

    def _settle(self) -> list[Told]:
        """Was anything missed since the connection was lost? A healed range speaks for all ids before it too, so an
        older hole that is still open leaves only an empty range to tell.
        """
        first, last = self.doubt_id, self.ids.next_id - 1
        if any(hole.left and hole.last >= first for hole in self.holes):
            return []
        self.doubt_id = 0
        older_open = any(hole.left for hole in self.holes)
        return [Told(Hole(last + 1 if older_open else first, last, 0, self.last_ns, self.last_ns), healed=True)]

    def _healed(self) -> list[Told]:
        """Healed holes, oldest first; none while in doubt, for a healed one also says that the pause cost nothing."""
        told = []
        while self.holes and not self.holes[0].left and not self.doubt_id:
            told.append(Told(self.holes.pop(0), healed=True))
        return told


def gap(instrument: int, hole: Hole, seq: int, known_ns: int, *, stream: str = "trades", healed: bool = False) -> Gap:
    return Gap(
        seq=seq,
        known_ns=known_ns,
        instrument=instrument,
        stream=stream,
        from_id=hole.first,
        to_id=hole.last,
        from_ns=hole.from_ns,
        to_ns=hole.to_ns,
        healed=healed,
    )


def pause_ns(failures: int) -> int:
    """1 s after the first failure, then doubling."""
    return int(min(2 ** (min(failures, 10) - 1), LONGEST_PAUSE_S)) * SECOND_NS
