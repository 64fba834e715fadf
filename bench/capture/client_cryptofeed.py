"""cryptofeed's parsers, fed lines of a file instead of a websocket: what its parsing alone costs.

In:  a venue and a file with a message a line. Out: one line of JSON: trades, checksums, seconds.
Runs in an environment of its own on Python 3.13 (cryptofeed needs it, and is AGPL: nothing of it is imported elsewhere).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptofeed.defines import BUY, TRADES
from cryptofeed.exchanges import Binance, Coinbase, Kraken
from cryptofeed.symbols import Symbols

EXCHANGES = {"binance": Binance, "coinbase": Coinbase, "kraken": Kraken}
MASK = 2**64 - 1


async def parse(venue: str, lines: list[str], symbols: dict[str, str], check: bool) -> dict[str, object]:
    """symbols: cryptofeed's name to the venue's."""
    exchange = EXCHANGES[venue]
    Symbols.set(exchange.id, symbols, {"instrument_type": dict.fromkeys(symbols, "spot")})
    trades = ids = values = 0

    async def take(trade: Any, received: float) -> None:
        nonlocal trades, ids, values
        trades += 1
        ids += int(trade.id)
        if check:
            of, ms = zlib.crc32(symbols[trade.symbol].encode()), round(trade.timestamp * 1000)
            value = int(trade.price * 100) * int(trade.amount * 10**6)
            values += value + int(trade.id) * (ms + of + (trade.side == BUY))

    feed = exchange(symbols=list(symbols), channels=[TRADES], callbacks={TRADES: take})
    feed._ensure_symbol_mapping()
    line = SimpleNamespace(uuid="bench")
    started = time.perf_counter()
    for text in lines:
        await feed.message_handler(text, line, 0.0)
    seconds = time.perf_counter() - started
    return {"trades": trades, "ids": ids & MASK, "values": values & MASK, "seconds": seconds}


if __name__ == "__main__":
    venue, path, names, check = sys.argv[1:]
    lines = Path(path).read_text().splitlines()
    print(json.dumps(asyncio.run(parse(venue, lines, json.loads(Path(names).read_text()), check == "check"))))
