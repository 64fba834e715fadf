"""What a folder of tables has of one instrument: which trade ids, which bars, the trades around a range.

In:  a data dir, a venue and its symbol; all versions of an instrument count, rows are of those with the units asked for.
Out: runs of ids, BARS and TRADES rows. A data dir without tables has nothing.
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
from ninefold.store.data_dir import NoDataDir
from ninefold.store.delta import dataset, stored_files
from ninefold.store.read import Reader
from ninefold.store.rows import latest_revisions
from ninefold.store.scan import in_range, may_hold_time

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

    def ids(self, of: Instrument, start_ns: int | None = None, end_ns: int | None = None) -> list[Run]:
        """The ids of its trades, of a range of time (and a little around it) or of all."""
        numbers = self.versions(of)
        if not numbers:
            return []
        start_ns = None if start_ns is None else start_ns - MARGIN_NS
        end_ns = None if end_ns is None else end_ns + MARGIN_NS
        files = [one for one in stored_files(self._folder, "trades") if may_hold_time("trades", one, start_ns, end_ns)]
        if not files:
            return []
        wanted = pc.field("instrument").isin(pa.array(numbers, pa.int32())) & (pc.field("id_kind") == ID_INTEGER)
        within = in_range("trades", start_ns, end_ns)
        runs: list[Run] = []
        condition = wanted if within is None else wanted & within
        for batch in dataset("trades", files).to_batches(columns=["id_lo"], filter=condition):
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
        for batch in dataset("bars", files).to_batches(columns=["open_ns"], filter=wanted):
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
