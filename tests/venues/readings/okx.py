"""OKX, read after www.okx.com/docs-v5, "Order Book Trading, Market Data" (trades, all trades, order book with its checksum,
tickers, GET history trades, GET order book) and "Public Data" (GET instruments), 2026-11-22.

In:  frames of the channels, and the REST answers instruments, books, history-trades.
Out: see ../reading.py. Several trades that are told as one have the id of the last of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

MILLISECOND_NS = 1_000_000
TELL_NOTHING = ("funding-rate", "liquidation-orders")
SIDES = {"buy": 1, "sell": -1}


class OkxReading(Reading):
    venue = "okx"
    recordings = (
        "raw/cryptofeed/OKEX_2021-07-22.jsonl.gz",
        "raw/cryptofeed/OKX_2022-05-13.jsonl.gz",
    )
    checked = True
    noticed = 25  # the checksum's; ids of changes prove all, but no session has them yet
    tells_best = True
    samples = (
        ("/api/v5/public/instruments?instType=SPOT&instId=BTC-USDT", "instruments_spot.json"),
        ("/api/v5/public/instruments?instType=SWAP&instId=BTC-USDT-SWAP", "instruments_swap.json"),
        ("/api/v5/public/instruments?instType=FUTURES&instId=BTC-USD-270326", "instruments_futures.json"),
        ("", "subscribed.json"),
        ("/api/v5/market/history-trades?instId=BTC-USDT&type=1&after=242720818&limit=100", "history-trades.json"),
        ("", "trades.json"),
        ("", "trades-all.json"),
        ("", "books_snapshot.json"),
        ("", "books.json"),
        ("/api/v5/market/books?instId=BTC-USDT-SWAP&sz=400", "books_rest.json"),
        ("", "bbo-tbt.json"),
        ("", "tickers.json"),
        ("", "funding-rate.json"),
        ("", "liquidation-orders.json"),
        ("", "notice.json"),
        ("", "2021_books_snapshot.json"),
        ("", "2021_books.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        """A change alone has not the checksum of its whole book."""
        message = json.loads(text)
        if not file and message.get("action") == "update":
            del message["data"][0]["checksum"]
        return "", json.dumps(message)

    def before(self, file: str, text: str) -> list[tuple[str, str]]:
        """A change whose book is not there follows an empty one."""
        message = json.loads(text)
        if file or message.get("action") != "update":
            return []
        message |= {"action": "snapshot", "data": [{"asks": [], "bids": [], "ts": "1640000000000"}]}
        return [("", json.dumps(message))]

    def words(self, text: str, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """That project takes no best bid and ask of swaps from tickers, but other numbers, which are no rows."""
        return [one for one in expected if one["type"] != "derivative_ticker"]


class Session:
    """ids: the last seqId of a book, 0 where it has none. A change without a book to change tells nothing."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}

    def frame(self, text: str) -> Iterator[Told]:
        if text == "pong":
            return
        message = json.loads(text)
        if "event" in message:
            if message["event"] == "error":
                raise KeyError(message["msg"])
            return
        channel, data = message["arg"]["channel"], message["data"]
        if channel in ("trades", "trades-all"):
            for one in data:
                yield deal(one)
        elif channel in ("books", "books-l2-tbt", "books50-l2-tbt"):
            for one in data:
                yield from self.book(message["arg"]["instId"], message["action"] == "snapshot", one)
        elif channel == "bbo-tbt":
            for one in data:
                yield from best(message["arg"]["instId"], *one["bids"][0][:2], *one["asks"][0][:2])
        elif channel == "tickers":
            for one in data:
                yield from best(one["instId"], *(one[name] or "0" for name in ("bidPx", "bidSz", "askPx", "askSz")))
        elif channel not in TELL_NOTHING:
            raise KeyError(channel)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        asked, data = urlsplit(url), json.loads(text)["data"]
        kind, query = asked.path.rpartition("/")[2], parse_qs(asked.query)
        if kind == "books":
            for one in data:
                yield from self.book(query["instId"][0], True, one)
        elif kind == "history-trades":
            found = sorted((deal(one) for one in data), key=lambda one: int(one.id))
            yield from (one for one in found if int(one.id) >= int(query["after"][0]) - 100)
        elif kind != "instruments":
            raise KeyError(url)

    def book(self, symbol: str, snapshot: bool, one: dict[str, Any]) -> Iterator[Told]:
        if snapshot:
            yield Clear(symbol)
        elif symbol not in self.ids or one.get("prevSeqId", 0) != self.ids[symbol]:
            return
        self.ids[symbol] = one.get("seqId", 0)
        at_ns = int(one["ts"]) * MILLISECOND_NS
        for side, name in ((BID, "bids"), (ASK, "asks")):
            for price, size, _, _ in one[name]:
                level = Level(symbol, side, Decimal(price), Decimal(size), at_ns)
                if level.size or not snapshot:
                    yield level


def deal(one: dict[str, Any]) -> Deal:
    price, size, at_ns = Decimal(one["px"]), Decimal(one["sz"]), int(one["ts"]) * MILLISECOND_NS
    return Deal(one["instId"], str(int(one["tradeId"])), price, size, SIDES[one["side"]], at_ns)


def best(symbol: str, *values: str) -> Iterator[Best]:
    """A price of 0 says that there is none."""
    bid, bid_size, ask, ask_size = map(Decimal, values)
    if bid and ask:
        yield Best(symbol, bid, bid_size, ask, ask_size)


READING = OkxReading()
