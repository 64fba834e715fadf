"""Following a stream on a real NATS server: every message once and in order, whatever becomes of the subscription."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import nats
import pytest

from ninefold.bus.failed import BusFailed
from ninefold.bus.nats import NatsBus
from ninefold.bus.server import NatsServer
from tests.conftest import missing

pytestmark = pytest.mark.slow

Work = Callable[[str, NatsBus], Awaitable[None]]


def play(folder: Path, work: Work) -> None:
    async def run() -> None:
        try:
            server = await NatsServer.start(folder)
        except BusFailed as failed:
            missing(str(failed))
        bus = await NatsBus.connect(server.url, "test")
        try:
            await bus.make("bars")
            await asyncio.wait_for(work(server.url, bus), 60)
        finally:
            await bus.close()
            await server.stop()

    asyncio.run(run())


async def publish(bus: NatsBus, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        await bus.publish("bars", str(seq).encode(), seq)


async def take(following: AsyncIterator[bytes], count: int) -> list[int]:
    return [int(await anext(following)) for _ in range(count)]


def test_a_follower_begins_behind_a_seq_and_goes_on_with_what_comes(tmp_path):
    async def work(url: str, bus: NatsBus) -> None:
        await publish(bus, 1, 20)
        following = bus.follow("bars", 12)
        assert await take(following, 8) == list(range(13, 21))
        await publish(bus, 21, 25)
        assert await take(following, 5) == list(range(21, 26))

    play(tmp_path, work)


def test_a_follower_whose_subscription_died_at_the_server_misses_nothing(tmp_path):
    async def work(url: str, bus: NatsBus) -> None:
        await publish(bus, 1, 3)
        following = bus.follow("bars", 0)
        assert await take(following, 3) == [1, 2, 3]
        other = await nats.connect(url)
        consumers = await other.jetstream().consumers_info("ninefold_bars")
        assert len(consumers) == 1
        await other.jetstream().delete_consumer("ninefold_bars", consumers[0].name)
        await publish(bus, 4, 9)
        assert await take(following, 6) == [4, 5, 6, 7, 8, 9]
        await other.close()

    play(tmp_path, work)


def test_what_was_removed_before_it_was_read_is_told_and_not_skipped(tmp_path):
    async def work(url: str, bus: NatsBus) -> None:
        await publish(bus, 1, 9)
        following = bus.follow("bars", 0)
        assert await take(following, 2) == [1, 2]
        other = await nats.connect(url)
        await other.jetstream().delete_consumer(
            "ninefold_bars", (await other.jetstream().consumers_info("ninefold_bars"))[0].name
        )
        await publish(bus, 10, 12)
        await other.jetstream().purge_stream("ninefold_bars", seq=12)
        with pytest.raises(BusFailed, match="begins at message 12"):
            while True:
                assert await take(following, 1) < [12]
        await other.close()

    play(tmp_path, work)
