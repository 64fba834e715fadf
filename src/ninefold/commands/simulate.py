"""`ninefold simulate --faults PLAN`: the simulated exchange alone on loopback, to rehearse a strategy against its faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import urllib.request
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from ninefold.commands.demo import Ready, pairs_of
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.services import process
from ninefold.services.children import Child, ChildFailed, start
from ninefold.services.run import READY_S
from ninefold.simulator.fault_plan import BadPlan, plan_of
from ninefold.simulator.faults import FaultRequest

CONFIG = """\
# `ninefold up --live --config {path}` trades on the simulated exchange: its money is none.
data_dir = {data_dir}
mode = "live"

[venue]
pairs = {pairs}
rest_url = "{ready.rest}"
stream_url = "{ready.stream}"
ws_api_url = "{ready.ws_api}"

[account]
orders = "exchange"
keys_file = {keys_file}
"""


def run(
    data_dir: Annotated[
        Path, typer.Option(help="where the exchange keeps its market and account; the next start goes on")
    ] = Path("exchange"),
    faults: Annotated[
        str,
        typer.Option(
            help="a .toml or .json file, or words: KIND[:SHARE][*COUNT][=MS][@AFTER][+DURATION], with commas between"
        ),
    ] = "",
    port: Annotated[int, typer.Option(help="of REST; streams and WebSocket API follow; 0 takes any free ones")] = 0,
    rate: Annotated[int, typer.Option(help="messages a second of the generated market")] = 300,
    seed: Annotated[int, typer.Option(help="of the generated market")] = 7,
    seconds: Annotated[float | None, typer.Option(help="stop after so long")] = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document: the addresses")] = False,
) -> None:
    """Run the simulated exchange until Ctrl-C, with faults of its market data, orders and events (docs/faults.md). It writes
    a config beside its data with which `ninefold up --live` trades on it.
    """

    async def work(stop: asyncio.Event) -> None:
        plan = plan_of(faults) if faults else []
        arguments = ["-m", "ninefold.simulator", "--data-dir", str(data_dir), "--port", str(port)]
        arguments += ["--rate", str(rate), "--seed", str(seed)]
        exchange = await start("simulator", arguments, data_dir / "logs")
        try:
            said = await exchange.line(READY_S)
            ready = msgspec.json.decode(said, type=Ready)
            config = await asyncio.to_thread(_write_config, ready, data_dir)
            _tell(said, ready, config, plan, json_)
            await asyncio.to_thread(_order, ready.rest, plan)
            await _until_stopped(stop, exchange, seconds)
        finally:
            await exchange.stop()

    with plainly(ChildFailed, BadPlan, *KNOWN):
        process.run(work)


async def _until_stopped(stop: asyncio.Event, exchange: Child, seconds: float | None) -> None:
    """raises: ChildFailed if the exchange ends by itself."""
    ended = asyncio.ensure_future(exchange.process.wait())
    stopped = asyncio.ensure_future(stop.wait())
    done, waiting = await asyncio.wait({ended, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    if ended in done:
        raise ChildFailed(exchange.last_words())


def _order(rest: str, plan: list[FaultRequest]) -> None:
    for fault in plan:
        request = urllib.request.Request(f"{rest}/sim/v1/faults", msgspec.json.encode(fault))
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def _write_config(ready: Ready, data_dir: Path) -> Path:
    path = data_dir / "ninefold.toml"
    pairs = json.dumps(pairs_of(ready))
    keys_file = json.dumps(str(Path(ready.keys_file).resolve()))
    trading = json.dumps(str((data_dir / "trading").resolve()))
    path.write_text(CONFIG.format(path=path, data_dir=trading, pairs=pairs, ready=ready, keys_file=keys_file))
    return path


def _tell(said: str, ready: Ready, config: Path, plan: list[FaultRequest], as_json: bool) -> None:
    if as_json:
        told = {**json.loads(said), "config": str(config), "faults": msgspec.to_builtins(plan)}
        print(json.dumps(told), flush=True)
        return
    console = Console(highlight=False)
    for name, address in (("REST", ready.rest), ("streams", ready.stream), ("WebSocket API", ready.ws_api)):
        console.print(f"{name:14} {address}")
    console.print(f"{'keys':14} {ready.keys_file}")
    console.print(f"{'faults':14} {', '.join(one.kind for one in plan) or 'none'}")
    console.print(f"{'trade on it':14} ninefold up --live --config {config}")
    sys.stdout.flush()
