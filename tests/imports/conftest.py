"""What the tests of imports share: an import as the command does it, and real servers of this machine."""

import asyncio
import csv
import importlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ninefold.imports import run
from ninefold.imports.mapping import Mapping
from ninefold.imports.run import Imported, import_all
from ninefold.imports.source import Place
from ninefold.imports.table import open_source
from ninefold.store.export import export
from tests.conftest import missing

NOW_NS = 1_800_000_000_000_000_000
START_S = 30.0


class Importing:
    """`run` imports as the command would; `stored` gives what an export of the imports shows."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def run(self, source: str, place: object, table: str = "", **said: object) -> list[Imported]:
        mapping = Mapping(**said)  # type: ignore[arg-type]
        parts = open_source(source, Place(place=str(place), table=table, mapping=mapping))
        return import_all(self.data_dir, parts, mapping, lambda: NOW_NS, lambda *_: None)

    def one(self, source: str, place: object, table: str = "", **said: object) -> Imported:
        [found] = self.run(source, place, table, **said)
        return found

    def stored(self, what: str) -> list[dict[str, str]]:
        out = self.data_dir.parent / f"{what}.csv"
        export(self.data_dir / "imports", what, None, None, None, "csv", out)
        with out.open() as file:
            return list(csv.DictReader(file))


@pytest.fixture
def importing(tmp_path: Path) -> Importing:
    return Importing(tmp_path / "data")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """A function of a name and a text to a file."""

    def made(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return made


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of an empty PostgreSQL on loopback."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *_on_path("initdb")]
    programs = next((folder for folder in folders if (folder / "initdb").exists()), None)
    if programs is None:
        missing("no PostgreSQL server (apt-get install postgresql)")
    home = Path(tempfile.mkdtemp(prefix="ninefold-postgres-"))
    home.chmod(0o755)
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(home, "postgres", "postgres")
    try:
        data, port = home / "data", free_port()
        init = [*user, str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(init, check=True, capture_output=True, cwd=home)
        settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={home}", "fsync=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        with running([*user, str(programs / "postgres"), "-D", str(data), *options], home, port, signal.SIGINT):
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            asyncio.run(asyncio.wait_for(_taken(url), START_S))
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _taken(url: str) -> None:
    """Until it takes connections: for a while after it listens it says that it is starting up."""
    while True:
        try:
            await (await asyncpg.connect(url)).close()
        except asyncpg.CannotConnectNowError:
            await asyncio.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def influxdb() -> Iterator[str]:
    """The address of an empty InfluxDB 1.x on loopback, with the database `market`."""
    program = shutil.which("influxd")
    if program is None:
        missing("no influxd on PATH (apt-get install influxdb)")
    with tempfile.TemporaryDirectory(prefix="ninefold-influxdb-") as name:
        home, port, rpc = Path(name), free_port(), free_port()
        config = home / "influxdb.conf"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n[meta]\ndir = "{home}/meta"\n'
            f'[data]\ndir = "{home}/data"\nwal-dir = "{home}/wal"\n[monitor]\nstore-enabled = false\n'
            f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
        )
        with running([program, "-config", str(config)], home, port):
            address = f"http://127.0.0.1:{port}"
            with urllib.request.urlopen(f"{address}/query?q=CREATE%20DATABASE%20market", b"", timeout=10):
                yield address


@pytest.fixture(scope="session")
def mongodb() -> Iterator[str]:
    """The address of an empty server that speaks MongoDB's protocol, in a process of its own."""
    program = shutil.which("mongod")
    other = None if program else shutil.which("secantusd-py")
    if program is None and other is None:
        missing("no mongod and no secantusd-py on PATH (pip install secantusdb, in an environment of its own)")
    with tempfile.TemporaryDirectory(prefix="ninefold-mongodb-") as name:
        home, port = Path(name), free_port()
        if program:
            command = [program, "--dbpath", name, "--bind_ip", "127.0.0.1", "--port", str(port)]
        else:
            command = [
                str(other),
                "--standalone",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--storage-path",
                f"{name}/data",
            ]
        with running(command, home, port):
            yield f"mongodb://127.0.0.1:{port}"


class BrokenOff(RuntimeError):
    pass


def broken_off(monkeypatch: pytest.MonkeyPatch, once: Callable[[], Imported]) -> int:
    """Import again and again, each time broken off when the second batch is stored and not yet noted, until one gets to the
    end; how many batches were stored. That the counts and sums agree, the import itself checks.
    """
    real, batches, this_time = run._take, 0, 0

    def take(*arguments: Any) -> None:
        nonlocal batches, this_time
        real(*arguments)
        batches, this_time = batches + 1, this_time + 1
        if this_time == 2:
            raise BrokenOff

    monkeypatch.setattr(run, "_take", take)
    while True:
        this_time = 0
        try:
            found = once()
        except BrokenOff:
            continue
        assert found.there == 0, "what a run stored itself counts as stored, also behind a kill"
        return batches


class running:
    """A server that answers on its port; ended with the block."""

    def __init__(self, command: list[str], home: Path, port: int, end: signal.Signals = signal.SIGTERM) -> None:
        self._command, self._home, self._port, self._end = command, home, port, end

    def __enter__(self) -> None:
        self._log = (self._home / "output.txt").open("wb")
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd=self._home,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_S
        while not answers(self._port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.__exit__()
                pytest.fail(f"{self._command[0]} did not start: {(self._home / 'output.txt').read_text()[-2000:]}")
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, self._end)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._log.close()


def driver(name: str) -> Any:
    """A module of the extra `import`; its tests are skipped without it, or fail where everything was promised."""
    if os.environ.get("NINEFOLD_STRICT") == "1":
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is not installed: pip install 'ninefold[import]'")


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _on_path(name: str) -> list[Path]:
    found = shutil.which(name)
    return [Path(found).resolve().parent] if found else []
