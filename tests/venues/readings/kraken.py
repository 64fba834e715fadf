"""Kraken spot, read after docs.kraken.com, "Spot WebSocket API v2" (trade, book, ticker, "Book checksum (WebSocket v2)"),
"Spot WebSocket API v1" (trade, book, ticker, spread) and "Spot REST" (Get Recent Trades), 2026-11-22.

In:  frames of websocket v2 (objects) or v1 (arrays), and the REST answers Trades, AssetPairs, Time.
Out: see ../reading.py. Symbols are those of v2 in both generations: BTC and DOGE, not XBT and XDG.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

SIDES = {"buy": 1, "b": 1, "sell": -1, "s": -1}
TELL_NOTHING = ("status", "heartbeat", "instrument", "ohlc", "level3")
MOST_LEVELS = 1000


class KrakenReading(Reading):
    venue = "kraken"
    recordings = ("raw/cryptofeed/KRAKEN_2021-04-17.jsonl.gz",)
    checked = True
    tells_best = True
    noticed = 10
    samples = (
        ("/0/public/AssetPairs?pair=XBTUSD,XDGUSD", "AssetPairs.json"),
        ("", "status.json"),
        ("", "subscribed.json"),
        ("", "book_snapshot.json"),
        ("/0/public/Trades?pair=XBTUSD&since=1795341600000000000", "Trades.json"),
        ("", "trade.json"),
        ("", "book_update.json"),
        ("", "ticker.json"),
        ("", "instrument.json"),
        ("", "heartbeat.json"),
        ("", "pong.json"),
        ("", "v1_status.json"),
        ("", "v1_book_snapshot.json"),
        ("", "v1_book_update.json"),
        ("", "v1_trade.json"),
        ("", "v1_ticker.json"),
        ("", "v1_spread.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        if file.endswith("http_trades.json"):
            return "/0/public/Trades?pair=XBTUSDT&since=0", text
        return "", text

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """A change whose book is not there follows an empty one."""
        message = json.loads(text)
        if message.get("channel") != "book" or message["type"] != "update":
            return []
        symbol = message["data"][0]["symbol"]
        empty = {"symbol": symbol, "bids": [], "asks": [], "checksum": 0, "timestamp": "2026-07-10T00:00:01.000000Z"}
        return [("", json.dumps({"channel": "book", "type": "snapshot", "data": [empty]}))]


class Session:
    """Keeps each book, for its levels beyond the depth that was subscribed leave it without a word."""

    def __init__(self) -> None:
        self.books: dict[str, dict[int, dict[Decimal, Decimal]]] = {}
        self.depths: dict[str, int] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text, parse_float=Decimal)
        if isinstance(message, list):
            yield from self.old(message)
        elif "event" in message or "method" in message:
            done = message.get("result", {})
            if done.get("channel") == "book":
                self.depths[done["symbol"]] = done["depth"]
        elif message["channel"] == "trade" and message["type"] == "update":
            for one in sorted(message["data"], key=lambda one: one["trade_id"]):
                id, at_ns = str(one["trade_id"]), stamp(one["timestamp"])
                yield Deal(one["symbol"], id, number(one["price"]), number(one["qty"]), SIDES[one["side"]], at_ns)
        elif message["channel"] == "book":
            for one in message["data"]:
                yield from self.book(message["type"] == "snapshot", one)
        elif message["channel"] == "ticker":
            for one in message["data"]:
                yield from best(one["symbol"], one["bid"], one["bid_qty"], one["ask"], one["ask_qty"])
        elif message["channel"] != "trade" and message["channel"] not in TELL_NOTHING:
            raise KeyError(message["channel"])

    def answer(self, url: str, text: str) -> Iterator[Told]:
        asked, message = urlsplit(url), json.loads(text, parse_float=Decimal)
        kind = asked.path.rpartition("/")[2]
        if kind == "Trades":
            pair = parse_qs(asked.query)["pair"][0]
            symbol = {"XBTUSD": "BTC/USD", "XBTUSDT": "BTC/USDT"}[pair]
            [trades] = [found for name, found in message["result"].items() if name != "last"]
            for price, size, at, side, _, _, id in sorted(trades, key=lambda trade: trade[6]):
                yield Deal(symbol, str(id), Decimal(price), Decimal(size), SIDES[side], seconds(at))
        elif kind not in ("AssetPairs", "Time"):
            raise KeyError(url)

    def book(self, snapshot: bool, one: dict[str, Any]) -> Iterator[Told]:
        at_ns = stamp(one["timestamp"]) if "timestamp" in one else None
        levels = [
            (side, number(level["price"]), number(level["qty"]), at_ns)
            for side, name in ((BID, "bids"), (ASK, "asks"))
            for level in one.get(name, [])
        ]
        yield from self.change(one["symbol"], snapshot, levels, at_ns)

    def old(self, message: list[Any]) -> Iterator[Told]:
        _, *bodies, channel, pair = message
        symbol = pair.replace("XBT", "BTC").replace("XDG", "DOGE")
        if channel == "trade":
            for price, size, at, side, *_ in bodies[0]:
                yield Deal(symbol, "", Decimal(price), Decimal(size), SIDES[side], seconds(at))
        elif channel.startswith("book-"):
            self.depths[symbol] = int(channel.removeprefix("book-"))
            snapshot = "as" in bodies[0]
            levels = [
                (side, Decimal(price), Decimal(size), None if snapshot else seconds(at))
                for body in bodies
                for side, name in ((ASK, "as"), (BID, "bs"), (ASK, "a"), (BID, "b"))
                for price, size, at, *_ in body.get(name, [])
            ]
            newest = max((at for *_, at in levels if at is not None), default=None)
            yield from self.change(symbol, snapshot, levels, newest)
        elif channel == "ticker":
            (bid, _, bid_size), (ask, _, ask_size) = bodies[0]["b"], bodies[0]["a"]
            yield from best(symbol, bid, bid_size, ask, ask_size)
        elif channel == "spread":
            bid, ask, _, bid_size, ask_size = bodies[0]
            yield from best(symbol, bid, bid_size, ask, ask_size)
        elif not channel.startswith("ohlc"):
            raise KeyError(channel)

    def change(
        self, symbol: str, snapshot: bool, levels: list[tuple[int, Decimal, Decimal, int | None]], at_ns: int | None
    ) -> Iterator[Told]:
        if snapshot:
            self.books[symbol] = {BID: {}, ASK: {}}
            yield Clear(symbol)
        if symbol not in self.books:
            return
        for side, price, size, level_ns in levels:
            self.books[symbol][side][price] = size
            yield Level(symbol, side, price, size, level_ns)
        for side, book in self.books[symbol].items():
            for price in [price for price, size in book.items() if not size]:
                del book[price]
            for price in sorted(book, reverse=side == BID)[self.depths.get(symbol, MOST_LEVELS) :]:
                del book[price]
                yield Level(symbol, side, price, Decimal(0), at_ns)


def best(symbol: str, *values: Any) -> Iterator[Best]:
    """A price of 0 says that there is none."""
    bid, bid_size, ask, ask_size = map(number, values)
    if bid and ask:
        yield Best(symbol, bid, bid_size, ask, ask_size)


def number(value: Any) -> Decimal:
    return Decimal(value)


def seconds(value: Any) -> int:
    """Decimal seconds since 1970 in nanoseconds."""
    return int(Decimal(value).scaleb(9))


def stamp(text: str) -> int:
    whole, _, part = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(whole + "+00:00").timestamp()) * 10**9 + int(part.ljust(9, "0") or 0)


READING = KrakenReading()
