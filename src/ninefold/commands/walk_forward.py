"""`ninefold walk-forward --strategy sma_cross --set fast=5..50..5 --train 26w --test 4w --bars btc.parquet [--json]`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ninefold.commands import asked as options
from ninefold.commands import asked_ticks as options_of_ticks
from ninefold.commands.asked import asked, print_json, wanted_of
from ninefold.commands.backtest_told import number, percent, print_report
from ninefold.commands.failing import plainly
from ninefold.services.backtest_forward import Pace, forward
from ninefold.services.backtest_wanted import NEXT_OPEN
from ninefold.services.report import NoReport, write_report


def run(
    strategy: options.Strategy,
    train: Annotated[str, typer.Option(help="how long each fit looks back: 26w, 30d, 12h, 45m")],
    test: Annotated[str, typer.Option(help="how long what was chosen is acted on")],
    embargo: Annotated[str, typer.Option(help="how long before acting a fit ends")] = "0d",
    strategies: options.Strategies = None,
    set_: options.Ranges = None,
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
    volume_share: options.VolumeShare = None,
    holes: options.AHoles = "refuse",
    trades: options_of_ticks.Trades = None,
    each: options_of_ticks.Each = "bar",
    feed_ms: options_of_ticks.FeedMs = 10,
    order_ms: options_of_ticks.OrderMs = 50,
    queue: options_of_ticks.QueueModel = "back",
    maker_fee: options_of_ticks.MakerFee = None,
    funding: options.Fundings = None,
    look: options.Look = None,
    data_dir: options.DataDir = Path("data"),
    report: options.Report = None,
    json_: options.Json = False,
) -> None:
    """Choose settings on the past alone, act on what comes after, go on: the joined result is out of sample. Every fit is a
    counted trial. It may be interrupted at any moment; the same command goes on. Quotes and free code on trades are played on
    --trades, or the stored trades and books of --instrument."""
    said = dict(locals())
    with asked() as progress, plainly(NoReport):
        wanted = options_of_ticks.meant(wanted_of(said), said)
        with plainly(*options_of_ticks.refused(wanted)):
            found = forward(wanted, Pace(train, test, embargo), time.time_ns(), progress)
        if report is not None:
            write_report(data_dir, found["trial"], report)
    if json_:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    print(
        f"{found['fitted']:,} fits: {found['points']:,} points in {len(found['folds'])} folds, {found['resumed']:,} were there already"
    )
    lines = Table("acted from", "to", "set", "Sharpe in training", "acted on", "return", box=None, pad_edge=False)
    for fold in found["folds"]:
        lines.add_row(fold["test_from"][:16], fold["test_to"][:16], chosen(fold), *results(fold))
    Console().print(lines)
    print_report(found)


def chosen(fold: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in (fold["set"] or {}).items()) or "nothing traded"


def results(fold: dict[str, Any]) -> tuple[str, str, str]:
    """In training, and where it was acted on."""
    return number(fold["train_sharpe"]), number(fold["test_sharpe"]), percent(fold["test_return"])
