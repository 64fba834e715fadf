"""BitMEX, read after www.bitmex.com/app/wsAPI (trade, orderBookL2, quote, funding, liquidation), 2026-11-22.

In:  frames of those tables, and the REST answers instrument/active, trade.
Out: see ../reading.py. Past trades are asked for after a lost connection only: no session here has one, so they tell nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told


class BitmexReading(Reading):
    venue = "bitmex"
    recordings = ("raw/cryptofeed/BITMEX_2021-07-22.jsonl.gz",)
    checked = False
    tells_best = True
    samples = (
        ("/api/v1/instrument/active", "active.json"),
        ("", "welcome.json"),
        ("", "subscribed.json"),
        ("", "book_partial.json"),
        ("", "book_update.json"),
        ("", "book_delete.json"),
        ("", "book_insert.json"),
        ("", "book_update_2021.json"),
        ("", "book_delete_2021.json"),
        ("", "trade_partial.json"),
        ("", "trade.json"),
        ("", "quote.json"),
        ("", "funding.json"),
        ("", "liquidation.json"),
        ("", "liquidation_delete.json"),
        ("/api/v1/trade?symbol=XBTUSD&count=1000&reverse=true&startTime=2026-11-22T10:00:01.790Z", "trades.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        """Payloads are single rows of a table."""
        for name, table, action in (("ws_orderbook_l2", "orderBookL2", "partial"), ("ws_quote", "quote", "insert")):
            if name in file:
                return "", f'{{"table":"{table}","action":"{action}","data":[{text}]}}'
        return "", text


class Session:
    """Levels are known by their ids; what comes before the partial is dropped."""

    def __init__(self) -> None:
        self.prices: dict[str, dict[int, Decimal]] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text, parse_float=Decimal)
        if "table" not in message:
            return
        table, action, rows = message["table"], message["action"], message["data"]
        if table == "trade" and action == "insert":
            for one in rows:
                price, size = Decimal(one["price"]), Decimal(one["size"])
                side = {"Buy": 1, "Sell": -1, "": 0}[one["side"]]
                yield Deal(one["symbol"], one["trdMatchID"], price, size, side, stamp(one["timestamp"]))
        elif table == "quote":
            for one in rows:
                names = ("bidPrice", "bidSize", "askPrice", "askSize")
                bid, bid_size, ask, ask_size = (Decimal(one.get(name) or 0) for name in names)
                if bid and ask:
                    yield Best(one["symbol"], bid, bid_size, ask, ask_size)
        elif table == "orderBookL2":
            yield from self.book(message, action == "partial", rows)
        elif table not in ("trade", "funding", "liquidation"):
            raise KeyError(table)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        if "/instrument/active" not in url and "/api/v1/trade" not in url:
            raise KeyError(url)
        yield from ()

    def book(self, message: dict[str, Any], whole: bool, rows: list[dict[str, Any]]) -> Iterator[Told]:
        if whole:
            for symbol in sorted({one["symbol"] for one in rows} or {message["filter"]["symbol"]}):
                self.prices[symbol] = {}
                yield Clear(symbol)
        latest = max((stamp(one.get("timestamp")) or 0 for one in rows), default=0) or None
        newest = {one["symbol"]: latest for one in rows}
        for one in rows:
            symbol, gone = one["symbol"], message["action"] == "delete"
            prices = self.prices.get(symbol)
            if prices is None or ("price" not in one and one["id"] not in prices):
                continue
            price = Decimal(one["price"]) if "price" in one else prices[one["id"]]
            if gone:
                prices.pop(one["id"], None)
            else:
                prices[one["id"]] = price
            size = Decimal(0) if gone else Decimal(one["size"])
            if size or not whole:
                yield Level(symbol, {"Buy": BID, "Sell": ASK}[one["side"]], price, size, newest[symbol])


def stamp(text: str | None) -> int | None:
    if text is None:
        return None
    whole, _, part = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(whole + "+00:00").timestamp()) * 10**9 + int(part.ljust(9, "0") or 0)


READING = BitmexReading()
