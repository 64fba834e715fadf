"""What the market last showed: quotes, how fresh they are, and whether the newest bar can be trusted.

In:  chunks.
Out: the last quote of each instrument, the worth of amounts in other assets. None wherever a price is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ninefold.market.arrays import BAR_UNKNOWN, newest
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.records import Late
from ninefold.market.time import UNKNOWN_NS

BRIDGE = "BTC"  # an asset without a price in the account's quote is valued through this one


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask in the instrument's units; both sides are there and not crossed."""

    bid: int
    ask: int

    def price(self, side: int) -> int:
        """What a market order of this side meets first."""
        return self.ask if side > 0 else self.bid


class Shown:
    """quotes: by instrument. seen_ns: when the last quote or book change of an instrument was received.
    behind_ns: how late the feed of a venue is, 0 or absent while it is in time.
    """

    def __init__(self, registry: Registry, venue: str) -> None:
        self.quotes: dict[int, Quote | None] = {}
        self.seen_ns: dict[int, int] = {}
        self.behind_ns: dict[str, int] = {}
        self._registry = registry
        self._venue = venue
        self._pairs: dict[tuple[str, str], int] = {}
        self._bars: dict[int, tuple[int, int, int, int]] = {}  # (width, close, revision, state) of the shortest width

    def fold(self, chunk: Chunk) -> None:
        for record in chunk.records:
            if isinstance(record, Late):
                self.behind_ns[record.venue] = record.behind_ns
        for kind in ("quotes", "books"):
            self._see(chunk.rows(kind))
        quotes, bars = chunk.rows("quotes"), chunk.rows("bars")
        if len(quotes):
            for row in newest(quotes)[["instrument", "bid", "ask"]].tolist():
                self._quote(*row)
        if len(bars):
            for row in bars[["instrument", "width_ns", "close_ns", "revision", "state"]].tolist():
                self._bar(*row)

    def quote(self, instrument: int) -> Quote | None:
        return self.quotes.get(instrument)

    def bar_is_unknown(self, instrument: int) -> bool:
        """Whether trades may have been missed in the newest bar of the shortest width there is."""
        bar = self._bars.get(instrument)
        return bar is not None and bar[3] == BAR_UNKNOWN

    def worth(self, amount: int, asset: str, quote: str) -> int | None:
        """An amount valued at the last mid prices, directly or through BTC; None while a price is unknown."""
        if asset == quote or amount == 0:
            return amount
        direct = self._valued(amount, asset, quote)
        if direct is not None or BRIDGE in (asset, quote):
            return direct
        between = self._valued(amount, asset, BRIDGE)
        return None if between is None else self._valued(between, BRIDGE, quote)

    def _valued(self, amount: int, base: str, quote: str) -> int | None:
        instrument = self._pairs.get((base, quote))
        shown = self.quotes.get(instrument) if instrument is not None else None
        if instrument is None or shown is None:
            return None
        return amount * (shown.bid + shown.ask) // (2 * int(10 ** self._registry[instrument].price_decimals))

    def _quote(self, instrument: int, bid: int, ask: int) -> None:
        if instrument not in self.quotes:
            rules = self._registry[instrument]
            if rules.venue == self._venue:
                self._pairs[(rules.base, rules.quote)] = instrument
        self.quotes[instrument] = Quote(bid, ask) if 0 < bid <= ask else None

    def _see(self, rows: np.ndarray) -> None:
        """The greatest receive time of each instrument: the same however rows are cut, whichever kind comes first."""
        if not len(rows):
            return
        received = rows["receive_ns"]
        if (received[1:] < received[:-1]).any():
            rows = rows[np.argsort(received, kind="stable")]
        last, seen_ns = newest(rows), self.seen_ns
        for instrument, receive_ns in zip(last["instrument"].tolist(), last["receive_ns"].tolist(), strict=True):
            if receive_ns > seen_ns.get(instrument, UNKNOWN_NS):
                seen_ns[instrument] = receive_ns

    def _bar(self, instrument: int, width_ns: int, close_ns: int, revision: int, state: int) -> None:
        known = self._bars.get(instrument)
        newer = known is None or width_ns < known[0] or (width_ns == known[0] and (close_ns, revision) >= known[1:3])
        if newer:
            self._bars[instrument] = (width_ns, close_ns, revision, state)
