"""`ninefold demo`: a simulated exchange on loopback, and everything against it exactly as against a real one."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ninefold.api.address import free_port
from ninefold.bus.failed import BusFailed
from ninefold.bus.server import NatsServer
from ninefold.commands.chosen import Folder, Legs, Names, chosen_strategies
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.line import shower
from ninefold.config import Account, Config, Risk, Serve, Source, Strategies, Venue
from ninefold.services import process
from ninefold.services.children import Child, ChildFailed, start
from ninefold.services.lazily import lazily
from ninefold.services.run import READY_S, Pipeline
from ninefold.simulator.outside import Outside
from ninefold.store.data_dir import open_data_dir

if TYPE_CHECKING:
    from ninefold.commands import table
else:
    table = lazily("ninefold.commands.table")  # --json does without

TRADED = "binance"
SIMULATED = (TRADED, "coinbase", "kraken")
ANY_SKEW_S = 1e9  # thirty years


class Ready(msgspec.Struct):
    """What the simulator says when it is ready."""

    rest: str
    stream: str
    ws_api: str
    keys_file: str
    streams: tuple[str, ...]
    shift_ns: str = "0"


class _Symbol(msgspec.Struct):
    symbol: str
    baseAsset: str
    quoteAsset: str


class _Info(msgspec.Struct):
    symbols: list[_Symbol]


class _State(msgspec.Struct):
    shift_ns: str


def run(
    data_dir: Annotated[Path, typer.Option(help="where everything is kept; the next start goes on from it")] = Path(
        "data"
    ),
    port: Annotated[int, typer.Option(help="of the charts; 0 takes any free one")] = 8899,
    seconds: Annotated[float | None, typer.Option(help="stop after so long")] = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON summary at the end, and nothing else")] = False,
    tape: Annotated[
        list[Path] | None, typer.Option(help="play recordings instead of a generated market; several files may follow")
    ] = None,
    speed: Annotated[str, typer.Option(help="of the tape: a factor, or max")] = "1",
    rate: Annotated[int, typer.Option(help="messages a second of the generated market")] = 300,
    seed: Annotated[int, typer.Option(help="of the generated market")] = 7,
    venues: Annotated[
        str, typer.Option(help="what the exchange is captured as, with commas between: binance, coinbase, kraken")
    ] = TRADED,
    strategy: Names = None,
    strategies: Folder = None,
    legs: Legs = None,
    bus: Annotated[
        str, typer.Option(help="nats: all nine services as processes of their own, over a NATS server started here")
    ] = "",
) -> None:
    """Start a simulated exchange, the nine services against it, and the charts. Ctrl-C stops it; the next start goes
    on.
    """
    said: dict[str, object] = {}
    simulation = ["--seed", str(seed), "--rate", str(rate)]
    if bus not in ("", "nats"):
        raise typer.BadParameter(
            f"{bus!r}; the bus may be nats, or left out for two processes on this machine", param_hint="--bus"
        )
    named = _venues(venues, bool(tape))
    chosen = chosen_strategies(strategy, strategies, legs)
    if tape:
        simulation += ["--tape", *map(str, tape), "--speed", speed]

    async def work(stop: asyncio.Event) -> None:
        said.update(await _demo(stop, data_dir, port, seconds, simulation, bus, named, chosen, quiet=json_))

    with plainly(ChildFailed, BusFailed, *KNOWN):
        process.run(work)
    if json_:
        print(json.dumps(said))
    else:
        table.print_summary(said)


async def _demo(
    stop: asyncio.Event,
    data_dir: Path,
    port: int,
    seconds: float | None,
    simulation: list[str],
    bus: str,
    further: list[str],
    chosen: Strategies,
    quiet: bool,
) -> dict[str, object]:
    open_data_dir(data_dir)
    free_port(Serve().host, port)  # before anything is started
    outside = Outside()  # answers from here on
    exchange: Child | None = None
    pipeline: Pipeline | None = None
    server: NatsServer | None = None
    try:
        if bus:
            server = await NatsServer.start(data_dir / "nats")
        arguments = ["-m", "ninefold.simulator", "--data-dir", str(data_dir / "simulator"), *simulation]
        exchange = await start("simulator", arguments, data_dir / "logs")
        ready = msgspec.json.decode(await exchange.line(READY_S), type=Ready)
        keeps_time = "--tape" not in simulation or simulation[-1] == "1"
        config = await asyncio.to_thread(_config, data_dir, port, ready, outside.port, further, keeps_time, chosen)
        slack = {config.notify.webhook_env: f"http://127.0.0.1:{outside.port}/slack"}
        pipeline = await Pipeline.start(config, server.url if server else "", slack)
        pipeline.children.append(exchange)
        print(f"charts: {pipeline.url}", file=sys.stderr, flush=True)
        await pipeline.watch(stop, seconds, shower(quiet))
        shift_ns = await asyncio.to_thread(_shift_of, ready)
    finally:
        if pipeline is not None:
            pipeline.children = [child for child in pipeline.children if child is not exchange]
            await pipeline.stop()
        if server is not None:
            await server.stop()
        if exchange is not None:
            await exchange.stop()
        outside.stop()
        if sys.stderr.isatty():
            print(file=sys.stderr)
    return {**pipeline.summary(), "slack_messages": len(outside.messages), "shift_ns": shift_ns}


def _venues(text: str, is_tape: bool) -> list[str]:
    """The venues besides the traded one. raises: typer.BadParameter."""
    named = list(dict.fromkeys(name.strip() for name in text.split(",")))
    unknown = [name for name in named if name not in SIMULATED]
    if unknown or TRADED not in named:
        found = f"there is no {unknown[0]!r}" if unknown else f"{TRADED!r}, which is traded, is missing"
        raise typer.BadParameter(
            f"{found}; the simulated exchange speaks {', '.join(SIMULATED)}", param_hint="--venues"
        )
    if is_tape and len(named) > 1:
        raise typer.BadParameter(f"a tape is played as {TRADED} alone; leave out one of the two", param_hint="--venues")
    return [name for name in named if name != TRADED]


def _config(
    data_dir: Path,
    port: int,
    ready: Ready,
    outside_port: int,
    further: list[str],
    keeps_time: bool,
    chosen: Strategies,
) -> Config:
    """The config of a demo: the simulator's addresses and pairs, signed orders, invented news. further: venues captured
    besides the traded one, which are the same exchange in another protocol. keeps_time: not a tape that is played faster or
    slower than it was, whose clock runs away from ours.
    """
    outside = f"http://127.0.0.1:{outside_port}"
    pairs = pairs_of(ready)
    return Config(
        data_dir=str(data_dir),
        mode="demo",
        venue=Venue(
            pairs=pairs,
            streams=ready.streams,
            rest_url=ready.rest,
            stream_url=ready.stream,
            ws_api_url=ready.ws_api,
        ),
        capture=tuple(
            Venue(name=name, pairs=pairs, rest_url=f"{ready.rest}/{name}", stream_url=f"{ready.stream}/{name}")
            for name in further
        ),
        account=Account(orders="exchange", keys_file=ready.keys_file),
        risk=Risk() if keeps_time else Risk(clock_skew_s=ANY_SKEW_S),
        strategies=chosen,
        sentiment=(
            Source(name="invented news", form="rss", address=f"{outside}/news.rss", every_s=5.0),
            Source(name="fear and greed", form="fear_greed", address=f"{outside}/fng/", every_s=60.0),
        ),
        serve=Serve(port=port),
    )


def pairs_of(ready: Ready) -> tuple[str, ...]:
    """What a simulated exchange trades, as BASE/QUOTE."""
    with urllib.request.urlopen(f"{ready.rest}/api/v3/exchangeInfo", timeout=10) as answer:
        info = msgspec.json.decode(answer.read(), type=_Info)
    return tuple(f"{symbol.baseAsset}/{symbol.quoteAsset}" for symbol in info.symbols)


def _shift_of(ready: Ready) -> str:
    """By how much the simulator shifts the stamps of a tape, ns; the constant of a whole run."""
    with urllib.request.urlopen(f"{ready.rest}/sim/v1/state", timeout=10) as answer:
        return msgspec.json.decode(answer.read(), type=_State).shift_ns
