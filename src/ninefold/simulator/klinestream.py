"""Kline streams: each subscribed candle every second (1s) or two (all others), and once more when it closes.

In:  the hub's topics, the candles. Out: kline payloads.
Source: developers.binance.com, "Kline/Candlestick Streams for UTC" (web-socket-streams.md), read 2026-11-22.
"""

import asyncio

from ninefold.simulator import frames
from ninefold.simulator.candles import SECOND_MS, open_of
from ninefold.simulator.exchange import Exchange, Listing


async def run(exchange: Exchange) -> None:
    """Shortly after each whole second, until canceled. All trades of that second are folded by then."""
    while True:
        now_ms = exchange.now_ms()
        await asyncio.sleep((SECOND_MS - now_ms % SECOND_MS + 5) / 1000)
        tick(exchange, exchange.now_ms() // SECOND_MS * SECOND_MS)


def tick(exchange: Exchange, second_ms: int) -> None:
    """Publish what is due at a whole second."""
    by_stream = {each.instrument.stream: each for each in exchange.listings.values()}
    for topic in list(exchange.hub.topics):
        symbol, _, kind = topic.partition("@kline_")
        listing = by_stream.get(symbol)
        if not kind or listing is None:
            continue
        closing = open_of(kind, second_ms) == second_ms
        if closing:
            _publish(exchange, listing, kind, second_ms - 1, True)
        elif second_ms // SECOND_MS % 2 == 0:
            _publish(exchange, listing, kind, second_ms, False)
    exchange.flush()


def _publish(exchange: Exchange, listing: Listing, interval: str, at_ms: int, closed: bool) -> None:
    open_ms = open_of(interval, at_ms)
    candles = listing.candles
    wider = () if interval == "1s" else candles.rows(interval, open_ms, open_ms, 1)
    candle = candles.second(open_ms) if interval == "1s" else next(iter(wider), None)
    if candle is not None:
        payload = frames.kline(listing.instrument, interval, candle, exchange.now_ms(), closed)
        exchange.publish(f"{listing.instrument.stream}@kline_{interval}", payload)
