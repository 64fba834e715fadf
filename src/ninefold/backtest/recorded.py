"""The venue as it spoke in a run: its acknowledgements, fills and balances come again at the inputs at which they came.

In:  what it said, oldest first; chunks of the market.
Out: the same records. Orders are taken and not looked at: whether they are the same is for others to compare.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from ninefold.execution.orders import Cancel
from ninefold.execution.risk import Approved
from ninefold.market.chunk import Chunk
from ninefold.market.records import AnyRecord, Balance, Fill, Order

SAYS = frozenset({"working", "partly_filled", "filled", "cancelled", "rejected", "expired"})


class RecordedVenue:
    """said: records of a paper account's ledger; what the venue did not say among them is left out."""

    def __init__(self, said: Iterable[AnyRecord]) -> None:
        self._said = deque(
            one for one in said if isinstance(one, Fill | Balance) or (isinstance(one, Order) and one.status in SAYS)
        )

    def restore(self, events: Iterable[AnyRecord]) -> None:
        """What was said up to the last event is in the account already."""
        done_seq = max((event.seq for event in events), default=0)
        while self._said and self._said[0].seq <= done_seq:
            self._said.popleft()

    def accept(self, approved: Sequence[Approved]) -> None:
        pass

    def cancel(self, cancels: Sequence[Cancel], known_ns: int) -> None:
        pass

    def step(self, chunk: Chunk) -> list[AnyRecord]:
        """What was said up to the end of a chunk."""
        said: list[AnyRecord] = []
        while self._said and self._said[0].seq <= chunk.last_seq:
            said.append(self._said.popleft())
        return said
