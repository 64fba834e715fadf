"""Back-tests on trades and books: ninefold beside hftbacktest and nautilus_trader, answers checked.

In:  generated trades (`ticks_market`); a recorded session of Binance USD-M (NINEFOLD_RECORDINGS). `--peers PYTHON` names the
     peers' environment (requirements-peers-ticks.in).
Out: tables. Times are of the processor (all cores together), medians of repetitions; compiling and reading data are not counted.

cross:  two averages of the price, market orders filled at the next trade after a way of news and of orders; compiled, and as an
        `on_trade` in plain Python. nautilus_trader gets a fifth of the trades.
book:   quotes on both sides at the best bid and ask every 100 ms, on the recorded book, with queue position and latency.
memory: a file of trades, played by the whole command `ninefold backtest-ticks`, by averages that cross seldom and often: what the
        process holds at most. nautilus_trader's bytes a trade are what twice as many add to its process.

Answers: hftbacktest fills from a book that stands a tick beside our prices (`ticks_peer`): as many orders and fills, and what is
left of the money equal to 1e-9 of the cash once each fill is moved by that tick. nautilus_trader: every fill's price equal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.capture import run as show
from bench.capture.run import ROOT, Failed, Said
from bench.research import ticks_book
from bench.research.ticks_market import CASH, FAST, FEE, FEED_NS, LOT, ORDER_NS, SIZE, SLOW, TICK, market
from ninefold.backtest.market_rules import Fees, FixedSize, Rules
from ninefold.backtest.ticks.decide import EmaCross
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.on_trade import run_on_trade
from ninefold.backtest.ticks.result import TickResult
from ninefold.backtest.ticks.stream import Way, run
from ninefold.backtest.ticks.tape import Ticks
from ninefold.services.replay import replay
from ninefold.services.tick_files import session_of_store

T = TypeVar("T")
PEERS = ROOT / "bench" / ".venv-research-ticks" / "bin" / "python"
COUNT, SHORT, NAUTILUS_SHARE = 5_000_000, 50_000, 5
CROSSINGS = ((FAST, SLOW), (5, 20))  # trades of the averages whose memory is measured
NAUTILUS_LESS = 250_000  # trades
REPEAT = 3
WAY = Way(
    Rules(cash=CASH, sizing=FixedSize(SIZE), fees=Fees(taker=str(FEE))),
    Latency(FixedFeed(FEED_NS), FixedOrder(ORDER_NS)),
)
NEAR = 1e-9  # of the cash


def main() -> None:
    parser = show.options(__doc__ or "")
    parser.add_argument("--peers", type=Path, default=PEERS, help="Python of the peers' environment")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given more than once")
    parser.add_argument("--count", type=int, default=0, help="trades; 0: 5,000,000")
    asked = parser.parse_args()
    count, repeat = (SHORT, 1) if asked.short else (asked.count or COUNT, asked.repeat or REPEAT)
    found = []
    for part in asked.only or PARTS:
        found.append(PARTS[part](count, repeat, asked.peers))
        print(f"\n{found[-1]['title']}\n\n{show.markdown(found[-1]['head'], found[-1]['rows'])}", flush=True)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps({"part": "ticks", "tables": found}, indent=1) + "\n")


class Cross:
    """The same averages in plain Python."""

    def __init__(self) -> None:
        self.by_fast, self.by_slow = 2 / (FAST + 1), 2 / (SLOW + 1)
        self.fast = self.slow = 0.0
        self.above = False

    def on_trade(self, price: int, size: int, side: int, exchange_ns: int, position: int) -> float | None:
        if self.fast == 0.0:
            self.fast = self.slow = float(price)
        self.fast = fast = self.by_fast * price + (1.0 - self.by_fast) * self.fast
        self.slow = slow = self.by_slow * price + (1.0 - self.by_slow) * self.slow
        if (fast > slow) == self.above:
            return None
        self.above = not self.above
        return 1.0 if self.above else 0.0


def cross(count: int, repeat: int, peers: Path) -> Said:
    ticks = prepared(count)
    part = prepared(count // NAUTILUS_SHARE)

    def ours(of: Ticks) -> TickResult:
        return run(of, EmaCross(FAST, SLOW).changes(of), WAY)

    found, seconds = timed(lambda: ours(ticks), repeat)
    python, python_seconds = timed(lambda: run_on_trade(ticks, Cross(), WAY), 1)
    if found.fills.tolist() != python.fills.tolist():
        raise Failed("compiled and plain Python differ")
    hft = peer(peers, "hftbacktest", count, repeat)
    agree_hft(found, hft)
    nautilus = peer(peers, "nautilus", len(part), 1)
    agree_nautilus(ours(part), nautilus)
    rate = count / seconds
    others = {
        "ninefold, on_trade in Python": count / python_seconds,
        "hftbacktest": count / show.median(hft["seconds"]),
        "nautilus_trader": len(part) / show.median(nautilus["seconds"]),
    }
    rows: list[list[object]] = [["ninefold", rate / 1e6, 1.0]]
    rows += [[name, other / 1e6, rate / other] for name, other in others.items()]
    title = f"EMA {FAST}/{SLOW} on {count:,} trades, {len(found.fills):,} fills: answers equal"
    return show.table(title, ["who", "million trades/s", "ninefold is faster by"], rows)


def agree_hft(ours: TickResult, theirs: Said) -> None:
    """Each fill moved by a tick, its fee with it; what hftbacktest calls the balance is before fees."""
    price, size = ours.fills["price"] * TICK, ours.fills["size"] * LOT
    moved = price + np.sign(size) * TICK
    cash = -float((moved * size).sum())
    fees = float((moved * np.abs(size)).sum() * FEE)
    if len(price) != theirs["fills"]:
        raise Failed(f"hftbacktest has {theirs['fills']} fills, ninefold {len(price)}")
    for name, mine, other in (("balance", cash, theirs["cash"]), ("fees", fees, theirs["fees"])):
        if abs(mine - other) > NEAR * CASH:
            raise Failed(f"hftbacktest's {name} is {other}, ninefold's, each fill moved by a tick, {mine}")


def agree_nautilus(ours: TickResult, theirs: Said) -> None:
    """Its doubles are a little off the tick (29998.499999999996)."""
    mine, other = ours.fills["price"].tolist(), np.rint(np.array(theirs["prices"]) / TICK).astype(np.int64).tolist()
    if mine != other:
        apart = [row for row, pair in enumerate(zip(mine, other, strict=False)) if pair[0] != pair[1]]
        raise Failed(
            f"nautilus_trader has {len(theirs['prices'])} fills, ninefold {len(mine)}; they differ at {apart[:5]}"
        )


def prepared(count: int) -> Ticks:
    return Ticks(**market(count), tick=Fraction(str(TICK)), lot=Fraction(str(LOT)))


def timed(do: Callable[[], T], repeat: int) -> tuple[T, float]:
    """What it found; seconds of all processors, median. The first call, which compiles, is not counted."""
    found, seconds = do(), []
    for _ in range(repeat):
        start = time.process_time()
        found = do()
        seconds.append(time.process_time() - start)
    return found, show.median(seconds)


def peer(python: Path, name: str, of: int | Path, repeat: int) -> Said:
    if not python.exists():
        raise Failed(
            f"there is no {python}; make it: python -m venv, pip install -r bench/research/requirements-peers-ticks.in"
        )
    return said(python, Path(__file__).parent / "ticks_peer.py", name, of, repeat)


def said(*words: object) -> Said:
    """What a program says in its last line."""
    command = list(map(str, words))
    show.progress(" ".join(command[1:]))
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise Failed(f"{command} failed: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def book(count: int, repeat: int, peers: Path) -> Said:
    del count
    source = os.environ.get("NINEFOLD_RECORDINGS")
    if not source:
        raise Failed("the recorded session is needed: set NINEFOLD_RECORDINGS, or leave it out with --only")
    with tempfile.TemporaryDirectory(prefix="bench-ticks-") as folder:
        show.progress("replaying the recorded session")
        replay(Path(source) / ticks_book.RECORDING, Path(folder) / "data")
        whole = session_of_store(Path(folder) / "data", ticks_book.NAME)
        session = ticks_book.without_best(whole)
        size = int(1 / (session.lot * 1000))  # 0.001 BTC
        ticks_book.write(session, size, Path(folder) / "events.npz")
        found, seconds = timed(lambda: ticks_book.play(session, size), repeat)
        theirs = peer(peers, "hftbacktest-book", Path(folder) / "events.npz", repeat)
    cash = float((found.cash - found.start) * session.unit)
    held = float(found.position * session.lot)
    their_seconds = show.median(theirs["seconds"])
    rows: list[list[object]] = [
        ["ninefold", len(session) / seconds / 1e6, 1.0, len(found.fills), cash, held],
        [
            "hftbacktest",
            len(session) / their_seconds / 1e6,
            their_seconds / seconds,
            theirs["fills"],
            theirs["cash"],
            theirs["position"],
        ],
    ]
    title = f"Quotes every 100 ms on {len(session):,} recorded events"
    return show.table(
        title, ["who", "million events/s", "ninefold is faster by", "fills", "cash, quote", "position, base"], rows
    )


def memory(count: int, repeat: int, peers: Path) -> Said:
    """A file of `count` trades made and played, each by a process of its own."""
    del repeat
    less, more = (float(peer(peers, "nautilus", of, 1)["peak_mib"]) for of in (NAUTILUS_LESS, 2 * NAUTILUS_LESS))
    with tempfile.TemporaryDirectory(prefix="bench-ticks-") as folder:
        path = Path(folder) / "trades.parquet"
        program = (sys.executable, "-m", "bench.research.ticks_memory")
        made = said(*program, "write", path, count)
        rows: list[list[object]] = []
        for fast, slow in CROSSINGS:
            found = said(*program, "play", path, fast, slow)
            told = [found[name] for name in ("trades", "document", "seconds", "peak_mib")]
            rows.append([f"ninefold, {fast} and {slow} trades", *told, found["peak_mib"] * 2**20 / count])
    rows.append(["nautilus_trader", "", "", "", "", (more - less) * 2**20 / NAUTILUS_LESS])
    title = f"A file of {count:,} trades, {made['bytes'] / count:.1f} bytes each"
    head = ["who", "trades told", "bytes of JSON", "s", "peak memory, MiB", "bytes of memory a trade of the file"]
    return show.table(title, head, rows)


PARTS: dict[str, Callable[[int, int, Path], Said]] = {"cross": cross, "book": book, "memory": memory}

if __name__ == "__main__":
    sys.exit(main())
