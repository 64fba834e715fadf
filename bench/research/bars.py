"""Back-tests on bars: ninefold beside its peers, the same market, fees and fills, answers checked.

In:  generated one-minute bars (`bars_market`). `--peers PYTHON` names the peers' environment (requirements-peers.in), `--nautilus
     PYTHON` that of nautilus_trader (requirements-peers-ticks.in), which wants other versions of what vectorbt needs.
Out: tables. Times are of the processor (all cores together; of what is told of a core, while it has one), medians of repetitions;
     compiling is not counted.

one:   SMA 10/30, fee 0.1 %, filled at the next open, with trade list and equity of every bar (of backtrader and nautilus_trader
       the last equity and the count of trades). backtesting.py, backtrader and nautilus_trader run once; nautilus_trader on bars
       alone, where it fills at the close, gets a fifth of them (`bars_nautilus`), and ours the same bars opening there.
pairs: 400 pairs of averages on one market; equity of each.
many:  200 different formulas on one market; once with what the formulas cost, once from targets that are there already.

Answers: equity equal to 1e-9 of the cash and as many trades, for every strategy. Ours rounds each fee up to 10**-10 of the
quote asset; the peers' are doubles.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numba
import numpy as np

from bench.capture import run as show
from bench.capture.run import ROOT, Failed, Said
from bench.research.bars_market import CASH, FEE, PAIRS, TICK, market
from ninefold.backtest.bars import Bars
from ninefold.backtest.market_rules import Fees, FixedSize, Rules
from ninefold.backtest.run import run
from ninefold.backtest.sweep import Sweep, sweep, sweep_crossings
from ninefold.backtest.target import changes_of_crossing
from ninefold.formula import Evaluator, Scale, parse

T = TypeVar("T")
Pythons = tuple[Path, Path]  # of the peers, of nautilus_trader
PEERS = ROOT / "bench" / ".venv-research" / "bin" / "python"
NAUTILUS = ROOT / "bench" / ".venv-research-ticks" / "bin" / "python"
CLOSES_SHARE = 5  # a bar of this many for nautilus_trader on bars alone
SIZES = {"one": 1_000_000, "pairs": 100_000, "many": 500_000}
SHORT = {"one": 20_000, "pairs": 5_000, "many": 5_000}
REPEAT = 5
RULES = Rules(cash=CASH, sizing=FixedSize(1), fees=Fees(taker=FEE))
NEAR = 1e-9  # of the cash
FORMULAS = (
    *(f"where(rsi(close, {n}) < {level}, 1, 0)" for n in range(5, 25) for level in (30, 45)),
    *(f"where(close > ema(close, {n}), 1, 0)" for n in range(10, 210, 5)),
    *(f"where(sma(close, {n}) > sma(close, {4 * n}), 1, 0)" for n in range(5, 45)),
    *(f"where(close > lag(close, {n}), 1, 0)" for n in range(1, 41)),
    *(f"where(roc(close, {n}) > {level}, 1, 0)" for n in range(5, 25) for level in (0, 0.5)),
)


def main() -> None:
    parser = show.options(__doc__ or "")
    parser.add_argument("--peers", type=Path, default=PEERS, help="Python of the peers' environment")
    parser.add_argument("--nautilus", type=Path, default=NAUTILUS, help="Python of nautilus_trader's environment")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given more than once")
    asked = parser.parse_args()
    sizes, repeat = (SHORT, 1) if asked.short else (SIZES, asked.repeat or REPEAT)
    found = {}
    with tempfile.TemporaryDirectory(prefix="bench-research-", dir=asked.scratch) as folder:
        for part in asked.only or PARTS:
            others = (asked.peers, asked.nautilus)
            found[part] = PARTS[part](sizes[part], repeat, others, Path(folder) / "targets.npy")
            title, head, rows = (found[part][name] for name in ("title", "head", "rows"))
            print(f"\n{title}\n\n{show.markdown(head, rows)}", flush=True)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps({"part": "bars", "tables": list(found.values())}, indent=1) + "\n")


def one(count: int, repeat: int, peers: Pythons, _: Path) -> Said:
    bars, columns, scale = *prepared(count), Scale(2, 8)
    cross = parse("where(sma(close, 10) > sma(close, 30), 1, 0)")

    def ours() -> tuple[float, int]:
        result = run(bars, changes_of_crossing(bars, 10, 30), RULES)
        return float(result.to_quote(result.equity[-1])), len(result.trades)

    def formula() -> tuple[float, int]:
        result = run(bars, Evaluator([cross], scale).warm(columns)[0], RULES)
        return float(result.to_quote(result.equity[-1])), len(result.trades)

    said = {name: peer(peers[0], name, "one", count, repeat) for name in ("vectorbt-rust", "vectorbt-numba")}
    said |= {name: peer(peers[0], name, "one", count, 1) for name in ("backtesting", "backtrader")}
    said["nautilus_trader"] = nautilus(peers[1], "opens", count)
    found, seconds, _ = timed(ours, repeat)
    written, formula_seconds, _ = timed(formula, repeat)
    for name, other in {"as a formula": {"equity": written[0], "trades": written[1]}, **said}.items():
        agree(name, [found[0]], [other["equity"]])
        if other["trades"] != found[1]:
            raise Failed(f"{name} has {other['trades']} trades, ninefold {found[1]}")
    rows = [["ninefold, crossing", seconds * 1e3, count / seconds / 1e6, 1.0]]
    times = {
        "ninefold, formula": formula_seconds,
        **{name: show.median(other["seconds"]) for name, other in said.items()},
    }
    rows += [[name, took * 1e3, count / took / 1e6, took / seconds] for name, took in times.items()]
    few = max(count // CLOSES_SHARE, 1)
    took = nautilus_at_closes(peers[1], few)
    rows.append([f"nautilus_trader, {few:,} bars alone", took * 1e3, few / took / 1e6, took / few * count / seconds])
    title = f"SMA 10/30 on {count:,} bars, {found[1]:,} trades: equity and trades equal"
    return show.table(title, ["who", "ms", "million bars/s", "times ninefold, crossing"], rows)


def nautilus_at_closes(python: Path, count: int) -> float:
    """Its seconds on bars alone, where it fills at the close that decides: as ours on bars that open where the last one closed."""
    made = market(count)
    made["open"][1:] = made["close"][:-1]
    made["high"], made["low"] = np.maximum(made["high"], made["open"]), np.minimum(made["low"], made["open"])
    bars = Bars(**made, tick=Fraction(str(TICK)), lot=Fraction(1, 10**8))
    found, said = run(bars, changes_of_crossing(bars, 10, 30), RULES), nautilus(python, "closes", count)
    agree("nautilus_trader on bars alone", [float(found.to_quote(found.equity[-1]))], [said["equity"]])
    if said["trades"] != len(found.trades):
        raise Failed(f"nautilus_trader on bars alone has {said['trades']} trades, ninefold {len(found.trades)}")
    return show.median(said["seconds"])


def pairs(count: int, repeat: int, peers: Pythons, _: Path) -> Said:
    bars, _ = prepared(count)
    found, seconds, wall = on_one_and_all(lambda: sweep_crossings(bars, PAIRS, RULES), repeat)
    quote = found.runs["equity"] * float(bars.unit)
    single = [run(bars, changes_of_crossing(bars, *pair), RULES).equity[-1] for pair in PAIRS]
    if not np.array_equal(found.runs["equity"], single):
        raise Failed("a sweep and its single runs differ")
    said = peer(peers[0], "vectorbt-rust", "pairs", count, max(1, repeat // 2))
    agree("vectorbt-rust", quote, said["equity"])
    rows = rates(len(PAIRS), seconds, wall, {"vectorbt-rust": show.median(said["seconds"])})
    title = f"{len(PAIRS)} pairs on {count:,} bars: each equal to its single run, to the unit, and to vectorbt"
    return show.table(title, HEAD, rows)


def many(count: int, repeat: int, peers: Pythons, path: Path) -> Said:
    bars, columns = prepared(count)
    terms = [parse(text) for text in FORMULAS]

    def formulas() -> np.ndarray:
        return Evaluator(terms, Scale(2, 8)).warm(columns)

    targets = formulas()
    np.save(path, targets)
    found, seconds, wall = on_one_and_all(lambda: sweep(bars, targets, RULES), repeat)
    _, formula_seconds, formula_wall = timed(formulas, 1)
    said = peer(peers[0], "vectorbt-rust", "many", count, repeat, path)
    agree("vectorbt-rust", found.runs["equity"] * float(bars.unit), said["equity"])
    others = {"ninefold, formulas too": seconds + formula_seconds, "vectorbt-rust": show.median(said["seconds"])}
    rows = rates(len(terms), seconds, wall, others)
    title = (
        f"{len(terms)} strategies on {count:,} bars: equal to vectorbt; their formulas alone took {formula_seconds:.2f} s "
        f"({formula_wall:.2f} s by the clock)"
    )
    return show.table(title, HEAD, rows)


HEAD = ["who", "s", "back-tests/s of a core", "back-tests/s by the clock", "times ninefold"]


def rates(count: int, seconds: float, wall: float, others: dict[str, float]) -> list[list[object]]:
    rows: list[list[object]] = [["ninefold", seconds, count / seconds, count / wall, 1.0]]
    return rows + [[name, took, count / took, "-", took / seconds] for name, took in others.items()]


def prepared(count: int) -> tuple[Bars, dict[str, np.ndarray]]:
    """Bars in ticks, lots of 10**-8, and the columns that formulas read."""
    made = market(count)
    bars = Bars(**made, tick=Fraction(str(TICK)), lot=Fraction(1, 10**8))
    return bars, {name: made[name].astype(np.float64) for name in ("open", "high", "low", "close", "volume")}


def on_one_and_all(do: Callable[[], Sweep], repeat: int) -> tuple[Sweep, float, float]:
    """As `timed`; seconds of the processor while it has one core, as the peer has, and of the clock while it has all."""
    found, _, wall = timed(do, repeat)
    cores = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone, seconds, _ = timed(do, repeat)
    finally:
        numba.set_num_threads(cores)
    if not np.array_equal(alone.runs, found.runs):
        raise Failed("one core and all of them find different things")
    return found, seconds, wall


def timed(do: Callable[[], T], repeat: int) -> tuple[T, float, float]:
    """What it found; seconds of all processors and of the clock, medians. The first call, which compiles, is not counted."""
    found, seconds, walls = do(), [], []
    for _ in range(repeat):
        cpu, wall = time.process_time(), time.perf_counter()
        found = do()
        seconds.append(time.process_time() - cpu)
        walls.append(time.perf_counter() - wall)
    return found, show.median(seconds), show.median(walls)


def peer(python: Path, name: str, work: str, count: int, repeat: int, path: Path | None = None) -> Said:
    words = (name, work, count, repeat, *((path,) if path is not None else ()))
    return asked_of(python, "requirements-peers.txt", f"{name}: {work}, {count:,} bars", "bars_peer.py", *words)


def nautilus(python: Path, fills: str, count: int) -> Said:
    told = f"nautilus_trader: fills at {fills}, {count:,} bars"
    return asked_of(python, "requirements-peers-ticks.txt", told, "bars_nautilus.py", fills, count, 1)


def asked_of(python: Path, needs: str, told: str, script: str, *words: object) -> Said:
    if not python.exists():
        raise Failed(f"there is no {python}; make it: python -m venv, pip install -r bench/research/{needs}")
    show.progress(told)
    command = [str(word) for word in (python, Path(__file__).parent / script, *words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{told}: failed: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def agree(name: str, ours: object, theirs: object) -> None:
    apart = np.abs(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)) / CASH
    if not (apart <= NEAR).all():
        raise Failed(
            f"{name}: {int((apart > NEAR).sum())} of {apart.size} equities differ, by {apart.max():.1e} of the cash at most"
        )


PARTS: dict[str, Callable[[int, int, Pythons, Path], Said]] = {"one": one, "pairs": pairs, "many": many}

if __name__ == "__main__":
    sys.exit(main())
