"""What a venue's messages say, read the slow obvious way: `json` and `Decimal`, nothing of ninefold's.

In:  a frame or REST answer as recorded.
Out: what it tells, in order. The contract suite holds adapters against it; one file a venue in `readings/`, which ends in
     `READING = ...`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

BID, ASK = 1, -1


class Deal(NamedTuple):
    """A public trade. symbol: as the venue writes it. id: "" if the venue gives none.

    side: of the taker, 1 bought, -1 sold, 0 unknown. time_ns: None if the venue does not say.
    """

    symbol: str
    id: str
    price: Decimal
    size: Decimal
    side: int
    time_ns: int | None


class Level(NamedTuple):
    """A level of a book as it is now; size 0: it is gone. time_ns: the suite compares it where it is given."""

    symbol: str
    side: int
    price: Decimal
    size: Decimal
    time_ns: int | None = None


class Clear(NamedTuple):
    """A snapshot begins: the levels that follow are all there are."""

    symbol: str


class Best(NamedTuple):
    """The best bid and ask as the venue tells them apart from the book."""

    symbol: str
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal


Told = Deal | Level | Clear | Best


class Reader(Protocol):
    """Reads one session from its start; may remember."""

    def frame(self, text: str) -> Iterator[Told]: ...

    def answer(self, url: str, text: str) -> Iterator[Told]: ...


class Reading(Protocol):
    """What a venue's reading must say, and below it what it may say besides. Readings inherit from it.

    venue:      as in the table of venues.
    recordings: names below NINEFOLD_RECORDINGS that it can read.
    checked:    whether the venue's books carry numbers or checksums, so that a missing change is noticed.

    tells_best: whether it tells Best; only then are the adapter's quotes compared.
    noticed:    of a checked book, how many of the best levels a missing change is noticed among (checksums); None:
                among all (numbers).
    samples:    (url, file below tests/samples/VENUE), in an order in which the venue could send them; url "" for a
                frame. Empty: every file there is a frame, in the order of their names.
    """

    venue: str
    recordings: tuple[str, ...]
    checked: bool

    tells_best: bool = False
    noticed: int | None = None
    samples: tuple[tuple[str, str], ...] = ()

    def frame(self, text: str) -> Iterator[Told]:
        """A frame of which nothing before it is known. raises: KeyError for a kind of message that is not on the list of
        those that tell nothing.
        """
        return self.begin().frame(text)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        return self.begin().answer(url, text)

    def begin(self) -> Reader:
        """A reader of one session. A reading gives one, or reads frames and answers itself where each message says what
        becomes of the book; elsewhere changes wait for a snapshot, are older than it, or push levels out, and the reader
        tells what is applied when it is applied.
        """
        return self

    def given(self, file: str, text: str) -> tuple[str, str]:
        """(url, or "" for a frame; the text as the venue sent it) of a message of raw/pairs (file "") or raw/payloads."""
        return "", text

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """What the venue sent before such a message where that is not there: a book that it changes, say. Given so, the message
        is in a session of its own; else in that of its test, or alone.
        """
        return []

    def words(self, text: str, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What others expect of a message of raw/pairs, with the venue's own symbols and ids."""
        return expected
