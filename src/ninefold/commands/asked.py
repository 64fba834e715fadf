"""The options that all commands of research share, and how they fail."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ninefold.backtest.columns import Holes
from ninefold.commands.failing import plainly
from ninefold.market.time import TIMEFRAMES
from ninefold.services import backtest_search
from ninefold.services.backtest_wanted import FILLS, HOLES, REFUSED, Wanted
from ninefold.services.compiling import told_when_compiling
from ninefold.services.fee_file import tiers_of_file
from ninefold.services.lazily import lazily
from ninefold.services.told import as_json

if TYPE_CHECKING:
    from ninefold.commands import progress
else:
    progress = lazily("ninefold.commands.progress")  # which draws, and nobody looks at a file

INTERRUPTED = 130

Strategy = Annotated[str, typer.Option(help="by name: sma_cross, one of the library, or one of your own")]
Strategies = Annotated[Path | None, typer.Option(help="a folder, or one file, with strategies of your own")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="a parameter, fast=10; may be given again")]
Ranges = Annotated[
    list[str] | None, typer.Option("--set", help="fast=5..50..5, fast=5,10,20 or fast=10; may be given again")
]
BarsFile = Annotated[Path | None, typer.Option(help="a Parquet file: open_time, open, high, low, close, volume")]
Instrument = Annotated[str | None, typer.Option(help="stored bars instead, such as binance:BTC/USDT")]
BarsFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--bars",
        help="a Parquet file: open_time, open, high, low, close, volume; several are one portfolio, or the legs of a strategy",
    ),
]
Instruments = Annotated[
    list[str] | None,
    typer.Option(
        "--instrument",
        help="stored bars instead, such as binance:BTC/USDT; several are one portfolio, or the legs of a strategy",
    ),
]
Timerange = Annotated[str | None, typer.Option(help="20240101-20240601, 20240101-; all if left out")]
Timeframe = Annotated[str, typer.Option(help=f"of the bars: {' '.join(TIMEFRAMES)}")]
TakerFee = Annotated[str, typer.Option(help="fraction of a fill's value; 0.001 is 0.1 %")]
FeeTiers = Annotated[
    Path | None,
    typer.Option("--fee-tiers", help="a TOML file: fees by what was traded in 30 days, in place of --taker-fee"),
]
Fill = Annotated[str, typer.Option(help=f"when orders are filled: {', '.join(FILLS)}")]
Cash = Annotated[str, typer.Option(help="at the start, in quote")]
Size = Annotated[str | None, typer.Option(help="held when long, in base; all of the equity if left out")]
AHoles = Annotated[str, typer.Option("--holes", help=f"what bars that a file lacks are: {', '.join(HOLES)}")]
Slippage = Annotated[str, typer.Option(help="lost at each market order, fraction of the price")]
StopLoss = Annotated[str | None, typer.Option(help="leave so far below the entry: 0.02 is 2 %")]
TakeProfit = Annotated[str | None, typer.Option(help="leave so far above the entry")]
Trailing = Annotated[str | None, typer.Option(help="leave so far below the best price since the entry")]
MaxBars = Annotated[int | None, typer.Option(help="hold no longer than so many bars")]
Leverage = Annotated[str, typer.Option(help="of a perpetual; with it, positions are liquidated")]
Short = Annotated[bool, typer.Option("--short", help="a file's bars are a perpetual's: it may be sold short")]
VolumeShare = Annotated[str | None, typer.Option(help="the largest part of a bar's volume that is ours")]
Fundings = Annotated[
    list[str] | None,
    typer.Option(
        "--funding",
        help="of a perpetual: a Parquet file of time and rate, one for each instrument in their order, or recorded",
    ),
]
Look = Annotated[str | None, typer.Option(help="why to look behind the holdout's wall; looks are counted")]
DataDir = Annotated[Path, typer.Option(help="where bars are stored and trials are counted")]
Report = Annotated[Path | None, typer.Option(help="an HTML file to be written, complete in itself")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]


def wanted_of(said: dict[str, Any], **more: Any) -> Wanted:
    """What was asked for, out of a command's options by name: those of them that a back-test has."""
    names = {"set_": "settings", "bars": "file"}
    given = {names.get(name, name): value for name, value in said.items()}
    given["settings"] = tuple(given["settings"] or ())
    given["holes"] = cast(Holes, given["holes"])
    several = (("file", "more_files"), ("instrument", "more_instruments"), ("funding", "more_funding"))
    for name, further in several:
        if isinstance(given.get(name), list):
            first, *others = given[name] or [None]
            given[name] = first
            given[further] = tuple(str(one.absolute()) if isinstance(one, Path) else one for one in others)
    given["fee_tiers"] = tiers_of(given.get("fee_tiers"))
    return Wanted(**{name: given[name] for name in Wanted.__slots__ if name in given}, **more)


def tiers_of(file: Path | None) -> tuple[tuple[str, ...], ...]:
    """What --fee-tiers says; nothing where it is left out."""
    with plainly(*REFUSED):
        return () if file is None else tiers_of_file(file)


@contextmanager
def asked() -> Iterator[backtest_search.Progress]:
    """Progress with the time that is left, on standard error; errors that people can mend as their message alone."""
    with plainly(*REFUSED), told_when_compiling(tell):
        try:
            with progress.shown_progress() if sys.stderr.isatty() else nullcontext(unseen) as shown:
                yield shown
        except KeyboardInterrupt:
            tell("interrupted; what was played is kept, the same command goes on")
            sys.exit(INTERRUPTED)


def unseen(_what: str, _done: int, _total: int) -> None:
    """Progress where there is nobody to see it."""


def tell(text: str) -> None:
    print(f"ninefold: {text}", file=sys.stderr, flush=True)


def print_json(document: dict[str, Any]) -> None:
    for part in as_json(document):
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()
