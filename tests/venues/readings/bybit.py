"""Bybit, read after bybit-exchange.github.io/docs/v5, "Websocket Stream, Public" (Trade, Orderbook, Ticker, All Liquidation)
and "Market" (Get Instruments Info, Get Recent Public Trades), 2026-11-22; and after docs v2 as the recordings of 2021 speak it.

In:  frames of v5 (spot ones where `prefix` says so) or v2, and the REST answers instruments-info, recent-trade, symbols.
Out: see ../reading.py. A page of recent trades tells only after a lost connection, which no session here has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

MILLISECOND_NS = 1_000_000
SIDES = {"Buy": (1, BID), "Sell": (-1, ASK)}
TELL_NOTHING = ("tickers", "allLiquidation", "liquidation", "instrument_info", "orderBook_200")


class BybitReading(Reading):
    venue = "bybit"
    recordings = ("raw/cryptofeed/BYBIT_2021-04-17_first_half.jsonl.gz",)
    checked = False  # books of v2, which the session speaks
    tells_best = True
    prefix = ""
    samples: tuple[tuple[str, str], ...] = (
        ("/v5/market/instruments-info?category=linear&symbol=BTCUSDT", "instruments_linear.json"),
        ("", "subscribed.json"),
        ("", "publicTrade.json"),
        ("/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=1000", "recent_trade.json"),
        ("", "orderbook_snapshot.json"),
        ("", "orderbook.json"),
        ("", "orderbook1.json"),
        ("", "orderbook1_delta.json"),
        ("", "tickers.json"),
        ("", "tickers_delta.json"),
        ("", "allLiquidation.json"),
        ("", "pong.json"),
        ("/v2/public/symbols", "v2_symbols.json"),
        ("", "v2_subscribed.json"),
        ("", "v2_trade.json"),
        ("", "v2_trade_inverse.json"),
        ("", "v2_book_snapshot.json"),
        ("", "v2_book.json"),
        ("", "v2_book_inverse.json"),
    )

    def begin(self) -> Session:
        return Session(self.prefix)

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """A change of v2 whose book is not there follows an empty one."""
        for symbol, lone, empty in (("XRPUSD", "delta", "[]"), ("BTCUSDT", "177025198", '{"order_book":[]}')):
            topic = f"orderBookL2_25.{symbol}"
            if not file and topic in text and lone in text:
                return [("", f'{{"topic":"{topic}","type":"snapshot","data":{empty},"cross_seq":1,"timestamp_e6":1}}')]
        return []


class Session:
    """Books of v5 are applied while each change has the next id (u)."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.ids: dict[str, int] = {}
        self.best: dict[str, dict[int, tuple[Decimal, Decimal]]] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text, parse_float=Decimal)
        kind, _, rest = message.get("topic", "").partition(".")
        if not kind:
            if not message["success"]:
                raise KeyError(message["ret_msg"])
        elif kind == "publicTrade":
            for one in message["data"]:
                side, at_ns = SIDES[one["S"]][0], one["T"] * MILLISECOND_NS
                yield Deal(self.prefix + one["s"], id_of(one["i"]), Decimal(one["p"]), Decimal(one["v"]), side, at_ns)
        elif kind == "trade":
            for one in message["data"]:
                yield old_deal(one)
        elif kind == "orderbook":
            yield from self.book(message, rest.startswith("1."))
        elif kind == "orderBookL2_25":
            yield from self.old_book(rest, message)
        elif kind not in TELL_NOTHING:
            raise KeyError(kind)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        if (
            url.partition("?")[0] not in ("/v5/market/instruments-info", "/v5/market/recent-trade")
            and "symbols" not in url
        ):
            raise KeyError(url)
        yield from ()

    def book(self, message: dict[str, Any], only_best: bool) -> Iterator[Told]:
        data, snapshot = message["data"], message["type"] == "snapshot"
        symbol, at_ns = self.prefix + data["s"], message.get("cts", message["ts"]) * MILLISECOND_NS
        levels = [
            Level(symbol, side, Decimal(price), Decimal(size), at_ns)
            for side, name in ((BID, "b"), (ASK, "a"))
            for price, size in data[name]
        ]
        if only_best:
            best = self.best.setdefault(symbol, {})
            if snapshot:
                best.clear()
            for side in {level.side for level in levels}:
                there = [(level.price, level.size) for level in levels if level.side == side and level.size]
                best[side] = there[0] if there else (Decimal(0), Decimal(0))
            if best.get(BID, (0,))[0] and best.get(ASK, (0,))[0]:
                yield Best(symbol, *best[BID], *best[ASK])
            return
        if snapshot:
            self.ids[symbol] = data["u"]
            yield Clear(symbol)
            yield from (level for level in levels if level.size)
        elif self.ids.get(symbol) == data["u"] - 1:
            self.ids[symbol] = data["u"]
            yield from levels

    def old_book(self, symbol: str, message: dict[str, Any]) -> Iterator[Told]:
        data, at_ns = message["data"], int(message["timestamp_e6"]) * 1000
        if message["type"] == "snapshot":
            self.ids[symbol] = 0
            yield Clear(symbol)
            found = data if isinstance(data, list) else data["order_book"]
        elif symbol not in self.ids:
            return
        else:
            found = [*data.get("delete", []), *data.get("update", []), *data.get("insert", [])]
        for one in found:
            if message["type"] == "snapshot" and not one["size"]:
                continue
            yield Level(symbol, SIDES[one["side"]][1], Decimal(one["price"]), Decimal(one.get("size", 0)), at_ns)


def old_deal(one: dict[str, Any]) -> Deal:
    at = datetime.fromisoformat(one["timestamp"].replace("Z", "+00:00")).timestamp() * 1000
    at_ms = int(one.get("trade_time_ms", round(at)))
    size, price, side = Decimal(one["size"]), Decimal(one["price"]), SIDES[one["side"]][0]
    return Deal(one["symbol"], one["trade_id"], price, size, side, at_ms * MILLISECOND_NS)


def id_of(text: str) -> str:
    """UUIDs are shown as they are, the numbers of spot in hexadecimal."""
    return f"{int(text):032x}" if text.isdecimal() else str(UUID(text))


READING = BybitReading()
