"""From what caused an order to the exchange's order entry, station by station.

In:  the simulated exchange, the hot process as `ninefold hot` runs it, the cold one beside it, fifty strategies on bars of a
     second over ten instruments; orders are signed and sent to the exchange.
Out: percentiles in microseconds of the whole way and of each part of it, by order; what the market gave a second.

Everything reads the same clock. A decision is made at a tick of our clock, ten a second: that tick is the input that causes an
order, and "receive" is the moment at which it was taken (`receive_ns` of its record in the journal). The hot process has a core
of its own; the exchange, which makes its market in Python, and the cold process share the other.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import time
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from bench.capture import run
from bench.capture.quiet import Watch
from bench.capture.run import MEASURED, OTHER, OURS, ROOT, Child, Said
from bench.trading.strategies import written
from ninefold.config import Account, Config, Risk, Serve, Strategies, Venue
from ninefold.market.time import TICK_NS
from ninefold.services.statuses import read_statuses

RATE, SECONDS, SHORT_SECONDS = 20_000, 60, 8
WARM_S, SHORT_WARM_S = 65, 8  # the longest mean needs 52 bars
READY_S = 60.0
STRATEGIES = 50
PAIRS = tuple(f"{base}/USDT" for base in ["BTC", "ETH", "SOL", "DOGE", "XRP", "LTC", "LINK", "AVAX", "DOT", "BNB"])
PERCENTILES = (50.0, 99.0, 99.9)
CHAIN = ("bars", "measure", "sentiment", "forecast", "decide", "execute")
STATIONS = ("receive", "taken", *CHAIN, "logged", "written", "called", "sent", "arrived")
WORDS = {
    "taken": "journalled, handed on",
    "logged": "in the stream log",
    "written": "in the ledger",
    "called": "taken to be signed",
    "sent": "signed, given to the socket",
    "arrived": "at the exchange's order entry",
}
MUCH = 1e9  # no limit of risk but the checks themselves


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--rate", type=int, default=RATE, help="messages a second that the exchange is asked for")
    parser.add_argument(
        "--durable", choices=("overlapped", "strict"), default="overlapped", help="when the ledger is synced"
    )
    parser.add_argument("--seconds", type=int, default=0, help="of the measurement, after a minute to warm up")
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    print(about(run.machine(peers=False)))
    run.finish("trading", found, asked, peers=False)


def about(machine: Said) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{machine['date']}; {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, load {machine['load']}; {versions}."
    )


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    seconds = asked.seconds or (SHORT_SECONDS if asked.short else SECONDS)
    warm_s = SHORT_WARM_S if asked.short else WARM_S
    watch = Watch(short=True)
    arrivals, notes = folder / "arrivals", folder / "notes"
    simulator = ["bench.trading.exchange", arrivals, "--data-dir", folder / "exchange", "--rate", asked.rate]
    with Child(_module(*simulator), [OTHER], PLACES) as exchange:
        ready = exchange.said()
        config = _written_config(folder, ready, asked.durable)
        with (
            Child(_module("ninefold", "cold", "--config", config), [OTHER], PLACES),
            Child(_module("bench.trading.hot", config, notes), [MEASURED], PLACES) as hot,
        ):
            _wait_for_frames(folder)
            run.progress(f"warming up for {warm_s} s")
            time.sleep(warm_s)
            begin_ns, before = time.time_ns(), _frames(folder)
            with watch.counted():
                time.sleep(seconds)
            end_ns, frames = time.time_ns(), _frames(folder) - before
            os.kill(hot.pid, signal.SIGTERM)
            hot.leave()
    rate = round(frames / (end_ns - begin_ns) * 1e9)
    orders = joined(notes, arrivals, begin_ns, end_ns)
    return told(orders, rate, seconds, asked.rate, watch.said())


def joined(notes: Path, arrivals: Path, begin_ns: int, end_ns: int) -> list[dict[str, int]]:
    """The stations of each order that was caused in a stretch of time and reached the exchange."""
    arrived = dict(line.split() for line in arrivals.read_text().splitlines())
    found = []
    for line in notes.read_text().splitlines():
        noted: dict[str, Any] = json.loads(line)
        order_id = noted.pop("order")
        if order_id in arrived and begin_ns <= noted["receive"] < end_ns:
            found.append({**noted, "arrived": int(arrived[order_id])})
    return found


def told(orders: list[dict[str, int]], rate: int, seconds: int, wanted: int, others: str) -> Said:
    if not orders:
        raise run.Failed("no order reached the exchange; look at a longer run")
    at = {station: np.array([order[station] for order in orders], np.int64) for station in STATIONS}
    ways = {
        "receive to decision (approved by risk)": at["execute"] - at["receive"],
        "decision to ledger written": at["written"] - at["execute"],
        "ledger written to sent": at["sent"] - at["written"],
        "**receive to sent**": at["sent"] - at["receive"],
        "sent to order entry": at["arrived"] - at["sent"],
        "**receive to order entry**": at["arrived"] - at["receive"],
        "tick due to tick received": at["receive"] % TICK_NS,
    }
    parts = {
        WORDS.get(station, station): at[station] - at[earlier] for earlier, station in itertools.pairwise(STATIONS)
    }
    shown = f"{len(orders):,} orders in {seconds} s, {rate:,} messages/s received of {wanted:,} asked for; {others}"
    head = [*(f"p{percent:g}" for percent in PERCENTILES), "latest"]
    return {
        "tables": [
            run.table(f"From the tick that decides to the exchange, us; {shown}", ["way", *head], _rows(ways, 1_000)),
            run.table(f"Each part of the way, ns; {shown}", ["until", *head], _rows(parts, 1)),
        ],
        "orders": len(orders),
        "messages_per_s": rate,
        "stations_ns": {station: times.tolist() for station, times in at.items()},
    }


def _rows(ways: dict[str, np.ndarray], unit_ns: int) -> list[list[object]]:
    return [
        [
            name,
            *(
                round(float(value), 1 if unit_ns > 1 else None)
                for value in np.percentile(times / unit_ns, (*PERCENTILES, 100))
            ),
        ]
        for name, times in ways.items()
    ]


def _written_config(folder: Path, ready: Said, durable: Literal["overlapped", "strict"]) -> Path:
    text, names = written(STRATEGIES)
    (folder / "strategies").mkdir()
    (folder / "strategies" / "fifty.py").write_text(text)
    config = Config(
        data_dir=str(folder / "data"),
        mode="demo",
        venue=Venue(pairs=PAIRS, rest_url=ready["rest"], stream_url=ready["stream"], ws_api_url=ready["ws_api"]),
        account=Account(orders="exchange", keys_file=ready["keys_file"], capital="50000", durable=durable),
        risk=Risk(
            position_quote=MUCH,
            order_quote=MUCH,
            orders_per_minute=10**6,
            instrument_quote=MUCH,
            venue_quote=MUCH,
            total_quote=MUCH,
            strategy_quote=MUCH,
            daily_loss=1.0,
            drawdown=1.0,
        ),
        strategies=Strategies(names=tuple(names), folder=str(folder / "strategies")),
        serve=Serve(port=0),
    )
    path = folder / "running.json"
    path.write_bytes(msgspec.json.encode(config))
    return path


def _frames(folder: Path) -> int:
    """Websocket messages that the hot process has taken so far, by its own meter."""
    return read_statuses(folder / "data")["collect"].counters.get("frames", 0)


def _wait_for_frames(folder: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if "collect" in read_statuses(folder / "data") and _frames(folder):
            return
        time.sleep(0.1)
    raise run.Failed(f"no message reached the hot process in {READY_S:.0f} s; what it said is above")


def _module(name: object, *words: object) -> list[str]:
    return [OURS, "-m", str(name), *map(str, words)]


PLACES = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}

if __name__ == "__main__":
    main()
