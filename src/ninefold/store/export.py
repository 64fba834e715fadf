"""Take data out: trades, bars, targets, orders, fills as CSV, Parquet or JSON lines.

In:  a data dir and what is wanted.
Out: a file or a binary stream. Rows come by instrument name, then time, then seq, so equal content gives equal bytes,
     however it was cut into
     chunks, commits and files. Trades are read a day of an instrument at a time; everything else is small.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.market.time import width_of
from ninefold.store.account_forms import FILLS, ORDERS
from ninefold.store.completeness import Completeness, completeness_of, plain
from ninefold.store.data_dir import failed_write
from ninefold.store.forms import Form, Wanted, instruments_wanted
from ninefold.store.market_forms import BARS, TARGETS, TRADES
from ninefold.store.read import Reader
from ninefold.store.text import csv_header, csv_lines, json_lines
from ninefold.store.timerange import parse_timerange

FORMS: dict[str, Form] = {"trades": TRADES, "bars": BARS, "targets": TARGETS, "orders": ORDERS, "fills": FILLS}
FORMATS = ("csv", "parquet", "jsonl")
OF_THE_MARKET = ("trades", "bars", "targets")  # what is made from trades carries how complete these are
CERTIFICATES_KEY = b"ninefold.certificates"  # in the metadata of a Parquet file: JSON, a list of completeness.plain
WITH_TIMEFRAME = ("bars", "targets")


def export(
    path: Path,
    what: str,
    instrument: str | None,
    timeframe: str | None,
    timerange: str | None,
    format: str,
    out: Path | BinaryIO,
    as_of_ns: int | None = None,
) -> int:
    """Write what is stored and return how many rows that was.

    what:       trades, bars, targets, orders or fills.
    instrument: such as 'binance:BTC/USDT'; all if None. timeframe: such as '1m', for bars and targets; all if None.
    timerange:  such as '20240101-20240601'; trades and fills by exchange time, bars and targets by close, orders by
                creation.
    out:        a file to create, or a binary stream such as sys.stdout.buffer.
    as_of_ns:   what was known at that moment, and the revision of each bar that was the newest then; None for now.
    raises:     ValueError naming what is allowed; UnknownInstrument; NoDataDir; StoreWriteFailed.
    """
    wanted = _wanted(path, what, instrument, timeframe, timerange, as_of_ns)
    if format not in FORMATS:
        raise ValueError(f"there is no format {format!r}; allowed are {' '.join(FORMATS)}")
    form = FORMS[what]
    tables, schema = form.tables(wanted), form.schema
    if format == "parquet" and what in OF_THE_MARKET:
        schema = with_certificates(schema, _carried(wanted))
    if not isinstance(out, Path):
        return _write(tables, schema, format, out)
    try:
        with out.open("wb") as file:
            return _write(tables, schema, format, file)
    except OSError as refused:
        if refused.errno != errno.ENOSPC:
            raise
        raise failed_write(out, refused) from refused


def carried(
    path: Path,
    what: str,
    instrument: str | None,
    timeframe: str | None,
    timerange: str | None,
    as_of_ns: int | None = None,
) -> list[Completeness]:
    """How complete that is from which such an export is made, by instrument; none for orders and fills. What is made of bars
    of one width counts bars that were downloaded; without a timeframe the trades alone count.

    raises: as `export`.
    """
    wanted = _wanted(path, what, instrument, timeframe, timerange, as_of_ns)
    return _carried(wanted) if what in OF_THE_MARKET else []


def with_certificates(schema: pa.Schema, carried: Iterable[Completeness]) -> pa.Schema:
    """The schema with how complete its rows are in its metadata."""
    said = json.dumps([plain(one) for one in carried]).encode()
    return schema.with_metadata({**(schema.metadata or {}), CERTIFICATES_KEY: said})


def _wanted(
    path: Path,
    what: str,
    instrument: str | None,
    timeframe: str | None,
    timerange: str | None,
    as_of_ns: int | None,
) -> Wanted:
    if what not in FORMS:
        raise ValueError(f"there is no export of {what!r}; allowed are {' '.join(FORMS)}")
    if timeframe is not None and what not in WITH_TIMEFRAME:
        raise ValueError(
            f"{what} have no timeframe, found {timeframe!r}; leave it out (it is for {' and '.join(WITH_TIMEFRAME)})"
        )
    start_ns, end_ns = parse_timerange(timerange)
    width_ns = None if timeframe is None else width_of(timeframe)
    instruments = instruments_wanted(Reader(path, as_of_ns).registry(), instrument)
    return Wanted(Path(path), instruments, width_ns, start_ns, end_ns, as_of_ns)


def _carried(wanted: Wanted) -> list[Completeness]:
    """A bar that closes in the range began a width before it."""
    start_ns = None if wanted.start_ns is None else wanted.start_ns - (wanted.width_ns or 0)
    reader = Reader(wanted.path, wanted.as_of_ns)
    return completeness_of(reader, wanted.instruments, start_ns, wanted.end_ns, wanted.width_ns)


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
