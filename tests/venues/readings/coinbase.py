"""Coinbase Exchange, read after docs.cdp.coinbase.com, "Exchange WebSocket Channels" and the Exchange REST API's "Get product
trades" and "Pagination", 2026-11-22.

In:  frames of the channels matches, level2 or level2_batch, ticker and heartbeat, and the REST answers products and
     /products/ID/trades.
Out: see ../reading.py. A `last_match` repeats a trade from before the subscription and tells nothing.
"""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

TELL_NOTHING = ("subscriptions", "last_match", "heartbeat")


class CoinbaseReading(Reading):
    venue = "coinbase"
    recordings = ("raw/cryptofeed/COINBASE_2021-04-17_first_half.jsonl.gz",)
    checked = False
    tells_best = True
    samples = (
        ("/products", "products.json"),
        ("", "subscriptions.json"),
        ("", "snapshot.json"),
        ("", "last_match.json"),
        ("", "match.json"),
        ("", "ticker.json"),
        ("", "l2update.json"),
        ("", "heartbeat.json"),
        ("/products/SOL-USD/trades?before=42&limit=1000", "trades.json"),
    )

    def begin(self) -> Session:
        return Session()

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """A change whose book is not there follows an empty one."""
        message = json.loads(text)
        if file or message["type"] != "l2update":
            return []
        return [("", json.dumps({"type": "snapshot", "product_id": message["product_id"], "bids": [], "asks": []}))]


class Session:
    """A change to a book of which no snapshot came says nothing about what the book is."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text)
        kind = message["type"]
        if kind == "match":
            yield deal(message["product_id"], message)
        elif kind == "snapshot":
            self.known.add(message["product_id"])
            yield Clear(message["product_id"])
            told = [("buy", *level) for level in message["bids"]] + [("sell", *level) for level in message["asks"]]
            for one in levels(message, told):
                if one.size:
                    yield one
        elif kind == "l2update":
            if message["product_id"] in self.known:
                yield from levels(message, message["changes"])
        elif kind == "ticker":
            sizes = [Decimal(message.get(name, "0")) for name in ("best_bid_size", "best_ask_size")]
            bid, ask = Decimal(message["best_bid"]), Decimal(message["best_ask"])
            yield Best(message["product_id"], bid, sizes[0], ask, sizes[1])
        elif kind not in TELL_NOTHING:
            raise KeyError(kind)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        """Pages of trades come newest first."""
        path = urlsplit(url).path.split("/")
        if path[-1] == "trades":
            for past in reversed(json.loads(text)):
                yield deal(path[-2], past)
        elif path[-1] != "products":
            raise KeyError(url)


def deal(symbol: str, one: dict[str, Any]) -> Deal:
    """The side is that of the maker's order: the taker did the other."""
    side = {"buy": -1, "sell": 1}[one["side"]]
    return Deal(symbol, str(one["trade_id"]), Decimal(one["price"]), Decimal(one["size"]), side, time_of(one))


def levels(message: dict[str, Any], told: list[Any]) -> Iterator[Level]:
    """A size that fell below zero at the venue is written as '0.-10000': nothing is left."""
    for side, price, size in told:
        left = Decimal(0) if size.startswith("0.-") else Decimal(size)
        yield Level(message["product_id"], BID if side == "buy" else ASK, Decimal(price), left, time_of(message))


def time_of(message: dict[str, Any]) -> int | None:
    """Nanoseconds since 1970; None without a time, or with the year 1 that stands for none."""
    text = message.get("time", "0001")
    if text.startswith("0001"):
        return None
    whole, _, part = text.removesuffix("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return seconds * 10**9 + int(part.ljust(9, "0"))


READING = CoinbaseReading()
