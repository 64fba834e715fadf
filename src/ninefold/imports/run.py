"""Import the parts of a source, one after the other, and check at the end that nothing was lost.

In:  a data dir, the parts, what the user says of their columns.
Out: rows in D/imports, a summary: rows read = stored + already there + refused, and the sums of what was stored, read back
     from the tables. It may be killed at any moment; the same command goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from ninefold.imports.bars import bars
from ninefold.imports.books import books, quotes
from ninefold.imports.certified import certify
from ninefold.imports.mapping import Mapping, fields_of, over
from ninefold.imports.names import Names
from ninefold.imports.numbers import text_of
from ninefold.imports.source import Batch, Part
from ninefold.imports.state import Kept, State, last_run
from ninefold.imports.stored import RUN_BITS, SUMMED, Stored, Sums
from ninefold.imports.trades import trades
from ninefold.imports.turn import Kind, Turning, turn
from ninefold.market.time import SECOND_NS

Progress = Callable[[str, int, int], None]  # what is read, how much of it was, how much there is
KINDS: dict[str, Kind] = {"trades": trades, "bars": bars, "books": books, "quotes": quotes}


class NotWhole(RuntimeError):
    """The counts or sums at the end differ: the import must not be trusted."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of one part. floats: columns that hold floats, read by their shortest text."""

    name: str
    what: str
    read: int
    stored: int
    there: int
    refused: int
    refused_file: str
    first: str
    last: str
    sums: dict[str, str]
    unit: str
    floats: tuple[str, ...]
    went_on_from: int


def import_all(
    data_dir: Path, parts: Iterable[Part], user: Mapping, now_ns: Callable[[], int], progress: Progress
) -> list[Imported]:
    """raises: ImportRefused, NotWhole, AlreadyWritten, WrongFormat, StoreWriteFailed."""
    with Stored(data_dir) as stored:
        return [_import(stored, part, over(user, part.known), now_ns, progress) for part in parts]


def _import(stored: Stored, part: Part, mapping: Mapping, now_ns: Callable[[], int], progress: Progress) -> Imported:
    fields = fields_of(mapping, part.columns, part.name)
    identity = f"{part.identity}\n{msgspec.json.encode(mapping).decode()}"
    kept = Kept(stored.path, identity)
    state = kept.load()
    if state is None:
        run = stored.next_run(mapping.what, last_run(stored.path))
        state = State(identity=identity, run=run, known_ns=now_ns())
        kept.save(state)
    kept.begin(state)
    went_on_from = state.read
    names = Names(stored.registry.current(), mapping, stored.elsewhere.current())
    how = Turning(KINDS[mapping.what], mapping, fields, names, state.known_ns)
    for batch in part.read(state.position, tuple(dict.fromkeys(fields.values()))):
        _take(stored, kept, state, how, batch)
        kept.save(state)
        progress(part.name, batch.done, max(part.total or batch.done, batch.done))
    _check(stored, state, how, part.name)
    if mapping.what == "trades":
        certify(stored, state.run, now_ns())
    state.done = True
    kept.save(state)
    if not state.refused:
        kept.refused.unlink()
    floats = tuple(sorted(part.floats & set(fields.values())))
    return _summary(state, how, part.name, kept, floats, went_on_from)


def _take(stored: Stored, kept: Kept, state: State, how: Turning, batch: Batch) -> None:
    """One batch: turned, stored, its refused rows written; all of it counted."""
    first_seq = (state.run << RUN_BITS) + batch.first
    turned = turn(
        how,
        batch.rows,
        first_seq,
        state.unit,  # type: ignore[arg-type]
        state.carried,
        lambda instrument: stored.list(instrument, first_seq, state.known_ns),
    )
    added = stored.add(how.mapping.what, turned.rows, turned.ordinals)
    refused = {**turned.refused, **{int(turned.places[row]): why for row, why in added.refused.items()}}
    if refused:
        places = sorted(refused)
        kept.refuse(state, _as_found(batch.rows, places), [batch.first + place for place in places], refused)
    fresh = len(np.unique(turned.places[added.stored]))  # a snapshot's first level is two rows of ours
    state.read += len(batch.rows)
    state.stored += fresh
    state.there += len(batch.rows) - len(refused) - fresh
    state.sums.add(how.mapping.what, turned.rows[added.stored])
    state.unit, state.position = turned.unit, batch.position


def _as_found(rows: pa.Table, places: list[int]) -> list[dict[str, object]]:
    some = rows.take(pa.array(places))
    texts = {name: text_of(some.column(name).combine_chunks()) for name in some.column_names}
    return [{name: value for name, value in row.items() if value is not None} for row in pa.table(texts).to_pylist()]


def _check(stored: Stored, state: State, how: Turning, name: str) -> None:
    held = stored.sums(how.mapping.what, state.run)
    if held != state.sums or state.read != state.stored + state.there + state.refused:
        raise NotWhole(
            f"{name}: {state.read:,} rows were read, {state.stored:,} stored, {state.there:,} there already, "
            f"{state.refused:,} refused; counted while storing: {_told(state.sums)}; in the tables: {_told(held)}. "
            "Do not trust this import: keep the folder and report it"
        )


def _told(sums: Sums) -> str:
    return f"{sums.rows:,} rows, sums {' '.join(sums.sums)}, from {sums.first_ns} to {sums.last_ns}"


def _summary(state: State, how: Turning, name: str, kept: Kept, floats: tuple[str, ...], went_on_from: int) -> Imported:
    return Imported(
        name=name,
        what=how.mapping.what,
        read=state.read,
        stored=state.stored,
        there=state.there,
        refused=state.refused,
        refused_file=str(kept.refused) if state.refused else "",
        first=_time(state.sums.first_ns),
        last=_time(state.sums.last_ns),
        sums=dict(zip(SUMMED[how.mapping.what], state.sums.sums, strict=True)),
        unit=state.unit,
        floats=floats,
        went_on_from=went_on_from,
    )


def _time(time_ns: int | None) -> str:
    if time_ns is None:
        return ""
    return f"{datetime.fromtimestamp(time_ns // SECOND_NS, UTC):%Y-%m-%dT%H:%M:%S}.{time_ns % SECOND_NS:09d}Z"
