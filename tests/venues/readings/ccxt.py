"""What comes through ccxt, read after docs.ccxt.com, "Manual" (public trades, market structure, precision mode), and ccxt 4.5.90,
2026-11-22, order book structure 2026-12-01. Candles become bars, which the suite does not know: test_ccxt.py has them.

In:  frames of watchTrades, fetchTrades, fetchOrderBook and fetchTime, the answer to loadMarkets.
Out: see ../reading.py. Symbols are unified. Ids are shown in hexadecimal, texts by their hash; what a page of trades tells
     again is left out, and of one millisecond trades stand in the order of their ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from uuid import UUID

from ..reading import Best, Deal, Reading, Told

SIDES = {"buy": 1, "sell": -1, None: 0}


class CcxtReading(Reading):
    venue = "ccxt"
    recordings = ()
    checked = False
    tells_best = True
    samples = (
        ("loadMarkets", "markets.json"),
        ("", "watch_trades.json"),
        ("", "watch_trades_names.json"),
        ("", "watch_trades_no_ids.json"),
        ("", "time.json"),
        ("", "book.json"),
        ("", "book_no_time.json"),
        ("", "fetch_trades.json"),
        ("", "fetch_trades_next.json"),
    )

    def begin(self) -> Session:
        return Session()


class Session:
    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text, parse_float=str)
        if message["call"] == "fetchTime":
            return
        if message["call"] == "fetchOrderBook":
            for book in message["told"]:
                if book["bids"] and book["asks"]:
                    best = [Decimal(text) for side in ("bids", "asks") for text in book[side][0][:2]]
                    if best[0] and best[2]:  # a price of 0 is none
                        yield Best(message["symbol"], *best)
            return
        deals = [deal(one) for one in message["told"]]
        if message["call"] == "fetchTrades":
            deals.sort(key=lambda one: (one.time_ns, int(one.id, 16)))
        elif message["call"] != "watchTrades":
            raise KeyError(message["call"])
        for one in deals:
            if not one.id or (one.symbol, one.id) not in self._told:
                self._told.add((one.symbol, one.id))
                yield one

    def answer(self, url: str, text: str) -> Iterator[Told]:
        if url != "loadMarkets":
            raise KeyError(url)
        yield from ()


def deal(one: dict[str, Any]) -> Deal:
    price, size = Decimal(one["price"]), Decimal(one["amount"])
    return Deal(one["symbol"], id_of(one["id"]), price, size, SIDES[one["side"]], one["timestamp"] * 10**6)


def id_of(id: str | None) -> str:
    if id is None:
        return ""
    if id.isdigit():
        return f"{int(id):032x}"
    if id.count("-") == 4:
        return str(UUID(id))
    return blake2b(id.encode(), digest_size=16).hexdigest()


READING = CcxtReading()
