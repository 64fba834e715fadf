"""Books that are proven by a checksum over the texts of their best levels, bid and ask in turn.

In:  levels as they change, with their texts as sent; now and then what they must add up to.
Out: whether they do: a book that does not is told as missed, and asked for anew.
"""

from __future__ import annotations

import zlib
from typing import ClassVar

import msgspec

from ninefold.market.arrays import BID
from ninefold.market.instruments import Instrument
from ninefold.venues.kraken_book import Side
from ninefold.venues.market_adapter import MarketAdapter, Numbers
from ninefold.venues.told import Change, Checksum

CHECKED_LEVELS = 25  # a side


class CheckedLevels(msgspec.Struct):
    """What is kept of one book to prove it: of every level its text, "price:size" as sent."""

    bids: Side = msgspec.field(default_factory=Side)
    asks: Side = msgspec.field(default_factory=Side)

    def put(self, side: int, price: int, size: int, text: str) -> None:
        (self.bids if side == BID else self.asks).put(price, size, text)

    def checksum(self) -> int:
        """CRC-32, signed, of the best bid, the best ask, the second bid and so on, joined by ":".

        >>> book = CheckedLevels()
        >>> for level in ((1, 6000, 1, "6000:1"), (1, 5900, 2, "5900:2"), (-1, 6100, 3, "6100:-3")): book.put(*level)
        >>> book.checksum() == zlib.crc32(b"6000:1:6100:-3:5900:2")
        True
        """
        bids, asks = self.bids.prices[: -CHECKED_LEVELS - 1 : -1], self.asks.prices[:CHECKED_LEVELS]
        texts = []
        for place in range(max(len(bids), len(asks))):
            texts += [self.bids.texts[price] for price in bids[place : place + 1]]
            texts += [self.asks.texts[price] for price in asks[place : place + 1]]
        found = zlib.crc32(":".join(texts).encode())
        return found - 2**32 if found >= 2**31 else found


class CheckedAdapter(MarketAdapter):
    """A MarketAdapter whose venue sends such checksums. clean: frames whose book is not to be checked by them."""

    levels_decoder: ClassVar = msgspec.msgpack.Decoder(dict[str, CheckedLevels])

    def begin(self) -> None:
        super().begin()
        self._levels: dict[str, CheckedLevels] = {}

    def opened(self, receive_ns: int) -> None:
        self._levels.clear()

    def mark(self) -> bytes:
        return msgspec.msgpack.encode(self._levels)

    def unmark(self, own: bytes) -> None:
        self._levels = self.levels_decoder.decode(own)

    def check(self, of: Instrument, checksum: Checksum, seq: int, receive_ns: int) -> None:
        book, levels = self._books.get(checksum.symbol), self._levels.get(checksum.symbol)
        if book is not None and book.last_id and levels is not None and levels.checksum() != checksum.value:
            self.lose_book(of, 0, 0, checksum.time_ns, seq, receive_ns)

    def _change(self, of: Instrument, change: Change, levels: Numbers, seq: int, receive_ns: int) -> None:
        super()._change(of, change, levels, seq, receive_ns)
        if change.snapshot:
            self._levels[change.symbol] = CheckedLevels()
        if self._books[change.symbol].last_id:
            kept = self._levels.setdefault(change.symbol, CheckedLevels())
            for level, text in zip(levels, change.texts, strict=True):
                kept.put(*level, text)
