"""Our side: the door of `ninefold`, as it runs in production, with whoever takes its chunks behind it.

In:  the port of the sender, by the command line. Out: one line of JSON, as client.go gives it.

Every message is received, numbered, journalled (flushed before anything acts on it, fdatasync every 50 ms in a thread),
parsed into exact integers, checked for holes, and handed on in a chunk of arrays. A message counts when its chunk is handed
on: its batch is in hand.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from bench.capture.market import INSTRUMENTS, PRICE_DECIMALS, SIZE_DECIMALS, base
from bench.capture.messages import WIRES
from ninefold.config import Config, Venue
from ninefold.market.arrays import BUY
from ninefold.market.chunk import Chunk
from ninefold.market.records import Gap, Listed, Malformed
from ninefold.services.door import Door
from ninefold.services.jobs import until
from ninefold.services.process import run
from ninefold.venues import binance_paths


class Hand:
    """Takes chunks, counts, and says stop at the last trade."""

    def __init__(self, messages: int, stop: asyncio.Event, check: bool) -> None:
        self.trades = self.ids = self.faults = 0
        self.first_ns = 0  # when the first message was received
        self.moments: list[tuple[int, int]] = []
        self.chunks: list[np.ndarray] = []
        self.names: dict[int, tuple[int, int, int]] = {}  # id to crc of the symbol, and what a unit is of ours
        self._messages = messages
        self._stop = stop
        self._check = check

    def __call__(self, chunk: Chunk) -> None:
        trades = chunk.rows("trades")
        for record in chunk.records:
            if isinstance(record, Listed):
                of = record.instrument
                price, size = 10 ** (of.price_decimals - PRICE_DECIMALS), 10 ** (of.size_decimals - SIZE_DECIMALS)
                self.names[of.id] = (zlib.crc32(of.venue_symbol.encode()), price, size)
            self.faults += isinstance(record, (Gap, Malformed))
        if not len(trades):
            return
        self.first_ns = self.first_ns or int(trades["receive_ns"][0])
        self.trades += len(trades)
        self.ids += int(trades["id_lo"].sum())
        self.moments.append((len(trades), time.time_ns()))
        if self._check:
            self.chunks.append(trades)
        if self.trades >= self._messages:
            self._stop.set()

    def values(self) -> int:
        """The checksum that parses every number, when all is over."""
        if not self.chunks:
            return 0
        trades = np.concatenate(self.chunks)
        named = np.zeros((max(self.names) + 1, 3), np.uint64)
        for id, values in self.names.items():
            named[id] = values
        of, price_unit, size_unit = named[trades["instrument"]].T
        price, size = trades["price"].astype(np.uint64) // price_unit, trades["size"].astype(np.uint64) // size_unit
        ids, ms = trades["id_lo"], (trades["exchange_ns"] // 1_000_000).astype(np.uint64)
        return int((price * size + ids * ms + ids * of + ids * (trades["taker_side"] == BUY)).sum())


def config_of(venue: str, port: int, data_dir: Path) -> Config:
    binance_paths.STREAMS_MOST = INSTRUMENTS  # the exchange here gives all over one websocket
    wire = WIRES[venue]
    pairs = tuple(wire.pair.format(base(of)) for of in range(1, INSTRUMENTS + 1))
    address = f"127.0.0.1:{port}"
    at = Venue(
        name=venue, pairs=pairs, streams=wire.streams, rest_url=f"http://{address}", stream_url=f"ws://{address}"
    )
    return Config(data_dir=str(data_dir), venue=at)


async def listen(asked: argparse.Namespace, folder: Path, stop: asyncio.Event) -> dict[str, Any]:
    hand = Hand(asked.messages, stop, asked.check)
    door = Door(config_of(asked.venue, asked.port, folder), folder, time.time_ns, hand, None)
    door.recover(0)
    door.open()
    await door.quicken()  # as a busy market would soon have it
    gc.freeze()
    try:
        await until(stop, door.jobs())
    finally:
        door.close()
    if asked.times:
        counts, at = np.array(hand.moments, np.int64).T
        np.repeat(at, counts).tofile(asked.times)
    seconds = (hand.moments[-1][1] - hand.first_ns) / 1e9
    return {"trades": hand.trades, "ids": hand.ids, "values": hand.values(), "seconds": seconds, "faults": hand.faults}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venue", choices=WIRES, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--times", type=Path)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    made: dict[str, Any] = {}

    async def work(stop: asyncio.Event) -> None:
        made.update(await listen(asked, Path(scratch), stop))

    with tempfile.TemporaryDirectory() as scratch:
        run(work)
    print(json.dumps(made))


if __name__ == "__main__":
    main()
