"""A stage and its follower when NATS goes away and comes back: both wait, nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ninefold.bus.failed import BusFailed
from ninefold.bus.nats import NatsBus
from ninefold.bus.server import NatsServer
from tests.conftest import missing


def play(folder: Path, work: Callable[[NatsServer, NatsBus], Awaitable[NatsServer]]) -> None:
    """work: gives back the server that runs at its end."""

    async def run() -> None:
        try:
            server = await NatsServer.start(folder)
        except BusFailed as failed:
            missing(str(failed))
        bus = await NatsBus.connect(server.url)
        try:
            await bus.make("bars")
            server = await asyncio.wait_for(work(server, bus), 90)
        finally:
            await bus.close()
            await server.stop()

    asyncio.run(run())


def test_a_message_that_was_published_twice_is_followed_once(tmp_path):
    async def work(server: NatsServer, bus: NatsBus) -> NatsServer:
        for seq in (1, 2, 2, 1, 3):
            await bus.publish("bars", str(seq).encode(), seq)
        following = bus.follow("bars", 0)
        assert [await anext(following) for _ in range(3)] == [b"1", b"2", b"3"]
        await following.aclose()
        return server

    play(tmp_path, work)


@pytest.mark.slow
def test_publisher_and_follower_wait_for_a_server_that_is_away(tmp_path):
    async def work(server: NatsServer, bus: NatsBus) -> NatsServer:
        reading = await NatsBus.connect(server.url)
        following = reading.follow("bars", 0)
        await bus.publish("bars", b"1", 1)
        assert await anext(following) == b"1"
        await server.stop()
        publishing = asyncio.ensure_future(bus.publish("bars", b"2", 2))
        coming = asyncio.ensure_future(anext(following))
        while bus.connected or reading.connected:
            await asyncio.sleep(0.02)
        server = await NatsServer.start(tmp_path, port=int(server.url.rpartition(":")[2]))
        await publishing
        assert await coming == b"2"
        await bus.publish("bars", b"3", 3)
        assert await anext(following) == b"3"
        await following.aclose()
        await reading.close()
        return server

    play(tmp_path, work)


@pytest.mark.slow
def test_a_follower_begins_anew_with_a_stream_that_was_made_anew(tmp_path):
    async def work(server: NatsServer, bus: NatsBus) -> NatsServer:
        for seq in (1, 2, 3):
            await bus.publish("bars", str(seq).encode(), seq)
        following = bus.follow("bars", 0)
        assert [await anext(following) for _ in range(3)] == [b"1", b"2", b"3"]
        await bus._streams.delete_stream("ninefold_bars")
        await bus.make("bars")
        for seq in (2, 3, 4):
            await bus.publish("bars", str(seq).encode(), seq)
        assert await anext(following) == b"4"
        await following.aclose()
        return server

    play(tmp_path, work)
