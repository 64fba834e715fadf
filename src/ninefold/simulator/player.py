"""Plays a tape: its frames at their recorded spacing, their stamps moved to now.

In:  a tape, a speed, the moment the first client has subscribed.
Out: the recorded payloads, exact but for the stamps E and T, which are all moved by one constant: the first stamped
     frame says the moment at which it goes out. The position is committed with the trades, so a restart goes on where
     the last run ended. Its constant is then a new one, never smaller than the last: time does not go back.
"""

import asyncio
import contextlib
import re
import time

import msgspec

from ninefold.simulator.control import Playing
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.store import TradeRow
from ninefold.simulator.tape import Deal, Diff, Frame, Tape
from ninefold.simulator.tapemarket import TapeMarket
from ninefold.simulator.texts import e8_of

STAMP = re.compile(rb'"([ET])":(\d{13})')
POSITION = "tape_position"
SHIFT = "tape_shift_ms"
WAIT_SECONDS = 2.0
BATCH = 64
NAP_SECONDS = 0.001


class Player:
    """Drives a `TapeMarket`."""

    def __init__(self, exchange: Exchange, market: TapeMarket, tape: Tape, playing: Playing, speed: float) -> None:
        self.exchange = exchange
        self.market = market
        self.frames = tape.frames
        self.playing = playing
        self.speed = speed
        self.position = int(exchange.store.meta(POSITION) or 0)
        self._subscribed = asyncio.Event()
        self._shift_ms: int | None = None
        self._diff = msgspec.json.Decoder(Diff)
        self._deal = msgspec.json.Decoder(Deal)
        for frame in self.frames[: self.position]:
            self._move_book(frame)
        market.rest_again()

    def subscribed(self) -> None:
        """Some client has subscribed to a stream."""
        self._subscribed.set()

    async def run(self) -> None:
        """Wait for an audience, play, then stay quiet until canceled."""
        if self.position < len(self.frames):
            await self._subscribed.wait()
            for asked in (self.market.depth_asked, self.exchange.account_asked):
                with contextlib.suppress(TimeoutError):  # a client that wants neither need not ask
                    await asyncio.wait_for(asked.wait(), WAIT_SECONDS)
            await self._play()
        self.playing.done = True
        await asyncio.Event().wait()

    async def _play(self) -> None:
        started_s = time.monotonic()
        first_ns = self.frames[self.position].at_ns
        while self.position < len(self.frames):
            reached_ns = first_ns + (time.monotonic() - started_s) * 1e9 * self.speed
            batch = self._due(reached_ns)
            for frame in batch:
                self._show(frame)
            if batch:
                self.position += len(batch)
                self.exchange.store.set_meta(POSITION, str(self.position))
                self.exchange.flush()
            await asyncio.sleep(NAP_SECONDS)  # at any speed: orders must get their turn
            while self.exchange.hub.any_paused():
                await asyncio.sleep(NAP_SECONDS)

    def _due(self, reached_ns: float) -> list[Frame]:
        batch = []
        for frame in self.frames[self.position : self.position + BATCH]:
            if frame.at_ns > reached_ns:
                break
            batch.append(frame)
        return batch

    def _show(self, frame: Frame) -> None:
        """Bring books, trades and own orders up to this frame, and publish it."""
        payload = self._moved(frame.payload)
        self._move_book(frame)
        if frame.kind in ("trade", "aggTrade"):
            self._trade(frame.symbol, self._deal.decode(payload))
        self.exchange.publish(frame.stream, payload)

    def _move_book(self, frame: Frame) -> None:
        if frame.kind in ("depth", "depth@100ms"):
            self.market.books[frame.symbol].apply(self._diff.decode(frame.payload))

    def _trade(self, symbol: str, deal: Deal) -> None:
        listing = self.exchange.listings[symbol]
        last_id = deal.last_id if deal.trade_id is None else deal.trade_id
        if last_id is None or last_id <= listing.last_trade_id:
            return  # recorded twice
        price, lots = e8_of(deal.price), e8_of(deal.size)
        row = TradeRow(
            listing.symbol_id, last_id, last_id if deal.first_id is None else deal.first_id,
            self._aggregate(symbol, deal, price), price, lots, listing.instrument.value_e8(price, lots),
            deal.time_ms, int(deal.buyer_is_maker),
        )  # fmt: skip
        self.exchange.record_trade(listing, row)
        self.market.traded(symbol, price, lots, deal.buyer_is_maker)
        self.exchange.traded(symbol, price, price)

    def _aggregate(self, symbol: str, deal: Deal, price_ticks: int) -> int:
        """The recorded aggregate id, or one made of equal neighbours (same moment, price and side)."""
        if deal.agg_id is not None:
            return deal.agg_id
        last = self.exchange.listings[symbol].last
        if last is None:
            return 1
        same = (last.time_ms, last.price_ticks, last.buyer_is_maker) == (deal.time_ms, price_ticks, deal.buyer_is_maker)
        return last.agg_id + (0 if same else 1)

    def _moved(self, payload: bytes) -> bytes:
        """The payload with its stamps E and T moved."""
        if self._shift_ms is None:
            stamp = STAMP.search(payload)
            if stamp is None:
                return payload
            store = self.exchange.store
            self._shift_ms = max(self.exchange.now_ms() - int(stamp[2]), int(store.meta(SHIFT) or 0))
            store.set_meta(SHIFT, str(self._shift_ms))
            self.playing.shift_ns = self._shift_ms * 1_000_000
        shift_ms = self._shift_ms
        return STAMP.sub(lambda found: b'"%b":%d' % (found[1], int(found[2]) + shift_ms), payload)
