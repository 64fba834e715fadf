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
from collections.abc import Iterator
from pathlib import Path

import uvloop

from ninefold.simulator import klinestream, ports, wsapi
from ninefold.simulator.coinbase_face import CoinbaseFace
from ninefold.simulator.control import Playing
from ninefold.simulator.doors import Doors
from ninefold.simulator.exchange import Exchange, Market
from ninefold.simulator.faces import ServedFace
from ninefold.simulator.faults import Faults
from ninefold.simulator.generated import GeneratedMarket
from ninefold.simulator.hub import Hub
from ninefold.simulator.instruments import GENERATED, Instrument
from ninefold.simulator.kraken_face import KrakenFace
from ninefold.simulator.player import Player
from ninefold.simulator.store import OtherDirectory, Store
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
    logging.getLogger("picows").setLevel(logging.WARNING)
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
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for one process."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with open(data_dir / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"simulator: {data_dir} is in use by another simulator; stop it first.") from None
        yield


def stop_if_orphaned(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Standard input has ended: so has our parent."""
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


async def serve(options: argparse.Namespace) -> int:
    """Everything between ready and stopped; returns the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if os.environ.get("NINEFOLD_PARENT") == "stdin":  # a parent that holds our standard input open as long as it lives
        loop.add_reader(sys.stdin.fileno(), stop_if_orphaned, loop, stop)
    tape = read_tape(options.tape) if options.tape else None
    store = Store(options.data_dir / "exchange.sqlite")
    store.claim(tape.fingerprint if tape else "generated")
    sockets = bind(store, options.port)
    exchange = Exchange(store, Hub(Faults()), tape.instruments if tape else wanted(store, options.instruments))
    playing = Playing()
    market, driver = open_market(options, exchange, tape, playing)
    running = asyncio.create_task(driver.run())
    klines = asyncio.create_task(klinestream.run(exchange))
    player = driver if isinstance(driver, Player) else None
    doors = Doors(exchange, market, playing, player, open_faces(exchange, market))
    await doors.open(options.data_dir / "keys.json", sockets)
    print(ready_line(options.data_dir, sockets, exchange, tape, playing), flush=True)
    stopping = asyncio.create_task(stop.wait())
    done, waiting = await asyncio.wait({running, klines, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in done - {stopping}:
        log.error("the market stopped", exc_info=task.exception())
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await doors.close()
    if stopping not in done:
        return FAILED
    store.close()
    return 0


def bind(store: Store, port: int) -> list[socket.socket]:
    """The ports, remembered for the next start."""
    sockets = ports.bind(port, json.loads(store.meta("ports") or "[]"))
    store.set_meta("ports", json.dumps([each.getsockname()[1] for each in sockets]))
    store.commit()
    return sockets


def wanted(store: Store, named: list[Instrument]) -> list[Instrument]:
    """The instruments asked for, and those that were traded here before."""
    return [*named, *(GENERATED[each] for each in store.symbols() if GENERATED[each] not in named)]


def open_market(
    options: argparse.Namespace, exchange: Exchange, tape: Tape | None, playing: Playing
) -> tuple[Market, GeneratedMarket | Player]:
    """The market, and what drives it: itself, or the player of a tape."""
    if tape:
        recorded = TapeMarket(exchange, tape)
        return recorded, Player(exchange, recorded, tape, playing, options.speed)
    market = GeneratedMarket(exchange, options.seed, options.rate)
    market.open()
    return market, market


def open_faces(exchange: Exchange, market: Market) -> list[ServedFace]:
    """The further venues that a generated market is at the same time; a tape is of one venue."""
    if not isinstance(market, GeneratedMarket):
        return []
    faces: list[ServedFace] = [CoinbaseFace(exchange, market), KrakenFace(exchange, market)]
    exchange.faces.extend(faces)
    return faces


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
