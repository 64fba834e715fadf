"""What a venue's messages say, read the slow obvious way: `json` and `Decimal`, nothing of ninefold's.

In:  a frame or REST answer as recorded.
Out: what it tells, in order. The contract suite holds adapters against it; one file a venue in `readings/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple, Protocol

BID, ASK = 1, -1


class Deal(NamedTuple):
    """A public trade. side: of the taker, 1 bought, -1 sold, 0 unknown. time_ns: None if the venue does not say."""

    symbol: str
    id: str
    price: Decimal
    size: Decimal
    side: int
    time_ns: int | None


class Level(NamedTuple):
    """A level of a book as it is now; size 0: it is gone."""

    symbol: str
    side: int
    price: Decimal
    size: Decimal


class Clear(NamedTuple):
    """A snapshot begins: the levels that follow are all there are."""

    symbol: str


Told = Deal | Level | Clear


class Reading(Protocol):
    """venue: as in the table of venues. recordings: names below NINEFOLD_RECORDINGS that it can read.

    checked: whether the venue's books carry numbers or checksums, so that a missing change is noticed.
    """

    venue: str
    recordings: tuple[str, ...]
    checked: bool

    def frame(self, text: str) -> Iterator[Told]:
        """raises: KeyError for a kind of message that is not on the list of those that tell nothing."""
        ...

    def answer(self, url: str, text: str) -> Iterator[Told]: ...
