"""Certificates of imported trades: how complete each hour is of what a source had of an instrument.

In:  a run that came to its end, all of whose rows were counted back; the trades in D/imports.
Out: a certificate for each hour from its first trade to its last one, by the rule of store/range_certificates.py: by the ids
     where they count, and else "cannot tell". Made again they are the same, so a kill between the rows and these costs
     nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ninefold.imports.stored import RUN_BITS, Stored
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Certificate, Ids
from ninefold.store.delta import StoredFile
from ninefold.store.hours import ids_stored
from ninefold.store.range_certificates import Facts, Hours, Range, certified, span
from ninefold.store.read import Reader
from ninefold.store.scan import all_of, in_range, may_hold_time

Instruments = dict[int, Hours]


def certify(stored: Stored, run: int, now_ns: int) -> None:
    """Certify the hours of a run, and of all before it if none ever was. raises: StoreWriteFailed."""
    latest: dict[int, dict[int, Certificate]] = {}
    for one in Reader(stored.path).certificates():
        latest.setdefault(one.instrument, {})[one.hour_ns] = one
    for number in [run] if latest else range(1, run + 1):
        made = _of_run(stored, number, now_ns, latest)
        if made:
            stored.certify(made)
        for one in made:
            latest.setdefault(one.instrument, {})[one.hour_ns] = one


def _of_run(stored: Stored, run: int, now_ns: int, latest: dict[int, dict[int, Certificate]]) -> list[Certificate]:
    files = list(stored.files("trades"))
    first, last = run << RUN_BITS, ((run + 1) << RUN_BITS) - 1
    mine = [file for file in files if file.may_hold("seq", first, last + 1)]
    ids, last_seq = ids_stored(mine, (pc.field("seq") >= first) & (pc.field("seq") <= last))
    fresh = _by_instrument(ids)
    if not fresh:
        return []
    near_ns = min(hour for _, hour in ids), max(hour for _, hour in ids) + HOUR_NS
    near = _within(files, *near_ns, sorted(fresh))
    made = []
    for instrument, hours in fresh.items():
        known = latest.get(instrument, {})
        first_ns, end_ns = min(one.from_ns for one in hours.values()), max(one.to_ns for one in hours.values()) + 1
        traded = {hour: span(one) for hour, one in known.items() if one.trades} | hours
        held = _Of(instrument, files, near_ns, near[instrument], traded)
        made += certified(Range(instrument, first_ns, end_ns, now_ns, _Imported()), known, hours, last_seq, held)
    return made


class _Of(NamedTuple):
    """What is stored of one instrument. near: the ids of all hours in `near_ns`; traded: of all hours, as far as known."""

    instrument: int
    files: list[StoredFile]
    near_ns: tuple[int, int]
    near: Hours
    traded: Hours

    def within(self, start_ns: int, end_ns: int) -> Hours:
        found = {hour: ids for hour, ids in self.near.items() if start_ns <= hour < end_ns}
        for low, high in ((start_ns, min(end_ns, self.near_ns[0])), (max(start_ns, self.near_ns[1]), end_ns)):
            if low < high:
                found |= _within(self.files, low, high, [self.instrument]).get(self.instrument, {})
        return found

    def nearest(self, time_ns: int, before: bool) -> Ids | None:
        hours = [hour for hour in self.traded if (hour < time_ns) == before]
        return self.traded[max(hours) if before else min(hours)] if hours else None


class _Imported:
    """The words of a range."""

    no_later = "no trade after this hour was imported"

    def without_ids(self, hour: int, facts: Facts) -> str | None:
        if facts.ids is None:
            return "no trade of this hour was imported, and no id says that there was none"
        return "the source gives no ids to count by; what it had of this hour was stored and counted back"


def _within(files: list[StoredFile], start_ns: int, end_ns: int, instruments: list[int]) -> Instruments:
    inside = [file for file in files if may_hold_time("trades", file, start_ns, end_ns)]
    wanted = pc.field("instrument").isin(pa.array(instruments, pa.int32()))
    return _by_instrument(ids_stored(inside, all_of(wanted, in_range("trades", start_ns, end_ns)))[0])


def _by_instrument(ids: Mapping[tuple[int, int], Ids]) -> Instruments:
    found: Instruments = {}
    for (instrument, hour), some in ids.items():
        found.setdefault(instrument, {})[hour] = some
    return found
