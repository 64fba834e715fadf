"""Two processes that could both trade one account: one is stopped, the other takes over, the first goes on.

In:  executors of one data dir, and of two data dirs with a real NATS server between them; a venue on loopback.
Out: what the venue heard of each, and what is in the ledgers.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from ninefold.bus.failed import BusFailed
from ninefold.bus.server import NatsServer
from ninefold.config import Account, BadConfig, Config
from ninefold.execution.lease import AlreadyTraded
from ninefold.services.leases import Leases
from ninefold.store.ledger import LedgerReader
from tests.conftest import missing

pytestmark = pytest.mark.slow

FASTER = 10  # the clock of the processes here: tenths of seconds are waited for, where there are seconds
WORKER = f"""
import asyncio, sys, time
from pathlib import Path
from ninefold.bus import lease as of_bus
from ninefold.bus.lease import BusLease
from ninefold.bus.nats import NatsBus
from ninefold.execution.lease import TakenOver
from ninefold.market.records import Order
from ninefold.store.lease import HostLease, awake_ns
from ninefold.store.ledger import Ledger
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_requests import Request

of_bus.BEAT_S /= {FASTER}
clock = lambda: awake_ns() * {FASTER}

async def main(folder, url, name, nats):
    held = HostLease(Path(folder) / 'execute.lease', clock, lambda seconds: time.sleep(seconds / {FASTER}))
    lease = await BusLease.take(await NatsBus.connect(nats), "binance-x", folder, clock) if nats else None
    keeping = asyncio.ensure_future(lease.keep()) if lease else None
    ledger, checks = Ledger(Path(folder)), [one.check for one in (held, lease) if one]
    client = BinanceClient(url, name, "secret", time.time_ns, lambda: [check() for check in checks])
    await client.start()
    print("trades", flush=True)
    seq = ledger.last_seq()
    try:
        while True:
            seq += 1
            if lease:
                await lease.hold()
            order = Order(seq=seq, known_ns=seq, client_order_id=f"{{name}}-{{seq}}", instrument=1, side=1, size=1, status="intended")
            ledger.append([order], seq)
            await client.call(Request("POST", "/api/v3/order", {{"newClientOrderId": order.client_order_id}}))
    except TakenOver as over:
        print(over, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


class Venue:
    """Notes every order; while it answers the twentieth, the first executor is stopped, outside any write."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.executors: list[subprocess.Popen[str]] = []
        self.url = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.add_routes([web.post("/api/v3/order", self._order), web.get("/api/v3/time", self._time)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def executor(self, folder: Path, name: str, nats: str) -> subprocess.Popen[str]:
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-c", WORKER, str(folder), self.url, name, nats]
        self.executors.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return self.executors[-1]

    async def until(self, count: int) -> None:
        while len(self.heard) < count:
            await asyncio.sleep(0.01)

    async def _order(self, request: web.Request) -> web.Response:
        self.heard.append(str((await request.post())["newClientOrderId"]).partition("-")[0])
        if len(self.heard) == 20:
            self.executors[0].send_signal(signal.SIGSTOP)
        return web.json_response({})

    async def _time(self, request: web.Request) -> web.Response:
        return web.json_response({"serverTime": 0})


@pytest.fixture
def venue() -> Iterator[Venue]:
    made = Venue()
    yield made
    for process in made.executors:
        process.kill()
        process.wait()
        process.stdout.close()


async def play(venue: Venue, tmp_path: Path, places: tuple[str, str], nats: str) -> str:
    """What the first said at its end."""
    runner = await venue.start()
    first = venue.executor(tmp_path / places[0], "first", nats)
    await venue.until(20)
    second = venue.executor(tmp_path / places[1], "second", nats)
    assert await asyncio.to_thread(second.stdout.readline) == "trades\n"
    await venue.until(40)
    first.send_signal(signal.SIGCONT)
    said, _ = await asyncio.to_thread(first.communicate, timeout=30.0)
    await venue.until(len(venue.heard) + 20)
    await runner.cleanup()
    return said


def written(folder: Path) -> list[str]:
    return [event.client_order_id.partition("-")[0] for event in LedgerReader(folder).events()]


def test_on_one_data_dir_the_first_sends_and_writes_nothing_any_more(venue, tmp_path):
    said = asyncio.run(play(venue, tmp_path, ("data", "data"), ""))
    assert "another executor took over" in said or "opened by a later writer" in said
    assert venue.heard[:20] == ["first"] * 20
    assert set(venue.heard[20:]) == {"second"}
    assert written(tmp_path / "data")[:21] == ["first"] * 20 + ["second"]
    assert set(written(tmp_path / "data")[20:]) == {"second"}


def test_on_two_data_dirs_and_a_bus_the_first_sends_and_writes_nothing_any_more(venue, tmp_path):
    async def run() -> str:
        try:
            server = await NatsServer.start(tmp_path / "nats")
        except BusFailed as failed:
            missing(str(failed))
        try:
            return await play(venue, tmp_path, ("a", "b"), server.url)
        finally:
            await server.stop()

    said = asyncio.run(run())
    assert "another executor has taken the lease of binance-x over" in said
    assert venue.heard[:20] == ["first"] * 20
    assert set(venue.heard[20:]) == {"second"}
    assert written(tmp_path / "a") == ["first"] * 20


def test_with_real_money_two_data_dirs_of_one_machine_do_not_trade_one_account(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NINEFOLD_API_KEY", "made-up-key")
    monkeypatch.setenv("NINEFOLD_API_SECRET", "made-up-secret")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    live = Config(mode="live", account=Account(orders="exchange"))
    first = Leases(live, tmp_path / "a")
    (file,) = (tmp_path / "state" / "ninefold").iterdir()
    assert "made-up" not in file.name + file.read_text()
    beat = threading.Thread(target=lambda: [first.check(), *(lease.renew() for lease in first._held)])
    holding = threading.Timer(0.3, beat.start)
    holding.start()
    with pytest.raises(AlreadyTraded, match=rf"binance-[0-9a-f]{{32}}\.lease is held by process {os.getpid()}"):
        Leases(live, tmp_path / "b")
    holding.join()
    first.release()
    Leases(live, tmp_path / "b").release()
    monkeypatch.setenv("XDG_STATE_HOME", str(file))
    with pytest.raises(BadConfig, match="let XDG_STATE_HOME name a folder that can be written"):
        Leases(live, tmp_path / "a")
