"""The exchange as Kraken: the websocket v2 under /kraken/v2, the public one and, there too, the account's.

In:  trades, the books, clients' requests.
Out: channels trade, book, ticker, instrument, status, heartbeat, executions; acknowledgements, refusals, pongs.
Source: docs.kraken.com, "Spot WebSocket API v2", read 2026-11-22: a status first; one acknowledgement a symbol; a snapshot
where one is wanted (by default of book, ticker and instrument, not of trade); book updates with the checksum of the ten
best levels after each; a heartbeat about every second without another update, once something is subscribed.
"""

import time
from collections import deque
from typing import Any

import msgspec
from aiohttp import web
from picows import WSTransport

from ninefold.simulator import kraken_frames as frames
from ninefold.simulator.connection import Connection
from ninefold.simulator.exchange import Exchange, Listing
from ninefold.simulator.faces import Best, Clock, Days, Desk, FaceConnection, best_of, iso
from ninefold.simulator.generated import GeneratedMarket
from ninefold.simulator.kraken_book import ShownBook
from ninefold.simulator.kraken_executions import RESULT, Executions
from ninefold.simulator.kraken_private import KrakenPrivate
from ninefold.simulator.kraken_rest import KrakenRest
from ninefold.simulator.public import Public
from ninefold.simulator.store import TradeRow

NAME = "kraken"
PATH = "/v2"
DEPTHS = (10, 25, 100, 500, 1000)
TRIGGERS = ("trades", "bbo")
SNAPSHOT_TRADES = 50
IDLE_SECONDS = 1.0
OF_SYMBOLS = ("trade", "book", "ticker")


class Refused(Exception):
    """A request, or one symbol of it, that is refused."""


class KrakenFace:
    """Implements `faces.ServedFace`. pairs: by symbol; recent: the newest trades of each, of this run but for one. tokens, lines:
    that open the account's line; the clients that have it."""

    name = NAME

    def __init__(self, exchange: Exchange, market: GeneratedMarket) -> None:
        self.exchange = exchange
        self.market = market
        self.clock = Clock(exchange)
        self.days = Days()
        self.pairs = {frames.symbol_of(each.instrument): each for each in exchange.listings.values()}
        self.recent = {
            symbol: deque([one.last] if one.last else [], SNAPSHOT_TRADES) for symbol, one in self.pairs.items()
        }
        self.connections: dict[KrakenConnection, None] = {}
        self._shown: dict[tuple[str, int], ShownBook] = {}
        self._stamps: dict[str, int] = {}  # of each pair's book, the newest
        self._bests: dict[str, Best] = {}
        self.tokens: set[str] = set()
        self.lines: dict[Connection, None] = {}

    def client(self, path: str) -> FaceConnection | None:
        return KrakenConnection(self) if path == PATH else None

    def routes(self, public: Public, desk: Desk) -> list[web.RouteDef]:
        rest = KrakenRest(self.exchange, self.market, public)
        self.lines = desk.lines
        return [*rest.routes(), *KrakenPrivate(self.exchange, desk, rest.listings, self.tokens).routes()]

    def traded(self, listing: Listing, rows: list[TradeRow]) -> None:
        """All that one order took is one message."""
        symbol, topics = frames.symbol_of(listing.instrument), self.exchange.hub.topics
        self.recent[symbol].extend(rows)
        if not self.connections:
            return
        if (stream := name_of(symbol, "trade")) in topics:
            self.exchange.publish(stream, frames.trades(listing.instrument, rows))
        if (stream := name_of(symbol, "ticker-trades")) in topics:
            self.exchange.publish(stream, self.ticker(listing))

    def step(self, now_ms: int) -> None:
        """Publish what changed, and heartbeats to those who heard nothing."""
        for symbol, depth in list(self._shown):
            self._publish_book(symbol, depth)
        for symbol, listing in self.pairs.items() if self.connections else ():
            if (stream := name_of(symbol, "ticker-bbo")) in self.exchange.hub.topics:
                best = best_of(self.market.pits[listing.instrument.symbol].book)
                if best != self._bests.get(symbol):
                    self._bests[symbol] = best
                    self.exchange.publish(stream, self.ticker(listing))
        now_s = time.monotonic()
        for connection in self.connections:
            if connection.heard and now_s - max(connection.sent_s, connection.beat_s) >= IDLE_SECONDS:
                connection.beat_s = now_s
                self.exchange.publish(connection.heartbeat, b'{"channel":"heartbeat"}')

    def settle(self, symbol: str) -> int:
        """Publish all changes of a book; the time of the newest message about it, ns."""
        pair = frames.symbol_of(self.exchange.listings[symbol].instrument)
        for shown, depth in list(self._shown):
            if shown == pair:
                self._publish_book(shown, depth)
        return self._stamps.get(pair, 0) * 1000

    def book(self, symbol: str, depth: int) -> bytes:
        """Begin to follow a book, for whom it is new; its snapshot."""
        listing = self.pairs[symbol]
        book = self.market.pits[listing.instrument.symbol].book
        if (symbol, depth) not in self._shown:
            self._shown[symbol, depth] = ShownBook(book, depth)
        return frames.snapshot(listing.instrument, book, depth)

    def ticker(self, listing: Listing, kind: str = "update") -> bytes:
        of = listing.instrument
        last = listing.last.price_ticks if listing.last else of.start_ticks
        day = self.days.of(listing, self.exchange.now_ms())
        return frames.ticker(of, best_of(self.market.pits[of.symbol].book), last, day, self.clock.stamp(), kind)

    def _publish_book(self, symbol: str, depth: int) -> None:
        stream, shown = name_of(symbol, f"book-{depth}"), self._shown[symbol, depth]
        if stream not in self.exchange.hub.topics:
            shown.end()
            del self._shown[symbol, depth]
            return
        rows = shown.take()
        if rows:
            self._stamps[symbol] = self.clock.stamp()
            of = self.pairs[symbol].instrument
            self.exchange.publish(stream, frames.update(of, shown.book, rows, self._stamps[symbol]))


class KrakenConnection(FaceConnection):
    """One client. heard: something is subscribed; beat_s: the last heartbeat; heartbeat: the stream of its own."""

    def __init__(self, face: KrakenFace) -> None:
        super().__init__(face.exchange.hub, NAME)
        self.kraken = face
        self.heartbeat = ""
        self.beat_s = 0.0
        self.executions = Executions(face.exchange, face.tokens, face.lines, self)

    @property
    def heard(self) -> bool:
        return len(self.streams) > 1

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.heartbeat = f"{NAME}:{self.number}@heartbeat"
        self.listen(self.heartbeat)
        self.kraken.connections[self] = None
        self.send(frames.status(self.number))

    def on_end(self) -> None:
        super().on_end()
        self.kraken.connections.pop(self, None)
        self.executions.end()

    def die(self) -> None:
        super().die()
        self.executions.end()

    def on_text(self, text: bytes) -> None:
        began = iso(time.time_ns() // 1000)
        try:
            request = msgspec.json.decode(text)
        except msgspec.DecodeError:
            request = None
        if not isinstance(request, dict) or not isinstance(request.get("params", {}), dict):
            self._answer({}, began, {"error": "Malformed request", "success": False})
            return
        known = {"ping": self._pong, "subscribe": self._subscribe, "unsubscribe": self._unsubscribe}
        handle = known.get(str(request.get("method")))
        if handle is None:
            self._answer(request, began, {"error": "Unsupported method", "success": False})
        else:
            handle(request, began)

    def _pong(self, request: dict[str, Any], began: str) -> None:
        said = {"method": "pong"} | ({"req_id": request["req_id"]} if "req_id" in request else {})
        self.send(msgspec.json.encode({**said, "time_in": began, "time_out": iso(time.time_ns() // 1000)}))

    def _subscribe(self, request: dict[str, Any], began: str) -> None:
        params = request.get("params", {})
        if params.get("channel") == "instrument":
            self._hear("", "instrument")
            self._answer(request, began, {"result": {"channel": "instrument", "snapshot": True}, "success": True})
            self.send(frames.instruments([each.instrument for each in self.kraken.pairs.values()]))
            return
        if params.get("channel") == "executions":
            refusal = self.executions.begin(params)
            said = {"error": refusal, "success": False} if refusal else {"result": RESULT, "success": True}
            self._answer(request, began, said)
            if not refusal:
                self.send(self.executions.snapshot())
            return
        for symbol in self._symbols(request, began):
            try:
                result, stream = self._wanted(params, symbol)
                if name_of(symbol, stream) in self.streams:
                    raise Refused("Already subscribed")
            except Refused as refused:
                self._answer(request, began, {"error": str(refused), "success": False, "symbol": symbol})
                continue
            self._answer(request, began, {"result": result, "success": True})
            news = self._first(params, symbol, bool(result["snapshot"]))
            self._hear(symbol, stream)
            if news is not None:
                self.send(news)

    def _unsubscribe(self, request: dict[str, Any], began: str) -> None:
        for symbol in self._symbols(request, began):
            try:
                result, stream = self._wanted(request.get("params", {}), symbol)
                if name_of(symbol, stream) not in self.streams:
                    raise Refused("Subscription Not Found")
            except Refused as refused:
                self._answer(request, began, {"error": str(refused), "success": False, "symbol": symbol})
                continue
            self.ignore(name_of(symbol, stream))
            del result["snapshot"]
            self._answer(request, began, {"result": result, "success": True})

    def _symbols(self, request: dict[str, Any], began: str) -> list[str]:
        symbols = request.get("params", {}).get("symbol")
        if not isinstance(symbols, list) or not symbols:
            self._answer(request, began, {"error": "Symbol(s) not found", "success": False})
            return []
        return [str(symbol) for symbol in symbols]

    def _wanted(self, params: dict[str, Any], symbol: str) -> tuple[dict[str, Any], str]:
        """What is acknowledged, and the stream that it is. raises: Refused."""
        channel = params.get("channel")
        if channel not in OF_SYMBOLS:
            raise Refused(f"Unsupported channel {channel}")
        if symbol not in self.kraken.pairs:
            raise Refused(f"Currency pair not supported {symbol}")
        result = {"channel": channel, "snapshot": params.get("snapshot", channel != "trade"), "symbol": symbol}
        if channel == "book":
            depth = result["depth"] = params.get("depth", DEPTHS[0])
            if depth not in DEPTHS:
                raise Refused("Subscription depth not supported")
            return result, f"book-{depth}"
        if channel == "ticker":
            trigger = result["event_trigger"] = params.get("event_trigger", TRIGGERS[0])
            if trigger not in TRIGGERS:
                raise Refused("Event trigger not supported")
            return result, f"ticker-{trigger}"
        return result, str(channel)

    def _first(self, params: dict[str, Any], symbol: str, snapshot: bool) -> bytes | None:
        """What is sent at once; a book is followed from here on, shown or not."""
        listing = self.kraken.pairs[symbol]
        if params["channel"] == "book":
            told = self.kraken.book(symbol, params.get("depth", DEPTHS[0]))
            return told if snapshot else None
        if not snapshot:
            return None
        if params["channel"] == "ticker":
            return self.kraken.ticker(listing, "snapshot")
        return frames.trades(listing.instrument, list(self.kraken.recent[symbol]), "snapshot")

    def _hear(self, symbol: str, stream: str) -> None:
        self.listen(name_of(symbol, stream))

    def _answer(self, request: dict[str, Any], began: str, said: dict[str, Any]) -> None:
        known = {name: request[name] for name in ("method", "req_id") if name in request}
        self.send(msgspec.json.encode({**known, **said, "time_in": began, "time_out": iso(time.time_ns() // 1000)}))


def name_of(symbol: str, stream: str) -> str:
    return f"{NAME}:{symbol}@{stream}"
