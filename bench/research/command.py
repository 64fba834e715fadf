"""`ninefold backtest` as a command, from a cold process to its report, beside a script of backtesting.py; answers checked.

In:  a generated year of one-minute bars (`bars_market`): SMA 10/30, fee 0.1 %, filled at the next open.
     `--peers PYTHON` names the peers' environment (requirements-peers.in).
Out: a table: seconds by the clock and of the processor (all cores together), medians of processes in turns. Each process starts
     anew, reads its file, plays, judges and ends; ours also counts the trial and keeps the run. What ninefold compiles once is
     compiled before, in a process that is not counted. freqtrade is in `freqtrade_year`.

Answers: equity equal to 1e-9 of the cash and as many trades.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.capture import run as show
from bench.capture.run import Failed, Said
from bench.research.bars import PEERS, agree
from bench.research.bars_market import CASH, FEE, TICK, market

YEAR, SHORT = 525_600, 5_000
REPEAT = 5
START_MS = 1_672_531_200_000  # 2023-01-01
WORDS = (
    f"--strategy sma_cross --set fast=10 --set slow=30 --timeframe 1m --taker-fee {FEE} --cash {CASH} --size 1 --json"
)
OURS, THEIRS = "ninefold backtest --json", "a script of backtesting.py"


def main() -> None:
    parser = show.options(__doc__ or "")
    parser.add_argument("--peers", type=Path, default=PEERS, help="Python of the peers' environment")
    asked = parser.parse_args()
    count, repeat = (SHORT, 1) if asked.short else (YEAR, asked.repeat or REPEAT)
    with tempfile.TemporaryDirectory(prefix="bench-command-", dir=asked.scratch) as folder:
        found = command(Path(folder), count, repeat, asked.peers)
    print(f"\n{found['title']}\n\n{show.markdown(found['head'], found['rows'])}", flush=True)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps({"part": "command", "tables": [found]}, indent=1) + "\n")


def command(folder: Path, count: int, repeat: int, peers: Path) -> Said:
    if not peers.exists():
        raise Failed(f"there is no {peers}; make it: make bench/.venv-research/.done, or name one with --peers")
    write_bars(folder, count)
    ours = [
        sys.executable,
        "-m",
        "ninefold",
        "backtest",
        *WORDS.split(),
        "--bars",
        "bars.parquet",
        "--data-dir",
        "data",
    ]
    commands = {OURS: ours, THEIRS: [str(peers), str(Path(__file__).parent / "command_peer.py"), "bars.npz"]}
    cold(ours, folder)
    walls: dict[str, list[float]] = {name: [] for name in commands}
    processor: dict[str, list[float]] = {name: [] for name in commands}
    answers: dict[str, Said] = {}
    for turn in range(repeat):
        for name, words in commands.items():
            show.progress(f"{name}: {turn + 1} of {repeat}")
            answers[name], wall, used = cold(words, folder)
            walls[name].append(wall)
            processor[name].append(used)
    mine, other = answers[OURS], answers[THEIRS]
    agree(THEIRS, [mine["equity"]], [other["equity"]])
    if len(mine["trades"]) != other["trades"]:
        raise Failed(f"{THEIRS} has {other['trades']} trades, ninefold {len(mine['trades'])}")
    wall, used = ({name: show.median(of[name]) for name in commands} for of in (walls, processor))
    rows = [[name, wall[name], wall[name] / wall[OURS], used[name], used[name] / used[OURS]] for name in commands]
    title = f"SMA 10/30 on {count:,} bars, cold process to report, {other['trades']:,} trades: equity and trades equal"
    return show.table(title, ["who", "s by the clock", "times ninefold", "s of the processor", "times ninefold"], rows)


def write_bars(folder: Path, count: int) -> None:
    """bars.parquet for us and bars.npz for the peer."""
    made = market(count)
    prices = {name: np.round(made[name] * TICK, 2) for name in ("open", "high", "low", "close")}
    columns = {"open_time": START_MS + made["open_ns"] // 10**6, **prices, "volume": made["volume"] / 1e8}
    pq.write_table(pa.table(columns), folder / "bars.parquet")
    np.savez(folder / "bars.npz", **columns)


def cold(words: list[str], folder: Path) -> tuple[Said, float, float]:
    """What a process printed, seconds by the clock and of the processor."""
    env = os.environ if words[0] == sys.executable else {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    begin, before = time.perf_counter(), os.times()
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=folder, env=env)
    wall, after = time.perf_counter() - begin, os.times()
    if done.returncode:
        raise Failed(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return dict(json.loads(done.stdout.splitlines()[-1])), wall, used


if __name__ == "__main__":
    sys.exit(main())
