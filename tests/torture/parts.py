"""The parts of a running demo as processes that can be killed one by one.

In:  a data dir.
Out: the simulated exchange, the hot and the cold process, started as `ninefold demo` starts them; what they say.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ninefold.config import Account, Config, Serve, Venue
from ninefold.services.statuses import read_statuses

READY_S = 60.0  # imports of a cold interpreter on two busy cores
STOP_S = 15.0
SOON_S = 60.0
HEALED_S = 240.0  # Kraken is asked sixty times a minute at most
FURTHER = ("coinbase", "kraken")
SKIPPABLE = b"P*M\x18"  # a compressed segment begins with such a frame (RFC 8878, 3.1.2)


class Part:
    """One process with a log; it ends by itself when we do."""

    def __init__(self, name: str, arguments: list[str], logs: Path, before: Callable[[], None] | None = None) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=before,
                env={**os.environ, "NINEFOLD_PARENT": "stdin"},
            )

    def line(self) -> str:
        """The first line it prints."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], READY_S)
        said = self.process.stdout.readline().decode().strip() if ready else ""
        assert said, f"{self.name} printed nothing; its log ends:\n{self.words()}"
        return said

    def words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """Ask it to stop; the exit status. One that does not stop in time is killed, and its status says so."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return self._reap()

    def ended(self) -> int:
        """Wait until it ends by itself; the exit status."""
        self.process.wait(SOON_S)
        return self._reap()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def _reap(self) -> int:
        code = self.process.wait(STOP_S)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        return code


class World:
    """A simulated exchange and a pipeline against it, in one data dir. `parts` are the processes that should be running."""

    def __init__(self, data_dir: Path, rate: int = 150, further: tuple[str, ...] = ()) -> None:
        """further: venues as which the exchange is captured besides the traded one."""
        self.further = further
        self.data_dir = data_dir
        self.rate = rate
        self.parts: dict[str, Part] = {}
        self.rest = ""
        self._url = ""
        self._started_ns: dict[str, int] = {}
        self._trades_before: int | None = None

    def start(self, *names: str, before: Callable[[], None] | None = None) -> None:
        """Start parts: the exchange first. They are not waited for, but for the exchange and its addresses.

        before: run in the new process before the program.
        """
        for name in sorted(names, key=("simulator", "cold", "hot").index):
            self._started_ns[name] = time.time_ns()
            self._trades_before = None
            self._url = ""
            if name == "simulator":
                self._start_simulator()
            else:
                arguments = ["-m", "ninefold", name, "--config", str(self.data_dir / "running.json")]
                self.parts[name] = Part(name, arguments, self.data_dir / "logs", before)

    def kill(self, *names: str) -> None:
        """kill -9, all of them before any is waited for."""
        for name in names:
            self.parts[name].process.kill()
        for name in names:
            self.parts.pop(name).kill()

    def stop(self) -> None:
        """As the demo does: the hot process first, so that the cold one can store all that it made."""
        ended = {name: self.parts.pop(name).stop() for name in ("hot", "cold", "simulator") if name in self.parts}
        logs = {name: (self.data_dir / "logs" / f"{name}.log").read_text(errors="replace")[-2000:] for name in ended}
        assert set(ended.values()) == {0}, f"exit statuses {ended}; logs: {logs}"

    def end(self) -> None:
        """Whatever still runs is killed."""
        self.kill(*list(self.parts))

    def counter(self, service: str, name: str) -> int:
        found = read_statuses(self.data_dir).get(service)
        return found.counters.get(name, 0) if found else 0

    def get(self, path: str) -> Any:
        """The pipeline's answer to a question, decoded."""
        if not self._url:
            self._url = f"http://127.0.0.1:{self.parts['cold'].line().removeprefix('port: ')}"
        return ask(self._url + path)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The simulator's answer to a question, decoded."""
        return ask(self.rest + path, body)

    def wait_for_flow(self) -> None:
        """Until trades come in again, and the store has what came meanwhile."""
        until(self._trades_come, "trades come in")
        seq = self.last_seq("collect")
        until(lambda: self.last_seq("record") >= seq, f"the store has what came until {seq}")

    def last_seq(self, service: str) -> int:
        self._check_running()
        found = read_statuses(self.data_dir).get(service)
        return found.last_seq if found else 0

    def _trades_come(self) -> bool:
        self._check_running()
        collect = read_statuses(self.data_dir).get("collect")
        if collect is None or collect.started_ns < self._started_ns["hot"] or not collect.healthy:
            return False
        trades = collect.counters.get("trades", 0)
        if self._trades_before is None or trades < self._trades_before:
            self._trades_before = trades
        return trades > self._trades_before

    def _check_running(self) -> None:
        for part in self.parts.values():
            assert part.running, f"{part.name} ended with {part.process.returncode}; its log ends:\n{part.words()}"

    def _start_simulator(self) -> None:
        arguments = ["-m", "ninefold.simulator", "--data-dir", str(self.data_dir / "simulator"), "--port", "0"]
        part = Part("simulator", [*arguments, "--seed", "7", "--rate", str(self.rate)], self.data_dir / "logs")
        self.parts["simulator"] = part
        ready = json.loads(part.line())
        self.rest = ready["rest"]
        symbols = self.ask("/api/v3/exchangeInfo")["symbols"]
        pairs = tuple(f"{one['baseAsset']}/{one['quoteAsset']}" for one in symbols)
        config = Config(
            data_dir=str(self.data_dir),
            mode="demo",
            venue=Venue(
                pairs=pairs,
                streams=tuple(ready["streams"]),
                rest_url=ready["rest"],
                stream_url=ready["stream"],
                ws_api_url=ready["ws_api"],
            ),
            capture=tuple(
                Venue(
                    name=name, pairs=pairs, rest_url=f"{ready['rest']}/{name}", stream_url=f"{ready['stream']}/{name}"
                )
                for name in self.further
            ),
            account=Account(orders="exchange", keys_file=ready["keys_file"]),
            serve=Serve(port=0),
        )
        (self.data_dir / "running.json").write_bytes(msgspec.json.encode(config))


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as answer:
        return json.load(answer)


def until(condition: Callable[[], Any], what: str, seconds: float = SOON_S, most_pause_s: float = 0.3) -> Any:
    """Wait for a condition; what it gave. It is asked less and less often: looking takes from what is waited for."""
    deadline, pause_s = time.monotonic() + seconds, 0.02
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(pause_s)
        pause_s = min(1.2 * pause_s, most_pause_s)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def size_of(folder: Path) -> int:
    """Bytes that were written to a log's segments, however much compression made of them since."""
    return sum(map(_plain_size, folder.glob("*.nfj")))


def _plain_size(path: Path) -> int:
    """A compressed segment tells it in its head: frame, magic, version, size of a block, length."""
    with path.open("rb") as file:
        head = file.read(32)
        return struct.unpack_from("<Q", head, 24)[0] if head[:4] == SKIPPABLE else os.fstat(file.fileno()).st_size
