"""`ninefold service NAME --config ninefold.toml [--bus nats://...]`: one service alone."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from ninefold.bus.failed import BusFailed
from ninefold.bus.nats import NatsBus
from ninefold.bus.status import SERVICES
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.config import BadConfig, Config, load
from ninefold.services import lean
from ninefold.services.bus import access_of, bus_alone
from ninefold.services.process import run_last

NAMES = (*SERVICES, "serve", "bus")


def run(
    name: Annotated[str, typer.Argument(help=", ".join(NAMES))],
    bus: Annotated[
        str, typer.Option(help="address of a NATS server with JetStream; without it, bus.url of the config")
    ] = "",
    config: Annotated[Path, typer.Option(help="as `ninefold init` writes it")] = Path("ninefold.toml"),
) -> None:
    """Run one of the nine services, or serve, alone over NATS, or (`bus`) the NATS server. Start as many as you like,
    anywhere; each goes on where it stopped.
    """

    async def work(stop: asyncio.Event) -> None:
        if name not in NAMES:
            raise BadConfig(f"there is no service {name!r}; services are {', '.join(NAMES)}")
        settings, clock = load(config), time.time_ns
        if name == "bus":
            await bus_alone(settings, stop, _told)
            return
        access = access_of(settings.bus, name, bus)
        services = _loaded(name, settings)
        if name == "collect" and settings.bus.name:
            await services.CollectHost(settings, lambda: NatsBus.connect("", access=access), clock).run(stop)
            return
        connected = await NatsBus.connect("", access=access)
        try:
            if name == "collect":
                await services.CollectAlone(settings, connected, clock).run(stop)
            elif name == "record" and settings.bus.collectors:
                await services.Recorder(settings, connected, clock).run(stop, _told)
            elif name == "record":
                await services.record_alone(settings, connected, clock, stop)
            elif name == "notify":
                await services.notify_alone(settings, connected, clock, stop)
            elif name == "serve":
                await services.serve_alone(settings, connected, clock, stop, _told)
            else:
                await services.Alone(name, settings, connected, clock).run(stop)
        finally:
            await connected.close()

    with plainly(BusFailed, *KNOWN):
        run_last(work)


def _loaded(name: str, settings: Config) -> ModuleType:
    """The module of a service: each loads what it needs and not what the others do."""
    if name == "collect":
        module = "collect_host" if settings.bus.name else "collect_alone"
    elif name == "record":
        module = "recorder" if settings.bus.collectors else "record_alone"
        lean.ready_to_store()
    else:
        module = f"{name}_alone" if name in ("notify", "serve") else "alone"
    return lean.load(f"ninefold.services.{module}")


def _told(port: int) -> None:
    print(f"port: {port}", flush=True)
