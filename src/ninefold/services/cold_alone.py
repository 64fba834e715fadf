"""record, notify or serve alone over NATS: the same services, following the last stage's stream.

In:  the chunks of `execute`, and statuses for `serve`. Out: tables, messages, answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ninefold.bus.nats import NatsBus
from ninefold.bus.status import CHAIN, Status
from ninefold.config import Config
from ninefold.market.chunk import Chunk, decode
from ninefold.services.jobs import until
from ninefold.services.notify import Notify
from ninefold.services.record import Record
from ninefold.services.serve import Serve
from ninefold.services.statuses import hear, tell, write_statuses
from ninefold.store.data_dir import open_data_dir
from ninefold.store.read import Reader

LAST = CHAIN[-1]
FULL_PAUSE_S = 0.05


async def record_alone(config: Config, bus: NatsBus, clock: Callable[[], int], stop: asyncio.Event) -> None:
    """Store until `stop`. It begins where the tables stand."""
    record = Record(Path(config.data_dir), clock, replayed=config.mode == "replay", retention=config.retention)
    finished = asyncio.Event()

    async def follow() -> None:
        async for payload in bus.follow(LAST, record.position):
            record.take([decode(payload)])
            while record.full:
                await asyncio.sleep(FULL_PAUSE_S)

    try:
        await until(stop, [follow(), record.run(finished), tell(bus, lambda: [record.meter], clock)])
    finally:
        await record.close()


async def notify_alone(config: Config, bus: NatsBus, clock: Callable[[], int], stop: asyncio.Event) -> None:
    """Send what is said from now on, until `stop`."""
    notify = Notify(config.notify, clock)
    await until(stop, [_follow_from_now(bus, notify.take), notify.run(stop), tell(bus, lambda: [notify.meter], clock)])


async def serve_alone(
    config: Config, bus: NatsBus, clock: Callable[[], int], stop: asyncio.Event, on_ready: Callable[[int], None]
) -> None:
    """Answer until `stop`. What the services say is also left in the data dir, for `ninefold status`."""
    data_dir = open_data_dir(Path(config.data_dir))
    serve = Serve(config, clock)
    newest: dict[str, Status] = {}

    def heard(statuses: list[Status]) -> None:
        newest.update({status.service: status for status in statuses})
        serve.hear(statuses)

    async def leave() -> None:
        while True:
            await asyncio.sleep(1.0)
            write_statuses(data_dir, "bus", list(newest.values()))

    async def follow() -> None:
        async for payload in bus.follow(LAST, Reader(data_dir).position()):
            serve.take([decode(payload)])

    await hear(bus, heard)
    await until(stop, [follow(), leave(), serve.run(on_ready)])


async def _follow_from_now(bus: NatsBus, take: Callable[[list[Chunk]], None]) -> None:
    async for payload in bus.follow(LAST, await bus.last_seq(LAST)):
        take([decode(payload)])
