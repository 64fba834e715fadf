"""The exchange as Coinbase Exchange: the public REST questions under /coinbase.

In:  HTTP requests. Out: JSON answers with the venue's headers and error objects; faults as the venue would word them.
Source: docs.cdp.coinbase.com, Exchange REST API: "Pagination", "Get product trades", "Get product book", "Get product
candles", "Get all known trading pairs", "Get server time", read 2026-11-22. Lists run from new to old; `after` pages to
older trades, `before` to newer ones, of which a page holds the newest; CB-BEFORE and CB-AFTER name a page's ends.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from ninefold.simulator import coinbase_frames as frames
from ninefold.simulator.candles import Candle
from ninefold.simulator.exchange import Exchange, Listing, Market
from ninefold.simulator.faces import iso
from ninefold.simulator.faults import Trouble
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.public import Public
from ninefold.simulator.store import TradeRow

PREFIX = "/coinbase"
MOST_TRADES, MOST_CANDLES = 1_000, 300
WIDTHS = {60: "1m", 300: "5m", 900: "15m", 3_600: "1h", 21_600: "6h", 86_400: "1d"}
MOST_LEVELS = {"1": 1, "2": 1_000_000}

Answered = tuple[object, dict[str, str]]
Answer = Callable[[web.Request], Awaitable[Answered]]


class BadQuestion(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CoinbaseRest:
    """products: by id."""

    def __init__(self, exchange: Exchange, market: Market, public: Public, products: dict[str, Listing]) -> None:
        self.exchange = exchange
        self.market = market
        self.public = public
        self.products = products

    def routes(self) -> list[web.RouteDef]:
        answers: dict[str, Answer] = {
            "/time": self.time,
            "/products": self.all_products,
            "/products/{id}": self.product,
            "/products/{id}/trades": self.trades,
            "/products/{id}/book": self.book,
            "/products/{id}/candles": self.candles,
        }
        return [web.get(PREFIX + path, self._handler(answer)) for path, answer in answers.items()]

    async def time(self, request: web.Request) -> Answered:
        now_ms = self.exchange.now_ms()
        return {"iso": iso(now_ms * 1000)[:-4] + "Z", "epoch": msgspec.Raw(f"{now_ms / 1000:.3f}".encode())}, {}

    async def all_products(self, request: web.Request) -> Answered:
        return [frames.product(each.instrument) for each in self.products.values()], {}

    async def product(self, request: web.Request) -> Answered:
        return frames.product(self._listing(request).instrument), {}

    async def trades(self, request: web.Request) -> Answered:
        listing = self._listing(request)
        before, after = _number(request, "before"), _number(request, "after")
        limit = min(_number(request, "limit") or MOST_TRADES, MOST_TRADES)
        last = listing.last_trade_id if after is None else min(after - 1, listing.last_trade_id)
        first = max(last - limit + 1, 1 if before is None else before + 1)
        asked = max(last - first + 1, 0)
        rows = await self.public.read(lambda: self.public.history.trades_from(listing.symbol_id, first, asked))
        ends = {"CB-BEFORE": str(rows[-1].trade_id), "CB-AFTER": str(rows[0].trade_id)} if rows else {}
        return [_trade(listing.instrument, row) for row in reversed(rows)], ends

    async def book(self, request: web.Request) -> Answered:
        listing, level = self._listing(request), request.query.get("level", "1")
        if level not in MOST_LEVELS:
            raise BadQuestion(400, "Invalid level")
        of = listing.instrument
        number, bids, asks = self.market.depth(of.symbol, MOST_LEVELS[level])
        sides = {
            name: [[frames.price(of, ticks), of.size(lots), 1] for ticks, lots in rows]
            for name, rows in (("bids", bids), ("asks", asks))
        }
        at = iso(self.exchange.now_ms() * 1000)
        return {**sides, "sequence": number, "auction_mode": False, "auction": None, "time": at}, {}

    async def candles(self, request: web.Request) -> Answered:
        """Intervals without a trade are left out."""
        listing, width_s = self._listing(request), _number(request, "granularity") or 60
        if width_s not in WIDTHS:
            raise BadQuestion(400, "Unsupported granularity")
        start_ms, end_ms = _moment(request, "start"), _moment(request, "end")
        if start_ms is None or end_ms is None:
            start_ms, end_ms = None, self.exchange.now_ms()
        elif (end_ms - start_ms) // (width_s * 1000) > MOST_CANDLES:
            raise BadQuestion(
                400,
                "granularity too small for the requested time range. "
                f"Count of aggregations requested exceeds {MOST_CANDLES}",
            )
        rows = listing.candles.rows(WIDTHS[width_s], start_ms, end_ms, MOST_CANDLES + 1)
        return [_candle(listing.instrument, row) for row in reversed(rows) if row.count], {}

    def _listing(self, request: web.Request) -> Listing:
        listing = self.products.get(request.match_info["id"])
        if listing is None:
            raise BadQuestion(404, "NotFound")
        return listing

    def _handler(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            trouble = self.exchange.hub.faults.question(request.path)
            if trouble is not None:
                return _fail(trouble, request)
            try:
                body, headers = await answer(request)
                return _json(body, 200, headers)
            except BadQuestion as bad:
                return _json({"message": str(bad)}, bad.status)

        return handle


def _trade(instrument: Instrument, row: TradeRow) -> dict[str, Any]:
    return {
        "trade_id": row.trade_id,
        "side": frames.maker_side(row),
        "size": instrument.size(row.lots),
        "price": instrument.price(row.price_ticks),
        "time": iso(row.time_ms * 1000),
    }


def _candle(instrument: Instrument, candle: Candle) -> list[Any]:
    """Time in seconds, low, high, open, close, volume: numbers of which every digit counts."""
    prices = (candle.low, candle.high, candle.open, candle.close)
    numbers = (*(frames.price(instrument, ticks) for ticks in prices), instrument.size(candle.lots))
    return [candle.open_ms // 1000, *(msgspec.Raw(text.encode()) for text in numbers)]


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadQuestion(400, f'Invalid value for "{name}"')
    return int(text)


def _moment(request: web.Request, name: str) -> int | None:
    """A time in milliseconds, of ISO 8601 or of whole seconds."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return int(text) * 1000 if text.isdigit() else int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise BadQuestion(400, f'Invalid value for "{name}"') from None


def _fail(trouble: Trouble, request: web.Request) -> web.Response:
    """429 with Retry-After (RFC 6585 allows it; the venue's pages name the status alone)."""
    if trouble.kind == "hangup":
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # nobody hears it
    if trouble.kind == "outage":
        return _json({"message": "Service Unavailable"}, 503)
    return _json({"message": "Public rate limit exceeded"}, 429, {"Retry-After": str(trouble.seconds)})


def _json(body: object, status: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json", charset="utf-8"
    )
