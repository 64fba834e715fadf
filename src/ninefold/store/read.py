"""Reading the tables, by as many processes as like to, while one writes. Each call sees the newest commits.

In:  a data dir.
Out: the arrays and records that were stored. Rows of trades, books and quotes come by (time, seq), others by
     (close_ns, seq); a range is
     [start_ns, end_ns) of that time. `limit` with newest=True gives the last rows (oldest of them first), with
     newest=False the first ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import AnyRecord, Listed
from ninefold.market.time import DAY_NS, SECOND_NS
from ninefold.store.as_of import certified_by, known_by
from ninefold.store.beside import KINDS, Beside, ahead_of, beyond, days_of, rows_beside, together
from ninefold.store.candles import candles_of
from ninefold.store.certificates import Certificate, certificates_of
from ninefold.store.data_dir import check_data_dir
from ninefold.store.delta import StoredFile, committed_seq, stored_files
from ninefold.store.layout import SCHEMAS, effective_ns, to_numpy
from ninefold.store.listing import live
from ninefold.store.remembered import Remembered
from ninefold.store.rows import TIME, Pick, columns_of, count_of, first_revisions, latest_revisions, rows_of
from ninefold.store.scan import all_of, scan, scan_some
from ninefold.store.series import COLUMNS, series_columns

Revisions = Literal["latest", "first", "all"]
SERIES_FILES = 8  # of days that are over: fewer are read as fast as mapped
EPOCH_ORDINAL = 719_163
_record = msgspec.json.Decoder(AnyRecord)
_listed: Remembered[list[Instrument]] = Remembered()


class Reader:
    """Cheap to open; never blocks the writer.

    as_of_ns: rows, records and certificates only as they were known at that moment; None for what is known now.
    raises:   NoDataDir, WrongFormat.
    """

    def __init__(self, path: Path, as_of_ns: int | None = None) -> None:
        self.path = check_data_dir(path)
        self.as_of_ns = as_of_ns
        self._folder = self.path / "tables"
        self._beside = Beside(self.path)

    def registry(self) -> Registry:
        """All instruments listed so far, or by the moment, and those that were downloaded or imported."""
        return self._beside.widened(self.captured())

    def captured(self) -> Registry:
        """The instruments that the pipeline of this data dir listed: for those who give ids."""
        records = (live(self._folder, "records"),)
        return Registry(list(_listed.get((self._folder, self.as_of_ns), records, self._listed)))

    def _listed(self) -> list[Instrument]:
        found = {
            record.instrument.id: record.instrument for record in self.records([Listed]) if isinstance(record, Listed)
        }
        return [found[id] for id in sorted(found)]

    def trades(
        self,
        instrument_id: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = False,
    ) -> np.ndarray:
        """TRADES rows of one instrument, by exchange time (receive time where the venue gave none), then seq."""
        return self.rows("trades", instrument_id, start_ns, end_ns, limit, newest)

    def books(
        self,
        instrument_id: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = False,
    ) -> np.ndarray:
        """BOOKS rows of one instrument; the rows of one input keep their order."""
        return self.rows("books", instrument_id, start_ns, end_ns, limit, newest)

    def quotes(
        self,
        instrument_id: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = False,
    ) -> np.ndarray:
        """QUOTES rows of one instrument."""
        return self.rows("quotes", instrument_id, start_ns, end_ns, limit, newest)

    def bars(
        self,
        instrument_id: int,
        width_ns: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = True,
        revisions: Revisions = "latest",
    ) -> np.ndarray:
        """BARS rows of one series whose close lies in the range, oldest first.

        revisions: the latest or the first revision of each bar, or all of them (limit then counts rows).
        """
        if revisions not in ("latest", "first", "all"):
            raise ValueError(f"revisions is {revisions!r}; allowed are 'latest', 'first' and 'all'")
        condition = pc.field("width_ns") == width_ns
        pick = {"latest": latest_revisions, "first": first_revisions, "all": None}[revisions]
        return self.rows("bars", instrument_id, start_ns, end_ns, limit, newest, condition, pick)

    def bar_columns(
        self, instrument_id: int, width_ns: int, start_ns: int | None = None, end_ns: int | None = None
    ) -> dict[str, np.ndarray]:
        """Columns of the latest revision of every bar of one series whose close lies in the range, oldest first, shape (n,)
        each, not to be changed: series.COLUMNS. The fast way to long stretches.
        """
        parts = self.bar_parts(instrument_id, width_ns, start_ns, end_ns)
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}

    def bar_parts(
        self, instrument_id: int, width_ns: int, start_ns: int | None = None, end_ns: int | None = None
    ) -> list[dict[str, np.ndarray]]:
        """The same in one or two pieces: days that are over are mapped into memory, what came since is read."""
        sources, units = ([], "") if self.as_of_ns is not None else self._bar_files(instrument_id)
        latest = max((file.day for file in sources if file.day is not None), default=None)
        over = [file for file in sources if file.day is not None and latest is not None and file.day < latest]
        if len(over) < SERIES_FILES:
            return [_columns(self.bars(instrument_id, width_ns, start_ns, end_ns))]
        assert latest is not None
        until_ns = (latest.toordinal() - EPOCH_ORDINAL) * DAY_NS
        folder, series = self.path / "cache" / "bars", f"{instrument_id}-{width_ns // SECOND_NS}{units}"
        past = series_columns(folder, series, over, lambda: self.bars(instrument_id, width_ns, None, until_ns))
        first = 0 if start_ns is None else int(np.searchsorted(past["close_ns"], start_ns))
        last = len(past["close_ns"]) if end_ns is None else int(np.searchsorted(past["close_ns"], end_ns))
        mapped = {name: past[name][first:last] for name in COLUMNS}
        if end_ns is not None and end_ns <= until_ns:
            return [mapped]
        since_ns = until_ns if start_ns is None else max(start_ns, until_ns)
        return [mapped, _columns(self.bars(instrument_id, width_ns, since_ns, end_ns))]

    def _bar_files(self, instrument_id: int) -> tuple[list[StoredFile], str]:
        """The files that bars of an instrument come from, wherever they stand; and, where they stand beside, in which units they
        are read, for these may change when D lists the instrument.
        """
        places, units = [(self._folder, instrument_id)], ""
        if self._beside.exist():
            registry = self.registry()
            if 1 <= instrument_id <= len(registry):
                of = registry[instrument_id]
                versions = [of, *(ahead_of(of, registry) if registry.is_behind(instrument_id) else ())]
                places = [(self._folder, one.id) for one in versions]
                places += [(one.folder, one.id) for mine in versions for one in self._beside.places(mine, registry)]
                units = f".{of.price_decimals}.{of.size_decimals}"
        files = [
            file
            for folder, id in places
            for file in stored_files(folder, "bars")
            if file.may_hold("instrument", id, id + 1)
        ]
        return files, units

    def values(
        self,
        instrument_id: int,
        width_ns: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = True,
        term: str | None = None,
    ) -> np.ndarray:
        """VALUES rows of one series; of every term if none is given."""
        condition = pc.field("width_ns") == width_ns
        if term is not None:
            condition &= pc.field("term") == term
        return self.rows("values", instrument_id, start_ns, end_ns, limit, newest, condition)

    def forecasts(
        self,
        instrument_id: int,
        width_ns: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = True,
    ) -> np.ndarray:
        """FORECASTS rows of one series, all horizons."""
        return self.rows("forecasts", instrument_id, start_ns, end_ns, limit, newest, pc.field("width_ns") == width_ns)

    def targets(
        self,
        instrument_id: int,
        width_ns: int | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = True,
    ) -> np.ndarray:
        """TARGETS rows of one instrument, all strategies; of every width if none is given."""
        condition = None if width_ns is None else pc.field("width_ns") == width_ns
        return self.rows("targets", instrument_id, start_ns, end_ns, limit, newest, condition)

    def bars_known(self, until_seq: int) -> np.ndarray:
        """BARS rows as they were first known, revision 0 and seq <= until_seq, in the order in which they became
        known.
        """
        files = [file for file in stored_files(self._folder, "bars") if file.may_hold("seq", None, until_seq + 1)]
        condition = (pc.field("revision") == 0) & (pc.field("seq") <= until_seq)
        return to_numpy("bars", scan("bars", files, condition).sort_by([("seq", "ascending"), ("n", "ascending")]))

    def values_known(self, term: str, until_seq: int) -> np.ndarray:
        """VALUES rows of one term with seq <= until_seq, in the order in which they became known."""
        files = [file for file in stored_files(self._folder, "values") if file.may_hold("seq", None, until_seq + 1)]
        condition = (pc.field("term") == term) & (pc.field("seq") <= until_seq)
        return to_numpy("values", scan("values", files, condition).sort_by([("seq", "ascending"), ("n", "ascending")]))

    def position(self) -> int:
        """The last seq that all tables have, 0 if none: what `Tables.position` says, for those who do not write."""
        return committed_seq(self._folder, "certificates")

    def records(
        self,
        types: Sequence[type | str] | None = None,
        since_seq: int | None = None,
        limit: int | None = None,
        newest: bool = True,
    ) -> list[AnyRecord]:
        """Stored records, oldest first.

        types:     record classes or their tags; None for all that are stored.
        since_seq: only those with a greater seq.
        """
        after = None if since_seq is None else since_seq + 1
        files = [file for file in stored_files(self._folder, "records") if file.may_hold("seq", after, None)]
        condition = all_of(None if after is None else pc.field("seq") >= after, known_by("records", self.as_of_ns))
        if types is not None:
            tags = [kind if isinstance(kind, str) else str(kind.__struct_config__.tag) for kind in types]  # type: ignore[attr-defined]
            condition = all_of(condition, pc.field("type").isin(pa.array(tags, pa.string())))
        table = (
            scan("records", files, condition)
            if limit is None
            else scan_some("records", files, condition, "seq", limit, newest, _sorted_seq)
        )
        payloads = table.sort_by([("seq", "ascending"), ("n", "ascending")]).column("payload").to_pylist()
        if limit is not None:
            payloads = payloads[max(len(payloads) - limit, 0) :] if newest else payloads[:limit]
        return [_record.decode(payload) for payload in payloads]

    def certificates(self, instrument_id: int | None = None) -> list[Certificate]:
        """The latest certificate of every instrument and hour, by (instrument, hour)."""
        condition = None if instrument_id is None else pc.field("instrument") == instrument_id
        condition = all_of(condition, certified_by(self._folder, self.as_of_ns))
        return certificates_of(scan("certificates", stored_files(self._folder, "certificates"), condition))

    def columns(
        self,
        kind: str,
        instrument_id: int,
        names: Sequence[str],
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = False,
    ) -> dict[str, np.ndarray]:
        """Number fields of the rows of one instrument in a range, ordered as `rows` does, shape (n,) each: the fast way,
        for only these are read. `time_ns` is the time by which they are ordered.
        """
        if self.as_of_ns is None and not (kind in KINDS and self._beside.exist()):
            files = stored_files(self._folder, kind)
            return columns_of(kind, files, instrument_id, names, start_ns, end_ns, limit, newest)
        rows = self.rows(kind, instrument_id, start_ns, end_ns, limit, newest)
        return {name: effective_ns(kind, rows) if name == TIME else np.ascontiguousarray(rows[name]) for name in names}

    def candles(
        self, instrument_id: int, width_ns: int, start_ns: int | None = None, end_ns: int | None = None
    ) -> dict[str, np.ndarray]:
        """Candles made of all trades in the range, no stored bar is used: as `candles_of` gives them."""
        return candles_of(
            **self.columns("trades", instrument_id, (TIME, "price", "size"), start_ns, end_ns), width_ns=width_ns
        )

    def count_by_instrument(self, kind: str) -> dict[int, int]:
        """Rows of a market kind by instrument id; those without rows are left out."""
        if self.as_of_ns is None and not (kind in KINDS and self._beside.exist()):
            return count_of(kind, stored_files(self._folder, kind))
        ids = (one.id for one in self.registry())
        return {id: count for id in ids if (count := len(self.rows(kind, id)))}

    def counts(self) -> dict[str, int]:
        """Rows of every table, from the log alone."""
        return {name: sum(file.rows for file in stored_files(self._folder, name)) for name in SCHEMAS}

    def rows(
        self,
        kind: str,
        instrument_id: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = False,
        condition: pc.Expression | None = None,
        pick: Pick | None = None,
    ) -> np.ndarray:
        """Rows of any kind of one instrument in a range, ordered; `pick` thins them before the limit counts."""
        condition = all_of(condition, known_by(kind, self.as_of_ns))
        wanted = (start_ns, end_ns, limit, newest, condition, pick)
        rows = rows_of(kind, stored_files(self._folder, kind), instrument_id, *wanted)
        if kind not in KINDS or not self._beside.exist():
            return rows
        registry = self.registry()
        if not 1 <= instrument_id <= len(registry):
            return rows
        of = registry[instrument_id]
        places = self._beside.places(of, registry)
        if registry.is_behind(instrument_id):
            others = [self.rows(kind, one.id, start_ns, end_ns, condition=condition) for one in ahead_of(of, registry)]
            wanted = (start_ns, end_ns, None, newest, condition, None)
            more = [beyond(kind, rows_beside(kind, place, instrument_id, *wanted), others) for place in places]
        else:
            more = [rows_beside(kind, place, instrument_id, *wanted) for place in places]
        return together(kind, [rows, *more], limit, newest, pick) if more else rows

    def days(self, kind: str) -> list[int]:
        """Days (since 1970) that may have rows of a kind, rising."""
        return sorted(days_of(stored_files(self._folder, kind)) | self._beside.days(kind))


def _columns(bars: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(bars[name]) for name in COLUMNS}


def _sorted_seq(table: pa.Table) -> np.ndarray:
    return np.sort(table.column("seq").to_numpy())
