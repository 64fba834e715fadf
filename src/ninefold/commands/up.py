"""`ninefold up --config ninefold.toml`: the pipeline on real venues."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from ninefold.api.address import free_port
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.line import shower
from ninefold.commands.table import print_summary
from ninefold.config import BadConfig, load
from ninefold.services import process
from ninefold.services.children import ChildFailed
from ninefold.services.lazily import lazily
from ninefold.services.run import Pipeline
from ninefold.store.data_dir import open_data_dir


def run(
    config: Annotated[Path, typer.Option(help="as `ninefold init` writes it")] = Path("ninefold.toml"),
    seconds: Annotated[float | None, typer.Option(help="stop after so long")] = None,
    live: Annotated[bool, typer.Option("--live", help="send real orders; the config must say so too")] = False,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON summary at the end, and nothing else")] = False,
) -> None:
    """Record and trade on real venues: public data needs no keys, orders are paper unless config and --live say
    otherwise.
    """
    said: dict[str, object] = {}

    async def work(stop: asyncio.Event) -> None:
        settings = load(config)
        if settings.account.orders == "exchange":
            if not live or settings.mode != "live":
                raise BadConfig(
                    f"account.orders is 'exchange', which sends real orders: that needs mode = \"live\" (found {settings.mode!r}) and "
                    f'`--live` ({"given" if live else "not given"}); for paper trading set account.orders = "paper"'
                )
            await lazily("ninefold.services.gateways").check_key(settings, time.time_ns)
        open_data_dir(Path(settings.data_dir))
        free_port(settings.serve.host, settings.serve.port)  # before anything is started
        pipeline = await Pipeline.start(settings)
        try:
            print(f"charts: {pipeline.url}", file=sys.stderr, flush=True)
            await pipeline.watch(stop, seconds, shower(json_))
        finally:
            await pipeline.stop()
        said.update(pipeline.summary())

    with plainly(ChildFailed, *KNOWN):
        process.run(work)
    if json_:
        print(json.dumps(said))
    else:
        print_summary(said)
