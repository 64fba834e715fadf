"""What the services say about themselves once a second: in small files between the processes of one machine, or over
NATS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ninefold.bus.status import Meter, Status
from ninefold.market.time import SECOND_NS

if TYPE_CHECKING:  # one machine needs no NATS, and its client takes a tenth of a second to load
    from ninefold.bus.nats import NatsBus

STALE_NS = 5 * SECOND_NS  # they speak once a second
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Status]).decode


async def tell(bus: NatsBus, meters: Callable[[], Sequence[Meter]], clock: Callable[[], int]) -> None:
    """Tell the statuses over the bus, once a second, until cancelled."""
    while True:
        now = clock()
        await bus.tell(_encode([meter.status(now) for meter in meters()]))
        await asyncio.sleep(1.0)


async def hear(bus: NatsBus, take: Callable[[list[Status]], None]) -> None:
    """Statuses of all services on the bus, as they come."""
    await bus.hear(lambda payload: take(_decode(payload)))


def write_statuses(data_dir: Path, process: str, statuses: Sequence[Status]) -> None:
    """Replace the file of one process."""
    folder = data_dir / "state"
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{process}.new"
    temporary.write_bytes(_encode(statuses))
    temporary.replace(folder / f"{process}.status")


def is_running(data_dir: Path, now_ns: int) -> bool:
    """Whether a service said something in the last seconds."""
    return now_ns - max((status.at_ns for status in read_statuses(data_dir).values()), default=0) < STALE_NS


def read_statuses(data_dir: Path) -> dict[str, Status]:
    """The newest status of every service that ever said one; empty if none ran."""
    found: dict[str, Status] = {}
    for path in sorted((data_dir / "state").glob("*.status")):
        for status in _decode(path.read_bytes()):
            if status.service not in found or found[status.service].at_ns < status.at_ns:
                found[status.service] = status
    return found
