"""`ninefold tournament --bars btc.parquet [--json]`: all strategies on one market."""

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
from ninefold.commands.backtest_told import number, percent, print_instruments, print_legs
from ninefold.commands.failing import plainly
from ninefold.services.backtest_completeness import completeness_said
from ninefold.services.backtest_tournament import EVERY, tournament
from ninefold.services.backtest_wanted import NEXT_OPEN
from ninefold.services.report import NoReport, write_report

SHOWN = 30
TOLD = 3  # of those that were left out


def run(
    strategies: options.Strategies = None,
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
    leverage: options.Leverage = "1",
    short: options.Short = False,
    volume_share: options.VolumeShare = None,
    holes: options.AHoles = "refuse",
    ticks: Annotated[
        bool, typer.Option("--ticks", help="quotes and free code on trades play too, on what is stored of --instrument")
    ] = False,
    trades: Annotated[
        Path | None, typer.Option(help="they play too, on this Parquet file of the market's trades: time, price, size")
    ] = None,
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
    """Back-test every strategy of the library (and your own) on one market, each a counted trial, and say what the best is worth.
    It may be interrupted at any moment; the same command goes on."""
    said = dict(locals())
    wanted = wanted_of({**said, "strategy": EVERY, "set_": None})
    with asked() as progress, plainly(NoReport):
        on_ticks = options_of_ticks.beside_bars(wanted, said)
        with plainly(*(() if on_ticks is None else (ValueError,))):
            found = tournament(wanted, time.time_ns(), progress, on_ticks)
        if report is not None:
            write_report(data_dir, found["trial"], report)
    if json_:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    print(
        f"{found['strategies']} strategies on {found['bars']:,} bars of {found['timeframe']}, {found['from']} to {found['to']}; "
        f"{len(found['left_out'])} could not run"
    )
    lines = Table("", "strategy", "family", "equity, quote", "trades", "Sharpe", "deflated", box=None, pad_edge=False)
    for place, one in enumerate(found["leaderboard"][:SHOWN], 1):
        name = f"null twin of {one['strategy']}" if one["null_twin"] else one["strategy"]
        money = (f"{one['equity']:,.2f}", f"{one['trades']:,}")
        ratios = (number(one["sharpe"]), percent(one["deflated_sharpe"]))
        lines.add_row(str(place), name, one["family"], *money, *ratios, style="dim" if one["null_twin"] else None)
    Console().print(lines)
    print_legs(found)
    if "portfolio" in found:
        print_instruments(found)
    best = found["leaderboard"][:10]
    print(
        f"Of the first {len(best)}, {sum(one['null_twin'] for one in best)} are null twins: the same trading at other times."
    )
    for sentence in completeness_said(found):
        print(sentence)
    hold = found["buy_and_hold"]
    print(f"Buy and hold: {hold['equity']:,.2f}, Sharpe {number(hold['sharpe'])}.")
    print(
        f"The best of the {found['trials']:,} trials of this data dir (worth {found['effective_trials']:.1f}) is expected at a Sharpe "
        f"ratio of {found['expected_best_by_luck']:.2f} by luck alone; the deflated ratio is the probability to be better than that."
    )
    for one in found["left_out"][:TOLD]:
        print(f"left out: {one['why']}")
    if len(found["left_out"]) > TOLD:
        print(f"{len(found['left_out']) - TOLD} more were left out; --json says why")
