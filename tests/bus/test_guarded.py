"""A NATS server with TLS and a credential for each service: who may come, what each may do, and what refusals say."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ninefold.bus.credentials import Credential, NoCredential, credential_of, from_environment, make_credentials
from ninefold.bus.failed import BusFailed, Unreachable
from ninefold.bus.lease import BusLease
from ninefold.bus.link import Access
from ninefold.bus.nats import NatsBus
from ninefold.bus.permissions import CHAIN, INPUT, ORDER, allowed, services_of
from ninefold.bus.server import Guarded, NatsServer
from ninefold.config import BadConfig, Bus, Config, parse
from ninefold.market.arrays import BUY, ID_INTEGER, TRADES
from ninefold.market.chunk import Chunk, encode
from ninefold.market.instruments import listed
from ninefold.market.records import Listed, Tick
from ninefold.market.time import SECOND_NS
from ninefold.services.alone import Alone
from ninefold.services.bus import access_of, bus_alone
from ninefold.services.record_alone import record_alone
from ninefold.store.lease import awake_ns
from ninefold.store.read import Reader
from tests.bus.certificates import Authority
from tests.conftest import missing

COLLECTORS = ("tokyo-1",)
Work = Callable[["Host"], Awaitable[None]]


class Host:
    """A server with TLS on loopback that knows all services."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        certificate, key = self.authority.sign(folder, "localhost")
        self.credentials = make_credentials(folder / "credentials", services_of(COLLECTORS))
        users = {name: (one, allowed(name, COLLECTORS)) for name, one in self.credentials.items()}
        self.guarded = Guarded(certificate, key, users)
        self.url = ""

    async def bus(self, service: str) -> NatsBus:
        return await NatsBus.connect("", access=self.access(service))

    def access(self, service: str) -> Access:
        return Access(self.url, service, str(self.authority.file), self.credentials[service])


def play(folder: Path, work: Work) -> None:
    async def run() -> None:
        host = Host(folder)
        try:
            server = await NatsServer.start(folder / "nats", guarded=host.guarded)
        except BusFailed as failed:
            missing(str(failed))
        host.url = server.url.replace("127.0.0.1", "localhost")
        try:
            await asyncio.wait_for(work(host), 60)
        finally:
            await server.stop()

    asyncio.run(run())


def test_a_service_with_its_credential_publishes_and_the_next_one_follows(tmp_path):
    async def work(host: Host) -> None:
        collect, bars = await host.bus("collect"), await host.bus("bars")
        await collect.make("collect")
        await collect.publish("collect", b"one", 1)
        following = bars.follow("collect", 0)
        assert await anext(following) == b"one"
        assert await collect.last_seq("collect") == 1
        await following.aclose()
        await collect.close()
        await bars.close()

    play(tmp_path, work)


async def refused(access: Access) -> str:
    with pytest.raises(BusFailed) as told:
        await NatsBus.connect("", access=access)
    return str(told.value)


@pytest.mark.slow
def test_who_is_refused_is_told_why_and_what_to_do(tmp_path):
    async def work(host: Host) -> None:
        good = host.credentials["collect"]
        ca, other = str(host.authority.file), Authority(host.folder, "stranger")
        wrong = Credential("collect", "not " + good.password)
        told = {
            "ca": await refused(Access(host.url, "collect", str(other.file), good)),
            "no ca": await refused(Access(host.url, "collect", "", good)),
            "ca file": await refused(Access(host.url, "collect", str(host.folder / "none.pem"), good)),
            "ca text": await refused(
                Access(host.url, "collect", str(host.authority.file.with_name("localhost.key")), good)
            ),
            "name": await refused(Access(host.url.replace("localhost", "127.0.0.1"), "collect", ca, good)),
            "password": await refused(Access(host.url, "collect", ca, wrong)),
            "nobody": await refused(Access(host.url, "collect", ca)),
            "plain": await refused(Access(host.url.replace("tls://", "nats://"), "collect", ca, good)),
        }
        assert f"is not signed by {other.file}" in told["ca"]
        assert "not signed by the authorities that this machine trusts" in told["no ca"]
        assert "does not exist" in told["ca file"]
        assert "holds no certificates" in told["ca text"]
        assert "certificate for another name" in told["name"]
        assert "refuses the user 'collect'" in told["password"]
        assert "refuses a service without a credential" in told["nobody"]
        assert "use tls://" in told["plain"]
        assert not any(good.password in text for text in told.values())

    play(tmp_path, work)


def test_a_server_that_begins_without_tls_gets_no_credential(tmp_path):
    async def run() -> None:
        try:
            plain = await NatsServer.start(tmp_path / "nats")
        except BusFailed as failed:
            missing(str(failed))
        try:
            url = plain.url.replace("nats://", "tls://")
            told = await refused(Access(url, "collect", credential=Credential("collect", "never sent")))
            assert "does not begin with TLS" in told
        finally:
            await plain.stop()

    asyncio.run(run())


def test_where_nothing_answers_it_is_said(tmp_path):
    async def run() -> None:
        with pytest.raises(Unreachable, match=r"no NATS server answers at nats://127\.0\.0\.1:9 "):
            await NatsBus.connect("nats://user:secret@127.0.0.1:9")

    asyncio.run(run())


FORBIDDEN = [
    ("record", "collect", "publish"),
    ("serve", INPUT, "publish"),
    ("collect", "execute", "publish"),
    ("collect-tokyo-1", "collect", "publish"),
    ("collect", "execute", "follow"),
    ("notify", "collect-tokyo-1", "follow"),
]


@pytest.fixture(scope="module")
def violations(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], str]:
    """What each forbidden act was told, on one server."""
    told = {}

    async def work(host: Host) -> None:
        for owner in ("collect", "execute", "collect-tokyo-1", "sentiment"):
            bus = await host.bus(owner)
            await bus.make(INPUT if owner == "sentiment" else owner)
            await bus.close()
        await asyncio.gather(*(forbidden(host, *case) for case in FORBIDDEN))

    async def forbidden(host: Host, service: str, stage: str, act: str) -> None:
        bus = await host.bus(service)
        with pytest.raises(BusFailed) as failed:
            if act == "publish":
                await bus.publish(stage, b"false", 1)
            else:
                await anext(bus.follow(stage, 0))
        told[service, stage, act] = str(failed.value)
        await bus.close()

    play(tmp_path_factory.mktemp("guarded"), work)
    return told


@pytest.mark.slow
@pytest.mark.parametrize("case", FORBIDDEN, ids=" ".join)
def test_a_service_may_only_do_what_it_needs(violations, case):
    assert f"does not allow {case[0]!r} what it needs" in violations[case]
    assert "ermissions Violation" in violations[case].replace("permissions violation", "Permissions Violation")


@pytest.mark.slow
def test_the_executor_alone_may_take_the_lease_of_an_account(tmp_path):
    async def work(host: Host) -> None:
        execute, bars = await host.bus("execute"), await host.bus("bars")
        lease = await BusLease.take(execute, "binance-x", "here", awake_ns)
        await lease.hold()
        lease.check()
        with pytest.raises(BusFailed, match="does not allow 'bars' what it needs"):
            await BusLease.take(bars, "binance-x", "there", awake_ns)
        await execute.close()
        await bars.close()

    play(tmp_path, work)


def chunks() -> Iterator[Chunk]:
    """An instrument, then a trade a second for half a minute, each with its tick of the clock."""
    one = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.001", id=1)
    yield Chunk(1, 1, SECOND_NS, records=[Listed(seq=1, known_ns=SECOND_NS, instrument=one)])
    for second in range(2, 32):
        at = second * SECOND_NS
        row = (1, at, at, second, ID_INTEGER, 0, second, 10_000 + second, 1, BUY)
        tick = Tick(seq=second, known_ns=at, exchange_ns=at)
        yield Chunk(second, second, at, {"trades": np.array([row], TRADES)}, [tick])


@pytest.mark.slow
def test_the_whole_chain_works_with_the_permissions_it_has(tmp_path):
    async def work(host: Host) -> None:
        config = Config(data_dir=str(tmp_path / "data"), mode="replay")
        buses = {name: await host.bus(name) for name in (*ORDER, "record")}
        await buses["collect"].make("collect")
        await buses["collect"].make(INPUT)
        stop = asyncio.Event()
        jobs = [Alone(name, config, buses[name], lambda: 0).run(stop) for name in CHAIN]
        jobs.append(record_alone(config, buses["record"], lambda: 0, stop))
        tasks = [asyncio.ensure_future(job) for job in jobs]
        for chunk in chunks():
            await buses["collect"].publish("collect", encode(chunk), chunk.last_seq)
        while Reader(tmp_path / "data").position() < 31:
            assert not any(task.done() for task in tasks), [task for task in tasks if task.done()]
            await asyncio.sleep(0.05)
        assert await buses["execute"].send_input(b"order")
        taking = asyncio.ensure_future(buses["collect"].inputs(lambda payloads: taken.extend(payloads)))
        taken: list[bytes] = []
        while not taken:
            await asyncio.sleep(0.02)
        taking.cancel()
        stop.set()
        await asyncio.gather(*tasks)
        for bus in buses.values():
            await bus.close()
        counts = Reader(tmp_path / "data").counts()
        assert counts["trades"] == 30
        assert counts["bars"] > 20
        assert taken == [b"order"]

    play(tmp_path, work)


def test_credentials_are_files_that_only_their_owner_reads(tmp_path):
    folder = tmp_path / "credentials"
    made = make_credentials(folder, ["collect", "record"])
    assert made == make_credentials(folder, ["collect", "record"]), "those that are there stay"
    assert made["collect"].password != made["record"].password
    assert made["collect"].password not in repr(made)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert credential_of(str(folder), "collect") == made["collect"]
    (folder / "collect.json").chmod(0o640)
    with pytest.raises(NoCredential, match="chmod 600"):
        credential_of(str(folder), "collect")


def test_a_credential_that_is_missing_or_broken_is_told_without_what_is_in_it(tmp_path):
    with pytest.raises(NoCredential, match=r"found: none"):
        credential_of(str(tmp_path), "bars")
    for name in ("bars.json", "bars.creds"):
        (tmp_path / name).write_text("hidden")
        (tmp_path / name).chmod(0o600)
    with pytest.raises(NoCredential, match=r"found: bars\.json, bars\.creds"):
        credential_of(str(tmp_path), "bars")
    (tmp_path / "bars.creds").unlink()
    with pytest.raises(NoCredential, match="must be JSON") as told:
        credential_of(str(tmp_path), "bars")
    assert "hidden" not in str(told.value)


def test_the_environment_gives_a_user_and_its_password_together():
    assert from_environment("U", "P", {"U": "bars", "P": "x"}) == Credential("bars", "x")
    assert from_environment("U", "P", {}) == Credential()
    with pytest.raises(NoCredential, match="P is not set"):
        from_environment("U", "P", {"U": "bars"})


def test_an_nkey_is_taken_where_the_server_wants_one(tmp_path):
    try:
        import nkeys
    except ImportError:
        missing("the package nkeys is not installed")
    pair = nkeys.from_seed(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
    (tmp_path / "collect.nk").write_bytes(bytes(pair.seed))
    (tmp_path / "collect.nk").chmod(0o600)

    async def run() -> None:
        server = await NatsServer.start(tmp_path / "nats")
        await server.stop()
        settings = tmp_path / "nats" / "nats.conf"
        public = bytes(pair.public_key).decode()
        text = settings.read_text() + f"authorization {{ users: [ {{ nkey: {public} }} ] }}\n"
        settings.write_text(text)
        process = await asyncio.create_subprocess_exec("nats-server", "-c", str(settings), env=_path())
        try:
            credential = credential_of(str(tmp_path), "collect")
            for _ in range(200):
                try:
                    bus = await NatsBus.connect("", access=Access(server.url, "collect", credential=credential))
                    break
                except Unreachable:
                    await asyncio.sleep(0.05)
            await bus.make("collect")
            await bus.close()
            assert "refuses" in await refused(Access(server.url, "collect"))
        finally:
            process.terminate()
            await process.wait()

    asyncio.run(run())


def _path() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def test_a_config_holds_no_secret_and_a_server_for_others_needs_a_certificate(tmp_path):
    with pytest.raises(BadConfig, match="without user and password") as told:
        parse('[bus]\nurl = "tls://collect:secret@host:4222"')
    assert "secret" not in str(told.value)
    with pytest.raises(BadConfig, match="small letters, digits and dashes"):
        parse('[bus]\nname = "Tokyo 1"')
    assert parse('[bus]\nurl = "tls://host:4222"\ncollectors = ["a", "b-1"]').bus.collectors == ("a", "b-1")
    with pytest.raises(BadConfig, match=r"set bus\.url"):
        access_of(Bus(), "bars")
    open_to_all = Config(data_dir=str(tmp_path), bus=Bus(url="nats://0.0.0.0:4222"))
    with pytest.raises(BadConfig, match="needs a certificate"):
        asyncio.run(bus_alone(open_to_all, asyncio.Event(), lambda port: None))


def test_service_bus_makes_the_credentials_and_lets_each_service_in(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.sign(tmp_path, "localhost")
    bus = Bus(
        url="tls://localhost:0",
        ca_file=str(authority.file),
        credentials=str(tmp_path / "credentials"),
        collectors=COLLECTORS,
        cert_file=str(certificate),
        key_file=str(key),
    )

    async def run() -> None:
        stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        config = Config(data_dir=str(tmp_path / "data"), bus=bus)
        serving = asyncio.ensure_future(bus_alone(config, stop, port.set_result))
        await asyncio.wait({serving, port}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            missing(str(serving.exception()))
        at_tokyo = Bus(ca_file=bus.ca_file, credentials=bus.credentials, name="tokyo-1")
        access = access_of(at_tokyo, "collect", f"tls://localhost:{port.result()}")
        assert access.service == "collect-tokyo-1"
        connected = await NatsBus.connect("", access=access)
        await connected.make("collect-tokyo-1")
        await connected.close()
        stop.set()
        await serving
        settings = (tmp_path / "data" / "nats" / "nats.conf").stat()
        assert stat.S_IMODE(settings.st_mode) == 0o600
        log = (tmp_path / "data" / "nats" / "nats.log").read_text()
        assert access.credential.password not in log

    asyncio.run(run())
