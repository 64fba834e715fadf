"""Binance spot, read after developers.binance.com, "WebSocket Streams for Binance SPOT" with "How to manage a local order
book correctly", and "Market Data endpoints", 2026-11-22.

In:  frames of combined streams, and the REST answers depth, historicalTrades (trades has the same form), exchangeInfo.
Out: see ../reading.py. Ids are those of trades or, in streams of aggregates, of aggregates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

MILLISECOND_NS = 1_000_000


class BinanceReading(Reading):
    venue = "binance"
    recordings = (
        "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz",
        "orderbook/binance_spot_btcusdt_20240808.jsonl.gz",
        "orderbook/binance_spot_ethusdt_20240808.jsonl.gz",
    )
    checked = True
    tells_best = True
    samples = (
        ("/api/v3/exchangeInfo", "exchangeInfo.json"),
        ("/api/v3/historicalTrades?symbol=BNBBTC&fromId=12343", "historicalTrades.json"),
        ("", "trade.json"),
        ("", "aggTrade.json"),
        ("", "bookTicker.json"),
        ("/api/v3/depth?symbol=BNBBTC", "depth_snapshot.json"),
        ("", "depth.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        """A snapshot that the recorder of raw/pairs wrote as a stream of its own is the REST answer it was."""
        message = json.loads(text)
        if not file and message["stream"].endswith("@depthSnapshot"):
            symbol = message["stream"].partition("@")[0].upper()
            return f"/api/v3/depth?symbol={symbol}", json.dumps(message["data"])
        for ending, url in (("depth_response.json", "depth"), ("trades_response.json", "historicalTrades")):
            if file.endswith(ending):
                return f"/api/v3/{url}?symbol=LTCBTC&fromId=0", text
        return "", text


class Session:
    """Books are applied as the venue documents it: changes wait for a snapshot that is not older than the first of
    them; those up to its id are dropped; one that begins after the next id means that some were missed.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        self.update_id: dict[str, int] = {}
        self.best_id: dict[str, int] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text)
        if "result" in message:  # the answer to a subscription
            return
        kind, data = message["stream"].partition("@")[2], message["data"]
        if kind == "trade":
            yield deal(data["s"], data["t"], data["p"], data["q"], data["T"], data["m"])
        elif kind == "aggTrade":
            yield deal(data["s"], data["a"], data["p"], data["q"], data["T"], data["m"])
        elif kind == "bookTicker":
            self.best_id[data["s"]] = data["u"]
            yield Best(data["s"], Decimal(data["b"]), Decimal(data["B"]), Decimal(data["a"]), Decimal(data["A"]))
        elif kind in ("depth", "depth@100ms"):
            yield from self.change(data)
        else:
            raise KeyError(kind)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        asked = urlsplit(url)
        kind, symbol = asked.path.rpartition("/")[2], parse_qs(asked.query).get("symbol", [""])[0]
        if kind == "depth":
            yield from self.snapshot(symbol, json.loads(text))
        elif kind == "historicalTrades":
            for past in json.loads(text):
                yield deal(symbol, past["id"], past["price"], past["qty"], past["time"], past["isBuyerMaker"])
        elif kind != "exchangeInfo":
            raise KeyError(kind)

    def change(self, data: dict[str, Any]) -> Iterator[Told]:
        symbol = data["s"]
        if symbol not in self.update_id:
            self.waiting.setdefault(symbol, []).append(data)
        elif data["U"] > self.update_id[symbol] + 1:
            del self.update_id[symbol]
            self.waiting[symbol] = [data]
        elif data["u"] > self.update_id[symbol]:
            self.update_id[symbol] = data["u"]
            yield from levels(symbol, data["b"], data["a"], data["E"] * MILLISECOND_NS)

    def snapshot(self, symbol: str, data: dict[str, Any]) -> Iterator[Told]:
        waiting, update_id = self.waiting.get(symbol, []), data["lastUpdateId"]
        if waiting and update_id < waiting[0]["U"]:
            return
        self.waiting[symbol], self.update_id[symbol] = [], update_id
        yield Clear(symbol)
        yield from levels(symbol, data["bids"], data["asks"], None)
        if data["bids"] and data["asks"] and update_id > self.best_id.get(symbol, 0):
            (bid, bid_size), (ask, ask_size) = data["bids"][0], data["asks"][0]
            yield Best(symbol, Decimal(bid), Decimal(bid_size), Decimal(ask), Decimal(ask_size))
        for change in waiting:
            yield from self.change(change)


def deal(symbol: str, id: int, price: str, size: str, time_ms: int, buyer_is_maker: bool) -> Deal:
    """The maker was there first: if that is the buyer, the taker sold."""
    side = -1 if buyer_is_maker else 1
    return Deal(symbol, str(id), Decimal(price), Decimal(size), side, time_ms * MILLISECOND_NS)


def levels(symbol: str, bids: list[list[str]], asks: list[list[str]], time_ns: int | None) -> Iterator[Level]:
    for side, changed in ((BID, bids), (ASK, asks)):
        for price, size in changed:
            yield Level(symbol, side, Decimal(price), Decimal(size), time_ns)


READING = BinanceReading()
