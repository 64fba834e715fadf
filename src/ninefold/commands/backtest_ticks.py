"""`ninefold backtest-ticks --trades btc.parquet [--strategy NAME] [--json]`: a back-test on trades or recorded books."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ninefold.backtest.ticks.events import BadEvents
from ninefold.backtest.ticks.orders import BadOrder
from ninefold.backtest.ticks.quotes import BadQuotes
from ninefold.backtest.ticks.tape import BadTicks
from ninefold.commands import asked as options
from ninefold.commands.asked import asked, print_json
from ninefold.commands.backtest import print_report
from ninefold.commands.failing import plainly
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks
from ninefold.services.ticks_play import BAR, EACH, QUEUES

MS = 1_000_000


def run(
    trades: Annotated[Path | None, typer.Option(help="a Parquet file of trades: time, price, size")] = None,
    instrument: Annotated[
        str | None, typer.Option(help="what is stored instead, with its books, such as binanceusdm:BTC/USDT:USDT")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="by name: of the library or your own; two means of the price if left out")
    ] = None,
    strategies: options.Strategies = None,
    set_: options.Settings = None,
    fast: Annotated[int, typer.Option(help="without a strategy: trades of the faster exponential mean")] = 50,
    slow: Annotated[int, typer.Option(help="trades of the slower one; long while the faster is above it")] = 200,
    each: Annotated[str, typer.Option(help=f"what the formula of a target is of: {', '.join(EACH)}")] = BAR,
    timeframe: Annotated[str, typer.Option(help="of the bars of a target, and on which money is judged")] = "1m",
    feed_ms: Annotated[int, typer.Option(help="how long a trade takes to become known")] = 10,
    order_ms: Annotated[int, typer.Option(help="how long an order takes to the venue")] = 50,
    queue: Annotated[str, typer.Option(help=f"who leaves a level before us: {', '.join(QUEUES)}")] = "back",
    taker_fee: options.TakerFee = "0.001",
    maker_fee: Annotated[
        str | None, typer.Option(help="of quotes that were filled; as the taker's if left out")
    ] = None,
    cash: options.Cash = "10000",
    size: options.Size = None,
    data_dir: options.DataDir = Path("data"),
    json_: options.Json = False,
) -> None:
    """A strategy on single trades, or quotes on a recorded book, orders filled after they have arrived; counted as a trial."""
    wanted = WantedTicks(
        data_dir=data_dir,
        file=trades,
        instrument=instrument,
        strategy=strategy,
        strategies=strategies,
        settings=tuple(set_ or ()),
        fast=fast,
        slow=slow,
        each=each,
        timeframe=timeframe,
        taker_fee=taker_fee,
        maker_fee=maker_fee,
        feed_ns=feed_ms * MS,
        order_ns=order_ms * MS,
        queue=queue,
        cash=cash,
        size=size,
    )
    with asked(), plainly(BadTicks, BadEvents, BadQuotes, BadOrder, ValueError):
        found = backtest_ticks(wanted, time.time_ns())
    if json_:
        print_json(found)
    else:
        print_report(found)
