"""The one executor of an account among hosts: an entry of a key-value bucket of JetStream.

In:  a bus, the account's name, which data dir we are. Out: a lease; its revision is the token that fences: a renewal
     names the one before it, so it fails once another host has renewed.
`hold` before anything is decided or written, `check` before anything is sent. Lost on silence: while the link is cut
nothing is renewed, and nothing is sent; another host may take it after SILENT_NS, and keeps quiet for QUIET_NS.
A host that comes back takes its own at once: that its earlier process is gone, its lock on the data dir says.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import nats.errors
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from ninefold.bus.nats import CutOff, NatsBus
from ninefold.bus.permissions import LEASES
from ninefold.execution.lease import BEAT_NS, QUIET_NS, SECOND_NS, AlreadyTraded, Seen, TakenOver, Watched, holds

BEAT_S = BEAT_NS / SECOND_NS
_CUT = (nats.errors.Error, TimeoutError, OSError)


class BusLease:
    """Made by `take`. epoch: the revision with which it was taken; a later holder's is greater."""

    def __init__(self, bus: NatsBus, entries: KeyValue, account: str, origin: str, clock: Callable[[], int]) -> None:
        self.epoch = 0
        self._bus = bus
        self._entries = entries
        self._account = account
        self._value = f"{origin} {uuid.uuid4().hex}".encode()
        self._clock = clock
        self._revision = 0
        self._renewed_ns = 0

    @classmethod
    async def take(cls, bus: NatsBus, account: str, origin: str, clock: Callable[[], int]) -> BusLease:
        """origin: of the data dir, whose lease of this host is held. raises: AlreadyTraded, BusFailed."""
        config = KeyValueConfig(bucket=LEASES, history=1, storage=StorageType.FILE)
        try:
            entries = await bus.streams.create_key_value(config)
            lease = cls(bus, entries, account, origin, clock)
            await lease._take(origin)
        except _CUT as error:
            raise bus.meaning(error) from None
        return lease

    def check(self) -> None:
        """Return only while the account is ours. raises: TakenOver."""
        if not holds(self._renewed_ns, self._clock()):
            raise TakenOver(f"the lease of {self._account} was not renewed in time; nothing is sent without it")

    async def hold(self) -> None:
        """Until it is held; while the link is cut that is not so. raises: TakenOver."""
        while not holds(self._renewed_ns, self._clock()):
            if not await self._renew():
                await asyncio.sleep(BEAT_S)

    async def keep(self) -> None:
        """Renew until cancelled. raises: TakenOver."""
        while True:
            await self._renew()
            await asyncio.sleep(BEAT_S)

    async def release(self) -> None:
        """Nothing is sent after this; the next one need not wait."""
        self._renewed_ns = self._clock() - QUIET_NS
        try:
            await self._entries.delete(self._account, last=self._revision)
        except _CUT:
            return  # who comes next waits until it is silent

    async def _take(self, origin: str) -> None:
        watched = Watched()
        while True:
            asked_ns = self._clock()
            try:
                entry = await self._entries.get(self._account)
            except KeyNotFoundError:
                before, quiet = None, False
            else:
                ours = (entry.value or b"").split(b" ")[0] == origin.encode()
                seen = Seen.SILENT if ours else watched.see(entry.revision, asked_ns)
                if seen is Seen.ALIVE:
                    raise AlreadyTraded(
                        f"{self._account} is traded by the executor of another data dir (lease {entry.revision}); stop that one"
                    )
                before, quiet = (entry.revision, not ours) if seen is Seen.SILENT else (-1, False)
            if before != -1 and await self._won(before, asked_ns):
                self.epoch = self._revision
                await self._keep_quiet() if quiet else None
                return
            await asyncio.sleep(BEAT_S / 4)

    async def _won(self, before: int | None, asked_ns: int) -> bool:
        try:
            if before is None:
                self._revision = await self._entries.create(self._account, self._value)
            else:
                self._revision = await self._entries.update(self._account, self._value, last=before)
        except KeyWrongLastSequenceError:
            return False
        self._renewed_ns = asked_ns
        return True

    async def _keep_quiet(self) -> None:
        taken_ns = self._clock()
        while self._clock() < taken_ns + QUIET_NS:
            await self._renew()
            await asyncio.sleep(BEAT_S / 4)

    async def _renew(self) -> bool:
        """Whether it was renewed; False if the link is cut. raises: TakenOver, BusFailed."""
        asked_ns = self._clock()
        try:
            if await self._won(self._revision, asked_ns):
                return True
            entry = await self._entries.get(self._account)
        except KeyNotFoundError:
            raise self._lost() from None
        except _CUT as error:
            if not isinstance(cause := self._bus.meaning(error), CutOff):
                raise cause from None
            return False
        if entry.value != self._value:
            raise self._lost()
        self._revision = entry.revision or 0  # one that came through although nobody said so
        return False

    def _lost(self) -> TakenOver:
        self._renewed_ns = self._clock() - QUIET_NS
        return TakenOver(f"another executor has taken the lease of {self._account} over; this one ends")
