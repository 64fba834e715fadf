"""The hot process as `ninefold hot` runs it, which notes for each order when it passed each station.

In:  a config file, a file for the notes. Out: at the end a line of JSON an order: client order id, nanoseconds by station.
The stations of a chunk are noted for every chunk; the cost, some microseconds an order, is in the result.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from aiohttp.http_writer import StreamWriter

from ninefold.config import load
from ninefold.market.chunk import Chunk
from ninefold.market.records import Order
from ninefold.services.books import Books
from ninefold.services.hot import Hot
from ninefold.services.process import run
from ninefold.services.stage import TimedStage
from ninefold.services.trading import Trading
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_requests import Request

Notes = dict[str, dict[str, int]]
NOTES: Notes = {}  # of orders that were approved
CHUNK: dict[str, int] = {}  # of the chunk that is in the chain now
SENDING: ContextVar[str] = ContextVar("SENDING", default="")


def watch() -> None:
    """Put a note before or behind each station."""
    _stages()
    _books()
    _sending()


def _stages() -> None:
    step = TimedStage.step

    def noted(self: TimedStage, chunk: Chunk) -> Chunk:
        if self.stage.name == "bars":
            CHUNK.clear()
            CHUNK["receive"], CHUNK["taken"] = chunk.known_ns, time.time_ns()
        made = step(self, chunk)
        CHUNK[self.stage.name] = time.time_ns()
        return made

    TimedStage.step = noted


def _books() -> None:
    put, send = Books.put, Trading.send

    def noted(self: Books, chunk: Chunk) -> None:
        at_ns = time.time_ns()
        for record in chunk.records:
            if isinstance(record, Order) and record.status == "sent" and record.known_ns == chunk.known_ns:
                NOTES.setdefault(record.client_order_id, {**CHUNK, "logged": at_ns})
        put(self, chunk)

    def leaving(self: Trading, orders: Sequence[Any]) -> None:
        at_ns = time.time_ns()
        for one in orders:
            NOTES.get(one.order.client_order_id, {})["written"] = at_ns
        send(self, orders)

    Books.put = noted
    Trading.send = leaving


def _sending() -> None:
    call, write_eof = BinanceClient.call, StreamWriter.write_eof

    async def called(self: BinanceClient, request: Request) -> tuple[int, str]:
        order_id = request.params.get("newClientOrderId", "")
        SENDING.set(order_id)
        _note(order_id, "called")
        return await call(self, request)

    async def written(self: StreamWriter, chunk: bytes = b"") -> None:
        await write_eof(self, chunk)
        _note(SENDING.get(), "sent")

    BinanceClient.call = called
    StreamWriter.write_eof = written


def _note(order_id: str, station: str) -> None:
    if order_id in NOTES:
        NOTES[order_id].setdefault(station, time.time_ns())


def main(config: str, notes: str) -> None:
    watch()

    async def work(stop: Any) -> None:
        await Hot(load(Path(config)), time.time_ns).run(stop)

    run(work)
    gc.disable()
    with open(notes, "w") as file:
        for order_id, at_ns in NOTES.items():
            file.write(json.dumps({"order": order_id, **at_ns}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
