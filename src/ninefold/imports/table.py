"""The sources there are. A new one is its file and one line here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial

from ninefold.imports import cryptofeed, csv, freqtrade, influx, parquet, tardis
from ninefold.imports.mapping import ImportRefused
from ninefold.imports.source import Open, Part, Place

EXTRA = "pip install 'ninefold[import]'"


def _driven(module: str, place: Place) -> Iterator[Part]:
    """A source whose driver not everybody has. raises: ImportRefused naming what to install."""
    try:
        found = importlib.import_module(f"ninefold.imports.{module}")
    except ModuleNotFoundError as missing:
        raise ImportRefused(f"{module} needs {missing.name}, which is not installed: {EXTRA}") from None
    parts: Iterator[Part] = found.parts(place)
    return parts


_POSTGRES, _MONGO = partial(_driven, "postgres"), partial(_driven, "mongo")
SOURCES: dict[str, Open] = {
    "postgresql": _POSTGRES,
    "mongodb": _MONGO,
    "influxdb": influx.parts,
    "csv": csv.parts,
    "parquet": parquet.parts,
    "freqtrade": freqtrade.parts,
    "cryptofeed": partial(cryptofeed.parts_with, _POSTGRES, _MONGO),
    "tardis": tardis.parts,
}


def open_source(name: str, place: Place) -> Iterator[Part]:
    """The parts of a place. raises: ImportRefused if there is no such source, or nothing to read."""
    if name not in SOURCES:
        raise ImportRefused(f"there is no source {name!r}; there are {', '.join(SOURCES)}")
    return SOURCES[name](place)
