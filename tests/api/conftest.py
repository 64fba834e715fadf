"""The API over real sockets, in the loop of the test, beside a live view that the test feeds."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ninefold.api.app import create_app
from ninefold.api.context import ApiContext
from ninefold.api.live import LiveView
from ninefold.api.server import serve
from ninefold.market.chunk import Chunk
from ninefold.store.read import Reader
from ninefold.store.tables import Tables

from .stream import BASE, registry


@dataclass
class Running:
    """An API that answers at `url`. `done` is what its callbacks were asked to do."""

    url: str
    view: LiveView
    http: aiohttp.ClientSession
    done: list[tuple[str, ...]]
    serving: asyncio.Task[None]
    clients: set[asyncio.Task[None]]  # of the websocket

    async def stop(self) -> None:
        self.serving.cancel()
        await asyncio.wait([self.serving])

    async def get(self, path: str, expect: int = 200, **query: Any) -> Any:
        params = {name: str(value) for name, value in query.items()}
        async with self.http.get(f"{self.url}{path}", params=params) as answer:
            body = await answer.json() if "json" in answer.content_type else await answer.text()
            assert answer.status == expect, body
            return body


@asynccontextmanager
async def answering(**changes: Any) -> AsyncIterator[Running]:
    """Start the API on a free port; `changes` are fields of ApiContext."""
    view, done = LiveView("demo", registry(), first_number=BASE), []
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def halt(by: str, reason: str) -> None:
        done.append(("halt", by, reason))

    async def resume(by: str) -> None:
        done.append(("resume", by))

    async def flatten(by: str, instrument: str) -> None:
        done.append(("flatten", by, instrument))

    fields = {"view": view, "halt": halt, "resume": resume, "flatten": flatten, "now_ns": lambda: BASE + 10, **changes}
    app = create_app(ApiContext(**fields))
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, port.set_result))
    try:
        async with aiohttp.ClientSession() as http:
            yield Running(f"http://127.0.0.1:{await port}", view, http, done, serving, app.state.clients)
    finally:
        serving.cancel()
        await asyncio.wait([serving])


@contextmanager
def answering_beside(**changes: Any) -> Iterator[str]:
    """The address of such an API in a loop and a thread of its own, for tests that ask from outside."""
    ready, told = threading.Event(), {}

    async def whole() -> None:
        end = asyncio.Event()
        async with answering(**changes) as api:
            told.update(url=api.url, loop=asyncio.get_running_loop(), end=end)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(whole(),))
    thread.start()
    try:
        assert ready.wait(60), "the API did not start within a minute"
        yield told["url"]
    finally:
        if told:
            told["loop"].call_soon_threadsafe(told["end"].set)
        thread.join()


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Reader]:
    """Write chunks to real tables; returns their reader."""

    def write(*chunks: Chunk) -> Reader:
        tables = Tables(tmp_path / "data")
        tables.write(chunks)
        tables.close()
        return Reader(tmp_path / "data")

    return write


@pytest.fixture
def run() -> Callable[[Callable[[Running], Awaitable[None]]], None]:
    """Run an async test against an API with the defaults, or with other fields of ApiContext."""

    def start(test: Callable[[Running], Awaitable[None]], **changes: Any) -> None:
        async def whole() -> None:
            async with answering(**changes) as api:
                await asyncio.wait_for(test(api), 30)

        asyncio.run(whole())

    return start


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A small web build."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    (tmp_path / "assets" / "a-1.js").write_text("1")
    (tmp_path.parent / "secret.txt").write_text("secret")
    return tmp_path
