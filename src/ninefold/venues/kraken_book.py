"""A book of Kraken spot as far as its checksum needs it: which levels there are, and their digits as sent.

In:  levels as they change.
Out: the levels that fall beyond the subscribed depth, and the checksum of what is left.

After docs.kraken.com, "Book checksum (WebSocket v2)" and "(WebSocket v1)", as of 2026-11: after each message the book is
cut to the depth, for the venue does not tell of levels that leave it; the checksum is over the ten best asks, rising,
and the ten best bids, falling, each price and size without point and leading zeros.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, insort

import msgspec

from ninefold.market.arrays import ASK, BID, CLEAR_BOOK, SET_LEVEL
from ninefold.market.instruments import Instrument
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.told import units

Leveled = tuple[int, int, int, int, str]  # side, price, size, time_ns, its text under the checksum
CHECKED_LEVELS = 10  # a side, whatever the depth that was subscribed


def checked_text(price: str, size: str, decimals: tuple[int, int]) -> str:
    """What a level adds to the text under the checksum: its digits without point and leading zeros.

    Numbers that were sent with fewer decimals than the venue's own are filled up with zeros.

    >>> checked_text("45285.2", "0.00100000", (1, 8)), checked_text("0.05", "0.1", (4, 8))
    ('452852100000', '50010000000')
    """
    digits = ""
    for text, least in ((price, decimals[0]), (size, decimals[1])):
        whole, _, fraction = text.partition(".")
        digits += (whole + fraction.ljust(least, "0")).lstrip("0")
    return digits


def leveled(of: Instrument, level: tuple[int, str, str, int], places: tuple[int, int]) -> Leveled:
    """(side, price, size, time_ns) in the instrument's units. raises: BadFrame, NotExact."""
    side, price, size, at_ns = level
    text = checked_text(price, size, places)
    return side, units(price, of.price_decimals), units(size, of.size_decimals), at_ns, text


class Side(msgspec.Struct):
    """One side of a book. texts: price to what its level adds under the checksum; prices: the same prices, rising."""

    texts: dict[int, str] = {}
    prices: list[int] = []

    def put(self, price: int, size: int, text: str) -> None:
        if not size:
            if self.texts.pop(price, None) is not None:
                del self.prices[bisect_left(self.prices, price)]
            return
        if price not in self.texts:
            insort(self.prices, price)
        self.texts[price] = text


class CheckedBook(msgspec.Struct):
    """What is kept of one instrument's book to prove it. in_step: a snapshot came and every checksum since was right.

    failures: wrong checksums in a row, over snapshots; last_ns: venue time of the last change that was right.
    """

    depth: int
    bids: Side = msgspec.field(default_factory=Side)
    asks: Side = msgspec.field(default_factory=Side)
    in_step: bool = False
    failures: int = 0
    last_ns: int = UNKNOWN_NS

    def forget(self) -> None:
        self.bids, self.asks, self.in_step, self.last_ns = Side(), Side(), False, UNKNOWN_NS

    def take(self, snapshot: bool, levels: list[Leveled], time_ns: int) -> list[tuple[int, int, int, int, int]]:
        """Apply a message; what it makes of the book: (action, side, price, size, time_ns) in order."""
        made = []
        if snapshot:
            self.forget()
            self.in_step = True
            made.append((CLEAR_BOOK, BID, 0, 0, time_ns))
        for side, price, size, at_ns, text in levels:
            self.put(side, price, size, text)
            made.append((SET_LEVEL, side, price, size, at_ns))
        made.extend((SET_LEVEL, side, price, 0, time_ns) for side, price in self.cut())
        return made

    def put(self, side: int, price: int, size: int, text: str) -> None:
        (self.bids if side == BID else self.asks).put(price, size, text)

    def cut(self) -> list[tuple[int, int]]:
        """Drop what lies beyond the depth, as the venue does without telling: (side, price), the worst first."""
        dropped = []
        while len(self.bids.prices) > self.depth:
            dropped.append((BID, self.bids.prices[0]))
            self.bids.put(self.bids.prices[0], 0, "")
        while len(self.asks.prices) > self.depth:
            dropped.append((ASK, self.asks.prices[-1]))
            self.asks.put(self.asks.prices[-1], 0, "")
        return dropped

    def checksum(self) -> int:
        """CRC-32 of the ten best asks, rising, and then the ten best bids, falling."""
        asks = (self.asks.texts[price] for price in self.asks.prices[:CHECKED_LEVELS])
        bids = (self.bids.texts[price] for price in self.bids.prices[: -CHECKED_LEVELS - 1 : -1])
        return zlib.crc32(("".join(asks) + "".join(bids)).encode())
