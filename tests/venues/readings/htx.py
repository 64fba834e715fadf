"""HTX spot, read after www.htx.com/en-us/opend, "Websocket Market Data" (trade.detail, bbo, depth.step0, mbp) and "Market Data"
(history/trade), 2026-11-22.

In:  unpacked frames of those topics, and the REST answers market-symbols (once common/symbols), history/trade.
Out: see ../reading.py. Of the sizes of levels, which the venue tells as doubles, ten decimals are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

WIDE = Context(prec=60)


class HtxReading(Reading):
    venue = "htx"
    recordings = ("raw/cryptofeed/HUOBI_2021-04-17_first_half.jsonl.gz",)
    checked = True
    tells_best = True
    samples = (
        ("/v1/settings/common/market-symbols?symbols=btcusdt", "market-symbols.json"),
        ("/v1/common/symbols", "symbols_2021.json"),
        ("", "subbed.json"),
        ("", "depth.json"),
        ("", "trade.json"),
        ("", "depth_next.json"),
        ("", "bbo.json"),
        ("", "ping.json"),
        ("/market/history/trade?symbol=btcusdt&size=2000", "history_trade.json"),
        ("", "mbp_old.json"),
        ("", "mbp_rep.json"),
        ("", "mbp.json"),
        ("", "kline.json"),
    )

    def begin(self) -> Session:
        return Session()

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """A change whose book is not there follows an empty one."""
        if "dtabtc" in text:
            return [("", '{"ch":"market.dtabtc.depth.step0","ts":1,"tick":{"bids":[],"asks":[],"version":1,"ts":1}}')]
        if "109409288576" in text:
            topic, data = "market.btcusdt.mbp.150", '{"seqNum":109409288500,"bids":[],"asks":[]}'
            return [("", f'{{"id":"1","status":"ok","ts":1,"rep":"{topic}","data":{data}}}')]
        return []

    def words(self, text: str, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Names in small letters. They took a change of one level (109409288253) before those that it follows."""
        for level in expected[0]["asks"] if '"rep"' in text else ():
            if level["price"] == Decimal("9138.67"):
                level["amount"] = Decimal("0.036178")
        return [{**one, "symbol": one["symbol"].lower()} for one in expected]


class Session:
    """Changes of mbp wait for the book that was asked for; each names the one before it."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        self.waiting: dict[str, list[dict[str, Any]]] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text, parse_float=Decimal)
        if "ping" in message or "subbed" in message:
            return
        if "rep" in message:
            yield from self.whole(message["rep"].split(".")[1], message["data"])
            return
        _, symbol, kind, *more = message["ch"].split(".")
        tick = message["tick"]
        if (kind, more) == ("trade", ["detail"]):
            yield from deals(symbol, tick["data"], "tradeId")
        elif kind == "bbo":
            names = ("bid", "bidSize", "ask", "askSize")
            bid, bid_size, ask, ask_size = (Decimal(tick[name] or 0) for name in names)
            if bid and ask:
                yield Best(tick["symbol"], bid, kept(bid_size), ask, kept(ask_size))
        elif kind == "depth" and message.get("update"):
            if symbol in self.last:
                yield from levels(symbol, tick, tick["ts"] * 10**6)
        elif kind == "depth":
            self.last[symbol] = tick.get("version", 0)
            yield Clear(symbol)
            yield from (one for one in levels(symbol, tick, tick["ts"] * 10**6) if one.size)
        elif kind == "mbp":
            yield from self.change(symbol, tick)
        elif kind != "kline":
            raise KeyError(message["ch"])

    def answer(self, url: str, text: str) -> Iterator[Told]:
        asked = urlsplit(url)
        if asked.path.endswith("/history/trade"):
            trades = [one for batch in json.loads(text, parse_float=Decimal)["data"] for one in batch["data"]]
            yield from deals(parse_qs(asked.query)["symbol"][0], trades, "trade-id")
        elif "symbols" not in asked.path:
            raise KeyError(url)

    def whole(self, symbol: str, data: dict[str, Any]) -> Iterator[Told]:
        later = [one for one in self.waiting.get(symbol, []) if one["seqNum"] > data["seqNum"]]
        if later and later[0]["prevSeqNum"] > data["seqNum"]:
            return
        self.waiting[symbol], self.last[symbol] = [], data["seqNum"]
        yield Clear(symbol)
        yield from (one for one in levels(symbol, data, None) if one.size)
        for one in later:
            yield from self.change(symbol, one)

    def change(self, symbol: str, tick: dict[str, Any]) -> Iterator[Told]:
        if symbol not in self.last:
            self.waiting.setdefault(symbol, []).append(tick)
        elif tick["prevSeqNum"] > self.last[symbol]:
            del self.last[symbol]
            self.waiting[symbol] = [tick]
        elif tick["seqNum"] > self.last[symbol]:
            self.last[symbol] = tick["seqNum"]
            yield from levels(symbol, tick, None)


def deals(symbol: str, trades: list[dict[str, Any]], id: str) -> Iterator[Deal]:
    for one in sorted(trades, key=lambda trade: trade[id]):
        price, size, side = Decimal(one["price"]), Decimal(one["amount"]), {"buy": 1, "sell": -1}[one["direction"]]
        yield Deal(symbol, str(one[id]), price, size, side, one["ts"] * 10**6)


def levels(symbol: str, tick: dict[str, Any], at_ns: int | None) -> Iterator[Level]:
    for side, name in ((BID, "bids"), (ASK, "asks")):
        for price, size in tick.get(name, []):
            yield Level(symbol, side, Decimal(price), kept(Decimal(size)), at_ns)


def kept(size: Decimal) -> Decimal:
    return size.quantize(Decimal("1e-10"), rounding=ROUND_DOWN, context=WIDE)


READING = HtxReading()
