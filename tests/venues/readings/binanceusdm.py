"""Binance USD-M futures, read after developers.binance.com, "WebSocket Market Streams" with "How to manage a local order
book correctly", and "Market Data endpoints", 2026-11-22.

In:  frames of combined streams, and the REST answers depth, trades (historicalTrades has the same form), aggTrades,
     premiumIndex, exchangeInfo.
Out: see ../reading.py. Ids are those of trades or, of symbols that began with aggregates, of aggregates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

MILLISECOND_NS = 1_000_000
NO_MARKET = ("kline_1m", "markPrice", "markPrice@1s", "forceOrder")  # they tell no trade and no level


class BinanceUsdmReading(Reading):
    venue = "binanceusdm"
    recordings = (
        "raw/cryptofeed/BINANCE_FUTURES_2021-04-05.jsonl.gz",
        "orderbook/binance_usdm_btcusdt_20240808.jsonl.gz",
    )
    checked = True
    tells_best = True
    samples = (
        ("/fapi/v1/exchangeInfo", "exchangeInfo.json"),
        ("/fapi/v1/trades?symbol=BTCUSDT&limit=1000", "trades.json"),
        ("", "trade.json"),
        ("", "trade_insurance.json"),
        ("", "aggTrade.json"),
        ("/fapi/v1/aggTrades?symbol=ETHUSDT&fromId=5933012&limit=1000", "aggTrades.json"),
        ("", "bookTicker.json"),
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=1000", "depth_snapshot.json"),
        ("", "depth.json"),
        ("", "markPrice.json"),
        ("", "forceOrder.json"),
        ("/fapi/v1/premiumIndex?symbol=BTCUSDT", "premiumIndex.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        """A snapshot that a recorder wrote as a stream is the REST answer it was; payloads are bare, without their stream."""
        message = json.loads(text)
        if file.endswith("market_depth.json"):
            return "/fapi/v1/depth?symbol=BTCUSDT", text
        if file:
            kind = {"bookTicker": "bookTicker", "depthUpdate": "depth"}[message["e"]]
            return "", f'{{"stream":"{message["s"].lower()}@{kind}","data":{text}}}'
        if "@depthSnapshot" in message["stream"]:
            return "/fapi/v1/depth?symbol=BTCUSDT", json.dumps(message["data"])
        return "", text

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """A change that follows no other follows a snapshot."""
        for lone, id in (('"pu": 687690832', 687687945), ('"pu":149', 158)):
            if lone in text:
                return [("/fapi/v1/depth?symbol=BTCUSDT", f'{{"lastUpdateId":{id},"bids":[],"asks":[]}}')]
        return []


class Session:
    """Books are applied as the venue documents it: changes wait for a snapshot that is not older than the first of
    them; those up to its id are in it; after that each names the last id of the one before (pu).
    """

    def __init__(self) -> None:
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        self.update_id: dict[str, int] = {}
        self.began: dict[str, str] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text)
        if "result" in message:  # the answer to a subscription
            return
        data = message["data"]
        kind = message["stream"].partition("@")[2]
        if kind == "trade" and data.get("X", "MARKET") == "MARKET":
            yield from self.deal("t", data["s"], data["t"], data["p"], data["q"], data["T"], data["m"])
        elif kind == "trade":  # used an id without a trade of the market
            self.began.setdefault(data["s"], "t")
        elif kind == "aggTrade":
            yield from self.deal("a", data["s"], data["a"], data["p"], data["q"], data["T"], data["m"])
        elif kind == "bookTicker":
            best = Best(data["s"], Decimal(data["b"]), Decimal(data["B"]), Decimal(data["a"]), Decimal(data["A"]))
            if best.bid and best.ask:
                yield best
        elif kind.partition("@")[0] == "depth":
            yield from self.change(data)
        elif kind not in NO_MARKET:
            raise KeyError(kind)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        asked = urlsplit(url)
        kind, symbol = asked.path.rpartition("/")[2], parse_qs(asked.query).get("symbol", [""])[0]
        if kind == "depth":
            yield from self.snapshot(symbol, json.loads(text))
        elif kind == "trades":
            for past in sorted(json.loads(text), key=lambda past: past["id"]):
                told = (past["id"], past["price"], past["qty"], past["time"], past["isBuyerMaker"])
                yield from self.deal("t", symbol, *told)
        elif kind == "aggTrades":
            for past in json.loads(text):
                yield from self.deal("a", symbol, past["a"], past["p"], past["q"], past["T"], past["m"])
        elif kind not in ("exchangeInfo", "premiumIndex"):
            raise KeyError(kind)

    def deal(
        self, kind: str, symbol: str, id: int, price: str, size: str, time_ms: int, buyer_is_maker: bool
    ) -> Iterator[Deal]:
        """The maker was there first: if that is the buyer, the taker sold. Single trades and aggregates of them tell
        the same twice: those count that a symbol began with."""
        if self.began.setdefault(symbol, kind) == kind:
            side = -1 if buyer_is_maker else 1
            yield Deal(symbol, str(id), Decimal(price), Decimal(size), side, time_ms * MILLISECOND_NS)

    def change(self, data: dict[str, Any]) -> Iterator[Told]:
        symbol = data["s"]
        if symbol not in self.update_id:
            self.waiting.setdefault(symbol, []).append(data)
        elif data["u"] <= self.update_id[symbol]:
            return
        elif min(data["U"], data["pu"]) <= self.update_id[symbol]:
            self.update_id[symbol] = data["u"]
            yield from levels(symbol, data["b"], data["a"], data["T"] * MILLISECOND_NS)
        else:
            del self.update_id[symbol]
            self.waiting[symbol] = [data]

    def snapshot(self, symbol: str, data: dict[str, Any]) -> Iterator[Told]:
        update_id = data["lastUpdateId"]
        waiting = [change for change in self.waiting.get(symbol, []) if change["u"] > update_id]
        if waiting and min(waiting[0]["U"], waiting[0]["pu"]) > update_id:
            return
        self.waiting[symbol], self.update_id[symbol] = [], update_id
        yield Clear(symbol)
        time_ns = data["T"] * MILLISECOND_NS if "T" in data else None
        for level in levels(symbol, data["bids"], data["asks"], time_ns):
            if level.size:
                yield level
        for change in waiting:
            yield from self.change(change)


def levels(symbol: str, bids: list[list[str]], asks: list[list[str]], time_ns: int | None) -> Iterator[Level]:
    for side, changed in ((BID, bids), (ASK, asks)):
        for price, size in changed:
            yield Level(symbol, side, Decimal(price), Decimal(size), time_ns)


READING = BinanceUsdmReading()
