"""`ninefold leak-check mine.py [--bars btc.parquet] [--json]`: exit status 1 if it looks ahead, 2 if nobody can say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from ninefold.backtest.bars import BadBars, when
from ninefold.commands.failing import plainly
from ninefold.formula.errors import FormulaError
from ninefold.imports.mapping import ImportRefused
from ninefold.market.instruments import UnknownInstrument
from ninefold.market.time import TIMEFRAMES, width_of
from ninefold.services.leak_check import CLEAN, LEAK, BarsToRead, Checked, check
from ninefold.services.leak_check_bars import generated, of_file, of_store
from ninefold.services.leak_check_forms import form_of
from ninefold.store.data_dir import NoDataDir, WrongFormat
from ninefold.strategy.parameters import BadStrategy

STATUS = {CLEAN: 0, LEAK: 1}  # else 2: nothing can be said


def run(
    strategy: Annotated[str, typer.Argument(help="a Python file, FILE.py:NAME, or a strategy of the library")],
    bars: Annotated[Path | None, typer.Option(help="a Parquet file; generated bars if left out")] = None,
    instrument: Annotated[str | None, typer.Option(help="stored bars instead, such as binance:BTC/USDT")] = None,
    data_dir: Annotated[Path, typer.Option(help="where bars are stored")] = Path("data"),
    timeframe: Annotated[
        str | None, typer.Option(help=f"of the bars: {' '.join(TIMEFRAMES)}; the strategy's, or 1m, if left out")
    ] = None,
    strategies: Annotated[Path | None, typer.Option(help="your own: a folder of files with strategies")] = None,
    held: Annotated[bool, typer.Option("--held", help="what the function gives is held during its own bar")] = False,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Whether a strategy looks ahead, found where it reads the bars: the first row, how many, the line, what to do."""
    known = (BadBars, BadStrategy, FormulaError, ImportRefused, NoDataDir, UnknownInstrument, WrongFormat)
    with plainly(*known), Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("running the strategy", total=None)
        form = form_of(strategy, strategies, held)
        if timeframe and form.timeframe and timeframe != form.timeframe:
            raise BadStrategy(f"{form.name} is made for bars of {form.timeframe}; leave --timeframe {timeframe} out")
        read = _bars(bars, instrument, data_dir, timeframe or form.timeframe or "1m")
        found = check(form, read, lambda done, of: shown.update(task, completed=done, total=of))
    if json_:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    else:
        _print(found)
    sys.exit(STATUS.get(found.verdict, 2))


def _bars(file: Path | None, instrument: str | None, data_dir: Path, timeframe: str) -> list[BarsToRead]:
    if timeframe not in TIMEFRAMES:
        raise BadBars(f"there is no timeframe {timeframe!r}; allowed are {' '.join(TIMEFRAMES)}")
    if file is not None and instrument is not None:
        raise BadBars("give --bars or --instrument, not both")
    width_ns = width_of(timeframe)
    if file is not None:
        return of_file(file, width_ns)
    return of_store(data_dir, instrument, width_ns) if instrument is not None else generated(width_ns)


def _print(found: Checked) -> None:
    console = Console(highlight=False)
    console.print(Text(f"{found.strategy} ({found.form}): {found.verdict}", "bold"))
    if found.line is not None:
        console.print(Text(f"{found.file}:{found.line}: {found.text or ''}"), soft_wrap=True)
    console.print(Text(found.why), soft_wrap=True)
    if found.rows is not None and found.row_time_ns is not None and found.knows_time_ns is not None:
        times = f"the first such row opens {when(found.row_time_ns)}, what it knows {when(found.knows_time_ns)}"
        console.print(Text(times), soft_wrap=True)
        console.print(Text(f"{found.rows:,} rows know too much (run {found.runs}, {found.bars})"), soft_wrap=True)
    if found.remedy:
        console.print(Text(f"what to do: {found.remedy}"), soft_wrap=True)
