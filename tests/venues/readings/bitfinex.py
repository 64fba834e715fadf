"""Bitfinex, read after docs.bitfinex.com, "WebSocket General", "Books", "Trades", "Ticker" and "Status", 2026-11-22.

In:  frames of trades, book (P0) and ticker with any of the flags for numbers, times and checksums, and the REST answers
     trades, configs.
Out: see ../reading.py. Trade ids that do not count are shown in hexadecimal. Past trades are asked for after a lost
     connection only: no session here has one, so they tell nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told


class BitfinexReading(Reading):
    venue = "bitfinex"
    recordings = ("raw/cryptofeed/BITFINEX_2021-04-17.jsonl.gz",)
    checked = False  # by numbers of the whole connection: tests/venues/test_bitfinex.py
    tells_best = True
    samples = (
        ("/v2/conf/pub:info:pair,pub:info:pair:futures", "pairs.json"),
        ("", "info.json"),
        ("", "conf.json"),
        ("", "subscribed_trades.json"),
        ("", "trades_snapshot.json"),
        ("", "subscribed_book.json"),
        ("", "book_snapshot.json"),
        ("", "book.json"),
        ("", "book_gone.json"),
        ("", "checksum.json"),
        ("", "te.json"),
        ("", "tu.json"),
        ("", "subscribed_ticker.json"),
        ("", "ticker.json"),
        ("", "subscribed_swap.json"),
        ("", "te_swap.json"),
        ("", "subscribed_status.json"),
        ("", "status.json"),
        ("", "subscribed_liquidations.json"),
        ("", "liquidation.json"),
        ("", "hb.json"),
        ("/v2/trades/tBTCUSD/hist?limit=10000&sort=-1&start=1795341600000", "trades.json"),
    )

    def begin(self) -> Session:
        return Session()

    def given(self, file: str, text: str) -> tuple[str, str]:
        """Numbers are left out, for these are some frames of many."""
        message = json.loads(text)
        if isinstance(message, list):
            message[3 if message[1] in ("te", "tu") else 2] = 0
        return "", json.dumps(message)

    def words(self, text: str, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Theirs lack the "t"; sizes of tickers are not those of the best bid and ask; ids that do not count are shown so."""
        untold = {"bidAmount": None, "askAmount": None}
        return [
            {**one, "symbol": "t" + one["symbol"], "id": f"{int(one['id']):032x}" if "id" in one else None, **untold}
            for one in expected
        ]


class Session:
    """Channels are numbers; what they stand for is told when they are subscribed, or by some recorders behind each frame."""

    def __init__(self) -> None:
        self.channels: dict[int, tuple[str, str]] = {}
        self.booked: set[str] = set()

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text, parse_float=Decimal)
        if isinstance(message, dict):
            if message["event"] == "subscribed" and message["channel"] != "status":
                self.channels[message["chanId"]] = (message["channel"], message["symbol"])
            elif message["event"] not in ("info", "conf", "subscribed"):
                raise KeyError(message["event"])
            return
        id, first, *_ = message
        if first in ("hb", "tu", "cs"):
            return
        stream, symbol = self.channels.get(id, ("", ""))
        if not stream and isinstance(message[-1], str):
            stream, symbol = message[-2], ("t" if len(message[-1]) >= 6 else "f") + message[-1]
        if not symbol.startswith("t"):
            return
        if first == "te":
            yield deal(symbol, message[2])
        elif stream == "book":
            whole = not first or isinstance(first[0], list)
            if whole:
                self.booked.add(symbol)
                yield Clear(symbol)
            for price, count, amount in (first if whole else [first]) if symbol in self.booked else ():
                found = Decimal(amount)
                level = Level(
                    symbol, ASK if found.is_signed() else BID, Decimal(price), abs(found) if count else Decimal(0)
                )
                if level.size or not whole:
                    yield level
        elif stream == "ticker":
            bid, ask = Decimal(first[0] or 0), Decimal(first[2] or 0)
            if bid and ask:
                yield Best(symbol, bid, Decimal(0), ask, Decimal(0))  # its sizes are of many levels

    def answer(self, url: str, text: str) -> Iterator[Told]:
        if "/v2/conf/" not in url and "/v2/trades/" not in url:
            raise KeyError(url)
        yield from ()


def deal(symbol: str, trade: list[Any]) -> Deal:
    id, time_ms, amount, price = trade
    size = Decimal(amount)
    return Deal(symbol, f"{id:032x}", Decimal(price), abs(size), -1 if size.is_signed() else 1, time_ms * 10**6)


READING = BitfinexReading()
