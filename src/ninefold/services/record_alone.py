"""record alone over NATS: the same service, following the last stage's stream.

In:  the chunks of `execute`. Out: tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ninefold.bus.nats import NatsBus
from ninefold.bus.status import CHAIN
from ninefold.config import Config
from ninefold.market.chunk import decode
from ninefold.services.jobs import until
from ninefold.services.record import Record
from ninefold.services.statuses import tell

FULL_PAUSE_S = 0.05


async def record_alone(config: Config, bus: NatsBus, clock: Callable[[], int], stop: asyncio.Event) -> None:
    """Store until `stop`. It begins where the tables stand."""
    record = Record(Path(config.data_dir), clock, replayed=config.mode == "replay", retention=config.retention)
    finished = asyncio.Event()

    async def follow() -> None:
        async for payload in bus.follow(CHAIN[-1], record.position):
            record.take([decode(payload)])
            while record.full:
                await asyncio.sleep(FULL_PAUSE_S)

    try:
        await until(stop, [follow(), record.run(finished), tell(bus, lambda: [record.meter], clock)])
    finally:
        await record.close()
