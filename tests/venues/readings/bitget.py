"""Bitget, read after www.bitget.com/api-doc, websocket v2 "Depth Channel" (with its checksum), "Trading Channel", "Tickers
Channel", and REST v2 "Get Symbol Info", "Get Market Trades", 2026-11-22; v1 after the same channels as recorded.

In:  frames of v2 and v1 of trade, books, books1 and ticker, and the REST answers symbols (v1: products), contracts,
     fills-history.
Out: see ../reading.py. Symbols of contracts stand behind their product. Trade ids that do not count are shown in hexadecimal; v1
     has none. Past trades are asked for after a lost connection only: no session here has one, so they tell nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told


class BitgetReading(Reading):
    venue = "bitget"
    recordings = ("raw/cryptofeed/BITGET_2022-04-03.jsonl.gz",)
    checked = True
    tells_best = True
    noticed = 25
    samples = (
        ("/api/v2/spot/public/symbols", "symbols.json"),
        ("/api/v2/mix/market/contracts?productType=USDT-FUTURES", "contracts.json"),
        ("/api/spot/v1/public/products", "v1_products.json"),
        ("", "subscribed.json"),
        ("", "books_snapshot.json"),
        ("", "trade_snapshot.json"),
        ("", "trade.json"),
        ("", "books_update.json"),
        ("", "books1.json"),
        ("", "trade_swap.json"),
        ("", "ticker_swap.json"),
        ("/api/v2/spot/market/fills-history?symbol=BTCUSDT&limit=1000", "fills.json"),
        ("", "v1_books_snapshot.json"),
        ("", "v1_books_update.json"),
        ("", "v1_trade.json"),
        ("", "v1_ticker.json"),
        ("", "v1_candle.json"),
    )

    def begin(self) -> Session:
        return Session()


class Session:
    """A change of v2 names the one before it, the first of them one that is not after the snapshot."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text)
        if "event" in message:
            return
        arg, snapshot = message["arg"], message["action"] == "snapshot"
        product, channel = arg["instType"].upper(), arg["channel"]
        symbol = arg["instId"] if product in ("SP", "SPOT") else f"{product}:{arg['instId']}"
        if channel == "trade" and not snapshot:
            for one in reversed(message["data"]):
                yield deal(symbol, one)
        elif channel == "books":
            for one in message["data"]:
                yield from self.book(symbol, snapshot, one)
        elif channel == "books1":
            for one in message["data"]:
                if one["bids"] and one["asks"]:
                    (bid, bid_size), (ask, ask_size) = one["bids"][0], one["asks"][0]
                    yield from best(symbol, bid, bid_size, ask, ask_size)
        elif channel == "ticker":
            for one in message["data"]:
                if "bestBid" in one:
                    yield from best(symbol, one["bestBid"], "0", one["bestAsk"], "0")
        elif channel != "trade" and not channel.startswith("candle"):
            raise KeyError(channel)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        if not any(part in url for part in ("/symbols", "/products", "/contracts", "/fills-history")):
            raise KeyError(url)
        yield from ()

    def book(self, symbol: str, snapshot: bool, one: dict[str, Any]) -> Iterator[Told]:
        if snapshot:
            yield Clear(symbol)
        elif symbol not in self.last or 0 < one.get("seq", 0) <= self.last[symbol]:
            return
        elif one.get("pseq", -1) == 0 or one.get("pseq", 0) > self.last[symbol]:
            del self.last[symbol]
            return
        self.last[symbol] = one.get("seq", 0)
        for side, name in ((BID, "bids"), (ASK, "asks")):
            for price, size in one[name]:
                if Decimal(size) or not snapshot:
                    yield Level(symbol, side, Decimal(price), Decimal(size), int(one["ts"]) * 10**6)


def deal(symbol: str, one: Any) -> Deal:
    if isinstance(one, list):
        at, price, size, side, id = *one, ""
    else:
        at, price, size, side, id = one["ts"], one["price"], one["size"], one["side"], f"{int(one['tradeId']):032x}"
    return Deal(symbol, id, Decimal(price), Decimal(size), {"buy": 1, "sell": -1}[side.lower()], int(at) * 10**6)


def best(symbol: str, *texts: str) -> Iterator[Best]:
    """A price of 0 says that there is none."""
    bid, bid_size, ask, ask_size = map(Decimal, texts)
    if bid and ask:
        yield Best(symbol, bid, bid_size, ask, ask_size)


READING = BitgetReading()
