"""What a folder of tables has of one instrument: which trade ids, which bars, the trades around a range.

In:  a data dir, a venue and its symbol; all versions of an instrument count, rows are of those with the units asked for.
Out: runs of ids, BARS and TRADES rows, what trades say by hour. A data dir without tables has nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.history.plan import Run, joined, runs_of
from ninefold.market.arrays import BAR_UNKNOWN, ID_INTEGER, empty
from ninefold.market.instruments import Instrument
from ninefold.market.time import MINUTE_NS
from ninefold.store.certificates import Certificate, Ids
from ninefold.store.data_dir import NoDataDir
from ninefold.store.delta import StoredFile, batches, dataset, stored_files
from ninefold.store.hours import ids_stored
from ninefold.store.ids import ids_by_hour
from ninefold.store.ids import joined as ids_together
from ninefold.store.read import Reader
from ninefold.store.rows import latest_revisions
from ninefold.store.scan import all_of, in_range, may_hold_time

MARGIN_NS = MINUTE_NS  # ids and times of trades may be in a slightly different order


class Stored:
    """path: of a data dir. Every call sees what is committed then."""

    def __init__(self, path: Path) -> None:
        self._folder = path / "tables"
        try:
            self._reader: Reader | None = Reader(path)
        except NoDataDir:
            self._reader = None

    def versions(self, of: Instrument, same_units: bool = False) -> list[int]:
        """The ids that an instrument has here."""
        if self._reader is None:
            return []
        return [
            one.id
            for one in self._reader.registry()
            if (one.venue, one.venue_symbol) == (of.venue, of.venue_symbol)
            and (not same_units or (one.price_decimals, one.size_decimals) == (of.price_decimals, of.size_decimals))
        ]

    def ids(
        self, of: Instrument, start_ns: int | None = None, end_ns: int | None = None, *, kind: int = ID_INTEGER
    ) -> list[Run]:
        """The ids of its trades, of a range of time (and a little around it) or of all; kind: single or aggregated ones."""
        numbers = self.versions(of)
        if not numbers:
            return []
        start_ns = None if start_ns is None else start_ns - MARGIN_NS
        end_ns = None if end_ns is None else end_ns + MARGIN_NS
        files = [one for one in stored_files(self._folder, "trades") if may_hold_time("trades", one, start_ns, end_ns)]
        if not files:
            return []
        wanted = pc.field("instrument").isin(pa.array(numbers, pa.int32())) & (pc.field("id_kind") == kind)
        within = in_range("trades", start_ns, end_ns)
        runs: list[Run] = []
        condition = wanted if within is None else wanted & within
        for batch in batches("trades", files, condition, ["id_lo"]):
            runs = joined([*runs, *runs_of(batch.column(0).to_numpy())])
        return runs

    def slots(self, of: Instrument, width_ns: int, start_ns: int, end_ns: int, *, known: bool) -> list[Run]:
        """Where bars open that are stored, in [start_ns, end_ns), as runs of times. known: only bars that are not unknown."""
        numbers = self.versions(of)
        span = (start_ns + width_ns, end_ns + width_ns)
        files = (
            [one for one in stored_files(self._folder, "bars") if may_hold_time("bars", one, *span)] if numbers else []
        )
        if not files:
            return []
        wanted = pc.field("instrument").isin(pa.array(numbers, pa.int32())) & (pc.field("width_ns") == width_ns)
        wanted &= in_range("bars", *span)
        if known:
            wanted &= pc.field("state") != BAR_UNKNOWN
        runs: list[Run] = []
        for batch in batches("bars", files, wanted, ["open_ns"]):
            runs = joined([*runs, *runs_of(batch.column(0).to_numpy(), width_ns)])
        return runs

    def bars(self, of: Instrument, width_ns: int, start_ns: int, end_ns: int) -> np.ndarray:
        """The latest revision of each bar that opens in [start_ns, end_ns), by open."""
        if self._reader is None:
            return empty("bars")
        span = (start_ns + width_ns, end_ns + width_ns)
        parts = [self._reader.bars(one, width_ns, *span, newest=False) for one in self.versions(of)]
        return latest_revisions(np.concatenate([empty("bars"), *parts]))

    def first_and_last_bar(self, of: Instrument, width_ns: int) -> tuple[int, int] | None:
        """Where the first and the last stored bar open."""
        ends = []
        for one in self.versions(of) if self._reader is not None else []:
            for newest in (False, True):
                ends += self._reader.bars(one, width_ns, limit=1, newest=newest)["open_ns"].tolist()  # type: ignore[union-attr]
        return (min(ends), max(ends)) if ends else None

    def trades(self, of: Instrument, start_ns: int, end_ns: int) -> np.ndarray:
        """Trades of a range with those around it, by id: a minute on both sides, and the nearest one beyond that."""
        if self._reader is None:
            return empty("trades")
        low, high = start_ns - MARGIN_NS, end_ns + MARGIN_NS
        parts = [empty("trades")]
        for one in self.versions(of, same_units=True):
            parts += [
                self._reader.trades(one, end_ns=low, limit=1, newest=True),
                self._reader.trades(one, low, high),
                self._reader.trades(one, start_ns=high, limit=1),
            ]
        rows = np.concatenate(parts)
        return rows[np.unique(rows["id_lo"], return_index=True)[1]]

    def time_of(self, of: Instrument, id: int) -> int | None:
        """When a trade happened, if it is here."""
        files = stored_files(self._folder, "trades") if self._reader is not None else []
        numbers = self.versions(of)
        if not files or not numbers:
            return None
        wanted = pc.field("instrument").isin(pa.array(numbers, pa.int32())) & (pc.field("id_lo") == id)
        found = dataset("trades", files).to_table(columns=["exchange_ns"], filter=wanted).column(0).to_pylist()
        return found[0] if found else None

    def certificates(self, of: Instrument) -> list[Certificate]:
        """The latest of each hour, by hour. All versions of an instrument are certified under the id of its first."""
        numbers = self.versions(of)
        return [] if self._reader is None or not numbers else self._reader.certificates(numbers[0])

    def hours_since(self, of: Instrument, seq: int, until_seq: int) -> tuple[dict[int, Ids], int]:
        """What trades say whose input is behind `seq` and before `until_seq`, by hour; the last such input."""
        files = [one for one in stored_files(self._folder, "trades") if one.may_hold("seq", seq + 1, until_seq)]
        return self._by_hour(of, files, (pc.field("seq") > seq) & (pc.field("seq") < until_seq))

    def hours_within(self, of: Instrument, start_ns: int, end_ns: int, until_seq: int) -> dict[int, Ids]:
        """What trades of a range say, by hour."""
        files = [one for one in stored_files(self._folder, "trades") if may_hold_time("trades", one, start_ns, end_ns)]
        within = in_range("trades", start_ns, end_ns)
        return self._by_hour(of, files, all_of(within, pc.field("seq") < until_seq))[0]

    def nearest(self, of: Instrument, time_ns: int, before: bool, until_seq: int) -> Ids | None:
        """What the trades of the minute before or after a time say, or the nearest one beyond that."""
        minute = (time_ns - MARGIN_NS, time_ns) if before else (time_ns, time_ns + MARGIN_NS)
        found: Ids | None = None
        for ids in self.hours_within(of, *minute, until_seq).values():
            found = ids if found is None else ids_together(found, ids)
        if found is not None or self._reader is None:
            return found
        start_ns, end_ns = (None, time_ns) if before else (time_ns, None)
        known = pc.field("seq") < until_seq
        rows = [
            self._reader.rows("trades", one, start_ns, end_ns, limit=1, newest=before, condition=known)
            for one in self.versions(of)
        ]
        nearest = sorted(
            (ids for some in rows for ids in ids_by_hour(some).values()), key=lambda ids: ids.to_ns, reverse=before
        )
        return nearest[0] if nearest else None

    def _by_hour(
        self, of: Instrument, files: list[StoredFile], condition: pc.Expression | None
    ) -> tuple[dict[int, Ids], int]:
        """Versions of an instrument count together."""
        numbers = self.versions(of)
        wanted = all_of(pc.field("instrument").isin(pa.array(numbers, pa.int32())), condition)
        found: dict[int, Ids] = {}
        by_version, last_seq = ids_stored(files if numbers else [], wanted)
        for (_, hour), ids in by_version.items():
            found[hour] = ids_together(found[hour], ids) if hour in found else ids
        return found, last_seq
