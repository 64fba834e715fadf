"""The ledger beside the hot loop: what led to an order is written before it leaves, and synced in a thread of its own.

In:  finished chunks, in order.
Out: their account records in the ledger; the orders approved in them, handed on to be sent.

Written is what a killed process cannot lose. Overlapped, the sync against a power loss runs while an order is on its way to the
venue and back, and is over before the next order of its instrument leaves. Strict, it is over before the order itself leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ninefold.market.chunk import Chunk
from ninefold.services.execute import Execute, Outgoing

Numbered = tuple[int, Outgoing]  # by which write it is in the ledger


class Books:
    """put() chunks; run() syncs them. send: takes orders that may leave; it must not put anything itself."""

    def __init__(self, execute: Execute, send: Callable[[Sequence[Outgoing]], None], strict: bool) -> None:
        self._execute = execute
        self._send = send
        self._strict = strict
        self._written = 0  # how many writes there were, and up to which all are synced
        self._synced = 0
        self._broken = False
        self._leaving: dict[int, int] = {}  # by instrument, the write of the last thing that left
        self._held: list[Numbered] = []
        self._some = asyncio.Event()
        self._syncing: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, "ledger")

    @property
    def whole(self) -> bool:
        """Whether everything that was put is in the ledger and on the disk."""
        return not self._broken and self._synced == self._written

    def put(self, chunk: Chunk) -> None:
        """raises: StoreWriteFailed; nothing of the chunk is sent then, nor anything later."""
        records, orders = self._execute.account_records(chunk), self._execute.take_orders()
        if self._broken or not (records or orders):
            return
        self._broken = True
        self._execute.note(records, chunk.last_seq)
        if self._strict and orders:
            self._execute.sync()
        self._broken = False
        self._written += 1
        if self._strict and orders:
            self._synced = self._written
        self._let_go((self._written, order) for order in orders)
        self._some.set()

    async def run(self) -> None:
        """Sync what comes until cancelled. raises: StoreWriteFailed."""
        while True:
            await self._some.wait()
            self._some.clear()
            await self.written()

    async def written(self) -> None:
        """Until everything put so far is on the disk. It goes on when whoever waits for it is cancelled. raises: as `run`."""
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.ensure_future(self._sync())
        await asyncio.shield(self._syncing)

    def close(self) -> None:
        self._thread.shutdown()

    def _let_go(self, orders: Iterable[Numbered]) -> None:
        """Send those whose instrument has nothing on its way that is not synced; the others wait."""
        leaving: list[Outgoing] = []
        waiting: list[Numbered] = []
        for number, one in [*self._held, *orders]:
            if self._leaving.get(one.order.instrument, 0) > self._synced:
                waiting.append((number, one))
                continue
            self._leaving[one.order.instrument] = number
            leaving.append(one)
        self._held = waiting
        if leaving:
            self._send(leaving)

    async def _sync(self) -> None:
        while self._synced < self._written and not self._broken:
            upto = self._written
            await asyncio.get_running_loop().run_in_executor(self._thread, self._execute.sync)
            self._synced = max(self._synced, upto)
            self._let_go(())
            await asyncio.get_running_loop().run_in_executor(self._thread, self._execute.shorten)
