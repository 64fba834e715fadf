"""`ninefold backtest-ticks --trades btc-trades.parquet --fast 50 --slow 200 [--json]`: a back-test trade by trade."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ninefold.backtest.ticks.tape import BadTicks
from ninefold.commands import asked as options
from ninefold.commands.asked import asked, print_json
from ninefold.commands.backtest import print_report
from ninefold.commands.failing import plainly
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks

MS = 1_000_000


def run(
    trades: Annotated[Path, typer.Option(help="a Parquet file of trades: time, price, size")],
    fast: Annotated[int, typer.Option(help="trades of the faster exponential mean of the price")] = 50,
    slow: Annotated[int, typer.Option(help="trades of the slower one; long while the faster is above it")] = 200,
    timeframe: Annotated[str, typer.Option(help="of the bars on which money is judged")] = "1m",
    feed_ms: Annotated[int, typer.Option(help="how long a trade takes to become known")] = 10,
    order_ms: Annotated[int, typer.Option(help="how long an order takes to the venue")] = 50,
    taker_fee: options.TakerFee = "0.001",
    cash: options.Cash = "10000",
    size: options.Size = None,
    data_dir: options.DataDir = Path("data"),
    json_: options.Json = False,
) -> None:
    """Two exponential means of the price of trades, market orders filled after they have arrived; counted as a trial."""
    wanted = WantedTicks(
        data_dir=data_dir,
        file=trades,
        fast=fast,
        slow=slow,
        timeframe=timeframe,
        taker_fee=taker_fee,
        feed_ns=feed_ms * MS,
        order_ns=order_ms * MS,
        cash=cash,
        size=size,
    )
    with asked(), plainly(BadTicks, ValueError):
        found = backtest_ticks(wanted, time.time_ns())
    if json_:
        print_json(found)
    else:
        print_report(found)
