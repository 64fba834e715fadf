"""Trades out of a Parquet file, block by block, and all that a venue showed out of a data dir.

In:  a file of trades with columns in usual namings, or the name of an instrument that is stored; a range.
Out: `Tape`: its steps, its highest price, and blocks of `Ticks` in memory that does not grow with the file; or a `Session`.

The tick and the lot are the coarsest powers of ten of which all prices and sizes are multiples; sizes finer than 10**-8 are cut to
it. So a file is read twice: for its steps and its highest price, and to be played. Of a range nothing else counts, but the book as
it stood when the range begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.backtest.bars import when
from ninefold.backtest.ticks.cut import part_of
from ninefold.backtest.ticks.events import BadEvents, Session, events_of_rows
from ninefold.backtest.ticks.tape import BadTicks, Ticks
from ninefold.imports.times import nanoseconds
from ninefold.market.instruments import Instrument
from ninefold.store.forms import instruments_wanted
from ninefold.store.read import Reader

ROWS = 2**20  # of a block
BUFFER = 2**20  # bytes of a column read at a time
NAMES = {
    "exchange_ns": ("exchange_ns", "timestamp", "time", "ts", "timestamp_ms", "date", "datetime"),
    "price": ("price", "px"),
    "size": ("size", "amount", "quantity", "qty", "volume"),
}
BEYOND = {"known_ns": ("receive_ns", "known_ns", "local_timestamp"), "taker_side": ("taker_side", "side")}
SIDES = {"buy": 1, "sell": -1}
FINEST = 8  # decimals
NEAR = 1e-9  # relative: how far a double may lie from the decimal number it stands for
Range = tuple[int | None, int | None]  # [from, to) in ns; None where it is open
ALWAYS: Range = (None, None)


@dataclass(frozen=True, slots=True)
class Tape:
    """columns: our names to the file's. highest: ticks. rows: how many trades, of the range."""

    path: Path
    columns: dict[str, str]
    tick: Fraction
    lot: Fraction
    highest: int
    rows: int
    range_ns: Range = ALWAYS

    def blocks(self) -> Iterator[Ticks]:
        """raises: BadTicks naming the row of the file, the rule and the remedy."""
        for first, table in _read(self.path, self.columns, self.range_ns):
            with _counted_from(self.path, first):
                ticks = self._ticks(table)
            yield ticks

    def _ticks(self, table: pa.RecordBatch) -> Ticks:
        found = {name: table.column(theirs) for name, theirs in self.columns.items()}
        price, size = (_numbers(found[name], name) for name in ("price", "size"))
        lots = np.floor(size / float(self.lot) * (1 + NEAR)).astype(np.int64)
        return Ticks(
            _times(found["exchange_ns"]),
            np.rint(price / float(self.tick)).astype(np.int64),
            np.where(size > 0, np.maximum(lots, 1), lots),
            _times(found["known_ns"]) if "known_ns" in found else None,
            _sides(found["taker_side"]) if "taker_side" in found else None,
            self.tick,
            self.lot,
        )


def tape_of_file(path: Path, range_ns: Range = ALWAYS) -> Tape:
    """range_ns: of the venue's times. raises: BadTicks naming the file, the column or row, what is allowed."""
    columns = _columns(path)
    decimals, most, rows = {"price": 0, "size": 0}, 0.0, 0
    needed = {name: columns[name] for name in (*decimals, *(("exchange_ns",) if range_ns != ALWAYS else ()))}
    for first, table in _read(path, needed, range_ns):
        for name in decimals:
            values = _numbers(table.column(columns[name]), name)
            decimals[name] = _decimals(values, decimals[name], first, name)
            most = max(most, float(values.max(initial=0.0))) if name == "price" else most
        rows += len(table)
    if not rows:
        raise _none_there(path, columns["exchange_ns"])
    tick = Fraction(1, 10 ** decimals["price"])
    return Tape(path, columns, tick, Fraction(1, 10 ** decimals["size"]), round(most / float(tick)), rows, range_ns)


def session_of_store(data_dir: Path, name: str, range_ns: Range = ALWAYS) -> Session:
    """All trades, books and quotes of an instrument that are stored; of a range those that happened and became known in it, behind
    the book as it stood when it begins.

    raises: UnknownInstrument, NoDataDir, WrongFormat; BadEvents if there are none, or in several versions of its rules.
    """
    reader = Reader(data_dir)
    versions = _versions(reader, name)
    kinds, (from_ns, to_ns) = (reader.trades, reader.books, reader.quotes), range_ns
    stored = [[of(one.id, None, to_ns) for of in kinds] for one in versions]
    held = [one for one, rows in zip(versions, stored, strict=True) if any(map(len, rows))]
    if len({(one.price_decimals, one.size_decimals, one.tick_size, one.lot_size) for one in held}) > 1:
        raise BadEvents(f"{name} is stored in several versions of its rules; give a data dir of one")
    trades, books, quotes = (np.concatenate(rows) for rows in zip(*stored, strict=True))
    if len(trades) + len(books) + len(quotes):
        session = events_of_rows(trades, books, quotes, held[-1])
        if range_ns == ALWAYS:
            return session
        over_ns = np.maximum(session.exchange_ns, session.known_ns)
        start = 0 if from_ns is None else int(np.searchsorted(session.exchange_ns, from_ns))
        stop = len(session) if to_ns is None else int(np.searchsorted(over_ns, to_ns))
        if start < stop:
            return part_of(session, start, stop)
    within = "" if range_ns == ALWAYS else " in this range"
    raise BadEvents(
        f"{data_dir} holds no trades, books or quotes of {name}{within}; `ninefold status` says what is stored"
    )


def instrument_of_store(data_dir: Path, name: str) -> Instrument:
    """The latest version of a stored instrument. raises: UnknownInstrument, NoDataDir, WrongFormat."""
    return _versions(Reader(data_dir), name)[-1]


def _versions(reader: Reader, name: str) -> list[Instrument]:
    [versions] = instruments_wanted(reader.registry(), name).values()
    return versions


def _columns(path: Path) -> dict[str, str]:
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        raise BadTicks(f"{path} cannot be read as a Parquet file: {error}") from error
    lower = {name.lower(): name for name in names}
    found = {}
    for name, allowed in {**NAMES, **BEYOND}.items():
        theirs = next((lower[one] for one in allowed if one in lower), None)
        if theirs is None and name in NAMES:
            raise BadTicks(
                f"{path} has no column for {name}: allowed are {', '.join(allowed)} (in capitals too); found "
                f"{', '.join(names) or 'none'}. Rename it"
            )
        if theirs is not None:
            found[name] = theirs
    return found


def _read(path: Path, columns: dict[str, str], range_ns: Range) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Blocks with the row of the file at which each begins; of a range from the first to the last row that is of it."""
    row = 0
    with pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
        for block in file.iter_batches(ROWS, columns=list(columns.values())):
            with _counted_from(path, row):
                first, last = _within(block, columns, range_ns)
            if first < last:
                yield row + first, block.slice(first, last - first)
            row += len(block)


def _within(block: pa.RecordBatch, columns: dict[str, str], range_ns: Range) -> tuple[int, int]:
    if range_ns == ALWAYS:
        return 0, len(block)
    at, (from_ns, to_ns) = _times(block.column(columns["exchange_ns"])), range_ns
    wanted = np.ones(len(at), bool)
    wanted &= at >= from_ns if from_ns is not None else True
    wanted &= at < to_ns if to_ns is not None else True
    of = np.flatnonzero(wanted)
    return (int(of[0]), int(of[-1]) + 1) if len(of) else (0, 0)


def _none_there(path: Path, time: str) -> BadTicks:
    spans = [_times(block.column(time))[[0, -1]] for _, block in _read(path, {"exchange_ns": time}, ALWAYS)]
    if not spans:
        return BadTicks(f"{path} has no trades")
    return BadTicks(
        f"{path} has no trades in this range; it has {when(np.min(spans))} to {when(np.max(spans))}: give another --timerange, or none"
    )


@contextmanager
def _counted_from(path: Path, row: int) -> Iterator[None]:
    try:
        yield
    except BadTicks as error:
        raise BadTicks(f"{path}, rows counted from {row}: {error}") from error


def _numbers(column: pa.Array, name: str) -> np.ndarray:
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise BadTicks(f"column {name} is of {kind}; write it as numbers, in quote (price) or base (size)")
    found: np.ndarray = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found


def _decimals(values: np.ndarray, at_least: int, first: int, name: str) -> int:
    """The fewest decimals with which all are whole; of sizes at most FINEST."""
    for decimals in range(at_least, FINEST + 1):
        scaled = values * 10.0**decimals
        whole = np.abs(scaled - np.rint(scaled)) <= NEAR * np.maximum(scaled, 1.0)
        if whole.all():
            return decimals
    if name == "size" and np.isfinite(values).all():
        return FINEST
    row = int((~whole).argmax())
    raise BadTicks(
        f"row {first + row} has {name} {values[row]!r}: a number of at most {FINEST} decimals is needed; drop it"
    )


def _times(column: pa.Array) -> np.ndarray:
    if pa.types.is_int64(column.type) and len(column) and column[0].as_py() > 10**18:
        found: np.ndarray = column.to_numpy(zero_copy_only=False)
        return found
    found, reasons, _ = nanoseconds(column, "", "UTC", "exchange_ns")
    for row in sorted(reasons)[:1]:
        raise BadTicks(f"row {row}: {reasons[row]}; give the time of each trade")
    return found


def _sides(column: pa.Array) -> np.ndarray:
    if pa.types.is_integer(column.type):
        found: np.ndarray = column.to_numpy(zero_copy_only=False).astype(np.int8)
        return found
    words = column.cast(pa.string()).dictionary_encode()
    sides = np.array([SIDES.get(str(word).lower(), 0) for word in words.dictionary.to_pylist()] or [0], np.int8)
    places = words.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.where(places < 0, 0, sides[places]).astype(np.int8)
