"""The ledger beside the hot loop: synced in a thread of its own, many chunks at once; orders leave only after that.

In:  finished chunks, in order.
Out: their account records in the ledger; the orders approved in them, handed on to be sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ninefold.market.chunk import Chunk
from ninefold.market.records import AnyRecord
from ninefold.services.execute import Execute, Outgoing


class _Entry(NamedTuple):
    records: list[AnyRecord]
    last_seq: int
    orders: list[Outgoing]


class Books:
    """put() chunks; run() writes them. send: takes orders once everything that led to them is synced."""

    def __init__(self, execute: Execute, send: Callable[[Sequence[Outgoing]], None]) -> None:
        self._execute = execute
        self._send = send
        self._waiting: list[_Entry] = []
        self._some = asyncio.Event()
        self._writing: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, "ledger")

    @property
    def whole(self) -> bool:
        """Whether everything that was put is in the ledger."""
        done = self._writing is None or (self._writing.done() and self._writing.exception() is None)
        return done and not self._waiting

    def put(self, chunk: Chunk) -> None:
        records, orders = self._execute.account_records(chunk), self._execute.take_orders()
        if records or orders:
            self._waiting.append(_Entry(records, chunk.last_seq, orders))
            self._some.set()

    async def run(self) -> None:
        """Write what comes until cancelled. raises: StoreWriteFailed; nothing is sent then."""
        while True:
            await self._some.wait()
            self._some.clear()
            await self.written()

    async def written(self) -> None:
        """Until everything put so far is in the ledger. It goes on when whoever waits for it is cancelled. raises: as `run`."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())
        await asyncio.shield(self._writing)

    def close(self) -> None:
        self._thread.shutdown()

    async def _write(self) -> None:
        while self._waiting:
            count = len(self._waiting)
            entries = self._waiting[:count]
            records = [record for entry in entries for record in entry.records]
            append, last_seq = self._execute.append, entries[-1].last_seq
            await asyncio.get_running_loop().run_in_executor(self._thread, append, records, last_seq)
            del self._waiting[:count]
            self._send([order for entry in entries for order in entry.orders])
