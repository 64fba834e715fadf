"""Several collectors on hosts of their own, one recorder, TLS and credentials between, and a link that is cut and heals.

The same story on network namespaces, where the machine allows them, and through proxies on loopback: the recorder's tables
hold, row for row, what the collectors' own stream logs hold. `make test` holds the parts against a real NATS server:
test_uplink.py, test_merge.py, bus/test_cut.py, bus/test_guarded.py.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ninefold.config import Bus, Config, Serve, Venue
from ninefold.journal.reader import read
from ninefold.market.arrays import empty
from ninefold.market.chunk import decode
from ninefold.market.instruments import Registry
from ninefold.market.records import Listed
from ninefold.services.statuses import read_statuses
from ninefold.services.verify import verify
from ninefold.store.data_dir import open_data_dir
from ninefold.store.read import Reader
from tests.bus.certificates import Authority
from tests.pipeline.running import until
from tests.scale.hosts import RECORDER, HostProgram, Loopback, Namespaces, made

pytestmark = [pytest.mark.torture, pytest.mark.timeout(900)]  # nine programs on two cores

TOKYO, BERLIN = "tokyo", "berlin"
VENUES = {TOKYO: "binance", BERLIN: "coinbase"}
PAIRS = ("BTC/USDT", "ETH/USDT")
STORED = ("trades", "books", "quotes", "bars")
Hosts = Namespaces | Loopback


class World:
    """A recorder with its NATS server, and collectors, each with an exchange beside it."""

    def __init__(self, folder: Path, hosts: Hosts) -> None:
        self.folder = folder
        self.hosts = hosts
        self.programs: dict[str, HostProgram] = {}
        self.addresses: dict[str, dict[str, str]] = {}
        self.data_dir = folder / RECORDER / "data"
        self._starts = 0
        self._port = _free_port()

    def begin(self) -> None:
        self._configure_recorder()
        bus = self.start("bus", RECORDER, "service", "bus", "--config", self.folder / "bus.json")
        if not bus.line().startswith("port"):
            pytest.fail(bus.words())
        for place, name in enumerate(VENUES):
            exchange = self.start(
                f"exchange-{name}",
                name,
                *("--data-dir", self.folder / name / "exchange", "--seed", str(place), "--rate", "30"),
                module="ninefold.simulator",
            )
            self.addresses[name] = json.loads(exchange.line())
            self._configure_collector(name)
        self.record()
        for name in VENUES:
            self.collect(name)

    def record(self) -> None:
        self.start("record", RECORDER, "service", "record", "--config", self.folder / "record.json").line()

    def collect(self, name: str) -> None:
        self.start(name, name, "service", "collect", "--config", self.folder / f"{name}.json")

    def start(self, name: str, host: str, *arguments: str | Path, module: str = "ninefold") -> HostProgram:
        self._starts += 1
        folder = self.folder / "programs" / f"{self._starts}-{name}"
        self.programs[name] = HostProgram(folder, self.hosts.at(host), *arguments, module=module)
        return self.programs[name]

    def own_dir(self, name: str) -> Path:
        return self.folder / name / "data"

    def gauge(self, name: str, gauge: str) -> float:
        """What a collector says of itself on its own host."""
        self._all_run()
        status = read_statuses(self.own_dir(name)).get(f"collect-{name}")
        return status.gauges.get(gauge, 0.0) if status else 0.0

    def stored(self, name: str) -> int:
        """Trades of a collector in the recorder's tables."""
        self._all_run()
        reader = Reader(self.data_dir)
        return sum(len(reader.trades(one.id)) for one in reader.captured() if one.venue == VENUES[name])

    def end(self) -> None:
        for name in (*VENUES, "record", *(name for name in self.programs if name.startswith("exchange")), "bus"):
            if name in self.programs:
                self.programs[name].end()

    def _all_run(self) -> None:
        for name, program in self.programs.items():
            assert program.process.poll() is None, f"{name} ended; {program.words()}"

    def _configure_recorder(self) -> None:
        authority = Authority(self.folder)
        certificate, key = authority.sign(self.folder, "localhost", "127.0.0.1", *_ips(self.hosts))
        self._ca = str(authority.file)
        credentials = str(self.folder / "credentials")
        shared = {"ca_file": self._ca, "credentials": credentials, "collectors": tuple(VENUES)}
        at_server = Bus(
            url=f"tls://{self.hosts.bus_host}:{self._port}", cert_file=str(certificate), key_file=str(key), **shared
        )
        at_recorder = Bus(url=f"tls://localhost:{self._port}", **shared)
        for name, bus in (("bus", at_server), ("record", at_recorder)):
            config = Config(data_dir=str(self.data_dir), serve=Serve(port=0), bus=bus)
            (self.folder / f"{name}.json").write_bytes(msgspec.json.encode(config))

    def _configure_collector(self, name: str) -> None:
        """With the credential of this host alone."""
        mine = self.folder / name / "credentials"
        mine.mkdir(parents=True)
        (self.folder / "credentials" / f"collect-{name}.json").rename(mine / f"collect-{name}.json")
        bus = Bus(url=self.hosts.url(name, self._port), ca_file=self._ca, credentials=str(mine), name=name)
        at = self.addresses[name]
        rest, stream = at["rest"], at["stream"]
        if VENUES[name] != "binance":
            rest, stream = f"{rest}/{VENUES[name]}", f"{stream}/{VENUES[name]}"
        venue = Venue(name=VENUES[name], pairs=PAIRS, rest_url=rest, stream_url=stream)
        config = Config(data_dir=str(open_data_dir(self.own_dir(name))), venue=venue, bus=bus)
        (self.folder / f"{name}.json").write_bytes(msgspec.json.encode(config))


@contextmanager
def running(folder: Path, kind: type[Namespaces | Loopback]) -> Iterator[World]:
    with made(kind(list(VENUES))) as hosts:
        world = World(folder, hosts)
        try:
            world.begin()
            yield world
        finally:
            world.end()


@pytest.mark.parametrize("kind", [Namespaces, Loopback])
def test_a_cut_link_heals_from_the_collectors_own_log_and_nothing_is_lost_or_doubled(
    kind: type[Namespaces | Loopback], tmp_path: Path
) -> None:
    if kind is Namespaces and (forbidden := Namespaces.forbidden()):
        pytest.skip(forbidden)
    with running(tmp_path, kind) as world:
        cut_and_heal(world)


def cut_and_heal(world: World) -> None:
    for name in VENUES:
        until(lambda name=name: world.stored(name) > 20, f"trades of {name} are stored")

    world.hosts.cut(TOKYO)
    until(lambda: world.gauge(TOKYO, "recorder_reached") == 0.0, "tokyo notices that its link is cut")
    before, others = world.stored(TOKYO), world.stored(BERLIN)
    until(lambda: world.gauge(TOKYO, "unpublished_inputs") > 60, "tokyo goes on collecting")
    world.programs[TOKYO].kill()
    world.collect(TOKYO)
    until(lambda: world.stored(BERLIN) > others + 20, "berlin is recorded meanwhile")
    assert world.stored(TOKYO) == before

    world.programs["record"].kill()
    world.record()
    world.hosts.heal(TOKYO)
    until(lambda: world.gauge(TOKYO, "recorder_reached") == 1.0, "tokyo reaches the recorder again")
    until(lambda: world.stored(TOKYO) > before + 40, "what tokyo collected while it was cut off is stored")

    for name in VENUES:
        assert world.programs[name].interrupt() < 60.0
    reached = {name: _last_seq(world.own_dir(name)) for name in VENUES}
    del world.programs[TOKYO], world.programs[BERLIN]
    until(lambda: _recorded(world.data_dir) == reached, "the recorder has all that the collectors have")
    world.programs["record"].interrupt()
    _compare(world)


def _recorded(data_dir: Path) -> dict[str, int]:
    gauges = read_statuses(data_dir)["merge"].gauges
    return {name: int(gauges[f"seq {name}"]) for name in VENUES}


def _last_seq(own_dir: Path) -> int:
    return max(record.seq for record in read(own_dir / "stream"))


def _compare(world: World) -> None:
    """The recorder's rows against those of the collectors' stream logs, all fields but id and number."""
    reader = Reader(world.data_dir)
    for name, venue in VENUES.items():
        chunks = [decode(record.payload) for record in read(world.own_dir(name) / "stream")]
        registry = Registry()
        for record in (record for chunk in chunks for record in chunk.records if isinstance(record, Listed)):
            registry.learn(record.instrument)
        for kind in STORED:
            sent = np.concatenate([empty(kind), *(chunk.rows(kind) for chunk in chunks)])
            for one in registry:
                mine = reader.captured().find(venue, one.venue_symbol)
                assert mine is not None
                wanted, found = sent[sent["instrument"] == one.id], reader.rows(kind, mine.id)
                assert _plain(found) == _plain(wanted), f"{kind} of {one.name} from {name}"
            assert len(sent) > 0 or kind == "quotes", kind
    told = {check.name: check for check in verify(world.data_dir, lambda what, done, total: None)}
    wrong = [check for check in told.values() if check.ok is False]
    assert {check.name for check in wrong} <= {"journal", "ledger"}, wrong  # a recorder has neither of its own
    assert told["tables"].ok


def _plain(rows: np.ndarray) -> list[tuple[object, ...]]:
    names = [name for name in rows.dtype.names or () if name not in ("instrument", "seq")]
    return sorted(map(repr, rows[names].tolist()))  # type: ignore[arg-type]


def _ips(hosts: Hosts) -> list[str]:
    return [address for address in hosts.addresses.values() if address != "localhost"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
