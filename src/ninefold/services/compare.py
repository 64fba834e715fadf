"""Tables against the log they were made from: the same rows, each once, whatever their order.

In:  a stream log, or the trades that a journal gives, and a folder of tables.
Out: a `Check` for each table. Memory does not grow with what is stored: rows are summed by kind, day and block of
     inputs (store/checksums.py), and only the first block that differs is looked at row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from deltalake.exceptions import DeltaError

from ninefold.journal.reader import read
from ninefold.journal.walk import Log, chunks_of
from ninefold.market.chunk import Chunk, decode
from ninefold.market.instruments import Instrument
from ninefold.market.records import Listed
from ninefold.store.checksums import (
    BLOCK_SEQS,
    COMPARED,
    RECORDS,
    Sums,
    differing,
    only_in_one,
    record_rows,
    stored,
    without_days,
)
from ninefold.store.layout import number_within_seq
from ninefold.store.let_go import let_go_days
from ninefold.store.tables import NOT_STORED

Progress = Callable[[str, int, int], None]  # what is read, how much of it was, how much there is
Again = Callable[[int, int], Iterator[np.ndarray]]  # the log's rows with seq in [low, high)
Instruments = dict[int, Instrument]
UNREADABLE = (OSError, DeltaError, ValueError)  # of a table; pyarrow's errors and msgspec's are among them
SHOWN = {
    "trades": ("id_lo", "price", "size"),
    "books": ("update_id", "side", "price", "size"),
    "quotes": ("update_id", "bid", "ask"),
    "bars": ("width_ns", "open_ns", "revision"),
    "values": ("width_ns", "close_ns", "term"),
    "forecasts": ("width_ns", "close_ns", "horizon"),
    "targets": ("width_ns", "close_ns", "strategy"),
    RECORDS: ("type", "known_ns"),
}


class Check(msgspec.Struct, frozen=True):
    """ok None: there was nothing to compare with. do: what mends it."""

    name: str
    ok: bool | None
    found: str
    do: str = ""


def sums_of_stream(log: Log, until_seq: int, progress: Progress) -> tuple[dict[str, Sums], Instruments]:
    """What a stream log says the tables hold up to a seq, by kind; and the instruments it lists."""
    sums = {kind: Sums(kind) for kind in COMPARED}
    instruments: Instruments = {}
    for chunk, covered in chunks_of(log, partial(progress, "stream log")):
        for record in chunk.records:
            if isinstance(record, Listed):
                instruments[record.instrument.id] = record.instrument
        for kind in (*chunk.arrays, RECORDS):
            sums[kind].add(_rows(chunk, kind, covered + 1, until_seq + 1))
    return sums, instruments


def compared(
    folder: Path,
    sums: dict[str, Sums],
    until_seq: int,
    stream: Path,
    instruments: Instruments,
    progress: Progress,
    mend: str,
    from_seq: int = 0,
) -> list[Check]:
    """Every table of a folder against what the stream log says, up to a seq; nothing if there is no stream log.

    from_seq: where the log begins, if retention let go what was before.
    """
    total, done = sum(one.rows() for one in sums.values()), 0

    def step(rows: int) -> None:
        nonlocal done
        done += rows
        progress("tables", min(done, total), total)

    kinds = COMPARED if until_seq else ()
    return [
        same_rows(
            folder, kind, sums[kind], until_seq, partial(_rows_again, stream, kind), instruments, step, mend, from_seq
        )
        for kind in kinds
    ]


def same_rows(
    folder: Path,
    kind: str,
    log: Sums,
    until_seq: int,
    again: Again,
    instruments: Instruments,
    step: Callable[[int], None],
    mend: str,
    from_seq: int = 0,
) -> Check:
    table = Sums(kind)
    gone = let_go_days(folder).get(kind, frozenset())
    try:
        for rows, n in stored(folder, kind, from_seq, until_seq + 1):
            table.fold(rows, n)
            step(len(rows))
        if differing(log, table, gone):
            return Check(
                kind, False, _difference(folder, log, table, until_seq, again, instruments, gone, from_seq), mend
            )
    except UNREADABLE as error:
        return Check(kind, False, f"the table cannot be read: {' '.join(str(error).split())}", mend)
    count = log.rows() - sum(log.rows(day) for day in gone)
    more = f"; days that were let go on purpose and are not compared: {len(gone)}" if gone else ""
    return Check(kind, True, f"{count:,} rows up to seq {until_seq:,}, the same in the log and in the table{more}")


def _difference(
    folder: Path,
    log: Sums,
    table: Sums,
    until_seq: int,
    again: Again,
    instruments: Instruments,
    gone: Set[int],
    from_seq: int,
) -> str:
    """How many rows there are on the first day that differs, and the first row that is only on one side. gone: days that
    were let go.
    """
    parts = differing(log, table, gone)
    day = parts[0].day
    low = max(parts[0].block * BLOCK_SEQS, from_seq)
    high = min(low + BLOCK_SEQS, until_seq + 1)
    mine = ((rows, number_within_seq(rows["seq"])) for rows in again(low, high))
    theirs = stored(folder, log.kind, low, high)
    lost, added = only_in_one(*([without_days(log.kind, *one, gone) for one in some] for some in (mine, theirs)))
    text = (
        f"on {date(1970, 1, 1) + timedelta(days=day)} the log has {log.rows(day):,} rows, the table {table.rows(day):,}"
    )
    if lost is not None:
        text += f"; not in the table: {_told(log.kind, lost[0], instruments)}"
    if added is not None:
        text += f"; only in the table, or once too often: {_told(log.kind, added[0], instruments)}"
    days = len({part.day for part in parts}) - 1
    return text + (f"; {days} more days differ" if days else "")


def _told(kind: str, row: np.void, instruments: Instruments) -> str:
    shown = [(name, row[name]) for name in SHOWN[kind]]
    values = [
        f"{name} {value.decode('utf-8', 'replace') if isinstance(value, bytes) else value}" for name, value in shown
    ]
    if kind != RECORDS:
        of = instruments.get(int(row["instrument"]))
        values.insert(0, of.name if of else f"instrument {row['instrument']}")
    return f"{' '.join(values)} (seq {int(row['seq']):,})"


def _rows(chunk: Chunk, kind: str, low: int, high: int) -> np.ndarray:
    """What the tables keep of a chunk, of one kind, with seq in [low, high)."""
    if kind == RECORDS:
        return record_rows([one for one in chunk.records if low <= one.seq < high and not isinstance(one, NOT_STORED)])
    rows = chunk.rows(kind)
    return rows[(rows["seq"] >= low) & (rows["seq"] < high)]


def _rows_again(stream: Path, kind: str, low: int, high: int) -> Iterator[np.ndarray]:
    next_seq = low
    for record in read(stream, low - 1):
        chunk = decode(record.payload)
        yield _rows(chunk, kind, next_seq, high)
        next_seq = chunk.last_seq + 1
        if next_seq >= high:
            return
