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
from ninefold.commands import asked_ticks as options_of_ticks
from ninefold.commands.asked import asked, print_json
from ninefold.commands.backtest_told import print_instruments, print_report
from ninefold.commands.failing import plainly
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks
from ninefold.services.ticks_play import BAR
from ninefold.services.ticks_together import backtest_ticks_together


def run(
    trades: Annotated[
        list[Path] | None,
        typer.Option(help="a Parquet file of trades: time, price, size; several are on one account"),
    ] = None,
    instrument: Annotated[
        list[str] | None,
        typer.Option(
            help="what is stored instead, with its books, such as binanceusdm:BTC/USDT:USDT; several are on one account"
        ),
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="by name: of the library or your own; two means of the price if left out")
    ] = None,
    strategies: options.Strategies = None,
    set_: options.Settings = None,
    fast: Annotated[int, typer.Option(help="without a strategy: trades of the faster exponential mean")] = 50,
    slow: Annotated[int, typer.Option(help="trades of the slower one; long while the faster is above it")] = 200,
    each: options_of_ticks.Each = BAR,
    timerange: options.Timerange = None,
    timeframe: Annotated[str, typer.Option(help="of the bars of a target, and on which money is judged")] = "1m",
    feed_ms: options_of_ticks.FeedMs = 10,
    order_ms: options_of_ticks.OrderMs = 50,
    queue: options_of_ticks.QueueModel = "back",
    taker_fee: options.TakerFee = "0.001",
    maker_fee: options_of_ticks.MakerFee = None,
    fee_tiers: options.FeeTiers = None,
    cash: options.Cash = "10000",
    size: options.Size = None,
    leverage: options.Leverage = "1",
    short: Annotated[
        bool, typer.Option("--short", help="a file's trades are a perpetual's: it may be sold short")
    ] = False,
    funding: options.Fundings = None,
    look: options.Look = None,
    data_dir: options.DataDir = Path("data"),
    json_: options.Json = False,
) -> None:
    """A strategy on single trades, or quotes on a recorded book, orders filled after they have arrived; counted as a trial."""
    files, names, paid = list(trades or ()), list(instrument or ()), list(funding or ())
    wanted = WantedTicks(
        data_dir=data_dir,
        instrument=next(iter(names), None),
        more_files=tuple(str(one.absolute()) for one in files[1:]),
        more_instruments=tuple(names[1:]),
        funding=next(iter(paid), None),
        more_funding=tuple(paid[1:]),
        strategy=strategy,
        strategies=strategies,
        settings=tuple(set_ or ()),
        fast=fast,
        slow=slow,
        timeframe=timeframe,
        timerange=timerange,
        taker_fee=taker_fee,
        fee_tiers=options.tiers_of(fee_tiers),
        cash=cash,
        size=size,
        leverage=leverage,
        short=short,
        look=look,
        **options_of_ticks.ticks_said({**locals(), "trades": next(iter(files), None)}),
    )
    with asked(), plainly(BadTicks, BadEvents, BadQuotes, BadOrder, ValueError):
        found = (backtest_ticks_together if wanted.several else backtest_ticks)(wanted, time.time_ns())
    if json_:
        print_json(found)
        return
    print_report(found)
    if "portfolio" in found:
        print_instruments(found)
