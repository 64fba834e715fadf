"""Deribit, read after docs.deribit.com: subscriptions trades, book, quote and ticker, public/get_last_trades_by_instrument,
2026-11-22.

In:  frames of those channels, and the REST answers get_instrument(s), get_last_trades_by_instrument.
Out: see ../reading.py. Ids are `trade_seq`, the number of a trade within its instrument.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

PAST = "/api/v2/public/get_last_trades_by_instrument?instrument_name={}&start_seq={}&count=1000&sorting=asc"


class DeribitReading(Reading):
    venue = "deribit"
    recordings = ("raw/cryptofeed/DERIBIT_2021-04-17.jsonl.gz",)
    checked = True
    tells_best = True
    samples = (
        ("/api/v2/public/get_instrument?instrument_name=BTC-PERPETUAL", "instrument.json"),
        ("", "subscribed.json"),
        ("", "book_snapshot.json"),
        ("", "trades.json"),
        ("", "book_change.json"),
        ("", "quote.json"),
        ("", "ticker.json"),
        ("", "test_request.json"),
        ("", "test.json"),
        (PAST.format("BTC-PERPETUAL", 30289444), "last_trades.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        """Others tell a trade by its trade_id, so in raw/pairs that is put where the number in the instrument stands."""
        if file.endswith("http_get_last_trades.json"):
            return PAST.format("ETH-PERPETUAL", 1), text
        message = json.loads(text)
        if not file and message["params"]["channel"].startswith("trades."):
            for trade in message["params"]["data"]:
                trade["trade_seq"] = int(trade["trade_id"])
            text = json.dumps(message)
        return "", text

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """A change whose book is not there follows an empty one."""
        if '"prev_change_id": 1776294621' not in text:
            return []
        params = json.loads(text)["params"]
        data = {**params["data"], "type": "snapshot", "change_id": 1776294621, "bids": [], "asks": []}
        del data["prev_change_id"]
        return [("", json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": {**params, "data": data}}))]


class Session:
    """A change is applied if it names the last one; one that comes again is not; after a hole a snapshot is awaited."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text, parse_float=Decimal)
        if "result" in message or message["method"] == "heartbeat":
            return
        kind, data = message["params"]["channel"].split(".")[0], message["params"]["data"]
        if kind == "trades":
            yield from deals(data)
        elif kind == "book":
            yield from self.book(data)
        elif kind == "quote":
            names = ("best_bid_price", "best_bid_amount", "best_ask_price", "best_ask_amount")
            bid, bid_size, ask, ask_size = (Decimal(data[name] or 0) for name in names)
            if bid and ask:
                yield Best(data["instrument_name"], bid, bid_size, ask, ask_size)
        elif kind != "ticker":
            raise KeyError(kind)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        if "get_last_trades" in url:
            yield from deals(json.loads(text, parse_float=Decimal)["result"]["trades"])
        elif "get_instrument" not in url:
            raise KeyError(url)

    def book(self, data: dict[str, Any]) -> Iterator[Told]:
        symbol, before = data["instrument_name"], data.get("prev_change_id")
        whole = data.get("type") == "snapshot" or not before
        if whole:
            yield Clear(symbol)
        elif symbol not in self.last or data["change_id"] <= self.last[symbol]:
            return
        elif before > self.last[symbol]:
            del self.last[symbol]
            return
        self.last[symbol] = data["change_id"]
        for side, name in ((BID, "bids"), (ASK, "asks")):
            for action, price, amount in data[name]:
                size = Decimal(0) if action == "delete" else Decimal(amount)
                if size or not whole:
                    yield Level(symbol, side, Decimal(price), size, data["timestamp"] * 10**6)


def deals(trades: list[dict[str, Any]]) -> Iterator[Deal]:
    for one in sorted(trades, key=lambda trade: trade["trade_seq"]):
        side = {"buy": 1, "sell": -1}[one["direction"]]
        price, size, at_ns = Decimal(one["price"]), Decimal(one["amount"]), one["timestamp"] * 10**6
        yield Deal(one["instrument_name"], str(one["trade_seq"]), price, size, side, at_ns)


READING = DeribitReading()
