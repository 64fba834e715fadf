"""collect alone over NATS: the door, with its chunks published instead of handed on.

In:  the venue, and inputs of other services over the bus. Out: chunks, in the stream of `collect`. While a
     publication is under way what came
     meanwhile is joined into larger chunks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from ninefold.bus.nats import NatsBus
from ninefold.bus.permissions import INPUT
from ninefold.bus.status import Meter
from ninefold.config import Config
from ninefold.journal.inputs import Input
from ninefold.market.chunk import Chunk, encode, merged
from ninefold.services import snapshot
from ninefold.services.build import loadable
from ninefold.services.door import Door
from ninefold.services.jobs import until
from ninefold.services.statuses import tell
from ninefold.store.data_dir import WriterLock, open_data_dir

NAME = "collect"
SNAPSHOT_S = 30.0
_input = msgspec.msgpack.Decoder(Input)


class Publisher:
    """put() chunks; run() publishes them in order, joined where more than one waits."""

    def __init__(self, bus: NatsBus, published_seq: int) -> None:
        self._bus = bus
        self._waiting: list[Chunk] = []
        self._some = asyncio.Event()
        self.published_seq = published_seq

    def put(self, chunk: Chunk) -> None:
        if chunk.last_seq > self.published_seq:
            self._waiting.append(chunk)
            self._some.set()

    async def run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            await self.publish()

    async def publish(self) -> None:
        """Publish what waits."""
        waiting, self._waiting = self._waiting, []
        for chunk in merged(waiting):
            await self._bus.publish(NAME, encode(chunk), chunk.last_seq)
            self.published_seq = chunk.last_seq


class CollectAlone:
    def __init__(self, config: Config, bus: NatsBus, clock: Callable[[], int]) -> None:
        self._config = config
        self._bus = bus
        self._clock = clock
        self._data_dir = open_data_dir(Path(config.data_dir))
        self._lock = WriterLock(self._data_dir / "journal")

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until `stop`."""
        await self._bus.make(NAME)
        await self._bus.make(INPUT)
        published_seq = await self._bus.last_seq(NAME)
        publisher = Publisher(self._bus, published_seq)
        saved = snapshot.read(self._data_dir, NAME)
        if not loadable(self._config, saved) or (saved and saved.seq > published_seq):
            saved = None
        door = Door(self._config, self._data_dir, self._clock, publisher.put, saved.states[NAME] if saved else None)
        door.recover(published_seq)
        await publisher.publish()
        door.open()

        def take(payloads: Iterable[bytes]) -> None:
            for payload in payloads:
                one = _input.decode(payload)
                door.put(one.kind, one.connection, one.receive_ns, one.payload)

        def meters() -> list[Meter]:
            return [door.status()]

        jobs = [
            *door.jobs(),
            publisher.run(),
            self._bus.inputs(take),
            tell(self._bus, meters, self._clock),
            self._keep(door, publisher),
        ]
        try:
            await until(stop, jobs)
        finally:
            door.close()
            await publisher.publish()
            self._save(door)
            self._lock.release()

    async def _keep(self, door: Door, publisher: Publisher) -> None:
        """A snapshot now and then, once everything it holds was published."""
        while True:
            await asyncio.sleep(SNAPSHOT_S)
            seq, state = door.collector.last_seq, door.collector.save()
            while publisher.published_seq < seq:
                await asyncio.sleep(0.01)
            snapshot.write(self._data_dir, NAME, seq, {NAME: state})

    def _save(self, door: Door) -> None:
        snapshot.write(self._data_dir, NAME, door.collector.last_seq, {NAME: door.collector.save()})
