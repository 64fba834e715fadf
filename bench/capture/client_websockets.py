"""The Python peer: `websockets` and json.loads, nothing more. And a client that only takes bytes: what the sender can.

In:  the port of the sender, by the command line. Out: one line of JSON, as client.go gives it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import time
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import connect

MASK = 2**64 - 1


class Sums:
    """What every client must agree on."""

    def __init__(self, venue: str, check: bool) -> None:
        self.trades = self.ids = self.values = 0
        self.read = {"binance": self.binance, "coinbase": self.coinbase, "kraken": self.kraken}[venue]
        self._check = check

    def binance(self, message: dict[str, Any]) -> None:
        data = message["data"]
        self._add(data["s"], data["p"], data["q"], data["T"], data["t"], not data["m"])

    def coinbase(self, message: dict[str, Any]) -> None:
        m = message
        self._add(m["product_id"], m["price"], m["size"], m["time"], m["trade_id"], m["side"] == "sell")

    def kraken(self, message: dict[str, Any]) -> None:
        for one in message["data"]:
            side, at = one["side"], one["timestamp"]
            self._add(one["symbol"], one["price"], one["qty"], at, one["trade_id"], side == "buy")

    def _add(self, symbol: str, price: str | float, size: str | float, at: int | str, id: int, buy: bool) -> None:
        self.trades += 1
        self.ids += id
        if self._check:
            ms = at if isinstance(at, int) else round(datetime.fromisoformat(at).timestamp() * 1000)
            of = zlib.crc32(symbol.encode())
            self.values += round(float(price) * 100) * round(float(size) * 10**6) + id * ms + id * of + id * buy


async def listen(asked: argparse.Namespace) -> dict[str, Any]:
    sums = Sums(asked.venue, asked.check)
    moments: list[int] = []
    async with connect(f"ws://127.0.0.1:{asked.port}/", compression=None, max_size=None) as line:
        text = await line.recv()
        started = time.perf_counter()
        while True:
            sums.read(json.loads(text))
            if asked.times:
                moments.append(time.time_ns())
            if sums.trades >= asked.messages:
                break
            text = await line.recv()
        seconds = time.perf_counter() - started
        line.transport.abort()  # the sender says no goodbye
    if asked.times:
        np.array(moments, np.int64).tofile(asked.times)
    return {"trades": sums.trades, "ids": sums.ids & MASK, "values": sums.values & MASK, "seconds": seconds}


def drain(port: int, size: int) -> dict[str, Any]:
    """Take `size` bytes of frames and look at none."""
    line = socket.create_connection(("127.0.0.1", port))
    line.sendall(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    while not line.recv(4096).endswith(b"\r\n\r\n"):  # the sender waits before the first frame
        pass
    buffer = bytearray(1 << 20)
    taken = line.recv_into(buffer)
    started = time.perf_counter()
    while taken < size:
        taken += line.recv_into(buffer)
    return {"seconds": time.perf_counter() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venue", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--times", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--drain", type=int, help="only take so many bytes")
    asked = parser.parse_args()
    made = drain(asked.port, asked.drain) if asked.drain else asyncio.run(listen(asked))
    print(json.dumps(made))


if __name__ == "__main__":
    main()
