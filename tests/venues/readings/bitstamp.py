"""Bitstamp, read after www.bitstamp.net/websocket/v2 (live trades, live full order book: "Order book diffs", funding rate)
and www.bitstamp.net/api (order book, transactions, markets), 2026-11-22.

In:  frames of live_trades, diff_order_book and funding_rate, and the REST answers order_book, transactions, markets (once
     trading-pairs-info).
Out: see ../reading.py. Trade ids that do not count are shown in hexadecimal. Transactions are asked for after a lost
     connection only: no session here has one, so they tell nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..reading import ASK, BID, Clear, Deal, Level, Reading, Told


class BitstampReading(Reading):
    venue = "bitstamp"
    recordings = ("raw/cryptofeed/BITSTAMP_2021-04-17.jsonl.gz", "raw/cryptofeed/BITSTAMP_2022-01-05.jsonl.gz")
    checked = False
    samples = (
        ("/api/v2/markets/", "markets.json"),
        ("", "subscribed.json"),
        ("", "trade.json"),
        ("", "diff_old.json"),
        ("/api/v2/order_book/btcusd/?group=1", "order_book.json"),
        ("", "diff.json"),
        ("", "trade_perpetual.json"),
        ("", "funding_rate.json"),
        ("/api/v2/transactions/btcusd/?time=hour", "transactions.json"),
        ("", "heartbeat.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        """A snapshot that the recorder of raw/pairs wrote as a frame is the REST answer it was; one of 2019 has no microsecond:
        it is taken for the last of its second.
        """
        message = json.loads(text)
        if message.get("event") == "snapshot":
            symbol, data = message["channel"].removeprefix("diff_order_book_"), message["data"]
            data.setdefault("microtimestamp", data["timestamp"] + "999999")
            return f"/api/v2/order_book/{symbol}/", json.dumps(data)
        return "", text

    def words(self, text: str, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Names in small letters, ids that do not count as they are shown."""
        return [
            {**one, "symbol": one["symbol"].lower(), "id": f"{int(one['id']):032x}" if "id" in one else None}
            for one in expected
        ]


class Session:
    """Diffs wait for a snapshot that is not older than the first of them; those up to its microsecond are in it."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        self.at: dict[str, int] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text)
        event, channel, data = message["event"], message.get("channel", ""), message.get("data")
        if event == "trade":
            side = {0: 1, 1: -1}[data["type"]]
            price, size, at_ns = (
                Decimal(data["price_str"]),
                Decimal(data["amount_str"]),
                int(data["microtimestamp"]) * 1000,
            )
            yield Deal(channel.removeprefix("live_trades_"), f"{data['id']:032x}", price, size, side, at_ns)
        elif event == "data":
            symbol = channel.removeprefix("diff_order_book_")
            if symbol in self.at:
                yield from self.change(symbol, data)
            else:
                self.waiting.setdefault(symbol, []).append(data)
        elif event not in ("bts:subscription_succeeded", "bts:heartbeat", "funding_rate_saved"):
            raise KeyError(event)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        parts = url.split("?")[0].rstrip("/").split("/")
        if "order_book" in parts:
            yield from self.snapshot(parts[-1], json.loads(text))
        elif not {"transactions", "markets", "trading-pairs-info"} & set(parts):
            raise KeyError(url)

    def change(self, symbol: str, data: dict[str, Any]) -> Iterator[Told]:
        at = micro(data)
        if at > self.at[symbol]:
            self.at[symbol] = at
            yield from levels(symbol, data, at * 1000)

    def snapshot(self, symbol: str, data: dict[str, Any]) -> Iterator[Told]:
        waiting = self.waiting.get(symbol, [])
        if waiting and micro(waiting[0]) > micro(data):
            return
        self.at[symbol], self.waiting[symbol] = micro(data), []
        yield Clear(symbol)
        for one in levels(symbol, data, None):
            if one.size:
                yield one
        for later in waiting:
            yield from self.change(symbol, later)


def micro(data: dict[str, Any]) -> int:
    return int(data["microtimestamp"])


def levels(symbol: str, data: dict[str, Any], at_ns: int | None) -> Iterator[Level]:
    for side, name in ((BID, "bids"), (ASK, "asks")):
        for price, size in data[name]:
            yield Level(symbol, side, Decimal(price), Decimal(size), at_ns)


READING = BitstampReading()
