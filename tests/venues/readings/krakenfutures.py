"""Kraken Futures, read after docs.kraken.com, "Futures WebSocket API" (trade, book, ticker, ticker lite, heartbeat) and
"Futures REST" (Get instruments), 2026-11-22.

In:  frames of the feeds, and the REST answer instruments.
Out: see ../reading.py. The page of latest trades that a subscription begins with tells those that are younger than all
     before; the first one of a product tells nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

MILLISECOND_NS = 1_000_000
SIDES = {"buy": (1, BID), "sell": (-1, ASK)}


class KrakenFuturesReading(Reading):
    venue = "krakenfutures"
    recordings = ("raw/cryptofeed/KRAKEN_FUTURES_2021-07-22.jsonl.gz",)
    checked = True
    tells_best = True
    samples = (
        ("/derivatives/api/v3/instruments", "instruments.json"),
        ("", "info.json"),
        ("", "subscribed.json"),
        ("", "trade_snapshot.json"),
        ("", "trade.json"),
        ("", "trade_liquidation.json"),
        ("", "book_snapshot.json"),
        ("", "book.json"),
        ("", "book_gone.json"),
        ("", "ticker.json"),
        ("", "ticker_lite.json"),
        ("", "heartbeat.json"),
    )

    def begin(self) -> Session:
        return Session()

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """The trades of a snapshot count after an earlier one; the first snapshot holds those from before the subscription."""
        if "trade_snapshot" not in file:
            return []
        message = json.loads(text)
        earlier = {**message["trades"][0], "seq": 655506, "uid": "00000000-0000-0000-0000-000000655506"}
        return [("", json.dumps(message | {"trades": [earlier]}))]


class Session:
    def __init__(self) -> None:
        self.newest: dict[str, int] = {}
        self.book_number: dict[str, int] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text, parse_float=Decimal)
        feed, symbol = message.get("feed", ""), message.get("product_id", "")
        if "event" in message:
            if message["event"] not in ("info", "subscribed", "unsubscribed"):
                raise KeyError(message["event"])
        elif feed == "trade":
            yield from self.deal(message)
        elif feed == "trade_snapshot":
            known = self.newest.setdefault(symbol, max(one["seq"] for one in message["trades"]))
            for one in sorted(message["trades"], key=lambda one: one["seq"]):
                if one["seq"] > known:
                    yield from self.deal(one)
        elif feed == "book_snapshot":
            self.book_number[symbol] = message["seq"]
            yield Clear(symbol)
            for side, name in ((BID, "bids"), (ASK, "asks")):
                for level in message[name]:
                    if level["qty"]:
                        at_ns = message["timestamp"] * MILLISECOND_NS
                        yield Level(symbol, side, Decimal(level["price"]), Decimal(level["qty"]), at_ns)
        elif feed == "book":
            if self.book_number.get(symbol) == message["seq"] - 1:
                self.book_number[symbol] += 1
                side, at_ns = SIDES[message["side"]][1], message["timestamp"] * MILLISECOND_NS
                yield Level(symbol, side, Decimal(message["price"]), Decimal(message["qty"]), at_ns)
        elif feed in ("ticker", "ticker_lite"):
            values = [Decimal(message.get(name) or 0) for name in ("bid", "bid_size", "ask", "ask_size")]
            if values[0] and values[2]:
                yield Best(symbol, *values)
        elif feed != "heartbeat":
            raise KeyError(feed)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        if not url.endswith("/instruments"):
            raise KeyError(url)
        yield from ()

    def deal(self, one: dict[str, Any]) -> Iterator[Deal]:
        self.newest[one["product_id"]] = one["seq"]
        side, at_ns = SIDES[one["side"]][0], one["time"] * MILLISECOND_NS
        yield Deal(one["product_id"], one["uid"], Decimal(one["price"]), Decimal(one["qty"]), side, at_ns)


READING = KrakenFuturesReading()
