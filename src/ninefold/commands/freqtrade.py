"""`ninefold freqtrade backtesting --strategy NAME --strategy-path DIR --pairs BTC/USDT (--bars FILE | --data-dir D) [--json]`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from ninefold.commands.failing import plainly
from ninefold.freqtrade.errors import StrategyFailed
from ninefold.services.backtest_completeness import completeness_said
from ninefold.services.backtest_wanted import REFUSED
from ninefold.services.freqtrade import Wanted
from ninefold.services.freqtrade import run as run_backtest

SHOWN = 40  # trades; all of them are in the JSON


def run(
    action: Annotated[str, typer.Argument(help="backtesting")],
    strategy: Annotated[str, typer.Option("--strategy", "-s", help="the name of its class")],
    pairs: Annotated[list[str], typer.Option("--pairs", "-p", help="BTC/USDT, or binance:BTC/USDT; several")],
    strategy_path: Annotated[Path, typer.Option(help="the folder with the strategy's file")] = Path("strategies"),
    bars: Annotated[list[Path] | None, typer.Option(help="Parquet files, one a pair, instead of stored bars")] = None,
    timerange: Annotated[str | None, typer.Option(help="20240101-20240601, 20240101-; all if left out")] = None,
    timeframe: Annotated[str | None, typer.Option("--timeframe", "-i", help="instead of the strategy's")] = None,
    stake_amount: Annotated[
        str, typer.Option(help="in quote, or unlimited: an equal part for each trade")
    ] = "unlimited",
    max_open_trades: Annotated[int | None, typer.Option(help="at once; -1 is any number; the strategy's, or 3")] = None,
    dry_run_wallet: Annotated[float, typer.Option(help="at the start, in quote")] = 1000.0,
    fee: Annotated[float, typer.Option(help="fraction of a fill's value, on both sides")] = 0.001,
    look: Annotated[str | None, typer.Option(help="why to look behind the holdout's wall; looks are counted")] = None,
    data_dir: Annotated[Path, typer.Option(help="where bars are stored and trials are counted")] = Path("data"),
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Run a freqtrade strategy's file, unchanged, on past bars by freqtrade's rules: every run is counted."""
    if action != "backtesting":
        raise typer.BadParameter(f"there is no {action!r}; allowed is backtesting", param_hint="action")
    wanted = Wanted(
        strategy=strategy,
        strategy_path=strategy_path,
        pairs=tuple(pairs),
        data_dir=data_dir,
        files=tuple(bars or ()),
        timerange=timerange,
        timeframe=timeframe,
        look=look,
        stake_amount=stake_amount,
        max_open_trades=max_open_trades,
        wallet=dry_run_wallet,
        fee=fee,
    )
    with plainly(StrategyFailed, *REFUSED):
        found = run_backtest(wanted, time.time_ns())
    if json_:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    console = Console()
    print(
        f"{found['strategy']} on {found['timeframe']} of {', '.join(found['pairs'])}, {found['from']} to {found['to']}"
    )
    shown = Table("pair", "open", "close", "bought at", "sold at", "profit", "of stake", "reason", "tag", box=None)
    for trade in found["trades"][:SHOWN]:
        shown.add_row(
            *(trade[name] for name in ("pair", "open_date", "close_date")),
            *(f"{trade[name]:.8g}" for name in ("open_rate", "close_rate")),
            f"{trade['profit_abs']:+,.2f}",
            f"{trade['profit_ratio']:+.2%}",
            trade["exit_reason"],
            trade["enter_tag"] or "",
        )
    console.print(shown)
    if len(found["trades"]) > SHOWN:
        print(f"and {len(found['trades']) - SHOWN:,} more; --json shows all")
    for name in ("by_pair", "by_exit_reason"):
        table = Table(name.replace("_", " "), "trades", "won", "lost", "profit", box=None)
        for key, sums in found[name].items():
            table.add_row(
                key, *(f"{sums[one]:,}" for one in ("count", "wins", "losses")), f"{sums['profit_abs']:+,.2f}"
            )
        console.print(table)
    for line in _said(found):
        print(line)


def _said(found: dict[str, Any]) -> list[str]:
    """What the numbers mean, in sentences."""
    currency = found["stake_currency"]
    said = [
        f"{found['starting_balance']:,.2f} {currency} became {found['final_balance']:,.2f} in {found['count']:,} trades; the deepest "
        f"fall between closed trades was {found['drawdown']:.2%}."
    ]
    if not found["count"]:
        said.append("It never traded.")
    elif found["profit_abs"] <= 0:
        said.append("It lost money." if found["profit_abs"] < 0 else "It earned nothing.")
    said += completeness_said(found)
    said.append(f"Trial {found['trial']}, one of {found['trials']:,} of this strategy.")
    return said
