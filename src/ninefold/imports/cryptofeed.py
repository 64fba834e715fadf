"""What the backends of cryptofeed write: trades and candles in PostgreSQL or MongoDB, or saved as CSV or Parquet.

In:  the address of the database and a table, or a file or folder. Out: their parts, read with cryptofeed's names: its
     exchanges and symbols (BINANCE, BTC-USDT, BTC-USDT-PERP), times in seconds or UTC. Its raw captures are recordings:
     `ninefold replay` reads those.
source: cryptofeed/backends/postgres.py, mongo.py and types.pyx, read 2026-11-22
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from ninefold.imports import csv, parquet
from ninefold.imports.files import files_of
from ninefold.imports.mapping import ImportRefused, Mapping, over
from ninefold.imports.source import Open, Part, Place

STARTS = ("candle_start", "start")  # in its example tables for PostgreSQL, in the candle itself


def parts_with(postgres: Open, mongo: Open, place: Place) -> Iterator[Part]:
    """postgres, mongo: how their databases are opened. raises: ImportRefused for rows of another kind."""
    scheme = urlsplit(place.place).scheme
    if scheme in ("postgresql", "postgres", "mongodb"):
        found = postgres if scheme.startswith("postgres") else mongo
        timed = msgspec.structs.replace(
            place, mapping=over(place.mapping, Mapping(columns=_time_of(place.mapping.what)))
        )
        yield from map(_named, found(timed))
        return
    for path in files_of(place.place, (*csv.ENDINGS, *parquet.ENDINGS)):
        is_csv = path.name.endswith(csv.ENDINGS)
        yield _named(csv.part_of(path, place.mapping.header, Mapping()) if is_csv else parquet.part_of(path, Mapping()))


def _time_of(what: str) -> dict[str, str]:
    return {"time": STARTS[0] if what == "bars" else "timestamp"}


def _named(part: Part) -> Part:
    """The same part, with what cryptofeed's names mean."""
    columns = set(part.columns)
    start = next((name for name in STARTS if name in columns), "")
    what: Literal["trades", "bars"] = "bars" if start and "interval" in columns else "trades"
    if not {"exchange", "symbol"} <= columns or not ({"timestamp", "price", "amount"} <= columns or start):
        raise ImportRefused(
            f"{part.name} has the columns {', '.join(part.columns)}; of cryptofeed trades (exchange, symbol, timestamp, side, "
            "amount, price) and candles (exchange, symbol, start or candle_start, interval, open, ...) are read"
        )
    if what == "bars":
        named = {"time": start, "timeframe": "interval", "volume": "volume"}
    else:  # where there is both, `id` only counts the rows of the table
        named = {
            "time": "timestamp",
            "size": "amount",
            "id": "trade_id" if "trade_id" in columns else "id" if "id" in columns else "",
        }
    known = Mapping(what=what, time_zone="UTC", columns=named)
    return Part(part.name, part.identity, part.columns, part.floats, part.read, part.total, known)
