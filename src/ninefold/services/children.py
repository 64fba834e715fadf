"""The processes that a command starts and stops: each ends when its parent does.

In:  command lines. Out: running processes; their last words when one fails.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ninefold.services.process import PARENT

TOO_SLOW_S = 3.0


class ChildFailed(RuntimeError):
    """A process ended that should have gone on."""


class Child:
    """One process of ours; its standard error goes to a log file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    async def line(self, timeout_s: float) -> str:
        """The next line it prints. raises: ChildFailed with its last words if it ends or says nothing in time."""
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), timeout_s)
        except TimeoutError:
            raise ChildFailed(f"{self.name} did not get ready within {timeout_s:.0f} s; see {self.log}") from None
        if not line:
            await self.process.wait()
            raise ChildFailed(self.last_words())
        return line.decode().strip()

    def last_words(self) -> str:
        text = self.log.read_text(errors="replace").strip()
        last = text.rsplit("\n", 1)[-1].removeprefix("ninefold: ") if text else "it said nothing"
        return f"{self.name} ended with status {self.process.returncode}: {last}"

    async def stop(self) -> None:
        """Ask it to stop; kill it if it does not."""
        if self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), TOO_SLOW_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start(name: str, arguments: Sequence[str], logs: Path, extra: dict[str, str] | None = None) -> Child:
    """Start `python -m ...` in a session of its own, so that Ctrl-C reaches only us."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, PARENT: "stdin", **(extra or {})},
        )
    return Child(name, process, log)
