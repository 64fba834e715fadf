"""Take data out: trades, bars, targets, orders, fills as CSV, Parquet or JSON lines.

In:  a data dir and what is wanted.
Out: a file or a binary stream. Rows come by instrument name, then time, then seq, so equal content gives equal bytes,
     however it was cut into
     chunks, commits and files. Trades are read a day of an instrument at a time; everything else is small.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.market.time import width_of
from ninefold.store.account_forms import FILLS, ORDERS
from ninefold.store.data_dir import failed_write
from ninefold.store.forms import Form, Wanted, instruments_wanted
from ninefold.store.market_forms import BARS, TARGETS, TRADES
from ninefold.store.read import Reader
from ninefold.store.text import csv_header, csv_lines, json_lines
from ninefold.store.timerange import parse_timerange

FORMS: dict[str, Form] = {"trades": TRADES, "bars": BARS, "targets": TARGETS, "orders": ORDERS, "fills": FILLS}
FORMATS = ("csv", "parquet", "jsonl")
WITH_TIMEFRAME = ("bars", "targets")


def export(
    path: Path,
    what: str,
    instrument: str | None,
    timeframe: str | None,
    timerange: str | None,
    format: str,
    out: Path | BinaryIO,
) -> int:
    """Write what is stored and return how many rows that was.

    what:       trades, bars, targets, orders or fills.
    instrument: such as 'binance:BTC/USDT'; all if None. timeframe: such as '1m', for bars and targets; all if None.
    timerange:  such as '20240101-20240601'; trades and fills by exchange time, bars and targets by close, orders by
                creation.
    out:        a file to create, or a binary stream such as sys.stdout.buffer.
    raises:     ValueError naming what is allowed; UnknownInstrument; NoDataDir; StoreWriteFailed.
    """
    if what not in FORMS:
        raise ValueError(f"there is no export of {what!r}; allowed are {' '.join(FORMS)}")
    if format not in FORMATS:
        raise ValueError(f"there is no format {format!r}; allowed are {' '.join(FORMATS)}")
    if timeframe is not None and what not in WITH_TIMEFRAME:
        raise ValueError(
            f"{what} have no timeframe, found {timeframe!r}; leave it out (it is for {' and '.join(WITH_TIMEFRAME)})"
        )
    start_ns, end_ns = parse_timerange(timerange)
    width_ns = None if timeframe is None else width_of(timeframe)
    instruments = instruments_wanted(Reader(path).registry(), instrument)
    form = FORMS[what]
    tables = form.tables(Wanted(Path(path), instruments, width_ns, start_ns, end_ns))
    if not isinstance(out, Path):
        return _write(tables, form.schema, format, out)
    try:
        with out.open("wb") as file:
            return _write(tables, form.schema, format, file)
    except OSError as refused:
        if refused.errno != errno.ENOSPC:
            raise
        raise failed_write(out, refused) from refused


def _write(tables: Iterator[pa.Table], schema: pa.Schema, format: str, out: BinaryIO) -> int:
    count = 0
    if format == "parquet":
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
                count += table.num_rows
        return count
    lines = csv_lines if format == "csv" else json_lines
    if format == "csv":
        out.write(csv_header(schema))
    for table in tables:
        out.write(lines(table))
        count += table.num_rows
    return count
