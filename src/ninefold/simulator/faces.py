"""What the further faces of the exchange share: the same market in the protocol of another venue, under a path of its own.

In:  trades and levels of the matching engine; clients' connections.
Out: texts of times and decimals, a day's figures, connections that listen to streams of the hub.
A stream's name begins with its face's ("coinbase:BTC-USDT@matches"), so that a fault can be ordered for one face alone.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, Protocol

from aiohttp import web
from picows import WSTransport

from ninefold.simulator.auth import Keys
from ninefold.simulator.candles import DAY_MS
from ninefold.simulator.connection import Connection
from ninefold.simulator.engine import BUY, SELL, Book
from ninefold.simulator.exchange import Exchange, Face, Listing
from ninefold.simulator.hub import Hub
from ninefold.simulator.order_faults import Halving
from ninefold.simulator.orders import Orders
from ninefold.simulator.public import Public
from ninefold.simulator.texts import text_of

PLACES = 8  # of the exchange's own texts
SECOND_MS = 1_000


class Desk(NamedTuple):
    """Where orders are taken, whatever the protocol. lines: of the account's events; halving: the market that own orders
    meet."""

    orders: Orders
    keys: Keys
    lines: dict[Connection, None]
    halving: Halving


class ServedFace(Face, Protocol):
    """A face with its doors: websocket clients and REST routes, all under `/NAME`."""

    def client(self, path: str) -> Connection | None:
        """The connection for a websocket's path behind the face's own; None for one that is not served."""

    def routes(self, public: Public, desk: Desk) -> list[web.RouteDef]: ...


class FaceConnection(Connection):
    """One websocket client of a face. sent_s: when something was sent last."""

    combined = False

    def __init__(self, hub: Hub, face: str) -> None:
        super().__init__()
        self.hub = hub
        self.face = face
        self.number = 0
        self.streams: dict[str, None] = {}
        self.sent_s = time.monotonic()

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.hub.join(self)

    def on_end(self) -> None:
        self.hub.leave(self)
        for stream in self.streams:
            self.hub.unsubscribe(self, stream)

    def send(self, *frames: bytes) -> None:
        self.sent_s = time.monotonic()
        super().send(*frames)

    def listen(self, stream: str) -> None:
        self.streams[stream] = None
        self.hub.subscribe(self, stream)

    def ignore(self, stream: str) -> None:
        self.streams.pop(stream, None)
        self.hub.unsubscribe(self, stream)


class Clock:
    """Stamps of a face: its exchange's time in microseconds, each later than the one before."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._last_us = 0

    def stamp(self) -> int:
        self._last_us = max(self._exchange.now_ms() * 1000, self._last_us + 1)
        return self._last_us


class Watch:
    """Which levels of a book changed since the last `take`."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._changed: dict[tuple[int, int], None] = {}
        book.watched.append(self._changed)

    def take(self) -> list[tuple[int, int]]:
        """(side, price), in the order in which they changed first."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def end(self) -> None:
        self.book.watched = [each for each in self.book.watched if each is not self._changed]


class Best(NamedTuple):
    """Best bid and ask, as prices in ticks and sizes in lots; zeros for an empty side."""

    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


def best_of(book: Book) -> Best:
    bid, ask = book.bids.best(), book.asks.best()
    return Best(bid or 0, book.total(BUY, bid or 0), ask or 0, book.total(SELL, ask or 0))


class Day(NamedTuple):
    """Open, high, low in ticks; lots and their worth in 1e-8, of the minutes of the last day."""

    open: int
    high: int
    low: int
    lots: int
    value_e8: int


class Days:
    """A day's figures of each symbol, made anew at most once a second."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[int, Day]] = {}

    def of(self, listing: Listing, now_ms: int) -> Day:
        symbol, second = listing.instrument.symbol, now_ms // SECOND_MS
        made = self._made.get(symbol)
        if made is None or made[0] != second:
            made = self._made[symbol] = (second, _day(listing, now_ms))
        return made[1]


def _day(listing: Listing, now_ms: int) -> Day:
    minutes = [each for each in listing.candles.minutes[-1440:] if each.open_ms > now_ms - DAY_MS]
    if not minutes:
        last = listing.last.price_ticks if listing.last else 0
        return Day(last, last, last, 0, 0)
    return Day(
        minutes[0].open,
        max(each.high for each in minutes),
        min(each.low for each in minutes),
        sum(each.lots for each in minutes),
        sum(each.value_e8 for each in minutes),
    )


def places_of(step_e8: int) -> int:
    """How many decimals a step needs.

    >>> places_of(1_000_000), places_of(100_000_000)
    (2, 0)
    """
    return len(text_of(step_e8).rstrip("0").partition(".")[2])


def decimal(e8: int, places: int) -> str:
    """A count of 1e-8 with so many decimals, at most 8; the rest is dropped.

    >>> decimal(6_012_340_000_000, 1), decimal(100_000_000, 0)
    ('60123.4', '1')
    """
    text = text_of(e8)
    return text[: len(text) - PLACES + places] if places else text[: -PLACES - 1]


def iso(us: int) -> str:
    """Microseconds since 1970 as RFC 3339 writes them.

    >>> iso(1_795_339_800_250_000)
    '2026-11-22T09:30:00.250000Z'
    """
    return f"{_second(us // 1_000_000)}.{us % 1_000_000:06d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
