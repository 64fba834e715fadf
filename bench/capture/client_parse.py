"""Our parsers, fed lines of a file instead of a websocket: what parsing alone costs, into chunks of 1,000 messages.

In:  a venue and a file with a message a line. Out: one line of JSON, as client_cryptofeed.py gives it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from bench.capture.client_ninefold import Hand, config_of
from bench.capture.messages import WIRES
from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange, encode
from ninefold.journal.segment import Record
from ninefold.services.parsers import collector_of

CHUNK = 1_000
RULES = {"binance": "exchangeInfo", "coinbase": "products", "kraken": "AssetPairs"}


def parse(venue: str, lines: list[bytes], check: bool) -> dict[str, object]:
    collector = collector_of(config_of(venue, 0, Path()))
    hand = Hand(len(lines), asyncio.Event(), check)
    now = time.time_ns()
    path, body = next(iter(WIRES[venue].answers().items()))
    rules = encode(Answer(venue, RULES[venue], path, 200, body))
    opened = encode(ConnectionChange(venue, "market", "open"))
    first = [Record(inputs.ANSWER, 0, 1, now, rules), Record(inputs.CONNECTION, 1, 2, now, opened)]
    for chunk in [*(chunk for record in first for chunk in collector.feed(record)), *collector.take()]:
        hand(chunk)
    records = [Record(inputs.FRAME, 1, number + 3, now, line) for number, line in enumerate(lines)]
    started = time.perf_counter()
    for start in range(0, len(records), CHUNK):
        for record in records[start : start + CHUNK]:
            for chunk in collector.feed(record):
                hand(chunk)
        for chunk in collector.take():
            hand(chunk)
    seconds = time.perf_counter() - started
    return {"trades": hand.trades, "ids": hand.ids, "values": hand.values(), "seconds": seconds, "faults": hand.faults}


if __name__ == "__main__":
    venue, path, check = sys.argv[1:]
    print(json.dumps(parse(venue, Path(path).read_bytes().splitlines(), check == "check")))
