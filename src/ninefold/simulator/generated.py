"""The generated market: all pits, driven in small slices of real time.

In:  a seed, the wanted number of messages a second, own orders.
Out: trades, books and tickers through the exchange, as many as wanted. Quiet instruments move by time alone.
"""

import asyncio
import time
from bisect import bisect
from itertools import accumulate
from random import Random

from ninefold.simulator.accounts import OwnOrder
from ninefold.simulator.engine import Match
from ninefold.simulator.exchange import Exchange, Rows
from ninefold.simulator.pit import Pit

QUIET_ACTS_PER_SECOND = 0.8
SLICE_MESSAGES = 25  # each slice costs as much as a few messages, the exchange and whoever listens
LEAST_SLICE_SECONDS, MOST_SLICE_SECONDS = 0.002, 0.02
MOST_ACTS = 60  # per wanted message: a bound on looking for one
CATCH_UP_SECONDS = 0.25  # what is owed after a stall is forgotten beyond this


class GeneratedMarket:
    """Implements `exchange.Market`."""

    def __init__(self, exchange: Exchange, seed: int, rate: float) -> None:
        self.exchange = exchange
        self.rate = rate
        self.random = Random(f"{seed}:{sum(each.last_trade_id for each in exchange.listings.values())}")
        self.pits: dict[str, Pit] = {}
        for symbol, listing in exchange.listings.items():
            self.pits[symbol] = Pit(exchange, listing, Random(self.random.random()))
        self._busy = [pit for pit in self.pits.values() if pit.instrument.busy]
        self._weights = list(accumulate(pit.instrument.busy for pit in self._busy))
        self._quiet = [pit for pit in self.pits.values() if not pit.instrument.busy]
        self._owed = 0.0
        self._last_s = time.monotonic()

    def open(self) -> None:
        for pit in self.pits.values():
            pit.open()
        self.exchange.flush()

    async def run(self) -> None:
        """Until canceled."""
        pause = min(max(SLICE_MESSAGES / max(self.rate, 1.0), LEAST_SLICE_SECONDS), MOST_SLICE_SECONDS)
        while True:
            self.slice()
            await asyncio.sleep(pause)

    def slice(self) -> None:
        """Let pass the time since the last slice."""
        now_s = time.monotonic()
        self.advance(min(max(now_s - self._last_s, 1e-6), CATCH_UP_SECONDS))
        self._last_s = now_s

    def advance(self, seconds: float) -> None:
        """Let some time pass in all pits, and make public what happened."""
        self._owed = min(self._owed + self.rate * seconds, self.rate * CATCH_UP_SECONDS)
        for pit in self.pits.values():
            pit.crowd.pass_time(seconds)
            self._owed -= self._answer(pit)
        self._owed -= self._depth()
        for pit in self._quiet:
            if self.random.random() < QUIET_ACTS_PER_SECOND * seconds:
                self._owed -= self._act(pit)
        if self._busy:
            self._crowds()
        for face in self.exchange.faces:
            face.step(self.exchange.now_ms())
        self.exchange.flush()

    def depth(self, symbol: str, limit: int) -> tuple[int, Rows, Rows]:
        book = self.pits[symbol].book
        bids = [row for row, _ in zip(book.bids.rows(), range(limit), strict=False)]
        asks = [row for row, _ in zip(book.asks.rows(), range(limit), strict=False)]
        return book.update_id, bids, asks

    def walk(self, symbol: str, side: int, price_ticks: int | None, lots: int) -> Rows:
        return self.pits[symbol].book.walk(side, price_ticks, lots)

    def submit(self, order: OwnOrder, price_ticks: int | None, rest: bool) -> None:
        pit = self.pits[order.symbol]
        matches: list[Match] = pit.book.submit(order.order_id, order.side, price_ticks, order.lots, rest)
        pit.after(matches, order.order_id, order.side)

    def cancel(self, order: OwnOrder) -> None:
        pit = self.pits[order.symbol]
        pit.book.cancel(order.order_id)
        pit.after([], order.order_id, order.side)

    def _crowds(self) -> None:
        acts = 0
        limit = MOST_ACTS * max(1.0, self._owed)
        busy, weights, last = self._busy, self._weights, len(self._busy) - 1
        while self._owed >= 1 and acts < limit:
            at = bisect(weights, self.random.random() * weights[-1], 0, last)  # as `choices` draws one
            self._owed -= self._act(busy[at])
            acts += 1

    def _act(self, pit: Pit) -> int:
        before = pit.messages
        pit.do(pit.crowd.next(pit.book))
        pit.answer()
        return pit.messages - before

    def _answer(self, pit: Pit) -> int:
        """The one-upping quoter's answer to own orders since the last slice."""
        before = pit.messages
        pit.one_up()
        return pit.messages - before

    def _depth(self) -> int:
        now_ms = self.exchange.now_ms()
        return sum(pit.publish_depth(now_ms) for pit in self.pits.values())
