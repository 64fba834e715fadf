"""Listening, inside the asyncio loop that is already running.

Granian's embedded server: sockets and HTTP live in its own threads (Rust), handlers run on our loop, where the live
view is folded, so nothing needs a lock. Its log goes to standard output, which belongs to `--json`: switched off.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from litestar import Litestar

from ninefold.api.address import CannotListen, free_port

READY_SECONDS = 10.0
STOP_SECONDS = 2.0


async def serve(app: Litestar, host: str, port: int, on_ready: Callable[[int], None] | None = None) -> None:
    """Answer until cancelled. on_ready(port) is called once requests are answered. raises: CannotListen."""
    port = free_port(host, port)
    server = Server(app, host, port, interface=Interfaces.ASGI, http=HTTPModes.http1, log_enabled=False)
    running = asyncio.create_task(server.serve())
    try:
        await _until_answering(running, host, port)
        if on_ready is not None:
            on_ready(port)
        await asyncio.shield(running)
    finally:
        app.state.stopping.set()  # websockets say good-bye and end
        if app.state.clients:
            await asyncio.wait(app.state.clients, timeout=STOP_SECONDS)
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait([running], timeout=STOP_SECONDS)


async def _until_answering(running: asyncio.Task[None], host: str, port: int) -> None:
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    while not running.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            if asyncio.get_running_loop().time() > deadline:
                raise CannotListen(
                    errno.ETIMEDOUT, f"nothing answers on {host}:{port} after {READY_SECONDS:.0f} s"
                ) from None
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    await running
