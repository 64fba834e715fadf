"""The cold process, as `demo` and `up` start it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.config import load
from ninefold.services import lean
from ninefold.services.cold import Cold
from ninefold.services.process import run_last


def run(config: Path) -> None:
    def told(port: int) -> None:
        print(f"port: {port}", flush=True)

    async def work(stop: asyncio.Event) -> None:
        await Cold(load(config), time.time_ns).run(stop, told)

    lean.ready_to_store()
    with plainly(*KNOWN):
        run_last(work)
