"""How complete downloaded or imported bars are, hour by hour: what they are worth where nothing proves the trades.

In:  the bars of one series that D/history or D/imports has, and those that stand in places that count before it.
Out: for each hour in which all bars that readers get stand there: from when to when, how many are known, how many not.
A downloaded bar that is known was told by the venue, or made of trades whose ids follow each other. An hour of which all bars between its
first and its last are known is complete from the one to the other; nothing is said of the rest. A bar of more than an hour
speaks for all of its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.instruments import Instrument
from ninefold.market.time import HOUR_NS
from ninefold.store.as_of import known_by
from ninefold.store.beside import FOLDERS, HISTORY
from ninefold.store.data_dir import NoDataDir
from ninefold.store.delta import stored_files
from ninefold.store.ids import merged
from ninefold.store.listing import live
from ninefold.store.read import Reader
from ninefold.store.remembered import Remembered
from ninefold.store.scan import all_of, in_range, may_hold_time, scan


class Told(NamedTuple):
    """Bars of [from_ns, to_ns). lost_from_ns, lost_to_ns: around those that are not known, None if all are."""

    from_ns: int
    to_ns: int
    known: int
    lost: int
    lost_from_ns: int | None
    lost_to_ns: int | None


class _Runs(NamedTuple):
    """Times that follow each other without a hole, rising; shape (n,) each."""

    starts: np.ndarray
    ends: np.ndarray

    def before(self, times: np.ndarray) -> np.ndarray:
        """How much of the runs lies before each time, ns."""
        if not len(self.starts):
            return np.zeros(len(times), np.int64)
        total = np.append(0, np.cumsum(self.ends - self.starts))
        at = np.searchsorted(self.starts, times, "right")
        inside = np.minimum(times, self.ends[at - 1]) - self.starts[at - 1]
        lasting: np.ndarray = np.where(at > 0, total[at - 1] + inside, 0)
        return lasting

    def between(self, from_ns: np.ndarray, to_ns: np.ndarray) -> np.ndarray:
        lasting: np.ndarray = self.before(to_ns) - self.before(from_ns)
        return lasting


class ToldBars:
    """Of one series."""

    def __init__(self, width_ns: int, stored: _Runs, known: _Runs, kept: _Runs) -> None:
        self._width_ns, self._stored, self._known, self._kept = width_ns, stored, known, kept

    def hours(self) -> list[Told]:
        """Rising; of a width above an hour the bars."""
        return self._told(*self._by_hour())

    def stretches(self) -> list[Told]:
        """The same, but hours of which all bars are known and that follow each other are one."""
        from_ns, to_ns, known, lost = self._by_hour()
        if not len(from_ns):
            return []
        going_on = (lost[1:] == 0) & (lost[:-1] == 0) & (from_ns[1:] == to_ns[:-1])
        first = np.flatnonzero(np.append(True, ~going_on))
        last = np.append(first[1:], len(from_ns)) - 1
        return self._told(from_ns[first], to_ns[last], np.add.reduceat(known, first), lost[first])

    def _by_hour(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """From when to when, and how long bars are known and not known in it; shape (hours,) each."""
        unit = max(HOUR_NS, self._width_ns)
        runs = zip(self._stored.starts.tolist(), self._stored.ends.tolist(), strict=True)
        hours = [np.empty(0, np.int64), *(np.arange(start // unit * unit, end, unit) for start, end in runs)]
        starts = np.unique(np.concatenate(hours))
        starts = starts[self._kept.between(starts, starts + unit) == 0]
        first = self._stored.starts[np.searchsorted(self._stored.ends, starts, "right")]
        last = self._stored.ends[np.searchsorted(self._stored.starts, starts + unit, "left") - 1]
        from_ns, to_ns = np.maximum(first, starts), np.minimum(last, starts + unit)
        known = self._known.between(from_ns, to_ns)
        return from_ns, to_ns, known, to_ns - from_ns - known

    def _told(self, from_ns: np.ndarray, to_ns: np.ndarray, known: np.ndarray, lost: np.ndarray) -> list[Told]:
        columns = (from_ns, to_ns, known // self._width_ns, lost // self._width_ns)
        return [
            Told(start, end, count, missing, *(self._lost(start, end) if missing else (None, None)))
            for start, end, count, missing in zip(*(column.tolist() for column in columns), strict=True)
        ]

    def hold(self, from_ns: int, to_ns: int) -> bool:
        """Whether every bar that readers get of [from_ns, to_ns], both inside, is a known one that stands there."""
        span = np.array([from_ns // self._width_ns, to_ns // self._width_ns + 1]) * self._width_ns
        low, high = span[:1], span[1:]
        return int(self._known.between(low, high)[0]) == high[0] - low[0] and not self._kept.between(low, high)[0]

    def _lost(self, from_ns: int, to_ns: int) -> tuple[int, int]:
        """The first moment without a known bar and the last one."""
        at = int(np.searchsorted(self._known.starts, from_ns, "right")) - 1
        first = max(from_ns, int(self._known.ends[at])) if at >= 0 else from_ns
        at = int(np.searchsorted(self._known.ends, to_ns, "left"))
        last = min(to_ns, int(self._known.starts[at])) if at < len(self._known.starts) else to_ns
        return first, last


_NONE = _Runs(np.empty(0, np.int64), np.empty(0, np.int64))
_remembered: Remembered[tuple[_Runs, _Runs]] = Remembered()


def told_bars(reader: Reader, versions: Sequence[Instrument], width_ns: int, place: str = HISTORY) -> ToldBars:
    """reader: of the data dir that the place, D/history or D/imports, stands in; versions: of one instrument there."""
    keys = {(one.venue, one.venue_symbol) for one in versions}
    stored, known = _runs_beside(reader, keys, width_ns, place)
    if not len(stored.starts):
        return ToldBars(width_ns, _NONE, _NONE, _NONE)
    unit = max(HOUR_NS, width_ns)
    span = int(stored.starts[0]) // unit * unit + 1, -(-int(stored.ends[-1]) // unit) * unit + 1
    ids = [one.id for one in versions]
    [kept] = _runs(reader.path / "tables", ids, width_ns, reader.as_of_ns, span, (True,))
    for earlier in FOLDERS[: FOLDERS.index(place)]:
        kept = _both(kept, _runs_beside(reader, keys, width_ns, earlier)[1])
    return ToldBars(width_ns, stored, known, kept)


def widths_told(reader: Reader, versions: Sequence[Instrument], place: str = HISTORY) -> list[int]:
    """The widths of bars of an instrument that stand there, rising."""
    folder = reader.path / place / "tables"
    files = stored_files(folder, "bars")
    ids = _ids(reader, {(one.venue, one.venue_symbol) for one in versions}, place) if files else []
    if not ids:
        return []
    wanted = pc.field("instrument").isin(pa.array(ids, pa.int32()))
    return sorted(pc.unique(scan("bars", files, wanted, ["width_ns"]).column(0)).to_pylist())


def _runs_beside(reader: Reader, keys: set[tuple[str, str]], width_ns: int, place: str) -> tuple[_Runs, _Runs]:
    """Where bars are stored there, and where known ones are."""
    folder = reader.path / place / "tables"

    def read() -> tuple[_Runs, _Runs]:
        ids = _ids(reader, keys, place)
        stored, known = _runs(folder, ids, width_ns, reader.as_of_ns, (None, None), (False, True))
        return stored, known

    asked = folder, tuple(sorted(keys)), width_ns, reader.as_of_ns
    return _remembered.get(asked, (live(folder, "bars"), live(folder, "records")), read)


def _both(one: _Runs, other: _Runs) -> _Runs:
    pairs = [*zip(one.starts.tolist(), one.ends.tolist(), strict=True)]
    pairs += zip(other.starts.tolist(), other.ends.tolist(), strict=True)
    made = merged((start, end - 1) for start, end in pairs)
    return _Runs(np.array([first for first, _ in made], np.int64), np.array([last + 1 for _, last in made], np.int64))


def _ids(reader: Reader, keys: set[tuple[str, str]], place: str) -> list[int]:
    """Of an instrument's versions there."""
    try:
        beside = Reader(reader.path / place).captured()
    except NoDataDir:
        return []
    return [one.id for one in beside if (one.venue, one.venue_symbol) in keys]


def _runs(
    folder: Path,
    ids: Sequence[int],
    width_ns: int,
    as_of_ns: int | None,
    span: tuple[int | None, int | None],
    known: Sequence[bool],
) -> list[_Runs]:
    """Where bars are stored that close in the span or at its end, of any state or, if `known`, of a known one."""
    until_ns = None if span[1] is None else span[1] + 1
    files = (
        [one for one in stored_files(folder, "bars") if may_hold_time("bars", one, span[0], until_ns)] if ids else []
    )
    wanted = pc.field("instrument").isin(pa.array(ids, pa.int32())) & (pc.field("width_ns") == width_ns)
    condition = all_of(wanted, in_range("bars", *span), known_by("bars", as_of_ns))
    table = scan("bars", files, condition, ["open_ns", "state"])
    opens, sure = table.column("open_ns").to_numpy(), table.column("state").to_numpy() != BAR_UNKNOWN
    return [_joined(opens[sure] if only else opens, width_ns) for only in known]


def _joined(opens: np.ndarray, width_ns: int) -> _Runs:
    found = np.unique(opens)
    if not len(found):
        return _NONE
    breaks = np.flatnonzero(np.diff(found) != width_ns)
    return _Runs(found[np.append(0, breaks + 1)], found[np.append(breaks, len(found) - 1)] + width_ns)
