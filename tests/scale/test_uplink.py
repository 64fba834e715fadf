"""A stream log published to a real NATS server: from wherever NATS stands, whatever happened in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ninefold.bus.failed import BusFailed
from ninefold.bus.link import Access
from ninefold.bus.nats import NatsBus
from ninefold.bus.parcel import unpack
from ninefold.bus.server import NatsServer
from ninefold.journal.inputs import CHUNK
from ninefold.journal.writer import LogWriter
from ninefold.services.origin import ORIGIN
from ninefold.services.uplink import Uplink
from tests.conftest import missing

STAGE = "collect-tokyo"


class Host:
    """A stream log that grows by hand, with its uplink running; a follower far away."""

    def __init__(self, folder: Path, server: NatsServer) -> None:
        self.folder = folder
        self.server = server
        self.log = LogWriter(folder / "stream")
        self.uplink = Uplink(folder, STAGE, self.connect, self._beside, lambda: self.log.last_seq)
        self.running = asyncio.ensure_future(self.uplink.run())

    async def connect(self) -> NatsBus:
        return await NatsBus.connect("", access=Access(self.server.url, STAGE))

    def append(self, first: int, last: int) -> None:
        for seq in range(first, last + 1):
            self.log.append(CHUNK, 0, seq, seq, str(seq).encode())
            self.log.flush()
        self.uplink.wake()

    async def published(self, seq: int) -> None:
        while self.uplink.published_seq < seq:
            assert not self.running.done(), self.running.exception()
            await asyncio.sleep(0.02)

    async def follow(self, after_seq: int, until_seq: int) -> list[int]:
        bus, found = await self.connect(), []
        async for parcel in bus.follow(STAGE, after_seq, keep_unread=True):
            found += [int(payload) for payload in unpack(parcel)]
            if found[-1] >= until_seq:
                break
        await bus.close()
        return found

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.wait({self.running})
        self.log.close()

    async def _beside(self, bus: NatsBus) -> None:
        await asyncio.Event().wait()


def play(folder: Path, work: Callable[[Host], Awaitable[None]]) -> None:
    async def run() -> None:
        try:
            server = await NatsServer.start(folder / "nats")
        except BusFailed as failed:
            missing(str(failed))
        host = Host(folder / "tokyo", server)
        try:
            await asyncio.wait_for(work(host), 90)
        finally:
            await host.close()
            await host.server.stop()

    asyncio.run(run())


def test_what_is_in_the_log_is_published_in_order_and_each_once(tmp_path):
    async def work(host: Host) -> None:
        host.append(1, 5)
        await host.published(5)
        host.append(6, 500)
        assert await host.follow(0, 500) == list(range(1, 501))
        await host.published(500)

    play(tmp_path, work)


@pytest.mark.slow
def test_a_server_that_was_away_gets_what_came_meanwhile(tmp_path):
    async def work(host: Host) -> None:
        host.append(1, 5)
        await host.published(5)
        port = int(host.server.url.rpartition(":")[2])
        await host.server.stop()
        host.append(6, 50)
        while host.uplink.connected:
            await asyncio.sleep(0.05)
        assert "NATS" in host.uplink.problem or "did not answer" in host.uplink.problem
        host.append(51, 60)
        host.server = await NatsServer.start(tmp_path / "nats", port=port)
        await host.published(60)
        assert host.uplink.problem == ""
        assert await host.follow(0, 60) == list(range(1, 61))

    play(tmp_path, work)


@pytest.mark.slow
def test_a_server_that_lost_its_end_gets_it_again(tmp_path):
    async def work(host: Host) -> None:
        host.append(1, 20)
        await host.published(20)
        port = int(host.server.url.rpartition(":")[2])
        await host.server.stop()
        host.server = await NatsServer.start(tmp_path / "another disk", port=port)
        host.append(21, 25)
        assert await host.follow(0, 25) == list(range(1, 26))

    play(tmp_path, work)


def test_what_the_recorder_has_goes_out_of_nats_and_its_place_stays(tmp_path):
    async def work(host: Host) -> None:
        bus = await host.connect()
        for last in (3, 6, 9):
            host.append(last - 2, last)
            await host.published(last)
        assert await bus.read_seq(STAGE) == 0
        await bus.forget(STAGE, 8)
        assert await bus.read_seq(STAGE) == 6
        await bus.forget(STAGE, 9)
        assert (await bus.last(STAGE))[0] == await bus.read_seq(STAGE) == 9
        host.append(10, 12)
        assert await host.follow(9, 12) == [10, 11, 12]
        await bus.close()

    play(tmp_path, work)


def test_another_data_dir_under_the_same_name_is_refused(tmp_path):
    async def work(host: Host) -> None:
        host.append(1, 5)
        await host.published(5)
        other = Host(tmp_path / "other", host.server)
        other.append(1, 9)
        with pytest.raises(BusFailed, match=r"needs a bus\.name of its own"):
            await asyncio.wait_for(other.running, 30)
        await other.close()
        assert (await host.follow(0, 5)) == [1, 2, 3, 4, 5]

    play(tmp_path, work)


def test_a_log_that_lost_what_nats_has_is_refused(tmp_path):
    async def work(host: Host) -> None:
        host.append(1, 5)
        await host.published(5)
        shorter = Host(tmp_path / "shorter", host.server)
        (tmp_path / "shorter" / ORIGIN).write_text((tmp_path / "tokyo" / ORIGIN).read_text())
        shorter.running.cancel()
        shorter.append(1, 3)
        uplink = Uplink(shorter.folder, STAGE, shorter.connect, shorter._beside, lambda: 3)
        with pytest.raises(BusFailed, match="a part of it is lost"):
            await asyncio.wait_for(uplink.run(), 30)
        await shorter.close()

    play(tmp_path, work)


@pytest.mark.slow
def test_of_two_that_publish_the_same_log_each_message_is_there_once(tmp_path):
    async def work(host: Host) -> None:
        twin = Uplink(host.folder, STAGE, host.connect, host._beside, lambda: host.log.last_seq)
        running = asyncio.ensure_future(twin.run())
        while not (twin.connected and host.uplink.connected):
            await asyncio.sleep(0.02)
        for last in range(10, 70, 10):
            host.append(last - 9, last)
            twin.wake()
            await host.published(last)
        running.cancel()
        await asyncio.wait({running})
        bus = await host.connect()
        found = [int(one) async for one in _all(bus, 60)]
        assert found == list(range(1, 61))
        await bus.close()

    play(tmp_path, work)


async def _all(bus: NatsBus, until_seq: int):
    """What every message of the stream holds, with no filter but its place."""
    place = 1
    while True:
        message = await bus._streams.get_msg("ninefold_" + STAGE, place)
        place += 1
        payloads = unpack(message.data)
        for payload in payloads:
            yield payload
        if int(payloads[-1]) >= until_seq:
            return
