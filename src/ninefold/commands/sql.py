"""`ninefold sql "select ..." --data-dir D [--as-of TIME]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import pyarrow.csv as csv
import typer
from rich.console import Console
from rich.table import Table

from ninefold.commands.failing import plainly
from ninefold.store.data_dir import NoDataDir, WrongFormat
from ninefold.store.sql import SqlError, limit_process, sql
from ninefold.store.timerange import parse_moment

SHOWN_ROWS = 200


def run(
    query: Annotated[str, typer.Argument(help="one SELECT")],
    data_dir: Annotated[Path, typer.Option(help="where the data is")] = Path("data"),
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document: a list of rows")] = False,
    format_: Annotated[str, typer.Option("--format", help="table or csv")] = "table",
    as_of: Annotated[
        str | None, typer.Option(help="what was known then: 2024-08-08T12:03:04Z, or unix s, ms or ns")
    ] = None,
) -> None:
    """Ask the stored tables. Tables: trades bars quotes books values forecasts targets records certificates, orders,
    fills, ..._priced, bars_revisions, completeness, known_gaps.
    """
    limit_process()
    with plainly(SqlError, NoDataDir, WrongFormat, ValueError):
        found = sql(data_dir, query, as_of_ns=None if as_of is None else parse_moment(as_of))
    if json_:
        print(json.dumps(found.to_pylist(), default=str))
    elif format_ == "csv":
        csv.write_csv(found, sys.stdout.buffer)
    else:
        table = Table(*found.column_names)
        for row in found.slice(0, SHOWN_ROWS).to_pylist():
            table.add_row(*("-" if value is None else str(value) for value in row.values()))
        Console().print(table)
        if found.num_rows > SHOWN_ROWS:
            print(f"the first {SHOWN_ROWS} of {found.num_rows:,} rows; --format csv prints all", file=sys.stderr)
