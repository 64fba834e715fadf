"""The exchange as Coinbase Exchange: the websocket feed under /coinbase.

In:  trades, the books, clients' subscriptions.
Out: channels matches, ticker, ticker_batch, heartbeat, level2_batch, status; errors as the venue words them.
Source: docs.cdp.coinbase.com, "Exchange WebSocket Overview" and "Channels", read 2026-11-22: a client that has not
subscribed within 5 s is disconnected; level2, level3 and full need a key; a subscription to matches begins with the last
match, one to level2_batch with a snapshot, one to ticker with the last ticker; changes of a book come every 50 ms, as sizes
that are new, without numbers; a heartbeat every second names the last trade.
"""

import asyncio
from typing import Any

import msgspec
from aiohttp import web
from picows import WSCloseCode, WSTransport

from ninefold.simulator import coinbase_frames as frames
from ninefold.simulator.coinbase_rest import CoinbaseRest
from ninefold.simulator.exchange import Exchange, Listing
from ninefold.simulator.faces import Clock, Days, Desk, FaceConnection, Watch, best_of
from ninefold.simulator.generated import GeneratedMarket
from ninefold.simulator.public import Public
from ninefold.simulator.store import TradeRow

NAME = "coinbase"
BATCH_MS, BEAT_MS, SLOW_MS = 50, 1_000, 5_000
SUBSCRIBE_SECONDS = 5.0
OF_PRODUCTS = ("matches", "ticker", "ticker_batch", "heartbeat", "level2_batch")
WITH_KEY = ("level2", "level3", "full", "user")
SAID = {"level2_batch": "level2_50"}  # how an answer names a channel that was asked for by another name
NEEDS_KEY = (
    "level2, level3, and full channels now require authentication. "
    "https://docs.cdp.coinbase.com/exchange/docs/websocket-auth"
)


class Refused(Exception):
    """A request that gets an error message. reason: behind the general words."""

    def __init__(self, reason: str, message: str = "Failed to subscribe") -> None:
        super().__init__(reason)
        self.message = message


class CoinbaseFace:
    """Implements `faces.ServedFace`. products: by id."""

    name = NAME

    def __init__(self, exchange: Exchange, market: GeneratedMarket) -> None:
        self.exchange = exchange
        self.market = market
        self.clock = Clock(exchange)
        self.days = Days()
        self.products = {frames.product_id(each.instrument): each for each in exchange.listings.values()}
        self._watches: dict[str, Watch] = {}
        self._stamps: dict[str, int] = {}  # of each product's book, the newest
        self._batch_due_ms = self._beat_due_ms = self._slow_due_ms = 0

    def client(self, path: str) -> FaceConnection | None:
        return CoinbaseConnection(self) if path in ("", "/") else None

    def routes(self, public: Public, desk: Desk) -> list[web.RouteDef]:
        return CoinbaseRest(self.exchange, self.market, public, self.products).routes()

    def traded(self, listing: Listing, rows: list[TradeRow]) -> None:
        """A match each; one ticker for all that one order took."""
        of, product = listing.instrument, frames.product_id(listing.instrument)
        topics = self.exchange.hub.topics
        if (stream := name_of(product, "matches")) in topics:
            sequence = self.sequence(listing)
            for row in rows:
                self.exchange.publish(stream, frames.match(of, row, sequence))
        if (stream := name_of(product, "ticker")) in topics:
            self.exchange.publish(stream, self.ticker(listing, rows[-1]))

    def step(self, now_ms: int) -> None:
        """Publish what is due."""
        if now_ms >= self._batch_due_ms:
            self._batch_due_ms = now_ms + BATCH_MS
            for product in list(self._watches):
                self._publish_changes(product)
        if now_ms >= self._beat_due_ms:
            self._beat_due_ms = now_ms + BEAT_MS
            for product, listing in self.products.items():
                if (stream := name_of(product, "heartbeat")) in self.exchange.hub.topics:
                    beat = (listing.last_trade_id, self.sequence(listing), self.clock.stamp())
                    self.exchange.publish(stream, frames.heartbeat(listing.instrument, *beat))
        if now_ms >= self._slow_due_ms:
            self._slow_due_ms = now_ms + SLOW_MS
            self._publish_slow()

    def settle(self, symbol: str) -> int:
        """Publish all changes of a book; the time of the newest message about it, ns."""
        product = frames.product_id(self.exchange.listings[symbol].instrument)
        if product in self._watches:
            self._publish_changes(product)
        return self._stamps.get(product, 0) * 1000

    def watch(self, product: str) -> bytes:
        """Begin to follow a book, for whom it is new; its snapshot."""
        listing = self.products[product]
        book = self.market.pits[listing.instrument.symbol].book
        if product not in self._watches:
            self._watches[product] = Watch(book)
        self._stamps[product] = self.clock.stamp()
        return frames.snapshot(
            listing.instrument, list(book.bids.rows()), list(book.asks.rows()), self._stamps[product]
        )

    def ticker(self, listing: Listing, row: TradeRow) -> bytes:
        best = best_of(self.market.pits[listing.instrument.symbol].book)
        day = self.days.of(listing, self.exchange.now_ms())
        return frames.ticker(listing.instrument, row, self.sequence(listing), best, day)

    def sequence(self, listing: Listing) -> int:
        """A number that rises with every change of the book, and over restarts too."""
        return self.market.pits[listing.instrument.symbol].book.update_id

    def status(self) -> bytes:
        assets = dict.fromkeys(
            asset for each in self.products.values() for asset in (each.instrument.base, each.instrument.quote)
        )
        return msgspec.json.encode(
            {
                "type": "status",
                "products": [frames.product(each.instrument) for each in self.products.values()],
                "currencies": [frames.currency(asset) for asset in assets],
            }
        )

    def _publish_changes(self, product: str) -> None:
        stream, watch = name_of(product, "level2_batch"), self._watches[product]
        if stream not in self.exchange.hub.topics:
            watch.end()
            del self._watches[product]
            return
        rows = [(side, ticks, watch.book.total(side, ticks)) for side, ticks in watch.take()]
        if rows:
            self._stamps[product] = self.clock.stamp()
            of = self.products[product].instrument
            self.exchange.publish(stream, frames.changes(of, rows, self._stamps[product]))

    def _publish_slow(self) -> None:
        for product, listing in self.products.items():
            if listing.last is not None and (stream := name_of(product, "ticker_batch")) in self.exchange.hub.topics:
                self.exchange.publish(stream, self.ticker(listing, listing.last))
        if f"{NAME}:@status" in self.exchange.hub.topics:
            self.exchange.publish(f"{NAME}:@status", self.status())


class CoinbaseConnection(FaceConnection):
    """One client of the feed. channels: what it listens to, each with its products in the order of asking."""

    def __init__(self, face: CoinbaseFace) -> None:
        super().__init__(face.exchange.hub, NAME)
        self.coinbase = face
        self.channels: dict[str, dict[str, None]] = {}
        self._waiting: asyncio.TimerHandle | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self._waiting = asyncio.get_running_loop().call_later(SUBSCRIBE_SECONDS, self._nothing_asked)

    def on_end(self) -> None:
        super().on_end()
        if self._waiting is not None:
            self._waiting.cancel()

    def on_text(self, text: bytes) -> None:
        try:
            request = msgspec.json.decode(text)
            wanted = asked(request, self.coinbase.products)
        except msgspec.DecodeError:
            self._fail(Refused("", "Malformed JSON"))
        except Refused as refused:
            self._fail(refused)
        else:
            news = self._take(wanted) if request["type"] == "subscribe" else self._leave(wanted)
            said = [
                {"name": SAID.get(channel, channel), "product_ids": list(products), "account_ids": None}
                for channel, products in self.channels.items()
            ]
            self.send(msgspec.json.encode({"type": "subscriptions", "channels": said}))
            for payload in news:
                self.send(payload)

    def _take(self, wanted: dict[str, list[str]]) -> list[bytes]:
        """Subscribe; what is sent at once."""
        news: list[bytes] = []
        for channel, products in wanted.items():
            mine = self.channels.setdefault(channel, {})
            if channel == "status":
                self.listen(f"{NAME}:@status")
                news.append(self.coinbase.status())
            for product in (one for one in products if one not in mine):
                mine[product] = None
                self.listen(name_of(product, channel))
                news += self._first(channel, product)
        return news

    def _first(self, channel: str, product: str) -> list[bytes]:
        if channel == "level2_batch":
            return [self.coinbase.watch(product)]
        listing = self.coinbase.products[product]
        if listing.last is None:
            return []
        if channel == "matches":
            sequence = self.coinbase.sequence(listing)
            return [frames.match(listing.instrument, listing.last, sequence, "last_match")]
        return [self.coinbase.ticker(listing, listing.last)] if channel in ("ticker", "ticker_batch") else []

    def _leave(self, wanted: dict[str, list[str]]) -> list[bytes]:
        for channel, products in wanted.items():
            mine = self.channels.get(channel, {})
            for product in products or list(mine):
                mine.pop(product, None)
                self.ignore(name_of(product, channel))
            if not mine:
                self.channels.pop(channel, None)
        return []

    def _fail(self, refused: Refused) -> None:
        self.send(msgspec.json.encode({"type": "error", "message": refused.message, "reason": str(refused)}))

    def _nothing_asked(self) -> None:
        if not self.channels:
            self.close(WSCloseCode.POLICY_VIOLATION, b"no subscribe within 5 seconds")


def name_of(product: str, channel: str) -> str:
    return f"{NAME}:{product}@{channel}"


def asked(request: Any, known: dict[str, Listing]) -> dict[str, list[str]]:
    """Channels with their products, of a request of either form. raises: Refused."""
    if not isinstance(request, dict) or request.get("type") not in ("subscribe", "unsubscribe"):
        kind = request.get("type") if isinstance(request, dict) else None
        raise Refused(f"{kind} is not a valid type", "Invalid message")
    channels, everywhere = request.get("channels") or [], request.get("product_ids") or []
    if not isinstance(channels, list) or not channels:
        raise Refused("channels or product_ids is missing")
    wanted: dict[str, list[str]] = {}
    for channel in channels:
        name, products = (channel, None) if isinstance(channel, str) else (channel["name"], channel.get("product_ids"))
        if name in WITH_KEY:
            raise Refused(NEEDS_KEY)
        if name not in OF_PRODUCTS and name != "status":
            raise Refused(f"{name} is not a valid channel")
        wanted[name] = [] if name == "status" else list(products or everywhere)
        unknown = [product for product in wanted[name] if product not in known]
        if unknown:
            raise Refused(f"{unknown[0]} is not a valid product")
        if not wanted[name] and name != "status" and request["type"] == "subscribe":
            raise Refused(f"{name} needs product_ids")
    return wanted
