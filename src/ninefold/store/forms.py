"""What an export is asked for, and what a form of export is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from ninefold.market.instruments import Instrument, Registry


class Wanted(NamedTuple):
    """path: the data dir. instruments: their versions by name, in order. width_ns, start_ns, end_ns: None for
    everything. as_of_ns: only what was known by then; None for what is known now.
    """

    path: Path
    instruments: dict[str, list[Instrument]]
    width_ns: int | None
    start_ns: int | None
    end_ns: int | None
    as_of_ns: int | None = None


class Form(NamedTuple):
    """The columns of an export, and what makes its tables, in order."""

    schema: pa.Schema
    tables: Callable[[Wanted], Iterator[pa.Table]]


def instruments_wanted(registry: Registry, name: str | None) -> dict[str, list[Instrument]]:
    """Name to the instrument's versions, by name; the current one is the last.

    raises: UnknownInstrument if a name was asked for that is not there.
    """
    if name is not None:
        name = registry.named(name).name
    found: dict[str, list[Instrument]] = {}
    for instrument in sorted(registry, key=lambda one: not registry.is_behind(one.id)):
        if name is None or instrument.name == name:
            found.setdefault(instrument.name, []).append(instrument)
    return dict(sorted(found.items()))
