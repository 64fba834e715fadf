"""Run a whole pipeline on this machine: the hot and the cold process, watched, with one status line.

In:  a config. Out: what the pipeline does; a summary at the end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from ninefold.bus.status import CHAIN, Status
from ninefold.config import Config
from ninefold.services.children import Child, ChildFailed, start
from ninefold.services.statuses import read_statuses
from ninefold.services.summary import summary

READY_S = 60.0
STOPPED = (("hot", "collect", *CHAIN), ("cold", "record", "notify", "serve"))


class Pipeline:
    """The processes of one config; `url` is where the charts are."""

    def __init__(self, config: Config, children: list[Child], url: str, started_ns: int) -> None:
        self.config = config
        self.children = children
        self.url = url
        self.started_ns = started_ns

    @classmethod
    async def start(cls, config: Config, bus_url: str = "", extra: dict[str, str] | None = None) -> Pipeline:
        """bus_url: of a NATS server; then all services run as processes of their own. extra: environment of the
        processes.

        raises: ChildFailed with the last words of the process that did not start.
        """
        data_dir = Path(config.data_dir)
        config_file = data_dir / "running.json"
        config_file.write_bytes(msgspec.json.encode(config))
        pipeline = cls(config, [], "", time.time_ns())
        ready = False
        try:
            for name, command in _commands(bus_url).items():
                arguments = ["-m", "ninefold", *command, "--config", str(config_file)]
                pipeline.children.append(await start(name, arguments, data_dir / "logs", extra))
            port = (await pipeline.children[0].line(READY_S)).removeprefix("port: ")
            ready = True
        finally:
            if not ready:
                await pipeline.stop()
        host = f"[{config.serve.host}]" if ":" in config.serve.host else config.serve.host
        pipeline.url = f"http://{host}:{port}/"
        return pipeline

    async def watch(
        self, stop: asyncio.Event, seconds: float | None, show: Callable[[Callable[[], str]], None]
    ) -> None:
        """Have the status line shown once a second until stopped. raises: ChildFailed if a process ends by itself."""
        began = time.monotonic()
        while not stop.is_set() and (seconds is None or time.monotonic() - began < seconds):
            for child in self.children:
                if child.process.returncode is not None:
                    raise ChildFailed(child.last_words())
            show(self.status_line)
            left = 1.0 if seconds is None else min(1.0, max(0.0, seconds - (time.monotonic() - began)))
            waiting = asyncio.ensure_future(stop.wait())
            await asyncio.wait({waiting}, timeout=left)
            waiting.cancel()

    async def stop(self) -> None:
        """What takes things in and thinks first, then what stores and shows, so that little is left under way. Each
        keeps its own place, so the order saves work and no data.
        """
        for group in STOPPED:
            await asyncio.gather(*(child.stop() for child in self.children if child.name in group))

    def summary(self) -> dict[str, object]:
        return summary(self._statuses())

    def status_line(self) -> str:
        statuses = self._statuses()
        now = summary(statuses)
        collect, record = statuses.get("collect"), statuses.get("record")
        rate = (
            collect.counters.get("frames", 0) / max(1e-9, (collect.at_ns - collect.started_ns) / 1e9)
            if collect
            else 0.0
        )
        stored = record.counters.get("trades_stored", 0) if record else 0
        lag_ns = now["receive_to_store"]["p50_ns"]  # type: ignore[index]
        lag = "-" if lag_ns is None else f"{lag_ns / 1e6:,.0f} ms"
        return (
            f"{rate:,.0f} messages/s  {stored:,} trades stored  {now['bars']:,} bars  {now['orders']:,} orders  "
            f"equity {now['equity'] or '-'}  lag {lag}"
        )

    def _statuses(self) -> dict[str, Status]:
        found = read_statuses(Path(self.config.data_dir))
        return {name: status for name, status in found.items() if status.started_ns >= self.started_ns}


def _commands(bus_url: str) -> dict[str, list[str]]:
    """Process name to command; the first one prints the port."""
    if not bus_url:
        return {"cold": ["cold"], "hot": ["hot"]}
    return {
        name: ["service", name, "--bus", bus_url] for name in ("serve", "record", "notify", *reversed(CHAIN), "collect")
    }
