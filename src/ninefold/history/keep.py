"""Where history is kept: D/history, a data dir of its own with a journal and tables, so that it may grow while a pipeline
writes D.

In:  answers of venues and files of archives, as they came; orders to settle what is left of a range, and to certify one.
Out: each is journalled before it is read; then its rows, of which none is stored twice: a trade by its id, a bar by where
     it opens; certificates of the hours of a range that was answered. The tables hold what the journal gives and nothing
     else, so they can be made again, row for row: remove D/history/tables, and the next download does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from deltalake.exceptions import DeltaError

from ninefold.history.certified import CERTIFY, Asked
from ninefold.history.fold import SETTLE, Added, Series, fold, units
from ninefold.history.plan import Run, joined, runs_of
from ninefold.history.stored import Stored
from ninefold.history.table import HISTORIES
from ninefold.journal.inputs import ANSWER, COMMAND, Answer, Command, encode
from ninefold.journal.reader import read
from ninefold.journal.segment import Record
from ninefold.journal.writer import LogWriter
from ninefold.market.instruments import Instrument
from ninefold.market.records import AnyRecord, Listed
from ninefold.store.certificates import Certificate, Ids, certificates_table
from ninefold.store.data_dir import WriterLock, failed_write, open_data_dir
from ninefold.store.delta import Table
from ninefold.store.layout import RECORDS, number_within_seq, to_arrow
from ninefold.store.read import Reader

FOLDER = "history"
TABLES = ("records", "trades", "bars", "certificates")  # the last one says up to where all are whole
MOST_WAITING = 200_000  # rows before they are committed


class Keeper:
    """The one writer of a data dir's history.

    raises: AlreadyWritten if another download runs here, WrongFormat, StoreWriteFailed.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], int]) -> None:
        self.path = open_data_dir(open_data_dir(data_dir) / FOLDER)
        self._clock = clock
        self._lock = WriterLock(self.path)
        tables = self.path / "tables"
        tables.mkdir(exist_ok=True)
        self._tables = {name: Table(tables, name) for name in TABLES}
        self._journal = LogWriter(self.path / "journal")
        self.stored = Stored(self.path)
        self.registry = Reader(self.path).registry()
        self._waiting: list[Added] = []
        self._ids: dict[str, list[Run]] = {}
        self._recover()

    def keep(self, answer: Answer) -> Added:
        """Journal an answer, then what it adds. It survives kill -9 from here on."""
        return self._take(ANSWER, encode(answer))

    def settle(self, of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Added:
        """Add what no answer told of bars that open in the range: made of stored trades, or unknown."""
        return self._order(SETTLE, Series(of.venue, of.venue_symbol, timeframe, start_ns, end_ns))

    def certify(self, of: Instrument, start_ns: int, end_ns: int) -> Added:
        """Say how complete each hour of a range is, once its trades were asked for and all questions answered."""
        return self._order(CERTIFY, Asked(of.venue, of.venue_symbol, start_ns, end_ns))

    def knows(self, told: Instrument) -> bool:
        """Whether an instrument is listed in the units in which it is told."""
        known = self.registry.find(told.venue, told.venue_symbol)
        return known is not None and units(known) == units(told)

    # what is stored, as fold asks for it

    def ids(self, of: Instrument) -> list[Run]:
        if of.name not in self._ids:
            self.commit()
            self._ids[of.name] = self.stored.ids(of, kind=HISTORIES[of.venue].trades.id_kind)
        return self._ids[of.name]

    def bars(self, of: Instrument, width_ns: int, start_ns: int, end_ns: int) -> np.ndarray:
        self.commit()
        return self.stored.bars(of, width_ns, start_ns, end_ns)

    def trades(self, of: Instrument, start_ns: int, end_ns: int) -> np.ndarray:
        self.commit()
        return self.stored.trades(of, start_ns, end_ns)

    def first_and_last_bar(self, of: Instrument, width_ns: int) -> tuple[int, int] | None:
        self.commit()
        return self.stored.first_and_last_bar(of, width_ns)

    def time_of(self, of: Instrument, id: int) -> int | None:
        self.commit()
        return self.stored.time_of(of, id)

    def certificates(self, of: Instrument) -> list[Certificate]:
        self.commit()
        return self.stored.certificates(of)

    def hours_since(self, of: Instrument, seq: int, until_seq: int) -> tuple[dict[int, Ids], int]:
        self.commit()
        return self.stored.hours_since(of, seq, until_seq)

    def hours_within(self, of: Instrument, start_ns: int, end_ns: int, until_seq: int) -> dict[int, Ids]:
        self.commit()
        return self.stored.hours_within(of, start_ns, end_ns, until_seq)

    def nearest(self, of: Instrument, time_ns: int, before: bool, until_seq: int) -> Ids | None:
        self.commit()
        return self.stored.nearest(of, time_ns, before, until_seq)

    def commit(self) -> None:
        """Store what waits; the certificates' table is last, and says up to where all are whole.

        raises: StoreWriteFailed; the next start does it again from the journal.
        """
        if not self._waiting:
            return
        last_seq = self._waiting[-1].seq
        try:
            for name, table in self._tables.items():
                fresh = [added for added in self._waiting if added.seq > table.last_seq]
                if fresh:
                    self._commit(table, name, fresh, last_seq)
                    table.maintain()
        except (OSError, DeltaError) as refused:
            raise failed_write(self.path / "tables", refused) from refused
        self._waiting.clear()

    def close(self) -> None:
        """Store what waits and let another writer in."""
        try:
            self.commit()
        finally:
            self._journal.close()
            self._lock.release()

    def _order(self, name: str, what: Series | Asked) -> Added:
        added = self._take(COMMAND, encode(Command(name, "download", msgspec.json.encode(what).decode())))
        self.commit()  # it was made of the trades before it: later ones must not be stored with it
        return added

    def _take(self, kind: int, payload: bytes) -> Added:
        record = Record(kind, 0, self._journal.last_seq + 1, self._clock(), payload)
        self._journal.append(*record)
        self._journal.flush()
        return self._fold(record)

    def _fold(self, record: Record) -> Added:
        added = fold(record, self.registry, self)
        if len(added.trades):
            of = self.registry[int(added.trades["instrument"][0])]
            self._ids[of.name] = joined([*self.ids(of), *runs_of(added.trades["id_lo"].astype(np.int64))])
        self._waiting.append(added)
        if sum(len(one.trades) + len(one.bars) + 1 for one in self._waiting) >= MOST_WAITING:
            self.commit()
        return added

    def _recover(self) -> None:
        """What the journal has and the tables have not: the last run ended between the two."""
        for record in read(self._journal.folder, self._tables["certificates"].last_seq):
            self._fold(record)
            if record.kind == COMMAND:
                self.commit()
        self.commit()

    def _commit(self, table: Table, name: str, fresh: list[Added], last_seq: int) -> None:
        if name == "records":
            rows = _records_table([record for added in fresh for record in added.records])
        elif name == "certificates":
            rows = certificates_table([one for added in fresh for one in added.certificates])
        else:
            stacked = np.concatenate([added.trades if name == "trades" else added.bars for added in fresh])
            rows = to_arrow(name, stacked, number_within_seq(stacked["seq"]))
        if rows.num_rows or name == "certificates":
            table.commit(rows, last_seq)


def _records_table(records: list[AnyRecord]) -> pa.Table:
    seq = np.array([record.seq for record in records], np.int64)
    columns = [
        seq,
        number_within_seq(seq),
        [record.known_ns for record in records],
        [str(record.__struct_config__.tag) for record in records],
        [record.instrument.id if isinstance(record, Listed) else None for record in records],
        [msgspec.json.encode(record).decode() for record in records],
    ]
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, RECORDS, strict=True)], schema=RECORDS
    )
