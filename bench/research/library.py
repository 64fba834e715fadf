"""What the strategies of the library earn on recorded candles, losers and all: nothing is chosen and nothing tuned.

In:  NINEFOLD_RECORDINGS; Bitcoin on Binance by the hour, 2017-08 to 2021-12, without the holes. --json
Out: of every strategy that reads candles alone, at its defaults: net return with a fee of 0.1 % and next-open fills, spot,
     all of the equity when long; how many lose, how many end above buying and holding. Short is flat there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ninefold.backtest.columns import bars_of_columns
from ninefold.backtest.exact import ONE
from ninefold.backtest.market_rules import EquityShare, Fees, Limits, Rules
from ninefold.backtest.run import run
from ninefold.backtest.target import Changes, changes_of_target
from ninefold.formula import Evaluator, Scale, sources
from ninefold.market.time import HOUR_NS
from ninefold.strategy import library, plan_of, targets

CANDLES = "ohlcv/binance_BTC_USDT_1h_2017-08_2021-12.parquet"
READS = {"open", "high", "low", "close", "volume"}
SCALE = Scale(2, 6)


class Earned(NamedTuple):
    name: str
    family: str
    net: float  # a fraction of the cash at the beginning
    trades: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    folder = os.environ.get("NINEFOLD_RECORDINGS")
    if not folder:
        sys.exit("NINEFOLD_RECORDINGS is not set: it names the folder of recorded market data")
    found, hold = earned(Path(folder) / CANDLES)
    if asked.json:
        print(json.dumps({"hold": hold, "strategies": [one._asdict() for one in found]}))
    else:
        _show(found, hold)


def earned(path: Path) -> tuple[list[Earned], float]:
    """Of every strategy, the best first; and of buying and holding."""
    table = pq.read_table(path)
    open_ns = table["timestamp_ms"].to_numpy() * 1_000_000
    numbers = {name: table[name].to_numpy() for name in ("open", "high", "low", "close", "volume")}
    bars = bars_of_columns({"open_ns": open_ns, "close_ns": open_ns + HOUR_NS, **numbers}, holes="unknown")
    columns = {name: np.where(bars.known, getattr(bars, name), np.nan) for name in READS}
    rules = Rules(cash="10000", sizing=EquityShare(), fees=Fees(taker="0.001"), limits=Limits(short=0))
    plans = [one for one in map(plan_of, library().values()) if one.form == "target"]
    able = [one for one in plans if not sources([one.target]) and one.target.columns <= READS]
    found = []
    for one in track(able, "strategies", console=Console(stderr=True)):
        target = targets(Evaluator([one.target], SCALE).warm(columns)[0])
        result = run(bars, changes_of_target(target, len(bars)), rules)
        found.append(
            Earned(one.name, one.family, float(result.equity[-1] / result.numbers.cash - 1), len(result.trades))
        )
    held = run(bars, Changes(np.zeros(1, np.int64), np.full(1, ONE)), rules)
    return sorted(found, key=lambda one: -one.net), float(held.equity[-1] / held.numbers.cash - 1)


def _show(found: list[Earned], hold: float) -> None:
    table = Table(
        "strategy", "family", "net return", "trades", title="Bitcoin by the hour, 2017-08 to 2021-12, fee 0.1 %"
    )
    for one in found:
        table.add_row(one.name, one.family, f"{one.net:+.1%}", f"{one.trades:,}")
    console = Console()
    console.print(table)
    losing = sum(one.net < 0 for one in found)
    above = sum(one.net > hold for one in found)
    console.print(f"{len(found)} strategies: {losing} lose, {above} end above buying and holding ({hold:+.1%})")


if __name__ == "__main__":
    main()
