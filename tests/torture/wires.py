"""What each venue's wire says of trades, read anew with `json`: frames and REST answers as the journal holds them.

In:  payloads; the venue's own names ("BTCUSDT", "BTC-USDT", "BTC/USDT": no two venues share one).
Out: deals by (venue symbol, trade id); the names of the simulated exchange's streams.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

E8 = 10**8
REST_NAMES = {"XBT": "BTC", "XDG": "DOGE"}
QUOTES = ("USDT", "XBT")


class Deal(NamedTuple):
    """A public trade; price and size as 10**-8."""

    price: int
    size: int
    time_ms: int
    buyer_is_maker: bool


Key = tuple[str, int]  # venue symbol, trade id
Found = list[tuple[Key, Deal]]


def exchange_symbol(venue_symbol: str) -> str:
    """What the simulated exchange itself calls it."""
    return venue_symbol.replace("-", "").replace("/", "")


def venue_of(venue_symbol: str) -> str:
    return "coinbase" if "-" in venue_symbol else "kraken" if "/" in venue_symbol else "binance"


def streams(venue_symbol: str) -> tuple[str, str]:
    """The exchange's names of the streams of trades and of book changes."""
    face = venue_of(venue_symbol)
    if face == "binance":
        return f"{venue_symbol.lower()}@trade", f"{venue_symbol.lower()}@depth@100ms"
    trades, book = ("matches", "level2_batch") if face == "coinbase" else ("trade", "book-1000")
    return f"{face}:{venue_symbol}@{trades}", f"{face}:{venue_symbol}@{book}"


def framed(payload: bytes) -> Found:
    """The trades of a frame; none in one that the exchange's faults broke."""
    if not (b"@trade" in payload or b'"match"' in payload or b'"trade"' in payload):
        return []
    try:
        frame = json.loads(payload, parse_float=str)
    except ValueError:
        return []
    found = _binance(frame) if "stream" in frame else _coinbase(frame) if "product_id" in frame else _kraken(frame)
    return [(key, deal) for key, deal in found if isinstance(key[0], str) and key[0] != "NOSUCHCOIN"]


def answered(payload: bytes) -> Found:
    """The trades of an answer to a question for them. Kraken's begin before what was asked for."""
    venue, purpose, url, status, body, *_ = msgspec.msgpack.decode(payload)
    if purpose.lower() != "trades" or status != 200:
        return []
    asked, said = urlsplit(url), json.loads(body, parse_float=str)
    if venue == "coinbase":
        symbol = asked.path.split("/")[-2]
        return [((symbol, one["trade_id"]), _match(one)) for one in said]
    [symbol] = parse_qs(asked.query)["symbol" if venue == "binance" else "pair"]
    if venue == "kraken":
        rows: Iterable[Any] = [] if said["error"] else next(v for k, v in said["result"].items() if k != "last")
        return [((_symbol(symbol), row[6]), _row(row)) for row in rows]
    return [
        ((symbol, one["id"]), Deal(e8(one["price"]), e8(one["qty"]), one["time"], one["isBuyerMaker"])) for one in said
    ]


def e8(text: str) -> int:
    """'0.00012' as 10**-8."""
    whole, _, part = text.partition(".")
    return int(whole) * E8 + int(part.ljust(8, "0")[:8] or 0)


def _binance(frame: dict[str, Any]) -> Found:
    data = frame["data"]
    if not frame["stream"].endswith("@trade"):
        return []
    return [((data["s"], data["t"]), Deal(e8(data["p"]), e8(data["q"]), data["T"], data["m"]))]


def _coinbase(frame: dict[str, Any]) -> Found:
    return [((frame["product_id"], frame["trade_id"]), _match(frame))] if frame["type"] == "match" else []


def _kraken(frame: dict[str, Any]) -> Found:
    if frame.get("channel") != "trade" or frame["type"] != "update":
        return []
    return [
        (
            (one["symbol"], one["trade_id"]),
            Deal(e8(one["price"]), e8(one["qty"]), _ms(one["timestamp"]), one["side"] == "sell"),
        )
        for one in frame["data"]
    ]


def _match(one: dict[str, Any]) -> Deal:
    """side: of the maker."""
    return Deal(e8(one["price"]), e8(one["size"]), _ms(one["time"]), one["side"] == "buy")


def _row(row: list[Any]) -> Deal:
    """side: of the taker."""
    whole, _, part = row[2].partition(".")
    return Deal(e8(row[0]), e8(row[1]), int(whole) * 1000 + int(part.ljust(3, "0")[:3]), row[3] == "s")


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def _symbol(pair: str) -> str:
    quote = next(quote for quote in QUOTES if pair.endswith(quote))
    return "/".join(REST_NAMES.get(name, name) for name in (pair.removesuffix(quote), quote))
