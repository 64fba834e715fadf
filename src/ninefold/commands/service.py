"""`ninefold service NAME --config ninefold.toml [--bus nats://...]`: one service alone."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from ninefold.bus.nats import BusFailed, NatsBus
from ninefold.bus.status import SERVICES
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.config import BadConfig, load
from ninefold.services.alone import Alone
from ninefold.services.bus import access_of, bus_alone
from ninefold.services.cold_alone import notify_alone, record_alone, serve_alone
from ninefold.services.collect_alone import CollectAlone
from ninefold.services.collect_host import CollectHost
from ninefold.services.process import run_last
from ninefold.services.recorder import Recorder

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
        if name == "collect" and settings.bus.name:
            await CollectHost(settings, lambda: NatsBus.connect("", access=access), clock).run(stop)
            return
        connected = await NatsBus.connect("", access=access)
        try:
            if name == "collect":
                await CollectAlone(settings, connected, clock).run(stop)
            elif name == "record" and settings.bus.collectors:
                await Recorder(settings, connected, clock).run(stop, _told)
            elif name == "record":
                await record_alone(settings, connected, clock, stop)
            elif name == "notify":
                await notify_alone(settings, connected, clock, stop)
            elif name == "serve":
                await serve_alone(settings, connected, clock, stop, _told)
            else:
                await Alone(name, settings, connected, clock).run(stop)
        finally:
            await connected.close()

    with plainly(BusFailed, *KNOWN):
        run_last(work)


def _told(port: int) -> None:
    print(f"port: {port}", flush=True)
