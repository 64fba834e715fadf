"""Gate spot, read after www.gate.com/docs/developers/apiv4/ws (spot.trades, spot.obu, spot.order_book_update with "How to
maintain local order book", spot.book_ticker) and apiv4 "Query market transaction records", 2026-11-22.

In:  frames of those channels, and the REST answers currency_pairs, order_book, trades.
Out: see ../reading.py. Ids are those that count the trades of one pair; where there are none, those that do not, shown in
     hexadecimal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

TELL_NOTHING = ("spot.tickers", "spot.candlesticks", "spot.pong")


class GateReading(Reading):
    venue = "gate"
    recordings = ("raw/cryptofeed/GATEIO_2021-04-22.jsonl.gz",)
    checked = True
    tells_best = True
    samples = (
        ("/api/v4/spot/currency_pairs/GT_USDT", "currency_pair.json"),
        ("", "pong.json"),
        ("", "subscribed.json"),
        ("", "obu_full.json"),
        ("", "trade.json"),
        ("", "obu.json"),
        ("", "book_ticker.json"),
        ("/api/v4/spot/trades?currency_pair=GT_USDT&limit=1000&from=1795341601", "trades.json"),
        ("", "trade_2021.json"),
        ("", "update_2021_old.json"),
        ("/api/v4/spot/order_book?currency_pair=HAI_ETH&limit=100&with_id=true", "order_book_2021.json"),
        ("", "update_2021.json"),
        ("", "ticker_2021.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        """A snapshot that the recorder of raw/pairs wrote as a frame is the REST answer it was."""
        message = json.loads(text)
        if message.get("event") == "snapshot":
            return f"/api/v4/spot/order_book?currency_pair={message['symbol']}", json.dumps(message["result"])
        return "", text

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """A change whose book is not there follows an empty one."""
        if '"u": 25847129996' not in text:
            return []
        message = json.loads(text)
        message["result"] = {**message["result"], "full": True, "u": 25847129969, "b": [], "a": []}
        del message["result"]["U"]
        return [("", json.dumps(message))]

    def words(self, text: str, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ids that do not count as they are shown."""
        return [{**one, "id": f"{int(one['id']):032x}" if "id" in one else None} for one in expected]


class Session:
    """Changes wait for a book that is not older than the first of them; each begins at most one after the last."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        self.waiting: dict[str, list[dict[str, Any]]] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text)
        channel, data = message["channel"], message["result"]
        if channel in TELL_NOTHING or message["event"] == "subscribe":
            return
        if channel == "spot.trades":
            id = str(data["id_market"]) if data.get("id_market") else f"{data['id']:032x}"
            yield deal(data["currency_pair"], id, data)
        elif channel == "spot.book_ticker":
            bid, bid_size, ask, ask_size = (Decimal(data[name] or 0) for name in "bBaA")
            if bid and ask:
                yield Best(data["s"], bid, bid_size, ask, ask_size)
        elif channel == "spot.obu":
            symbol = data["s"].split(".")[1]
            if data.get("full"):
                yield from self.whole(symbol, data["u"], data.get("b") or [], data.get("a") or [], data["t"] * 10**6)
            else:
                yield from self.change(symbol, data)
        elif channel == "spot.order_book_update":
            yield from self.change(data["s"], data)
        else:
            raise KeyError(channel)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        asked, found = urlsplit(url), json.loads(text)
        symbol = parse_qs(asked.query).get("currency_pair", [""])[0]
        if asked.path.endswith("/order_book"):
            yield from self.whole(symbol, found["id"], found["bids"], found["asks"], None)
        elif asked.path.endswith("/trades"):
            for one in sorted(found, key=lambda one: int(one["sequence_id"])):
                yield deal(symbol, str(int(one["sequence_id"])), one)
        elif "/currency_pairs" not in asked.path:
            raise KeyError(url)

    def whole(self, symbol: str, id: int, bids: list[Any], asks: list[Any], at_ns: int | None) -> Iterator[Told]:
        later = [one for one in self.waiting.get(symbol, []) if one["u"] > id]
        if later and later[0].get("U", 0) > id + 1:
            return
        self.waiting[symbol], self.last[symbol] = [], id
        yield Clear(symbol)
        for level in levels(symbol, bids, asks, at_ns):
            if level.size:
                yield level
        for one in later:
            yield from self.change(symbol, one)

    def change(self, symbol: str, data: dict[str, Any]) -> Iterator[Told]:
        if symbol not in self.last:
            self.waiting.setdefault(symbol, []).append(data)
        elif data.get("U", 0) > self.last[symbol] + 1:
            del self.last[symbol]
            self.waiting[symbol] = [data]
        elif data["u"] > self.last[symbol]:
            self.last[symbol] = data["u"]
            yield from levels(symbol, data.get("b") or [], data.get("a") or [], data["t"] * 10**6)


def deal(symbol: str, id: str, one: dict[str, Any]) -> Deal:
    at_ns = int(Decimal(one["create_time_ms"]).scaleb(6))
    return Deal(symbol, id, Decimal(one["price"]), Decimal(one["amount"]), {"buy": 1, "sell": -1}[one["side"]], at_ns)


def levels(symbol: str, bids: list[Any], asks: list[Any], at_ns: int | None) -> Iterator[Level]:
    for side, found in ((BID, bids), (ASK, asks)):
        for price, size in found:
            yield Level(symbol, side, Decimal(price), Decimal(size), at_ns)


READING = GateReading()
