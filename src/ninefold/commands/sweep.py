"""`ninefold sweep --strategy sma_cross --set fast=5..50..5 --set slow=20..200..20 --bars btc.parquet [--json]`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from ninefold.commands import asked as options
from ninefold.commands import asked_ticks as options_of_ticks
from ninefold.commands.asked import asked, print_json, wanted_of
from ninefold.commands.backtest_told import luck, number, percent, print_instruments, print_legs
from ninefold.commands.failing import plainly
from ninefold.services.backtest_completeness import completeness_said
from ninefold.services.backtest_sweep import sweep
from ninefold.services.backtest_wanted import NEXT_OPEN, Wanted
from ninefold.services.lazily import lazily
from ninefold.services.report import NoReport, write_report

if TYPE_CHECKING:
    from ninefold.services import ticks_sweep
else:
    ticks_sweep = lazily("ninefold.services.ticks_sweep")


def run(
    strategy: options.Strategy,
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
    """Back-test every combination of settings, each a counted trial, and say what the best is worth. It may be interrupted at
    any moment; the same command goes on. Quotes and free code on trades are played on --trades, or the stored trades and books
    of --instrument."""
    said = dict(locals())
    with asked() as progress, plainly(NoReport):
        wanted = options_of_ticks.meant(wanted_of(said), said)
        with plainly(*options_of_ticks.refused(wanted)):
            if isinstance(wanted, Wanted):
                found = sweep(wanted, time.time_ns(), progress)
            else:
                found = ticks_sweep.sweep_ticks(wanted, time.time_ns(), progress)
        if report is not None:
            write_report(data_dir, found["trial"], report)
    if json_:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    print(
        f"{found['strategy']}, {found['points']:,} points on {found['bars']:,} bars of {found['timeframe']}, {found['from']} to "
        f"{found['to']}; {found['resumed']:,} were there already"
    )
    print_legs(found)
    varied = list(found["grid"]["axes"])
    lines = Table("trial", *varied, "equity, quote", "fees", "trades", "Sharpe", "deflated", box=None, pad_edge=False)
    for one in found["best"]:
        lines.add_row(
            str(one["trial"]),
            *(str(one["set"][name]) for name in varied),
            f"{one['equity']:,.2f}",
            f"{one['fees']:,.2f}",
            f"{one['trades']:,}",
            number(one["sharpe"]),
            percent(one["deflated_sharpe"]),
        )
    Console().print(lines)
    if "portfolio" in found:
        print_instruments(found)
    for sentence in completeness_said(found):
        print(sentence)
    hold = found["buy_and_hold"]
    print(f"Buy and hold: {hold['equity']:,.2f}, Sharpe {number(hold['sharpe'])}.")
    print(f"The best of as many without an edge is expected at a Sharpe ratio of {found['expected_best_by_luck']:.2f}.")
    if found["overfitting"] is not None:
        chance = found["overfitting"]["probability"]
        print(f"The best of one half of the time is below the median of the other with a probability of {chance:.0%}.")
    best = found["best"][0]
    print(luck(found, f"The best is trial {best['trial']}", best["deflated_sharpe"]))
