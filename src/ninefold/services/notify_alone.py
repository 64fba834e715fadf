"""notify alone over NATS: the same service, following the last stage's stream from now on.

In:  the chunks of `execute`. Out: messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ninefold.bus.nats import NatsBus
from ninefold.bus.status import CHAIN
from ninefold.config import Config
from ninefold.market.chunk import decode
from ninefold.services.jobs import until
from ninefold.services.notify import Notify
from ninefold.services.statuses import tell

LAST = CHAIN[-1]


async def notify_alone(config: Config, bus: NatsBus, clock: Callable[[], int], stop: asyncio.Event) -> None:
    """Send what is said from now on, until `stop`."""
    notify = Notify(config.notify, clock)

    async def follow() -> None:
        async for payload in bus.follow(LAST, await bus.last_seq(LAST)):
            notify.take([decode(payload)])

    await until(stop, [follow(), notify.run(stop), tell(bus, lambda: [notify.meter], clock)])
