"""What was downloaded and imported, read together with what was captured.

In:  a data dir D; the folders beside its tables, each a data dir of its own with its own instruments and numbers.
Out: their rows as rows of the instrument that D knows under the same venue and symbol. Their seq is negative, which tells
     their origin: the number of the input in their own journal or run.
What is in several places counts once: captured before downloaded before imported. A trade is the same by its id (one
without an id is kept), a bar by its width and open; only an unknown bar is replaced, by a known one as its next revision.
Instruments that D does not know get the ids behind D's own; such an id holds for one registry. So do those that D counts in
coarser units, if their numbers do not all fit into these: they are a version of the instrument that came before D's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow.compute as pc

from ninefold.market.arrays import BAR_UNKNOWN, ID_NONE
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Listed
from ninefold.market.time import SECOND_NS
from ninefold.store.delta import StoredFile, stored_files
from ninefold.store.layout import SCHEMAS, effective_ns
from ninefold.store.listing import live
from ninefold.store.remembered import Remembered
from ninefold.store.rows import Pick, latest_revisions, rows_of
from ninefold.store.scan import scan

HISTORY, IMPORTS = "history", "imports"
FOLDERS = (HISTORY, IMPORTS)  # what comes first counts
KINDS = ("trades", "bars", "books", "quotes")
PRICES = ("price", "open", "high", "low", "close", "bid", "ask")
SIZES = ("size", "bid_size", "ask_size", "volume", "buy_volume")
NOT_TOLD = ("volume", "buy_volume")  # that may be below 0: not told
_MOST_WIDTHS = 1_000_000  # above every width, in seconds
_fitting: Remembered[bool] = Remembered()
_listed = msgspec.json.Decoder(Listed)


class Place(NamedTuple):
    """An instrument's rows in a folder of tables: under which id, and how much finer D's units are (powers of ten); below 0
    where D's are coarser, which all numbers fit.
    """

    folder: Path
    id: int
    price: int
    size: int


class Beside:
    """path: of D. Every call sees what is committed then; without such folders nothing is added and little is asked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def widened(self, captured: Registry) -> Registry:
        """D's instruments, and behind them those that only stand beside."""
        wide = Registry(list(captured))
        for folder, one in self._instruments():
            if _same(wide, folder, one) is None:
                mine = captured.find(one.venue, one.venue_symbol)
                wide.add(one) if mine is None else wide.add_behind(one)
        return wide

    def places(self, of: Instrument, registry: Registry) -> list[Place]:
        """Where rows of an instrument stand. registry: widened."""
        found = []
        for folder, one in self._instruments():
            mine = _same(registry, folder, one)
            if mine is not None and mine.id == of.id:
                finer = mine.price_decimals - one.price_decimals, mine.size_decimals - one.size_decimals
                found.append(Place(folder, one.id, *finer))
        return found

    def days(self, kind: str) -> set[int]:
        """Days (since 1970) that have files of a kind."""
        return {day for folder in self._folders if kind in KINDS for day in days_of(stored_files(folder, kind))}

    def exist(self) -> bool:
        return any(os.path.exists(f"{self._path}/{name}/tables") for name in FOLDERS)

    @property
    def _folders(self) -> list[Path]:
        return [self._path / name / "tables" for name in FOLDERS]

    def _instruments(self) -> Iterator[tuple[Path, Instrument]]:
        for folder in self._folders:
            if folder.exists():
                payloads = scan("records", stored_files(folder, "records"), pc.field("type") == "listed").column(
                    "payload"
                )
                listed = [_listed.decode(payload).instrument for payload in payloads.to_pylist()]
                yield from ((folder, one) for one in sorted(listed, key=lambda one: one.id))


def rows_beside(
    kind: str,
    place: Place,
    instrument_id: int,
    start_ns: int | None,
    end_ns: int | None,
    limit: int | None,
    newest: bool,
    condition: pc.Expression | None,
    pick: Pick | None,
) -> np.ndarray:
    """As `rows_of`, with D's id and units, and the seq negative."""
    files = stored_files(place.folder, kind)
    rows = rows_of(kind, files, place.id, start_ns, end_ns, limit, newest, condition, pick)
    rows["instrument"], rows["seq"] = instrument_id, -rows["seq"]
    for names, finer in ((PRICES, place.price), (SIZES, place.size)):
        for name in names if finer else ():
            if name in (rows.dtype.names or ()):
                told = rows[name] * 10**finer if finer > 0 else rows[name] // 10**-finer
                rows[name] = np.where(rows[name] < 0, rows[name], told) if name in NOT_TOLD else told
    return rows


def together(kind: str, parts: list[np.ndarray], limit: int | None, newest: bool, pick: Pick | None) -> np.ndarray:
    """Rows of one instrument from several places, what counts first; ordered, thinned and cut as `rows_of` does."""
    kept = parts[0]
    for more in parts[1:]:
        fresh = _fresh_bars(kept, more) if kind == "bars" else _fresh_trades(kept, more) if kind == "trades" else more
        kept = np.concatenate([kept, fresh])
    order = np.lexsort((np.abs(kept["seq"]), effective_ns(kind, kept)))
    kept = kept[order] if pick is None else pick(kept)
    if limit is None:
        return kept
    return kept[max(len(kept) - limit, 0) :] if newest else kept[:limit]


def days_of(files: list[StoredFile]) -> set[int]:
    """The days (since 1970) of files that lie in one."""
    return {file.day.toordinal() - 719_163 for file in files if file.day is not None}


def ahead_of(of: Instrument, registry: Registry) -> list[Instrument]:
    """The versions of an instrument that count before one that stands behind."""
    return [
        one
        for one in registry
        if (one.venue, one.venue_symbol) == (of.venue, of.venue_symbol) and not registry.is_behind(one.id)
    ]


def beyond(kind: str, rows: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """The rows that are not among those of other versions, which count first."""
    for kept in others:
        rows = _fresh_bars(kept, rows) if kind == "bars" else _fresh_trades(kept, rows) if kind == "trades" else rows
    return rows


def _same(registry: Registry, folder: Path, one: Instrument) -> Instrument | None:
    """D's instrument of the same venue and symbol, if it can hold the other's numbers: its newest such version."""
    for mine in sorted(registry, key=lambda known: (registry.is_behind(known.id), -known.id)):
        if (mine.venue, mine.venue_symbol) == (one.venue, one.venue_symbol):
            coarser = one.price_decimals - mine.price_decimals, one.size_decimals - mine.size_decimals
            if max(coarser) <= 0 or _fit(folder, one.id, *coarser):
                return mine
    return None


def _fit(folder: Path, id: int, price: int, size: int) -> bool:
    """Whether all numbers of an instrument are whole in units that are so many powers of ten coarser."""
    tables = tuple(live(folder, kind) for kind in KINDS)
    return _fitting.get(
        (folder, id, price, size), tables, lambda: all(_kind_fits(folder, kind, id, price, size) for kind in KINDS)
    )


def _kind_fits(folder: Path, kind: str, id: int, price: int, size: int) -> bool:
    files = [file for file in stored_files(folder, kind) if file.may_hold("instrument", id, id + 1)]
    powers = {name: power for names, power in ((PRICES, price), (SIZES, size)) for name in names if power > 0}
    names = [name for name in powers if name in SCHEMAS[kind].names]
    for file in files:
        rows = scan(kind, [file], pc.field("instrument") == id, names)
        for name in names:
            numbers = rows.column(name).to_numpy()
            if (numbers[numbers > 0] % 10 ** powers[name]).any():
                return False
    return True


def _fresh_trades(kept: np.ndarray, more: np.ndarray) -> np.ndarray:
    names = ["id_kind", "id_hi", "id_lo"]
    fresh: np.ndarray = more[(more["id_kind"] == ID_NONE) | ~np.isin(_keys(more, names), _keys(kept, names))]
    return fresh


def _keys(rows: np.ndarray, names: list[str]) -> np.ndarray:
    packed = np.empty(len(rows), [(name, rows.dtype[name]) for name in names])
    for name in names:
        packed[name] = rows[name]
    return packed.view(f"S{packed.dtype.itemsize}")  # all of one length, so nothing is lost by its zeros


def _fresh_bars(kept: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Bars that are not there; known ones as the next revision of unknown ones."""
    latest = latest_revisions(kept)
    keys, wanted = _bar_keys(latest), _bar_keys(more)
    order = np.argsort(keys)
    place = (
        order[np.minimum(np.searchsorted(keys[order], wanted), max(len(keys) - 1, 0))]
        if len(keys)
        else np.zeros(len(more), int)
    )
    there = keys[place] == wanted if len(keys) else np.zeros(len(more), bool)
    unknown = np.zeros(len(more), bool)
    if len(keys):
        unknown = there & (latest["state"][place] == BAR_UNKNOWN) & (more["state"] != BAR_UNKNOWN)
        more["revision"][unknown] += latest["revision"][place[unknown]] + 1
    fresh: np.ndarray = more[~there | unknown]
    return fresh


def _bar_keys(bars: np.ndarray) -> np.ndarray:
    keys: np.ndarray = bars["open_ns"] // SECOND_NS * _MOST_WIDTHS + bars["width_ns"] // SECOND_NS
    return keys
