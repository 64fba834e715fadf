"""A year of 1m bars, cold process to report: freqtrade backtesting, ninefold on the same file of a strategy, and ninefold's own.

In:  `--freqtrade PYTHON` of an environment made of requirements-freqtrade.txt; `--bars COUNT`.
Out: wall seconds of each command, in turns, and those of the processor; how many trades it
     found, which must be as many, with as much profit, in the first two.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.feather import write_feather

from bench.research.bars_market import FEE, TICK, market

HERE = Path(__file__).parent
STRATEGIES = HERE / "freqtrade_strategies"
PAIR = "AAA/USDT"
YEAR = 525_600
WALLET = 10_000_000
MONEY = ["--stake-amount", "1000", "--dry-run-wallet", str(WALLET), "--fee", str(FEE), "--max-open-trades", "1"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--freqtrade", type=Path, required=True, help="Python of freqtrade's environment")
    parser.add_argument("--bars", type=int, default=YEAR)
    parser.add_argument("--repeat", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = prepared(folder, asked.bars, asked.freqtrade.absolute())
        for _ in range(asked.repeat):
            found = {title: timed(command, folder) for title, command in commands.items()}
            for title, (wall, processor, said) in found.items():
                print(f"{title}: {wall:.2f} s, {processor:.2f} s of the processor; {said}", flush=True)
    told = {said for title, (_, _, said) in found.items() if title != "ninefold backtest"}
    if len(told) != 1:
        sys.exit(f"freqtrade and ninefold do not agree: {told}")


def prepared(folder: Path, count: int, freqtrade: Path) -> dict[str, list[str]]:
    """Write bars in both forms; the commands by title."""
    columns = market(count)
    prices = {name: np.round(columns[name] * TICK, 2) for name in ("open", "high", "low", "close")}
    bars = {**prices, "volume": columns["volume"] / 1e8}
    start_ms = 1_672_531_200_000  # 2023-01-01
    opens_ms = start_ms + columns["open_ns"] // 10**6
    pq.write_table(pa.table({"open_time": opens_ms, **bars}), folder / "bars.parquet")
    (folder / "data").mkdir()
    dates = pd.to_datetime(opens_ms, unit="ms", utc=True).as_unit("ms")
    write_feather(pa.Table.from_pandas(pd.DataFrame({"date": dates, **bars})), folder / "data" / "AAA_USDT-1m.feather")
    (folder / "config.json").write_text(json.dumps(config()))
    strategy = ["backtesting", "--strategy", "SmaCross", "--strategy-path", str(STRATEGIES)]
    theirs = [
        "--config",
        str(folder / "config.json"),
        "--datadir",
        str(folder / "data"),
        "--userdir",
        str(folder),
        "--cache",
        "none",
    ]
    ninefold = [sys.executable, "-m", "ninefold"]
    ours = ["--bars", str(folder / "bars.parquet"), "--data-dir", str(folder / "trials")]
    own = "--strategy sma_cross --set fast=10 --set slow=30 --timeframe 1m --taker-fee 0.001 --cash 10000000 --size 1"
    return {
        "freqtrade backtesting": [str(freqtrade), str(HERE / "freqtrade_offline.py"), PAIR, *strategy, *theirs, *MONEY],
        "ninefold freqtrade backtesting": [*ninefold, "freqtrade", *strategy, "--pairs", PAIR, *ours, *MONEY],
        "ninefold backtest": [*ninefold, "backtest", *own.split(), *ours],
    }


def config() -> dict[str, object]:
    return {
        **{"stake_currency": "USDT", "dry_run": True, "dataformat_ohlcv": "feather"},
        "exchange": {"name": "binance", "key": "", "secret": "", "pair_whitelist": [PAIR], "pair_blacklist": []},
        "pairlists": [{"method": "StaticPairList"}],
        "entry_pricing": {"price_side": "same", "use_order_book": False},
        "exit_pricing": {"price_side": "same", "use_order_book": False},
    }


def timed(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Wall seconds, seconds of the processor, and the number of trades and the balance at the end as the program printed them."""
    env = os.environ if command[0] == sys.executable else {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    begin, used = time.perf_counter(), os.times()
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**env, "COLUMNS": "200"})
    wall, after = time.perf_counter() - begin, os.times()
    processor = after.children_user + after.children_system - used.children_user - used.children_system
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    trades = re.search(r"Total/Daily Avg Trades\D+(\d+)|in ([\d,]+) trades|trades that are over +([\d,]+)", done.stdout)
    balance = re.search(r"Final balance\D+([\d.]+)|became ([\d,.]+) in|equity, quote +([\d,.]+)", done.stdout)
    if trades is None or balance is None:
        sys.exit(f"{command} printed no trades:\n{done.stdout[-3000:]}")
    count, left = (next(filter(None, one.groups())).replace(",", "") for one in (trades, balance))
    return wall, processor, f"{count} trades, {float(left):.1f} at the end"


if __name__ == "__main__":
    main()
