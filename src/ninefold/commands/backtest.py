"""`ninefold backtest --strategy sma_cross --set fast=10 --set slow=30 --bars btc.parquet [--size 1] [--json]`."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from ninefold.backtest.bars import BadBars
from ninefold.backtest.columns import Holes
from ninefold.backtest.exact import BadRules
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.target import BadTarget
from ninefold.commands.failing import plainly
from ninefold.formula.errors import FormulaError
from ninefold.imports.mapping import ImportRefused
from ninefold.market.instruments import UnknownInstrument
from ninefold.market.time import TIMEFRAMES
from ninefold.services.backtest import FILLS, HOLES, NEXT_OPEN, BadBacktest, Wanted, backtest
from ninefold.services.compiling import told_when_compiling
from ninefold.services.report import NoReport, write_report
from ninefold.store.data_dir import NoDataDir, StoreWriteFailed, WrongFormat
from ninefold.strategy.parameters import BadStrategy

ASKED = (BadBacktest, BadBars, BadRules, BadStrategy, BadTarget, FormulaError, ImportRefused, NoReport, TooLarge)


def run(
    strategy: Annotated[str, typer.Option(help="by name: sma_cross, one of the library, or one of your own")],
    strategies: Annotated[Path | None, typer.Option(help="a folder, or one file, with strategies of your own")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="a parameter, fast=10; may be given again")] = None,
    bars: Annotated[Path | None, typer.Option(help="a Parquet file: open_time, open, high, low, close, volume")] = None,
    instrument: Annotated[str | None, typer.Option(help="stored bars instead, such as binance:BTC/USDT")] = None,
    timerange: Annotated[str | None, typer.Option(help="20240101-20240601, 20240101-; all if left out")] = None,
    timeframe: Annotated[str, typer.Option(help=f"of the bars: {' '.join(TIMEFRAMES)}")] = "1m",
    taker_fee: Annotated[str, typer.Option(help="fraction of a fill's value; 0.001 is 0.1 %")] = "0.001",
    fill: Annotated[str, typer.Option(help=f"when orders are filled: {', '.join(FILLS)}")] = NEXT_OPEN,
    cash: Annotated[str, typer.Option(help="at the start, in quote")] = "10000",
    size: Annotated[str | None, typer.Option(help="held when long, in base; all of the equity if left out")] = None,
    holes: Annotated[str, typer.Option(help=f"what bars that a file lacks are: {', '.join(HOLES)}")] = "refuse",
    data_dir: Annotated[Path, typer.Option(help="where bars are stored and trials are counted")] = Path("data"),
    report: Annotated[Path | None, typer.Option(help="an HTML file to be written, complete in itself")] = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """What a strategy would have made of past bars, after fees, and how likely that is luck: every run is counted."""
    wanted = Wanted(
        strategy=strategy,
        strategies=strategies,
        settings=tuple(set_ or ()),
        data_dir=data_dir,
        file=bars,
        instrument=instrument,
        timeframe=timeframe,
        timerange=timerange,
        holes=cast(Holes, holes),
        taker_fee=taker_fee,
        fill=fill,
        cash=cash,
        size=size,
    )
    with plainly(*ASKED, NoDataDir, WrongFormat, StoreWriteFailed, UnknownInstrument), told_when_compiling(_tell):
        found = backtest(wanted, time.time_ns())
        if report is not None:
            write_report(data_dir, found["trial"], report)
    if json_:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    else:
        _print(found)


def _tell(text: str) -> None:
    print(f"ninefold: {text}", file=sys.stderr, flush=True)


def _print(found: dict[str, Any]) -> None:
    hold = found["buy_and_hold"]
    named = " ".join([found["strategy"], *(f"{name}={value}" for name, value in found["set"].items())])
    print(f"{named} on {found['bars']:,} bars of {found['timeframe']}, {found['from']} to {found['to']}")
    lines = Table("", found["strategy"], "buy and hold", box=None, pad_edge=False)
    for name, key in (("equity, quote", "equity"), ("net profit, quote", "net_profit")):
        lines.add_row(name, f"{found[key]:,.2f}", f"{hold[key]:,.2f}")
    for name, key in (("return", "return"), ("deepest drawdown", "drawdown")):
        lines.add_row(name, f"{found[key]:.2%}", f"{hold[key]:.2%}")
    lines.add_row(
        "Sharpe, a year", f"{_number(found['sharpe'])} ± {_number(found['sharpe_error'])}", _number(hold["sharpe"])
    )
    lines.add_row("fees, quote", f"{found['fees']:,.2f}", "")
    lines.add_row("trades that are over", f"{len(found['trades']):,}", "")
    lines.add_row("bars with a position", f"{found['exposure']:.1%}", "")
    Console().print(lines)
    for line in _said(found):
        print(line)


def _said(found: dict[str, Any]) -> list[str]:
    """What the numbers mean, in sentences."""
    said = []
    if found["open_trade"] is not None:
        said.append(
            f"A position is still open: {found['open_trade']['pnl']:+,.2f} at the last close, without the cost of leaving."
        )
    if found["unknown_bars"]:
        said.append(f"{found['unknown_bars']:,} bars are unknown; nothing is filled there.")
    if not found["trades"] and found["open_trade"] is None:
        said.append("It never traded.")
    elif found["net_profit"] <= 0:
        said.append("It lost money." if found["net_profit"] < 0 else "It earned nothing.")
    luck = found["deflated_sharpe"]
    chance = "cannot be told" if math.isnan(luck) else f"is {luck:.1%}"
    said.append(
        f"Trial {found['trial']}, one of {found['trials']:,} of its family (worth {found['effective_trials']:.1f}): the probability "
        f"that it is better than the best of as many without an edge (deflated Sharpe) {chance}."
    )
    return said


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
