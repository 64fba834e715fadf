"""One pair's trades at Kraken: which ids came, which are missing, and what has to be asked for.

In:  as `TradeHoles`, and how far an answer of REST reached.
Out: as there, and since when to ask.
REST counts by time and not by id, so an asking is a walk by pages from before the oldest hole; ids tell what is new.
"""

from __future__ import annotations

from ninefold.market.time import SECOND_NS
from ninefold.venues.trade_holes import Told, TradeHoles

PAGE = 1000  # trades in a full answer
MARGIN_NS = SECOND_NS  # asked for before a hole: REST and websocket cut one time differently, and times may go back
LONGEST_PAUSE_S = 60


class Series(TradeHoles):
    """asked: what an answer is awaited to; walk_ns: where the walk began that it belongs to; tries: walks in a row that left a
    hole open.
    """

    asked: str = ""
    walk_ns: int = 0
    tries: int = 0

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
        told = self.answered(proves=proves)
        self.tries = self.tries + 1 if self.open_holes() else 0
        return told


def pause_ns(failures: int) -> int:
    """1 s after the first failure, then doubling."""
    return int(min(2 ** (min(failures, 10) - 1), LONGEST_PAUSE_S)) * SECOND_NS
