"""Hosts for a test: places in which programs run, and links between them that can be cut and healed.

Namespaces: each host has a network of its own, and a cable to the recorder's. Loopback: all on one host; the cable is a proxy
that stops passing anything on, without a word, as a cable does.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.pipeline.running import Program

RECORDER = "rec"


class HostProgram(Program):
    """`ninefold ARGUMENTS` on a host. before: the command that goes there."""

    def __init__(self, folder: Path, before: list[str], *arguments: str | Path, module: str = "ninefold") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = folder / "stdout.txt", folder / "stderr.txt"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", module, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Namespaces:
    """One network namespace for the recorder, one for each collector, a pair of virtual cards between."""

    bus_host = "0.0.0.0"

    def __init__(self, names: list[str]) -> None:
        self._mark = f"nf{os.getpid() % 100_000}"
        self._names = names
        self.addresses = {name: f"10.231.{place}.1" for place, name in enumerate(names, 1)}

    def make(self) -> None:
        _ip("netns", "add", self._space(RECORDER))
        _ip("-n", self._space(RECORDER), "link", "set", "lo", "up")
        for place, name in enumerate(self._names, 1):
            here, there = self._card(name, "a"), self._card(name, "b")
            _ip("netns", "add", self._space(name))
            _ip(
                "-n",
                self._space(RECORDER),
                "link",
                "add",
                here,
                "type",
                "veth",
                "peer",
                "name",
                there,
                "netns",
                self._space(name),
            )
            _ip("-n", self._space(name), "link", "set", "lo", "up")
            for space, card, last in ((RECORDER, here, 1), (name, there, 2)):
                _ip("-n", self._space(space), "address", "add", f"10.231.{place}.{last}/30", "dev", card)
                _ip("-n", self._space(space), "link", "set", card, "up")

    @staticmethod
    def forbidden() -> str:
        """Why this machine makes none; "" if it does."""
        if shutil.which("ip") is None:
            return "network namespaces need `ip`, of the package iproute2"
        name = f"nf{os.getpid() % 100_000}try"
        tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
        if tried.returncode:
            return f"this machine makes no network namespaces: {tried.stderr.strip()}"
        _ip("netns", "del", name)
        return ""

    def remove(self) -> None:
        for name in (*self._names, RECORDER):
            subprocess.run(["ip", "netns", "del", self._space(name)], capture_output=True)

    def at(self, name: str) -> list[str]:
        return ["ip", "netns", "exec", self._space(name)]

    def url(self, name: str, port: int) -> str:
        return f"tls://{self.addresses[name]}:{port}"

    def cut(self, name: str) -> None:
        _ip("-n", self._space(RECORDER), "link", "set", self._card(name, "a"), "down")

    def heal(self, name: str) -> None:
        _ip("-n", self._space(RECORDER), "link", "set", self._card(name, "a"), "up")

    def _space(self, name: str) -> str:
        return f"{self._mark}-{name}"

    def _card(self, name: str, end: str) -> str:
        return f"{self._mark}{self._names.index(name)}{end}"


class Loopback:
    """All on this host; each collector reaches the bus through a proxy of its own."""

    bus_host = "127.0.0.1"

    def __init__(self, names: list[str]) -> None:
        self._cables = {name: Cable() for name in names}
        self.addresses = {name: "localhost" for name in names}

    def make(self) -> None:
        for cable in self._cables.values():
            cable.start()

    def remove(self) -> None:
        for cable in self._cables.values():
            cable.stop()

    def at(self, name: str) -> list[str]:
        return []

    def url(self, name: str, port: int) -> str:
        cable = self._cables.get(name)
        if cable is None:
            return f"tls://localhost:{port}"
        cable.to_port = port
        return f"tls://localhost:{cable.port}"

    def cut(self, name: str) -> None:
        self._cables[name].whole.clear()

    def heal(self, name: str) -> None:
        self._cables[name].whole.set()


class Cable:
    """Passes bytes between a port of its own and `to_port` while `whole`; what comes meanwhile stays where it was."""

    def __init__(self) -> None:
        self.to_port = 0
        self.whole = threading.Event()
        self.whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port: int = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._run(self._accept)

    def stop(self) -> None:
        self._ended.set()
        self.whole.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._run(self._carry, near)

    def _carry(self, near: socket.socket) -> None:
        self.whole.wait()
        with near, socket.create_connection(("127.0.0.1", self.to_port)) as far:
            near.settimeout(None)
            while not self._ended.is_set():
                ready, _, _ = select.select([near, far], [], [], 0.1)
                for one in ready:
                    self.whole.wait()
                    try:
                        data = one.recv(65536)
                        (far if one is near else near).sendall(data)
                    except OSError:
                        return
                    if not data:
                        return


@contextmanager
def made(hosts: Namespaces | Loopback) -> Iterator[Namespaces | Loopback]:
    try:
        hosts.make()
        yield hosts
    finally:
        hosts.remove()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
