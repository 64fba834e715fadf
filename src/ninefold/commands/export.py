"""`ninefold export trades|bars|targets|orders|fills ... --format csv|parquet|jsonl --data-dir D [--as-of TIME] [--out FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.failing import plainly
from ninefold.market.instruments import UnknownInstrument
from ninefold.store.completeness_told import line_of
from ninefold.store.data_dir import NoDataDir, StoreWriteFailed, WrongFormat
from ninefold.store.export import carried, export
from ninefold.store.timerange import parse_moment


def run(
    what: Annotated[str, typer.Argument(help="trades, bars, targets, orders or fills")],
    data_dir: Annotated[Path, typer.Option(help="where the data is")],
    instrument: Annotated[str | None, typer.Option(help="such as binance:BTC/USDT; all if left out")] = None,
    timeframe: Annotated[str | None, typer.Option(help="1s 5s 1m 5m 15m 1h 1d, for bars and targets")] = None,
    timerange: Annotated[str | None, typer.Option(help="20240101-20240601, 20240101-, or unix seconds or ms")] = None,
    format_: Annotated[str, typer.Option("--format", help="csv, parquet or jsonl")] = "csv",
    out: Annotated[Path | None, typer.Option(help="a file; standard output if left out")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="what was known then: 2024-08-08T12:03:04Z, or unix s, ms or ns")
    ] = None,
) -> None:
    """Write what is stored, in an order that depends on nothing but the content."""
    with plainly(ValueError, UnknownInstrument, NoDataDir, WrongFormat, StoreWriteFailed):
        target = out if out is not None else sys.stdout.buffer
        as_of_ns = None if as_of is None else parse_moment(as_of)
        told = carried(data_dir, what, instrument, timeframe, timerange, as_of_ns)
        count = export(data_dir, what, instrument, timeframe, timerange, format_, target, as_of_ns)
    sys.stdout.flush()
    for one in told:
        print(line_of(one), file=sys.stderr)
    print(f"{count:,} rows", file=sys.stderr)
