"""`ninefold import SOURCE PLACE --data-dir D [--table T] [--what W] [--instrument I] [--map FILE] [--json]`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.commands.table import print_summary
from ninefold.imports.mapping import ImportRefused, Mapping, over, parse_mapping
from ninefold.imports.run import Imported, NotWhole, import_all
from ninefold.imports.source import Place
from ninefold.imports.table import SOURCES, open_source


def run(
    source: Annotated[str, typer.Argument(help=" ".join(SOURCES))],
    place: Annotated[str, typer.Argument(help="a file, a folder, or the address of a database")],
    data_dir: Annotated[Path, typer.Option(help="where the data is; imports are kept in its folder imports")] = Path(
        "data"
    ),
    table: Annotated[str, typer.Option(help="the table, collection or measurement")] = "",
    what: Annotated[str, typer.Option(help="trades or bars, where the source does not know")] = "",
    instrument: Annotated[str, typer.Option(help="of all rows, such as binance:BTC/USDT")] = "",
    venue: Annotated[str, typer.Option(help="of symbols that do not name one")] = "",
    timeframe: Annotated[str, typer.Option(help="of all bars: 1s 5s 1m 5m 15m 1h 1d")] = "",
    bar_time: Annotated[str, typer.Option(help="whether the time of a bar is its open or its close")] = "",
    time_unit: Annotated[str, typer.Option(help="s, ms, us or ns; told by the numbers if left out")] = "",
    time_zone: Annotated[str, typer.Option(help="UTC, if times are written without a zone and are in it")] = "",
    column: Annotated[list[str] | None, typer.Option(help="OURS=THEIRS, such as price=px; as many as needed")] = None,
    map_: Annotated[Path | None, typer.Option("--map", help="the same and more in a TOML file")] = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Read trades or bars of another program into the store, each once. Killed or stopped, the same command goes on."""
    said = dict(what=what, instrument=instrument, venue=venue, timeframe=timeframe, bar_time=bar_time)
    with plainly(ImportRefused, NotWhole, *KNOWN), shown_progress() as progress:
        mapping = _mapping({**said, "time_unit": time_unit, "time_zone": time_zone}, column or [], map_)
        parts = open_source(source, Place(place=place, table=table, mapping=mapping))
        found = import_all(data_dir, parts, mapping, time.time_ns, progress)
    _tell(found, json_)
    sys.exit(0 if all(not one.refused for one in found) else 1)


def _mapping(said: dict[str, str], columns: list[str], file: Path | None) -> Mapping:
    """What the options say, and where they say nothing what the file says. raises: ImportRefused."""
    try:
        written = parse_mapping(file.read_text(), str(file)) if file else Mapping()
    except OSError as error:
        raise ImportRefused(f"the mapping {file} cannot be read: {error}") from error
    pairs = [pair.partition("=") for pair in columns]
    if wrong := [name + sign for name, sign, _ in pairs if not sign]:
        raise ImportRefused(f"--column {wrong[0]}: write OURS=THEIRS, such as price=px")
    try:
        options = msgspec.convert({**said, "columns": {ours: theirs for ours, _, theirs in pairs}}, Mapping)
    except msgspec.ValidationError as error:
        raise ImportRefused(f"an option cannot be used: {error}") from None
    return over(options, written)


def _tell(found: list[Imported], json_: bool) -> None:
    total = {name: sum(getattr(one, name) for one in found) for name in ("read", "stored", "there", "refused")}
    if json_:
        print(json.dumps({**total, "parts": [msgspec.to_builtins(one) for one in found]}))
        return
    for one in found:
        counts = f"{one.read:,} read = {one.stored:,} stored + {one.there:,} there already + {one.refused:,} refused"
        print(f"{one.name}: {one.what}, {counts}{f'; {one.first} to {one.last}' if one.first else ''}")
        if one.floats:
            print(f"  read by their shortest text, because the source keeps floats: {', '.join(one.floats)}")
        if one.refused_file:
            print(f"  refused rows with their reasons: {one.refused_file}")
    print_summary(total)
