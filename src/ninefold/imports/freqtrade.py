"""Data files of freqtrade: bars and trades as feather, parquet, json or json.gz.

In:  a file such as user_data/data/binance/BTC_USDT-5m.feather, or a folder of them. Out: a part for each, with what the
     file's name says: pair, timeframe or trades. The folder names the exchange unless --venue does.
Candles that are not of trades (mark, index, premiumIndex, funding_rate, open_interest) and HDF5 are refused.
source: freqtrade/data/history/datahandlers (develop), read 2026-11-22
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from ninefold.imports.files import files_of, identity_of, opened
from ninefold.imports.json_rows import rows_of
from ninefold.imports.mapping import ImportRefused, Mapping
from ninefold.imports.names import Unnamed, unified_symbol
from ninefold.imports.parquet import part_of
from ninefold.imports.source import BLOCK_BYTES, MALFORMED, Batch, Part, Place, Position
from ninefold.market.time import TIMEFRAMES

ENDINGS = (".feather", ".parquet", ".json", ".json.gz")
NAME = re.compile(r"([A-Za-z0-9_-]+?)-(trades|\d+[a-zA-Z]{1,2})(?:-([A-Za-z_]+))?\.(?:feather|parquet|json|json\.gz)")
BARS = ("date", "open", "high", "low", "close", "volume")
TRADES = ("timestamp", "id", "type", "side", "price", "amount", "cost")
OF_TRADES = ("", "spot", "futures")


def parts(place: Place) -> Iterator[Part]:
    """raises: ImportRefused for a file whose name or kind cannot be used."""
    for path in files_of(place.place, ENDINGS):
        known = _known(path, place.mapping)
        if path.name.endswith((".json", ".json.gz")):
            names = TRADES if known.what == "trades" else BARS
            read = partial(_read, path, names)
            yield Part(str(path), identity_of(path), names, frozenset(), read, path.stat().st_size, known)
        else:
            yield part_of(path, known)


def _known(path: Path, user: Mapping) -> Mapping:
    name = NAME.fullmatch(path.name)
    if name is None:
        raise ImportRefused(f"{path.name} is no name of freqtrade's: BTC_USDT-5m.feather or BTC_USDT-trades.feather")
    pair, what, candles = name[1], name[2], name[3] or ""
    if candles not in OF_TRADES:
        raise ImportRefused(f"{path} holds {candles} candles, which are no bars of trades; move it out of the folder")
    if what != "trades" and what not in TIMEFRAMES:
        raise ImportRefused(
            f"{path} holds bars of {what}; the store has {' '.join(TIMEFRAMES)}: move it out of the folder"
        )
    venue = user.venue or (path.parent.parent.name if path.parent.name == "futures" else path.parent.name)
    try:
        instrument = user.instrument or f"{venue}:{unified_symbol(venue, pair)}"
    except Unnamed as unclear:
        raise ImportRefused(f"{path}: {unclear}; or import it alone with --instrument") from None
    if what == "trades":
        return Mapping(
            what="trades", instrument=instrument, time_unit="ms", columns={"time": "timestamp", "size": "amount"}
        )
    return Mapping(what="bars", instrument=instrument, timeframe=what, time_zone="UTC", columns={"time": "date"})


def _read(path: Path, names: Sequence[str], position: Position | None, wanted: Sequence[str]) -> Iterator[Batch]:
    """A file is unpacked and taken apart from its beginning again; rows that were handled are passed over."""
    after, row = position["row"] if position else 0, 0
    with opened(path) as (file, done):
        for rows in rows_of(iter(lambda: file.read(BLOCK_BYTES), b""), str(path)):
            first, row = max(row, after), row + len(rows)
            fresh = rows[len(rows) - max(row - first, 0) :]
            if fresh:
                yield Batch(_table(fresh, names, wanted), first, {"row": row}, done())


def _table(rows: list[list[Any] | dict[str, Any]], names: Sequence[str], wanted: Sequence[str]) -> pa.Table:
    plain = [[row.get(name) for name in names] if isinstance(row, dict) else row for row in rows]
    good = [row if len(row) == len(names) else [None] * len(names) for row in plain]
    columns = dict(zip(names, zip(*good, strict=True), strict=True))
    table = {
        name: pa.array([None if value is None else str(value) for value in columns[name]], pa.string())
        for name in wanted
    }
    malformed = [None if len(row) == len(names) else str(row) for row in plain]
    return pa.table({**table, **({MALFORMED: pa.array(malformed, pa.string())} if any(malformed) else {})})
