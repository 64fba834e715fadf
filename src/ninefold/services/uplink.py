"""A collector's stream log, published to a recorder elsewhere.

In:  the stream log of this host, as it grows; a way to NATS that may be cut at any time, and be there again later.
Out: all of it in the collector's own JetStream stream, in order, each once: after every cut NATS says what it has, and
     publishing goes on behind that, from the log. Nothing waits in memory, and capture does not wait for anything.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from ninefold.bus.failed import BusFailed, Unreachable
from ninefold.bus.nats import CutOff, NatsBus
from ninefold.bus.parcel import pack
from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import Follower
from ninefold.services.jobs import end
from ninefold.services.origin import origin_of

AGAIN_S = 1.0
IDLE_S = 0.5
PARCEL_BYTES = 1024 * 1024  # of the log; far below what a message may hold


class Uplink:
    """published_seq: what NATS has for certain. problem: why it does not go on, "" if it does."""

    def __init__(
        self,
        data_dir: Path,
        stage: str,
        connect: Callable[[], Awaitable[NatsBus]],
        beside: Callable[[NatsBus], Coroutine[Any, Any, None]],
        last_seq: Callable[[], int],
    ) -> None:
        """beside: what else is done while there is a connection. last_seq: how far the stream log goes."""
        self.published_seq = 0
        self.connected = False
        self.problem = ""
        self._stream = data_dir / "stream"
        self._stage = stage
        self._connect = connect
        self._beside = beside
        self._last_seq = last_seq
        self._origin = origin_of(data_dir)
        self._more = asyncio.Event()
        self._was_there = False

    def wake(self) -> None:
        """The log has grown."""
        self._more.set()

    async def run(self) -> None:
        """Until cancelled. raises: BusFailed if the first connection shows that this collector may not publish here."""
        while True:
            try:
                bus = await self._connect()
                beside = asyncio.ensure_future(self._beside(bus))
                try:
                    await self._publish(bus)
                finally:
                    await end(beside)
                    await bus.close()
            except (CutOff, Unreachable) as error:
                self._failed(error)
            except BusFailed as error:
                if not self._was_there:
                    raise
                self._failed(error)
            await asyncio.sleep(AGAIN_S)

    async def flush(self, patience_s: float) -> None:
        """Wait until all is published, no longer than that."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while self.connected and self.published_seq < self._last_seq() and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)

    def _failed(self, error: BusFailed) -> None:
        self.connected = False
        if self.problem != str(error):
            self.problem = str(error)
            print(f"ninefold: {error}; collecting goes on", file=sys.stderr, flush=True)

    async def _publish(self, bus: NatsBus) -> None:
        await bus.make(self._stage, keep_unread=True)
        published, number = await self._place(bus)
        self.published_seq, self.connected, self.problem, self._was_there = published, True, "", True
        follower = Follower(self._stream, published)
        while True:
            self._more.clear()
            records = [record for record in follower.poll(PARCEL_BYTES) if record.kind == CHUNK]
            if not records:
                await self._wait()
                continue
            parcel = pack([bytes(record.payload) for record in records])
            number = await bus.publish_once(self._stage, parcel, records[-1].seq, self._origin, number)
            self.published_seq = records[-1].seq

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._more.wait(), IDLE_S)
        except TimeoutError:
            return

    async def _place(self, bus: NatsBus) -> tuple[int, int]:
        """Behind what NATS goes on: the last seq, and the number of its message. raises: BusFailed."""
        published, origin, number = await bus.last(self._stage)
        if origin and origin != self._origin:
            raise BusFailed(
                f"the stream of {self._stage!r} was published from another data dir than {self._stream.parent}; each collector "
                "needs a bus.name of its own, and a new data dir a new one"
            )
        if published > self._last_seq():
            raise BusFailed(
                f"NATS has the inputs of {self._stage!r} up to {published}, and {self._stream} ends at {self._last_seq()}: "
                "a part of it is lost. Begin with a new data dir and a new bus.name"
            )
        return published, number
