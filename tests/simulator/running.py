"""The simulator as a process of its own, talked to over real sockets."""

import asyncio
import hashlib
import hmac
import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

Talk = Callable[["Client"], Awaitable[Any]]


class Simulator:
    """A running simulator process."""

    def __init__(self, data_dir: Path, *arguments: str, largest_file: int | None = None) -> None:
        """largest_file: bytes a file may have, as if the disk were full beyond."""
        self.data_dir = data_dir
        command = [sys.executable, "-m", "ninefold.simulator", "--data-dir", str(data_dir), *arguments]
        self.log = data_dir.with_suffix(".log").open("ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        if largest_file is not None:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (largest_file, largest_file))
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"no ready line: {Path(self.log.name).read_text()[-2000:]}")
        self.ready: dict[str, Any] = json.loads(line)
        self.rest: str = self.ready["rest"]
        keys = json.loads(Path(self.ready["keys_file"]).read_text())
        self.key: str = keys["apiKey"]
        self.secret: str = keys["secret"]

    def sign(self, params: dict[str, Any]) -> str:
        """A signed query."""
        query = urlencode({"timestamp": time.time_ns() // 1_000_000, **params})
        return f"{query}&signature={self.signature(query)}"

    def signature(self, payload: str) -> str:
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return code


class Client:
    """REST and websockets of one simulator, with the answers decoded."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session

    async def get(self, path: str, **params: Any) -> Any:
        async with self.session.get(self.simulator.rest + path, params=params) as answer:
            return await answer.json()

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        async with self.session.post(self.simulator.rest + path, json=body) as answer:
            return await answer.json()

    async def signed(self, method: str, path: str, **params: Any) -> Any:
        url = f"{self.simulator.rest}/api/v3/{path}?{self.simulator.sign(params)}"
        async with self.session.request(method, url, headers={"X-MBX-APIKEY": self.simulator.key}) as answer:
            return await answer.json()

    async def streams(self, *names: str) -> aiohttp.ClientWebSocketResponse:
        url = f"{self.simulator.ready['stream']}/stream?streams={'/'.join(names)}"
        return await self.session.ws_connect(url, autoping=True)

    async def state(self) -> Any:
        return await self.get("/sim/v1/state")


async def until(condition: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Wait for an awaited condition to become true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await condition()
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {seconds} s")


def talk(simulator: Simulator, conversation: Talk) -> Any:
    """Run a conversation with a simulator to its end."""

    async def run() -> Any:
        async with aiohttp.ClientSession() as session:
            return await conversation(Client(simulator, session))

    return asyncio.run(run())


async def receive(socket: aiohttp.ClientWebSocketResponse, wanted: Callable[[Any], Any], seconds: float = 15.0) -> Any:
    """The first message for which `wanted` is true."""
    async with asyncio.timeout(seconds):
        while True:
            message = await socket.receive_json()
            if wanted(message):
                return message
