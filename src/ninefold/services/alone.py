"""One stage of the chain alone over NATS: the same stage, another way in and out.

In:  the chunks of the stage before it. Out: its own chunks.
It goes on after a crash from its own snapshot and does not publish again what it had published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ninefold.bus.lease import BusLease
from ninefold.bus.nats import NatsBus
from ninefold.bus.permissions import INPUT, ORDER, SENDERS
from ninefold.bus.status import CHAIN, Meter
from ninefold.config import Config
from ninefold.journal.inputs import Input, encode
from ninefold.market.arrays import empty
from ninefold.market.chunk import Chunk, decode
from ninefold.market.chunk import encode as encode_chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.time import SECOND_NS
from ninefold.market.values import TOLD, told
from ninefold.services import lean, snapshot
from ninefold.services.build import loadable, stage_of
from ninefold.services.execute import Execute
from ninefold.services.jobs import until
from ninefold.services.leases import Leases, account_named
from ninefold.services.origin import origin_of
from ninefold.services.stage import Kept, TimedStage, Warmed
from ninefold.services.statuses import tell
from ninefold.services.table_reader import reader_of
from ninefold.store.data_dir import open_data_dir
from ninefold.store.lease import awake_ns

if TYPE_CHECKING:
    from ninefold.services.trading import Trading

SNAPSHOT_NS = 30 * SECOND_NS
RETRY_S = 0.5


class Alone:
    """name: one of the chain behind `collect`."""

    def __init__(self, name: str, config: Config, bus: NatsBus, clock: Callable[[], int]) -> None:
        self.name = name
        self._before = ORDER[ORDER.index(name) - 1]
        self._config = config
        self._bus = bus
        self._clock = clock
        self._data_dir = open_data_dir(Path(config.data_dir))
        self._held = Leases(config, self._data_dir) if name == CHAIN[-1] else None
        self._lease: BusLease | None = None
        self._stage = stage_of(name, config, self._data_dir, Registry())
        self._timed = TimedStage(self._stage, Meter(name, clock()), None if config.mode == "replay" else clock)
        self._done_seq = 0
        self._published_seq = 0
        self._snapshot_due_ns = clock() + SNAPSHOT_NS
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._trading: Trading | None = None
        if isinstance(self._stage, Execute):
            self._trading = _loaded("trading").Trading(config, self._stage, self._put, clock, self._check)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the stage before until `stop`."""
        for stream in (self._before, self.name, *((INPUT,) if self.name in SENDERS else ())):
            await self._bus.make(stream)
        await self._take_account()
        await self._restore()
        jobs = [self._follow(), self._forward(), tell(self._bus, self._meters, self._clock)]
        if self.name == "sentiment":
            watch = _loaded("headlines").watch
            jobs += [watch(source, self._put, self._clock) for source in self._config.sentiment]
        if self._trading is not None and self._config.account.orders == "exchange":
            jobs.append(self._trading.run())
        jobs += [lease.keep() for lease in (self._held, self._lease) if lease is not None]
        try:
            await until(stop, jobs)
        finally:
            if self._trading is not None:
                await self._trading.close()
            try:
                self._save()
            finally:
                await self._leave_account()

    async def _take_account(self) -> None:
        """Of executors of one account on several hosts one trades. raises: AlreadyTraded."""
        if self._trading is not None and self._config.account.orders == "exchange":
            account = account_named(self._config)
            self._lease = await BusLease.take(self._bus, account, origin_of(self._data_dir), awake_ns)

    async def _leave_account(self) -> None:
        if self._lease is not None:
            await self._lease.release()
        if self._held is not None:
            self._held.release()

    def _check(self) -> None:
        """raises: TakenOver when the account is not ours any more."""
        for lease in (self._held, self._lease):
            if lease is not None:
                lease.check()

    async def _restore(self) -> None:
        self._published_seq = await self._bus.last_seq(self.name)
        saved = snapshot.read(self._data_dir, self.name)
        if saved is None or not loadable(self._config, saved):
            return
        self._done_seq = saved.seq
        if isinstance(self._stage, Kept):
            self._stage.load(saved.states[self.name])
        if isinstance(self._stage, Warmed):
            self._stage.warm(*await self._history(saved.seq))

    async def _history(self, until_seq: int) -> tuple[list[Instrument], np.ndarray, np.ndarray]:
        """Instruments, bars and what was told of them until a seq: from the tables, and behind those from what the stage before
        published.
        """
        reader = reader_of(self._data_dir)
        stored_seq = min(reader.position(), until_seq)
        bars = [reader.bars_known(stored_seq)]
        values = [reader.values_known(term.decode(), stored_seq) for term in TOLD]
        if stored_seq < until_seq:
            async for payload in self._bus.follow(self._before, stored_seq):
                chunk = decode(payload)
                made, said = chunk.rows("bars"), told(chunk.rows("values"))
                bars.append(made[(made["revision"] == 0) & (made["seq"] > stored_seq) & (made["seq"] <= until_seq)])
                values.append(said[(said["seq"] > stored_seq) & (said["seq"] <= until_seq)])
                if chunk.last_seq >= until_seq:
                    break
        return (
            list(reader.captured()),
            np.concatenate([empty("bars"), *bars]),
            np.concatenate([empty("values"), *values]),
        )

    async def _follow(self) -> None:
        async for payload in self._bus.follow(self._before, self._done_seq):
            await self._take(decode(payload))

    async def _take(self, chunk: Chunk) -> None:
        if self._lease is not None:
            await self._lease.hold()
        made = self._timed.step(chunk)
        if made.last_seq > self._published_seq:
            await self._bus.publish(self.name, encode_chunk(made), made.last_seq)
        if self._trading is not None:
            assert isinstance(self._stage, Execute)
            self._stage.write(made)
            orders = self._stage.take_orders()
            if (
                made.last_seq > self._published_seq
            ):  # else decided before a crash: whether they were sent, the venue is asked
                self._trading.send(orders)
        self._published_seq = max(self._published_seq, made.last_seq)
        self._done_seq = made.last_seq
        if self._clock() >= self._snapshot_due_ns:
            self._snapshot_due_ns = self._clock() + SNAPSHOT_NS
            self._save()

    def _save(self) -> None:
        """raises: TakenOver if another executor writes it now, who knows more."""
        if self._held is not None:
            self._held.check()
        states = {self.name: self._stage.save()} if isinstance(self._stage, Kept) else {}
        snapshot.write(self._data_dir, self.name, self._done_seq, states)

    def _meters(self) -> list[Meter]:
        if isinstance(self._stage, Execute):
            self._stage.gauge(self._timed.meter)
        return [self._timed.meter]

    def _put(self, kind: int, connection: int, receive_ns: int, payload: bytes) -> None:
        """An input for the door, which is another process."""
        self._outbox.put_nowait(encode(Input(kind, connection, receive_ns, payload)))

    async def _forward(self) -> None:
        """Send inputs to the door in order; each again and again until NATS has it."""
        while True:
            payload = await self._outbox.get()
            while not await self._bus.send_input(payload):
                await asyncio.sleep(RETRY_S)


def _loaded(module: str) -> ModuleType:
    """What one stage needs and the others do not."""
    return lean.load(f"ninefold.services.{module}")
