"""The lease of an account among hosts, on a real NATS server; the clock is faster than ours, the waits shorter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ninefold.bus import lease as of_bus
from ninefold.bus.failed import BusFailed
from ninefold.bus.lease import BusLease
from ninefold.bus.nats import NatsBus
from ninefold.bus.server import NatsServer
from ninefold.execution.lease import HELD_NS, QUIET_NS, SILENT_NS, AlreadyTraded, TakenOver
from tests.conftest import missing

FASTER = 10
Work = Callable[[Callable[[str], Awaitable[BusLease]], NatsServer], Awaitable[None]]


def clock() -> int:
    return time.monotonic_ns() * FASTER


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], None]:
    """Run a test with a server and a function that takes the lease for a data dir."""
    monkeypatch.setattr(of_bus, "BEAT_S", of_bus.BEAT_S / FASTER)

    async def whole(work: Work) -> None:
        try:
            server = await NatsServer.start(tmp_path / "nats")
        except BusFailed as failed:
            missing(str(failed))
        buses: list[NatsBus] = []

        async def take(origin: str) -> BusLease:
            buses.append(await NatsBus.connect(server.url))
            return await BusLease.take(buses[-1], "binance-x", origin, clock)

        try:
            await asyncio.wait_for(work(take, server), 60)
        finally:
            for bus in buses:
                await bus.close()
            await server.stop()

    return lambda work: asyncio.run(whole(work))


def test_one_that_renews_is_left_alone_and_one_that_leaves_is_followed_at_once(play):
    async def work(take, server) -> None:
        first = await take("a")
        keeping = asyncio.ensure_future(first.keep())
        with pytest.raises(AlreadyTraded, match="binance-x is traded by the executor of another data dir"):
            await take("b")
        first.check()
        keeping.cancel()
        await first.release()
        with pytest.raises(TakenOver):
            first.check()
        began = clock()
        second = await take("b")
        assert clock() - began < QUIET_NS
        assert second.epoch > first.epoch
        second.check()

    play(work)


@pytest.mark.slow
def test_one_that_is_silent_is_replaced_after_the_stated_times_and_its_renewals_fail(play):
    async def work(take, server) -> None:
        first = await take("a")
        first.check()
        began = clock()
        second = await take("b")
        assert clock() - began >= SILENT_NS + QUIET_NS
        assert second.epoch > first.epoch
        second.check()
        with pytest.raises(TakenOver, match="not renewed in time"):
            first.check()
        with pytest.raises(TakenOver, match="has taken the lease of binance-x over"):
            await first.hold()

    play(work)


def test_the_same_data_dir_takes_its_own_at_once(play):
    async def work(take, server) -> None:
        first = await take("a")
        began = clock()
        again = await take("a")
        assert clock() - began < SILENT_NS
        again.check()
        with pytest.raises(TakenOver):
            await first.keep()

    play(work)


def test_while_the_link_is_cut_it_is_not_held_and_afterwards_it_is_if_nobody_took_it(play, tmp_path):
    async def work(take, server) -> None:
        lease = await take("a")
        port = int(server.url.rpartition(":")[2])
        await server.stop()
        lost = clock() + HELD_NS
        while clock() < lost:
            await asyncio.sleep(0.01)
        with pytest.raises(TakenOver, match="nothing is sent without it"):
            lease.check()
        holding = asyncio.ensure_future(lease.hold())
        again = await NatsServer.start(tmp_path / "nats", port=port)
        try:
            await holding
            lease.check()
        finally:
            await again.stop()

    play(work)
