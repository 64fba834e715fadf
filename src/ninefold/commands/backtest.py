"""`ninefold backtest --strategy sma_cross --set fast=10 --set slow=30 --bars btc.parquet [--size 1] [--json]`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ninefold.commands import asked as options
from ninefold.commands.asked import asked, print_json, wanted_of
from ninefold.commands.failing import plainly
from ninefold.services.backtest import backtest
from ninefold.services.backtest_wanted import NEXT_OPEN
from ninefold.services.lazily import lazily
from ninefold.services.report import NoReport, write_report

if TYPE_CHECKING:
    from ninefold.commands import backtest_told
    from ninefold.services import backtest_portfolio
else:
    backtest_told = lazily("ninefold.commands.backtest_told")  # tables for people
    backtest_portfolio = lazily("ninefold.services.backtest_portfolio")


def run(
    strategy: options.Strategy,
    strategies: options.Strategies = None,
    set_: options.Settings = None,
    bars: options.BarsFiles = None,
    instrument: options.Instruments = None,
    timerange: options.Timerange = None,
    timeframe: options.Timeframe = "1m",
    taker_fee: options.TakerFee = "0.001",
    fee_tiers: options.FeeTiers = None,
    fill: options.Fill = NEXT_OPEN,
    cash: options.Cash = "10000",
    size: options.Size = None,
    slippage: options.Slippage = "0",
    stop_loss: options.StopLoss = None,
    take_profit: options.TakeProfit = None,
    trailing: options.Trailing = None,
    max_bars: options.MaxBars = None,
    leverage: options.Leverage = "1",
    short: options.Short = False,
    funding: options.Fundings = None,
    volume_share: options.VolumeShare = None,
    holes: options.AHoles = "refuse",
    spread_ticks: Annotated[int, typer.Option(help="the narrowest spread that is believed, in ticks")] = 1,
    target_volatility: Annotated[float, typer.Option(help="of weekly log returns, for the weekly objective")] = 0.05,
    look: options.Look = None,
    data_dir: options.DataDir = Path("data"),
    report: options.Report = None,
    json_: options.Json = False,
) -> None:
    """What a strategy would have made of past bars, after fees, and how likely that is luck: every run is counted."""
    wanted = wanted_of(locals())
    now_ns = time.time_ns()
    with asked(), plainly(NoReport):
        found = backtest_portfolio.portfolio(wanted, now_ns) if wanted.several else backtest(wanted, now_ns)
        if report is not None:
            write_report(data_dir, found["trial"], report)
    if json_:
        print_json(found)
    elif "portfolio" in found:
        backtest_told.print_portfolio(found)
    else:
        backtest_told.print_report(found)
