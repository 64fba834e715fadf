"""A short session of Binance written by hand, in the form of a captured one: two instruments, some minutes.

In:  a path. Out: a recording that `ninefold replay` plays: rules, trades with ids that count, best bid and ask, books.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection
from itertools import count
from pathlib import Path

START_MS = 1_704_110_399_000 - 120_000  # 2024-01-01 11:57:59 UTC, so that an hour ends within
SYMBOLS = {"BTCUSDT": ("BTC", 40_000), "ETHUSDT": ("ETH", 2_000)}


def write_session(path: Path, seconds: int = 200, trades_per_second: int = 4, dry: Collection[int] = ()) -> Path:
    """Trade number i of an instrument comes `i / trades_per_second` seconds after the start; its id is 1000 + i. dry: seconds in
    which nothing can be bought of the second instrument: its ask shows no size."""
    lines = [line(START_MS, json.dumps({"symbols": [rules(*of) for of in SYMBOLS.items()]}), "http", EXCHANGE_INFO)]
    updates = {symbol: count(101) for symbol in SYMBOLS}
    for number in range(seconds * trades_per_second):
        at_ms = START_MS + 1000 * number // trades_per_second
        for symbol, (_, base) in SYMBOLS.items():
            price = f"{base + (number * 7 % 40) - (number // 100 % 2) * 20}.00"
            update = next(updates[symbol])
            trade = {"e": "trade", "E": at_ms, "s": symbol, "t": 1000 + number, "p": price, "q": f"0.0{number % 9 + 1}"}
            asked = "0.0" if symbol == "ETHUSDT" and number // trades_per_second in dry else "2.5"
            best = {"u": update, "s": symbol, "b": price, "B": "1.5", "a": f"{price[:-2]}50", "A": asked}
            levels = {"b": [[price, f"{number % 5}.0"]], "a": [[f"{base + 100}.00", "2.0"]]}
            depth = {"e": "depthUpdate", "E": at_ms, "s": symbol, "U": update, "u": update, **levels}
            frames = {"trade": {**trade, "T": at_ms, "m": number % 3 == 0}, "bookTicker": best, "depth@100ms": depth}
            lines += [line(at_ms + 5, frame(f"{symbol.lower()}@{stream}", data)) for stream, data in frames.items()]
            if number == 0:  # the book is asked for once its connection is open
                lines.append(line(at_ms + 5, snapshot(base), "http", f"{DEPTH}{symbol}"))
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write("".join(f"{one}\n" for one in lines).encode())
    return path


EXCHANGE_INFO = "https://api.binance.com/api/v3/exchangeInfo"
DEPTH = "https://api.binance.com/api/v3/depth?symbol="


def snapshot(price: int) -> str:
    levels = {"bids": [[f"{price}.00", "1.0"]], "asks": [[f"{price + 100}.00", "1.0"]]}
    return json.dumps({"lastUpdateId": 100, **levels})


def rules(symbol: str, of: tuple[str, int]) -> dict:
    price, lot = {"filterType": "PRICE_FILTER", "tickSize": "0.01"}, {"filterType": "LOT_SIZE", "stepSize": "0.00001"}
    filters = [
        {**price, "minPrice": "0.01", "maxPrice": "1000000"},
        {**lot, "minQty": "0.00001", "maxQty": "9000"},
        {"filterType": "NOTIONAL", "minNotional": "5"},
    ]
    assets = {"baseAsset": of[0], "quoteAsset": "USDT"}
    return {"symbol": symbol, "status": "TRADING", **assets, "filters": filters}


def frame(stream: str, data: dict) -> str:
    return json.dumps({"stream": stream, "data": data})


def line(at_ms: int, message: str, direction: str = "recv", url: str = "") -> str:
    connection = "http.0" if direction == "http" else "ws.1"
    told = {"exchange": "BINANCE", "conn": connection, "dir": direction, "msg": message, "ts": at_ms / 1000}
    return json.dumps({**told, "url": url} if url else told)
