"""Everything over NATS: the same bytes as in one process, nine processes in a demo, and one of them killed."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from ninefold.bus.failed import BusFailed
from ninefold.bus.server import NatsServer
from ninefold.bus.sizes import FILE_BYTES, PAYLOAD_BYTES
from ninefold.bus.status import CHAIN, SERVICES
from ninefold.config import Account, Config, Venue
from ninefold.store.data_dir import open_data_dir
from tests.conftest import missing

from .running import Program, ask, count, exported, ninefold, stored, until

pytestmark = pytest.mark.slow

LINES = 2_000
RECORDING = "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz"
EXPORTS = ("trades", "bars", "targets", "orders", "fills")
SECOND_NS = 10**9


@pytest.fixture(scope="module", autouse=True)
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing here runs without a nats-server."""

    async def try_it() -> None:
        server = await NatsServer.start(tmp_path_factory.mktemp("nats"))
        await server.stop()

    try:
        asyncio.run(try_it())
    except BusFailed as failed:
        missing(str(failed))


def test_a_replay_over_nats_exports_the_same_bytes_as_one_process(
    tmp_path: Path, recording: Callable[[str], Path]
) -> None:
    source = _begin_of(recording(RECORDING), tmp_path / "begin.jsonl.gz")
    over_bus = Program(tmp_path / "a", "replay", source, "--data-dir", tmp_path / "bus", "--bus", "nats", "--json")
    try:
        results = [ninefold("replay", source, "--data-dir", tmp_path / "alone", "--json"), over_bus.result()]
    finally:
        over_bus.end()
    assert [result.status for result in results] == [0, 0], [result.err for result in results]
    for what in EXPORTS:
        made = exported(tmp_path / "alone", what)
        assert made.count(b"\n") > 20, what
        assert made == exported(tmp_path / "bus", what), what
    counts = [{key: value for key, value in result.json.items() if isinstance(value, int)} for result in results]
    assert counts[0] == counts[1]


def _begin_of(whole: Path, part: Path) -> Path:
    """So much of a recording that each kind of export has rows."""
    with gzip.open(whole) as lines, gzip.open(part, "wb", 1) as kept:
        kept.writelines(islice(lines, LINES))
    return part


class Nine:
    """`ninefold demo --bus nats`, told to end by itself; it is looked at while it runs."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        arguments = ("--rate", "100", "--json", "--port", "0", "--data-dir", self.data_dir)
        self.program = Program(folder, "demo", "--bus", "nats", *arguments)


@pytest.fixture
def nine(tmp_path: Path) -> Iterator[Nine]:
    running = Nine(tmp_path)
    yield running
    running.program.end()


def test_the_demo_over_nats_runs_nine_healthy_services_and_stops_in_time(nine: Nine) -> None:
    program = nine.program
    url = program.url()
    program.until(lambda: _healthy(url) == set(SERVICES), "nine healthy services")
    program.until(
        lambda: count(nine.data_dir, "targets") > 50, "seconds of targets are stored, so all have told what they count"
    )
    family = program.family()
    assert len(family) == 13, "the command, the exchange, nats-server, nine services and serve"
    assert program.interrupt() < 10.0
    result = program.result()
    assert result.status == 0, result.err
    said = result.json
    assert min(said[key] for key in ("frames", "trades", "book_changes", "bars", "indicators", "targets")) > 0, said
    assert [one for one in family if one.is_running()] == []


def _healthy(url: str) -> set[str]:
    return {row["name"] for row in ask(f"{url}/api/v1/services")["services"] if row["healthy"]}


class World:
    """The parts of a demo over NATS as processes of their own, each of which may be killed and started again by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.programs: dict[str, Program] = {}
        self.starts = 0
        self.bus = ""
        self.server: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        open_data_dir(self.data_dir)
        self._start_nats()
        simulator = Program(
            self.folder / "simulator", "--data-dir", self.folder / "exchange", module="ninefold.simulator"
        )
        self.programs["simulator"] = simulator
        self._write_config(json.loads(simulator.line()))
        for name in ("record", *reversed(CHAIN), "collect"):
            self.start(name)

    def start(self, name: str) -> None:
        self.starts += 1
        arguments: list[str | Path] = ["service", name, "--bus", self.bus, "--config", self.data_dir / "running.json"]
        self.programs[name] = Program(self.folder / f"{self.starts}-{name}", *arguments)

    def kill(self, name: str) -> None:
        self.programs[name].process.kill()
        assert self.programs[name].result().status == -9

    def until_seconds_of_targets(self, more: int) -> None:
        """Until the store has so many more seconds of the busiest instrument's targets."""
        begun = self._newest_ns()
        until(lambda: self._newest_ns() >= begun + more * SECOND_NS, f"{more} more seconds of targets")

    def stop(self) -> None:
        for name in ("collect", *CHAIN, "record", "simulator"):
            self.programs[name].interrupt()

    def end(self) -> None:
        for program in self.programs.values():
            program.end()
        if self.server is not None:
            self.server.terminate()
            self.server.wait()

    def _newest_ns(self) -> int:
        for name, program in self.programs.items():
            assert program.process.poll() is None, f"{name} ended; {program.words()}"
        (row,) = stored(self.data_dir, "select max(close_ns) as newest from targets")
        return int(row["newest"] or 0)

    def _start_nats(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = self.folder / "nats.conf"
        folder = self.folder / "jetstream"
        settings.write_text(
            f'listen: "127.0.0.1:{port}"\nmax_payload: {PAYLOAD_BYTES}\n'
            f'jetstream {{ store_dir: "{folder}", max_file_store: {FILE_BYTES} }}\n'
        )
        beside = Path(sys.executable).with_name("nats-server")
        command = [str(beside) if beside.exists() else "nats-server", "-c", str(settings)]
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.bus = f"nats://127.0.0.1:{port}"

    def _write_config(self, ready: dict[str, str]) -> None:
        """A demo's config: the simulator's addresses and pairs, signed orders."""
        symbols = ask(f"{ready['rest']}/api/v3/exchangeInfo")["symbols"]
        pairs = tuple(f"{one['baseAsset']}/{one['quoteAsset']}" for one in symbols)
        venue = Venue(pairs=pairs, rest_url=ready["rest"], stream_url=ready["stream"], ws_api_url=ready["ws_api"])
        account = Account(orders="exchange", keys_file=ready["keys_file"])
        config = Config(data_dir=str(self.data_dir), mode="demo", venue=venue, account=account)
        (self.data_dir / "running.json").write_bytes(msgspec.json.encode(config))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    try:
        made.begin()
        yield made
    finally:
        made.end()


@pytest.mark.torture
def test_a_killed_service_that_is_started_again_loses_and_doubles_nothing(world: World) -> None:
    world.until_seconds_of_targets(3)
    for name in ("measure", "decide"):
        world.kill(name)
    for name in ("measure", "decide"):
        world.start(name)
    world.until_seconds_of_targets(2)
    world.stop()
    bars = _whole_series(world.data_dir, "bars where revision = 0", "instrument, width_ns")
    targets = _whole_series(world.data_dir, "targets", "instrument, width_ns, strategy")
    assert len(targets) > 0
    for key, rows in targets.items():
        assert rows == bars[key[:2]], f"{key}: {rows} targets of {bars[key[:2]]} bars"


def _whole_series(data_dir: Path, table: str, of: str) -> dict[tuple[object, ...], int]:
    """Rows of each series, after checking that no time of it is missing and none is there twice."""
    query = f"select {of}, count(*) as rows, count(distinct close_ns) as times, min(close_ns) as first, max(close_ns) as last from {table}"
    found = stored(data_dir, f"{query} group by {of}")
    for series in found:
        assert series["rows"] == series["times"], f"{table}: one twice: {series}"
        assert series["last"] - series["first"] == (series["rows"] - 1) * series["width_ns"], (
            f"{table}: one is missing: {series}"
        )
    return {tuple(series[name] for name in of.split(", ")): series["rows"] for series in found}
