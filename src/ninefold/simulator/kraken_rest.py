"""The exchange as Kraken: the public REST questions under /kraken/0/public.

In:  HTTP requests. Out: {"error": [...], "result": ...}, which a refusal is too, with status 200; faults as the venue words
     them.
Source: docs.kraken.com, "Spot REST": Get Server Time, Get System Status, Get Tradable Asset Pairs, Get Recent Trades, Get
OHLC Data, Get Order Book, and "API errors", read 2026-11-22. `since` of Trades is a time in nanoseconds (or seconds); what
comes is later, oldest first, at most 1,000; `last` is the time of the newest of it, to go on from.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from ninefold.simulator import kraken_frames as frames
from ninefold.simulator.candles import Candle
from ninefold.simulator.exchange import Exchange, Listing, Market
from ninefold.simulator.faces import decimal, iso, places_of
from ninefold.simulator.faults import Trouble
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.public import Public
from ninefold.simulator.store import TradeRow
from ninefold.simulator.texts import E8, text_of

PREFIX = "/kraken/0/public"
MOST_TRADES, MOST_CANDLES, MOST_LEVELS = 1_000, 720, 500
IN_SECONDS = 10**12  # a `since` below is in seconds
WIDTHS = {1: "1m", 5: "5m", 15: "15m", 30: "30m", 60: "1h", 240: "4h", 1440: "1d", 10080: "1w"}
ARGUMENTS = "EGeneral:Invalid arguments"

Answer = Callable[[web.Request], Awaitable[object]]


class Refused(Exception):
    """An answer that is an error."""


class KrakenRest:
    """listings: by every name that a pair has."""

    def __init__(self, exchange: Exchange, market: Market, public: Public) -> None:
        self.exchange = exchange
        self.market = market
        self.public = public
        self.listings: dict[str, Listing] = {}
        for listing in exchange.listings.values():
            base, quote = frames.rest_names(listing.instrument)
            for name in (base + quote, f"{base}/{quote}", frames.symbol_of(listing.instrument)):
                self.listings[name] = listing

    def routes(self) -> list[web.RouteDef]:
        answers: dict[str, Answer] = {
            "Time": self.time,
            "SystemStatus": self.status,
            "AssetPairs": self.pairs,
            "Trades": self.trades,
            "OHLC": self.candles,
            "Depth": self.depth,
        }
        return [web.get(f"{PREFIX}/{name}", self._handler(answer)) for name, answer in answers.items()]

    async def time(self, request: web.Request) -> object:
        seconds = self.exchange.now_ms() // 1000
        text = f"{datetime.fromtimestamp(seconds, UTC):%a, %d %b %y %H:%M:%S +0000}"
        return {"unixtime": seconds, "rfc1123": text}

    async def status(self, request: web.Request) -> object:
        return {"status": "online", "timestamp": iso(self.exchange.now_ms() * 1000)[:-8] + "Z"}

    async def pairs(self, request: web.Request) -> object:
        wanted = request.query.get("pair")
        names = list(dict.fromkeys(self.listings)) if wanted is None else wanted.split(",")
        listings = {listing.symbol_id: listing for listing in (self._listing(name) for name in names)}
        return {_key(each.instrument): _pair(each.instrument) for each in listings.values()}

    async def trades(self, request: web.Request) -> object:
        listing = self._listing(request.query.get("pair", ""))
        count = min(_number(request, "count") or MOST_TRADES, MOST_TRADES)
        since = _number(request, "since")
        history, number = self.public.history, listing.symbol_id
        if since is None:
            rows = await self.public.read(lambda: history.last_trades(number, count))
        else:
            since_ns = since * 10**9 if since < IN_SECONDS else since
            from_ms = since_ns // 10**6 + 1  # later than `since`; our times are whole milliseconds
            rows = await self.public.read(lambda: history.trades_from(number, history.first_at(number, from_ms), count))
            since = since_ns
        last_ns = rows[-1].time_ms * 10**6 if rows else since or 0
        return {_key(listing.instrument): [_trade(listing.instrument, row) for row in rows], "last": str(last_ns)}

    async def candles(self, request: web.Request) -> object:
        listing, width = self._listing(request.query.get("pair", "")), _number(request, "interval") or 1
        if width not in WIDTHS:
            raise Refused(ARGUMENTS)
        since_s = _number(request, "since")
        rows = listing.candles.rows(WIDTHS[width], None, self.exchange.now_ms(), MOST_CANDLES)
        later = [row for row in rows if since_s is None or row.open_ms >= since_s * 1000]
        last_s = rows[-2].open_ms // 1000 if len(rows) > 1 else 0  # the last one that is over
        return {_key(listing.instrument): [_candle(listing.instrument, row) for row in later], "last": last_s}

    async def depth(self, request: web.Request) -> object:
        listing = self._listing(request.query.get("pair", ""))
        of, count = listing.instrument, min(_number(request, "count") or 100, MOST_LEVELS)
        _, bids, asks = self.market.depth(of.symbol, count)
        now_s = self.exchange.now_ms() // 1000
        sides = {
            name: [[frames.price(of, ticks), of.size(lots), now_s] for ticks, lots in rows]
            for name, rows in (("asks", asks), ("bids", bids))
        }
        return {_key(of): sides}

    def _listing(self, name: str) -> Listing:
        listing = self.listings.get(name)
        if listing is None:
            raise Refused("EQuery:Unknown asset pair" if name else ARGUMENTS)
        return listing

    def _handler(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            trouble = self.exchange.hub.faults.question(request.path)
            if trouble is not None:
                return fail(trouble, request)
            try:
                return json_response({"error": [], "result": await answer(request)})
            except Refused as refused:
                return json_response({"error": [str(refused)]})

        return handle


def _key(instrument: Instrument) -> str:
    """What an answer calls the pair."""
    return "".join(frames.rest_names(instrument))


def _pair(instrument: Instrument) -> dict[str, Any]:
    base, quote = frames.rest_names(instrument)
    places = places_of(instrument.tick_e8)
    return {
        "altname": base + quote,
        "wsname": f"{base}/{quote}",
        "aclass_base": "currency",
        "base": base,
        "aclass_quote": "currency",
        "quote": quote,
        "lot": "unit",
        "cost_decimals": frames.QTY_DECIMALS,
        "pair_decimals": places,
        "lot_decimals": places_of(instrument.size_step_e8),
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.1]],
        "fees_maker": [[0, 0.1]],
        "fee_volume_currency": quote,
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": _short(instrument.lot_e8),
        "costmin": _short(instrument.min_notional_e8),
        "tick_size": decimal(instrument.tick_e8, places),
        "status": "online",
    }


def _trade(instrument: Instrument, row: TradeRow) -> list[Any]:
    """Price, size, time in seconds, taker's side, order type, miscellaneous, id."""
    time = msgspec.Raw(f"{row.time_ms // 1000}.{row.time_ms % 1000:03d}".encode())
    side = frames.taker_side(row)[0]
    return [frames.price(instrument, row.price_ticks), instrument.size(row.lots), time, side, "m", "", row.trade_id]


def _candle(instrument: Instrument, candle: Candle) -> list[Any]:
    mean_e8 = candle.value_e8 * E8 // (candle.lots * instrument.lot_e8) if candle.lots else 0
    prices = [frames.price(instrument, each) for each in (candle.open, candle.high, candle.low, candle.close)]
    mean = decimal(mean_e8, places_of(instrument.tick_e8))
    return [candle.open_ms // 1000, *prices, mean, instrument.size(candle.lots), candle.count]


def _short(e8: int) -> str:
    return text_of(e8).rstrip("0").rstrip(".")


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Refused(ARGUMENTS)
    return int(text)


def fail(trouble: Trouble, request: web.Request) -> web.Response:
    """Limits are told in the error list, with status 200; an outage is one of the servers before the venue's own."""
    if trouble.kind == "hangup":
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # nobody hears it
    if trouble.kind == "outage":
        return web.Response(status=503, text="Service Unavailable")
    return json_response(
        {"error": ["EGeneral:Too many requests" if trouble.kind == "limit" else "EGeneral:Temporary lockout"]}
    )


def json_response(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", charset="utf-8")
