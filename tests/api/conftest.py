"""The API over real sockets, in the loop of the test, beside a live view that the test feeds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from ninefold.api.app import create_app
from ninefold.api.context import ApiContext
from ninefold.api.live import LiveView
from ninefold.api.server import serve
from ninefold.market.arrays import empty

from .stream import BASE, registry


@dataclass
class Stored:
    """A store of rows in memory, with the reader's rules: bars by closing time, trades by exchange time."""

    held: dict[str, np.ndarray] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def bars(self, instrument_id, width_ns, start_ns=None, end_ns=None, limit=None, newest=True):
        rows = self._of("bars", "close_ns", instrument_id, start_ns, end_ns)
        return rows[rows["width_ns"] == width_ns][-limit:]

    def trades(self, instrument_id, start_ns=None, end_ns=None, limit=None, newest=False):
        return self._of("trades", "exchange_ns", instrument_id, start_ns, end_ns)[-limit:]

    def _of(self, kind, column, instrument_id, start_ns, end_ns):
        self.asked.append(kind)
        rows = self.held.get(kind, empty(kind))
        rows = rows[rows["instrument"] == instrument_id]
        rows = rows if start_ns is None else rows[rows[column] >= start_ns]
        return rows if end_ns is None else rows[rows[column] < end_ns]


@dataclass
class Running:
    """An API that answers at `url`. `done` is what its callbacks were asked to do."""

    url: str
    view: LiveView
    store: Stored
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
    view, store, done = LiveView("demo", registry(), first_number=BASE), Stored(), []
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def halt(by: str, reason: str) -> None:
        done.append(("halt", by, reason))

    async def resume(by: str) -> None:
        done.append(("resume", by))

    fields = {"view": view, "halt": halt, "resume": resume, "now_ns": lambda: BASE + 10, "reader": store, **changes}
    app = create_app(ApiContext(**fields))
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, port.set_result))
    try:
        async with aiohttp.ClientSession() as http:
            yield Running(f"http://127.0.0.1:{await port}", view, store, http, done, serving, app.state.clients)
    finally:
        serving.cancel()
        await asyncio.wait([serving])


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
