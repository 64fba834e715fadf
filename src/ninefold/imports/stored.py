"""Where imports are kept: D/imports, a data dir of its own, so that it may grow while a pipeline writes D.

In:  rows of one kind with their seq, which is run * 2^40 + the number of the row in its source.
Out: rows in the tables, of which none is stored twice; how many were new, and which were there already. A row that is
     found under its own seq was stored by this very run before it was killed, and counts as new.
Their origin is told by the folder they are in and by their seq.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import DeltaError

from ninefold.imports.numbers import Reasons, whole_sum
from ninefold.market.arrays import ID_NONE
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Listed
from ninefold.market.time import SECOND_NS
from ninefold.store.certificates import Certificate, certificates_table
from ninefold.store.data_dir import WriterLock, failed_write, open_data_dir
from ninefold.store.delta import StoredFile, Table, batches
from ninefold.store.layout import RECORDS, number_within_seq, to_arrow, to_numpy
from ninefold.store.read import Reader

FOLDER = "imports"
RUN_BITS = 40  # rows of one run: 10^12
SAME_ID_NS = SECOND_NS  # a trade with the same id is looked for so far around its time: sources round times differently
TIMES = {"trades": "exchange_ns", "books": "exchange_ns", "quotes": "exchange_ns", "bars": "close_ns"}
NAMED = ("instrument", "id_kind", "id_hi", "id_lo")
KEYS = {
    "trades": ("instrument", "exchange_ns", "price", "size", "taker_side"),
    "bars": ("instrument", "width_ns", "open_ns", "close_ns"),
    "books": ("instrument", "exchange_ns", "action", "side", "price", "size"),
    "quotes": ("instrument", "exchange_ns", "bid", "bid_size", "ask", "ask_size"),
}
BAR_VALUES = ("open", "high", "low", "close", "volume")
SUMMED = {
    "trades": ("price", "size"),
    "bars": ("close", "volume"),
    "books": ("price", "size"),
    "quotes": ("bid", "ask"),
}


class Added(NamedTuple):
    """stored: bool, shape (n,). refused: rows that contradict what is stored, and why; all others were there already."""

    stored: np.ndarray
    refused: Reasons


class Sums(msgspec.Struct):
    """Of the rows of one run: how many, the exact sums of two of their fields, first and last time."""

    rows: int = 0
    sums: list[str] = msgspec.field(default_factory=lambda: ["0", "0"])  # text: beyond what JSON holds exactly
    first_ns: int | None = None
    last_ns: int | None = None

    def add(self, kind: str, rows: np.ndarray) -> None:
        if len(rows):
            low, high = int(rows[TIMES[kind]].min()), int(rows[TIMES[kind]].max())
            self.rows += len(rows)
            self.sums = [
                str(int(had) + whole_sum(rows[name])) for had, name in zip(self.sums, SUMMED[kind], strict=True)
            ]
            self.first_ns = low if self.first_ns is None else min(self.first_ns, low)
            self.last_ns = high if self.last_ns is None else max(self.last_ns, high)


class Stored:
    """The one writer of D/imports. registry: its instruments; elsewhere: those of D as readers see them.

    raises: AlreadyWritten if another import runs, WrongFormat, StoreWriteFailed.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = open_data_dir(open_data_dir(data_dir) / FOLDER)
        self._folder = self.path / "tables"
        self._lock = WriterLock(self._folder)
        self._tables: dict[str, Table] = {}
        self.registry: Registry = Reader(self.path).registry()
        self.elsewhere: Registry = Reader(data_dir).registry()

    def __enter__(self) -> Stored:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def list(self, instrument: Instrument, seq: int, known_ns: int) -> Instrument:
        """Give an instrument its id, and keep that before any row names it."""
        numbered = self.registry.add(instrument)
        record = Listed(seq=seq, known_ns=known_ns, instrument=numbered)
        payload = msgspec.json.encode(record).decode()
        values = [[seq], [numbered.id], [known_ns], ["listed"], [numbered.id], [payload]]
        columns = [pa.array(value, field.type) for value, field in zip(values, RECORDS, strict=True)]
        self._commit("records", pa.table(columns, schema=RECORDS), seq)
        return numbered

    def next_run(self, kind: str, used: int) -> int:
        """A number above all that the table of a kind or anybody else has used."""
        return max([used, *(file.bounds["seq"][1] >> RUN_BITS for file in self._table(kind).files())]) + 1

    def add(self, kind: str, rows: np.ndarray, ordinals: np.ndarray) -> Added:
        """Store what is not stored yet. rows: of one run, by rising seq. raises: StoreWriteFailed."""
        mine = np.zeros(len(rows), bool)
        there, refused = _repeated(kind, rows)
        if len(rows):
            found = self._find(kind, rows)
            if found.num_rows:
                mine = _mine(rows, found)
                before, differ = _before(kind, rows, ordinals, found)
                there |= before & ~mine
                refused.update(differ)
        fresh = ~(mine | there)
        fresh[list(refused)] = False
        if fresh.any():
            new = rows[fresh]
            numbers = number_within_seq(rows["seq"])[fresh]
            self._commit(kind, to_arrow(kind, new, numbers), int(new["seq"].max()))
        return Added(fresh | mine, refused)

    def files(self, kind: str) -> Sequence[StoredFile]:
        """What is committed."""
        return self._table(kind).files()

    def certify(self, certificates: Sequence[Certificate]) -> None:
        """raises: StoreWriteFailed."""
        self._commit("certificates", certificates_table(certificates), certificates[-1].seq)

    def sums(self, kind: str, run: int) -> Sums:
        """What the tables hold of a run, read back from them."""
        first = run << RUN_BITS
        last = first + (1 << RUN_BITS)
        table = self._table(kind)
        files = [file for file in table.files() if file.may_hold("seq", first, last)]
        total = Sums()
        within = (pc.field("seq") >= first) & (pc.field("seq") < last)
        for batch in batches(kind, files, within):
            total.add(kind, to_numpy(kind, pa.Table.from_batches([batch])))
        return total

    def _table(self, kind: str) -> Table:
        if kind not in self._tables:
            self._tables[kind] = Table(self._folder, kind)
        return self._tables[kind]

    def _commit(self, kind: str, rows: pa.Table, last_seq: int) -> None:
        table = self._table(kind)
        try:
            table.commit(rows, max(last_seq, table.last_seq))
            table.maintain()
        except (OSError, DeltaError) as refused:
            table.reopen()
            raise failed_write(table.path, refused) from refused

    def _find(self, kind: str, rows: np.ndarray) -> pa.Table:
        """Stored rows that are equal in what counts: their seq, the `row` of ours they are equal to, bars' values."""
        field = TIMES[kind]
        named = rows["id_kind"] != ID_NONE if kind == "trades" else np.zeros(len(rows), bool)
        margin = SAME_ID_NS if named.any() else 0
        low, high = int(rows[field].min()) - margin, int(rows[field].max()) + margin
        files = [file for file in self._table(kind).files() if file.may_hold(field, low, high + 1)]
        wanted = pa.array(np.unique(rows["instrument"]))
        within = (pc.field(field) >= low) & (pc.field(field) <= high) & pc.field("instrument").isin(wanted)
        parts = [_keyed(rows, mask, keys) for mask, keys in ((named, NAMED), (~named, KEYS[kind])) if mask.any()]
        found = []
        for batch in batches(kind, files, within):
            stored = pa.Table.from_batches([batch])
            for keys, ours in parts:
                held = stored.filter(pc.field("id_kind") == ID_NONE) if kind == "trades" and keys != NAMED else stored
                columns = list(dict.fromkeys([*keys, "seq", *(BAR_VALUES if kind == "bars" else ())]))
                met = held.select(columns).join(ours, list(keys), join_type="inner")
                found.append(met.select(["row", "seq", *(BAR_VALUES if kind == "bars" else ())]))
        return pa.concat_tables(found) if found else pa.table({"row": pa.array([], pa.int64())})


def _keyed(rows: np.ndarray, mask: np.ndarray, keys: tuple[str, ...]) -> tuple[tuple[str, ...], pa.Table]:
    """Our rows as a table of their keys, in the types of the store."""
    places = np.flatnonzero(mask)
    columns = {key: _as_stored(rows[key][places]) for key in keys}
    return keys, pa.table({**columns, "row": pa.array(places)})


def _as_stored(values: np.ndarray) -> pa.Array:
    if values.dtype == np.uint64:
        return pa.array(np.ascontiguousarray(values).view(np.int64))
    if values.dtype == np.uint8:
        return pa.array(np.ascontiguousarray(values).view(np.int8))
    return pa.array(np.ascontiguousarray(values))


def _mine(rows: np.ndarray, found: pa.Table) -> np.ndarray:
    """Which rows are stored under their own seq."""
    row, seq = found.column("row").to_numpy(), found.column("seq").to_numpy()
    mine = np.zeros(len(rows), bool)
    mine[row[rows["seq"][row] == seq]] = True
    return mine


def _before(kind: str, rows: np.ndarray, ordinals: np.ndarray, found: pa.Table) -> tuple[np.ndarray, Reasons]:
    """Which rows were stored by something else, and which bars contradict what was.

    A row without a name of its own is there if more equal ones are stored than stood before it in its source.
    """
    row, seq = found.column("row").to_numpy(), found.column("seq").to_numpy()
    if kind == "bars":
        other = rows["seq"][row] != seq
        return _same_bars(rows, row[other], [found.column(name).to_numpy()[other] for name in BAR_VALUES])
    run = int(rows["seq"][0]) >> RUN_BITS
    named = rows["id_kind"] != ID_NONE if kind == "trades" else np.zeros(len(rows), bool)
    counts = np.bincount(row[(seq >> RUN_BITS) != run], minlength=len(rows))
    earlier = np.zeros(len(rows), bool)
    earlier[row[seq < rows["seq"][row]]] = True
    there: np.ndarray = np.where(named, (counts > 0) | earlier, counts > ordinals)
    return there, {}


def _same_bars(rows: np.ndarray, row: np.ndarray, values: list[np.ndarray]) -> tuple[np.ndarray, Reasons]:
    there, refused = np.zeros(len(rows), bool), Reasons()
    same = np.all([rows[name][row] == value for name, value in zip(BAR_VALUES, values, strict=True)], axis=0)
    there[row[same]] = True
    for place in row[~same].tolist():
        refused[place] = "a bar with other prices or another volume is stored for this time; the stored one stays"
    return there, refused


def _repeated(kind: str, rows: np.ndarray) -> tuple[np.ndarray, Reasons]:
    """Rows that come a second time within these: trades by id, bars by their time; a second bar must be the same."""
    there, refused = np.zeros(len(rows), bool), Reasons()
    if kind not in ("trades", "bars") or not len(rows):
        return there, refused
    keys = NAMED if kind == "trades" else KEYS[kind]
    order = np.lexsort([rows["seq"], *(rows[key] for key in keys)])
    same = np.all([rows[key][order][1:] == rows[key][order][:-1] for key in keys], axis=0)
    if kind == "trades":
        same &= rows["id_kind"][order][1:] != ID_NONE
    first = order[np.maximum.accumulate(np.where(np.append(True, ~same), np.arange(len(order)), 0))]
    again = np.append(False, same)
    there[order[again]] = True
    if kind == "bars":
        repeats, firsts = order[again], first[again]
        same_values = np.all([rows[name][repeats] == rows[name][firsts] for name in BAR_VALUES], axis=0)
        for place in repeats[~same_values].tolist():
            refused[place] = "another bar with other prices or another volume came before it for this time"
    return there, refused
