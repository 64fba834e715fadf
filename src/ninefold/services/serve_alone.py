"""serve alone over NATS: the same service, following the last stage's stream and what all services say of themselves.

In:  the chunks of `execute`, and statuses. Out: answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ninefold.bus.nats import NatsBus
from ninefold.bus.status import CHAIN, Status
from ninefold.config import Config
from ninefold.market.chunk import decode
from ninefold.services.jobs import until
from ninefold.services.serve import Serve
from ninefold.services.statuses import hear, write_statuses
from ninefold.store.data_dir import open_data_dir


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
        async for payload in bus.follow(CHAIN[-1], serve.stored_seq):
            serve.take([decode(payload)])

    await hear(bus, heard)
    await until(stop, [follow(), leave(), serve.run(on_ready)])
