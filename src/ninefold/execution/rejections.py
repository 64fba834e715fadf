"""What the venue rejected in a row, and how long the next order waits for it.

In:  orders before and after each update or fill, live or out of the ledger. Out: by instrument and side, the row of rejections.

What makes a position greater waits 2 s after the first, twice as long after each further one, 5 minutes at most. What makes it
smaller waits 1 s, then 2 s, and never more than 4 s: an exit must get through, but not ten times a second. A fill ends the rows of
its instrument, and so does an order that the venue took. Those of a post-only order and of a stop that the venue is to keep do not count.
The rows follow from the ledger's events, so a restart keeps them; an instrument whose rules changed goes on under another number, and
has none.
"""

from __future__ import annotations

from typing import NamedTuple

from ninefold.execution.held import KEPT
from ninefold.execution.orders import WITHHELD, Tracked
from ninefold.market.records import Order
from ninefold.market.time import MINUTE_NS, SECOND_NS

FIRST_NS, LONGEST_NS = 2 * SECOND_NS, 5 * MINUTE_NS
FIRST_OUT_NS, LONGEST_OUT_NS = SECOND_NS, 4 * SECOND_NS  # of what makes a position smaller
DOUBLED = 16  # times at most; the longest is reached long before
TOOK = frozenset({"working", "partly_filled", "filled"})


class Row(NamedTuple):
    """times: rejections with nothing taken between. last_ns, reason: of the last one."""

    times: int
    last_ns: int
    reason: str

    def until_ns(self, grows: bool) -> int:
        """From when on the next order may leave.

        >>> [Row(times, 0, "").until_ns(grows=True) // SECOND_NS for times in (1, 2, 3, 8, 9, 1_000)]
        [2, 4, 8, 256, 300, 300]
        >>> [Row(times, 0, "").until_ns(grows=False) // SECOND_NS for times in (1, 2, 3, 1_000)]
        [1, 2, 4, 4]
        """
        first, longest = (FIRST_NS, LONGEST_NS) if grows else (FIRST_OUT_NS, LONGEST_OUT_NS)
        return self.last_ns + min(first << min(self.times - 1, DOUBLED), longest)


class Rejections:
    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], Row] = {}

    def row(self, instrument: int, side: int) -> Row | None:
        return self._rows.get((instrument, side))

    def see(self, before: Tracked | None, after: Tracked) -> None:
        """One more update or fill of an order. before: None of an order that was not known; it tells nothing of ours."""
        if before is None:
            return
        was, order = before.order, after.order
        filled = order.filled > was.filled or len(after.fills) > len(before.fills)
        if filled or (order.status in TOOK and order.status != was.status):
            self._rows.pop((order.instrument, order.side), None)
            self._rows.pop((order.instrument, -order.side), None)
        elif order.status == "rejected" != was.status and _counts(order):
            known = self._rows.get((order.instrument, order.side))
            times = 1 if known is None else known.times + 1
            self._rows[order.instrument, order.side] = Row(times, order.known_ns, order.reason)


def _counts(order: Order) -> bool:
    """Not what never left; nor one that was to rest or to wait only: that it would have taken at once is an answer it asked for."""
    return order.order_type not in KEPT | {"post_only"} and not order.reason.startswith(WITHHELD)
