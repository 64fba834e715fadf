"""The simulator's process: arguments, ports, servers, signals.

In:  the command line. Out: one JSON line on standard output when ready, logs on standard error, exit codes
     0 (stopped), 2 (cannot start: bad arguments, port or directory in use), 3 (the market or the store failed).
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvloop
from aiohttp import web
from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server

from ninefold.simulator import klinestream, ports, wsapi
from ninefold.simulator.auth import load_keys
from ninefold.simulator.control import Control, Playing
from ninefold.simulator.exchange import Exchange, Market
from ninefold.simulator.faults import Faults
from ninefold.simulator.generated import GeneratedMarket
from ninefold.simulator.hub import Hub
from ninefold.simulator.instruments import GENERATED, Instrument
from ninefold.simulator.limits import Limits
from ninefold.simulator.orders import Orders
from ninefold.simulator.player import Player
from ninefold.simulator.private import Private
from ninefold.simulator.public import Public
from ninefold.simulator.rest import Rest
from ninefold.simulator.store import OtherDirectory, Store
from ninefold.simulator.streams import MarketConnection, route
from ninefold.simulator.tape import BadTape, Tape, read_tape
from ninefold.simulator.tapemarket import TapeMarket

log = logging.getLogger("ninefold.simulator")
GENERATED_STREAMS = ["trade", "depth@100ms", "bookTicker"]
CANNOT_START, FAILED = 2, 3


class CannotStart(Exception):
    """Said on standard error; exit code 2."""


def main(argv: list[str]) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    options = parse(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        with locked(options.data_dir):
            return uvloop.run(serve(options))
    except (CannotStart, ports.PortInUse, OtherDirectory, BadTape) as error:
        print(error, file=sys.stderr)
        return CANNOT_START


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("ninefold.simulator", description="A simulated exchange that speaks Binance spot.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0, help="REST; streams and WebSocket API follow. 0: any")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=300, help="generated stream messages a second")
    parser.add_argument("--tape", type=Path, nargs="+", default=[], help="recordings to play instead")
    parser.add_argument("--speed", type=speed, default=1.0, help="of the tape: a factor, or max")
    parser.add_argument("--instruments", type=instruments, default=list(GENERATED.values()))
    return parser.parse_args(argv)


def speed(text: str) -> float:
    value = float("inf") if text == "max" else float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"speed is {text!r}; it must be above 0, or max.")
    return value


def instruments(text: str) -> list[Instrument]:
    names = [name.strip().replace("/", "") for name in text.split(",")]
    unknown = [name for name in names if name not in GENERATED]
    if unknown:
        raise argparse.ArgumentTypeError(f"no instrument {unknown[0]!r}; there are {', '.join(GENERATED)}.")
    return [GENERATED[name] for name in dict.fromkeys(names)]


@contextlib.contextmanager
def locked(data_dir: Path):  # type: ignore[no-untyped-def]
    """Hold the data directory for one process."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with open(data_dir / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"simulator: {data_dir} is in use by another simulator; stop it first.") from None
        yield


async def serve(options: argparse.Namespace) -> int:
    """Everything between ready and stopped."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    store = Store(options.data_dir / "exchange.sqlite")
    tape = read_tape(options.tape) if options.tape else None
    store.claim(tape.fingerprint if tape else "generated")
    sockets = ports.bind(options.port, json.loads(store.meta("ports") or "[]"))
    store.set_meta("ports", json.dumps([each.getsockname()[1] for each in sockets]))
    store.commit()
    hub = Hub(Faults())
    exchange = Exchange(store, hub, tape.instruments if tape else options.instruments)
    playing = Playing()
    market: GeneratedMarket | TapeMarket
    player: Player | None = None
    if tape:
        market = TapeMarket(exchange, tape)
        player = Player(exchange, market, tape, playing, options.speed)
    else:
        market = GeneratedMarket(exchange, options.seed, options.rate)
        market.open()
    running = asyncio.create_task((player or market).run())  # type: ignore[union-attr]
    klines = asyncio.create_task(klinestream.run(exchange))
    public = Public(exchange, market)
    servers = await start_servers(options.data_dir, sockets, exchange, market, public, playing, player)
    print(ready_line(options.data_dir, sockets, exchange, tape, playing), flush=True)
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({running, klines, stopping}, return_when=asyncio.FIRST_COMPLETED)
    code = 0
    for task in done - {stopping}:
        log.error("the market stopped", exc_info=task.exception())
        code = FAILED
    await shut_down([running, klines, stopping], servers, hub)
    public.close()
    if code == 0:
        store.close()
    return code


async def start_servers(
    data_dir: Path,
    sockets: list[socket.socket],
    exchange: Exchange,
    market: Market,
    public: Public,
    playing: Playing,
    player: Player | None,
) -> tuple[web.AppRunner, list[asyncio.Server]]:
    keys, limits = load_keys(data_dir / "keys.json"), Limits()
    private = Private(exchange, Orders(exchange, market))
    on_subscribed = player.subscribed if player else lambda: None
    api = wsapi.WsApi(exchange, private, keys, limits)

    def market_client(request: WSUpgradeRequest) -> MarketConnection | WSUpgradeResponseWithListener | None:
        if exchange.hub.faults.refusing():
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(503), None)
        wanted = route(request.path.decode())
        return None if wanted is None else MarketConnection(exchange.hub, *wanted, on_subscribed)

    def api_client(request: WSUpgradeRequest) -> wsapi.ApiConnection | None:
        return wsapi.ApiConnection(api) if request.path.decode().partition("?")[0] == wsapi.PATH else None

    servers = [
        await ws_create_server(market_client, sock=sockets[1]),
        await ws_create_server(api_client, sock=sockets[2]),
    ]
    app = web.Application()
    app.add_routes(Rest(exchange, public, private, keys, limits).routes())
    app.add_routes(Control(exchange, market, public, playing).routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.SockSite(runner, sockets[0]).start()
    return runner, servers


async def shut_down(
    tasks: list[asyncio.Task[object]], servers: tuple[web.AppRunner, list[asyncio.Server]], hub: Hub
) -> None:
    """Stop making news, then close every door."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    runner, websockets = servers
    for server in websockets:
        server.close()
    hub.disconnect_all()
    await runner.cleanup()


def ready_line(
    data_dir: Path, sockets: list[socket.socket], exchange: Exchange, tape: Tape | None, playing: Playing
) -> str:
    rest, stream, ws_api = (f"{ports.HOST}:{each.getsockname()[1]}" for each in sockets)
    return json.dumps(
        {
            "rest": f"http://{rest}",
            "stream": f"ws://{stream}",
            "ws_api": f"ws://{ws_api}{wsapi.PATH}",
            "keys_file": str(data_dir / "keys.json"),
            "shift_ns": str(playing.shift_ns),
            "symbols": list(exchange.listings),
            "streams": tape.streams if tape else GENERATED_STREAMS,
            "pid": os.getpid(),
        }
    )
