"""Strategies that read what they hold, and free code: their targets, made where what they hold is known.

In:  closed bars, also of other series that formulas read; what each strategy holds at the tick that finished them.
Out: TARGETS rows and `Renewed` records, as `decide` makes them of all other strategies; `failures` of free code, whose target is unknown
     from then on, on all instruments.

After a restart all bars so far are played again, with what was held at each: so windows over the own position, and whatever
free code keeps, are what they would be had nothing stopped. Free code sees the bars of all instruments in the order in which they
became known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ninefold.formula import Bars as Heard
from ninefold.formula.elsewhere import Source
from ninefold.market.arrays import TARGETS, empty
from ninefold.market.chunk import Chunk
from ninefold.market.columns import closed_of, columns, each_row, told_too
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.strategy_records import Renewed
from ninefold.market.values import Known, known_of, told_of
from ninefold.strategy.free_code import READ, CodeFailed, FreeCode
from ninefold.strategy.own import Closed, Holding, Holdings, own_of_all
from ninefold.strategy.plan import Code, Plan
from ninefold.strategy.series import Joined, Moments, Series, hear_all, joins, scale_of

Held = Callable[[str, int], Holding | None]  # by strategy and instrument
HeldEach = Callable[[str, int, np.ndarray], Holdings]  # and at inputs, by their seq
Key = tuple[int, int]  # instrument, width_ns
Row = Mapping[str, float]
NO_FAILURES: Mapping[str, int] = {}


class Failure(NamedTuple):
    """Free code of a strategy that failed at a bar. place: file and line."""

    strategy: str
    instrument: int
    width_ns: int
    close_ns: int
    place: str
    said: str


class Itself:
    """plans: all that read what they hold, and all free code. venue: that is traded. registry: of the instruments, as they become
    known. failed: by strategy, the input from which on it is not asked any more. failures: new ones, for whoever tells them. renewed: whose
    entry holds again at the bars that were seen last."""

    def __init__(
        self, plans: Sequence[Plan], venue: str, registry: Registry, failed: Mapping[str, int] = NO_FAILURES
    ) -> None:
        self.failures: list[Failure] = []
        self.renewed: list[Renewed] = []
        self.shown: dict[tuple[str, int], Row] = {}  # by strategy and instrument, what it was shown of itself last
        self._plans = tuple(plans)
        self._venue = venue
        self._registry = registry
        self._failed = dict(failed)
        self._series: dict[tuple[int, str], Series] = {}
        self._code: dict[tuple[int, str], FreeCode] = {}
        self._closed: dict[Key, Closed] = {}
        self._joining = [plan for plan in plans if joins(plan)]
        self._moments = Moments()

    @property
    def stopped(self) -> list[str]:
        """Strategies whose free code has failed."""
        return sorted(self._failed)

    def warm(self, bars: np.ndarray, values: np.ndarray, held: HeldEach) -> np.ndarray:
        """Catch up with all bars so far; returns the targets at each, by strategy and series."""
        if not self._plans:
            return empty("targets")
        every, known = bars[bars["revision"] == 0], known_of(values)
        bars, moment = self._first(every), self._moments.of_all(every)
        of_key = {key: bars[_is_of(bars, key)] for key in sorted(set(_keys(bars)))}
        made: list[np.ndarray] = []
        seen: dict[tuple[Key, str], Iterator[tuple[np.void, Row, Row]]] = {}
        for key, mine in of_key.items():
            closes = self._closed_of(key).see_all(mine, self._registry[key[0]].tick_size)
            read = columns(mine, told_of(mine, known))
            for plan in self._of_width(key[1]):
                own = own_of_all(mine["seq"], closes, held(plan.name, key[0], mine["seq"]))
                if isinstance(plan.wants, Code):
                    seen[key, plan.name] = zip(mine, _rows(read, READ), _rows(own, tuple(own)), strict=True)
                else:
                    series = self._series_of(plan, key[0])
                    others = self._heard(series, key[0], every, moment, known)
                    own_ns = moment[np.searchsorted(every["seq"], mine["seq"])]
                    wanted, again = series.warm(Heard(read | own, own_ns), others)
                    self.renewed += [_renewed(bar, plan.name) for bar in mine[again[0]]]
                    made.append(self._told(mine, plan.name, wanted[0]))
        said: dict[tuple[Key, str], list[float]] = {each: [] for each in seen}
        for key in _keys(bars) if seen else ():
            for plan in self._of_width(key[1]):
                if isinstance(plan.wants, Code):
                    said[key, plan.name].append(self._ask(plan.wants, plan.name, key, *next(seen[key, plan.name])))
        made += [self._told(of_key[key], name, np.array(targets)) for (key, name), targets in said.items()]
        return np.concatenate([empty("targets"), *made])

    def targets(self, chunk: Chunk, held: Held) -> np.ndarray:
        """What they want at the bars of a chunk, TARGETS rows. held: as it is at its tick."""
        self.renewed = []
        every, read = closed_of(chunk)
        if not self._plans or not len(every):
            return empty("targets")
        moment_of = self._hear(chunk, every, read)
        if not len(bars := self._first(every)):
            return empty("targets")
        read = each_row(bars, told_of(bars, known_of(chunk.rows("values"))))
        said: dict[str, list[float]] = {plan.name: [] for plan in self._plans}
        for bar, row, key in zip(bars, read, _keys(bars), strict=True):
            closed = self._closed_of(key)
            closed.see(bar, self._registry[key[0]].tick_size)
            for plan in self._of_width(key[1]):
                own = self.shown[plan.name, key[0]] = closed.own(held(plan.name, key[0]))
                said[plan.name].append(self._asked(plan, key, bar, row, own, moment_of[int(bar["seq"])]))
        widths = {plan.name: plan.width_ns for plan in self._plans}
        made = [
            self._told(bars[bars["width_ns"] == widths[name]], name, np.array(targets))
            for name, targets in said.items()
        ]
        return np.concatenate([empty("targets"), *made])

    def _hear(self, chunk: Chunk, bars: np.ndarray, read: Sequence[dict[str, float]]) -> dict[int, int]:
        """What formulas read elsewhere is heard; returns the moment of each input."""
        moments = self._moments.of_all(bars).tolist()
        if self._joining:
            mine = [one for one in self._registry if one.venue == self._venue]
            series = [(own, self._series_of(plan, own.id)) for own in mine for plan in self._joining]
            joined = [(own, one) for own, one in series if isinstance(one, Joined)]
            told = told_too(bars, read, known_of(chunk.rows("values")))
            hear_all(joined, self._instruments(), bars, moments, told)
        return dict(zip(bars["seq"].tolist(), moments, strict=True))

    def _heard(
        self, series: Series, own: int, bars: np.ndarray, moment: np.ndarray, known: Known
    ) -> Mapping[Source, Heard]:
        if not isinstance(series, Joined):
            return {}
        return series.heard(self._registry[own], self._instruments(), bars, moment, known)

    def _instruments(self) -> dict[int, Instrument]:
        return {one.id: one for one in self._registry}

    def _asked(self, plan: Plan, key: Key, bar: np.void, row: Row, own: Row, moment_ns: int) -> float:
        if isinstance(plan.wants, Code):
            return self._ask(plan.wants, plan.name, key, bar, row, own)
        series = self._series_of(plan, key[0])
        series.update({**row, **own}, moment_ns)
        self.renewed += [_renewed(bar, name) for name in series.renewed]
        return float(series.latest[0])

    def _ask(self, code: Code, name: str, key: Key, bar: np.void, row: Row, own: Row) -> float:
        if name in self._failed:
            return math.nan
        if (of := (key[0], name)) not in self._code:
            self._code[of] = FreeCode(code, scale_of(self._registry[key[0]]))
        try:
            return self._code[of].target(int(bar["open_ns"]), int(bar["close_ns"]), row, own)
        except CodeFailed as error:
            self._failed[name] = int(bar["seq"])
            self.failures.append(Failure(name, *key, int(bar["close_ns"]), error.place, error.said))
            return math.nan

    def _told(self, bars: np.ndarray, name: str, targets: np.ndarray) -> np.ndarray:
        """As rows; of what has failed at an input nothing of that input counts, of no instrument."""
        made = np.zeros(len(bars), TARGETS)
        for field in ("instrument", "width_ns", "close_ns", "known_ns", "seq"):
            made[field] = bars[field]
        failed_seq = self._failed.get(name, math.inf)
        made["strategy"], made["target"] = name.encode(), np.where(bars["seq"] >= failed_seq, math.nan, targets)
        return made

    def _first(self, bars: np.ndarray) -> np.ndarray:
        """First revisions of what somebody decides on, in the order in which they became known."""
        widths = [plan.width_ns for plan in self._plans]
        mine = bars[(bars["revision"] == 0) & np.isin(bars["width_ns"], widths)]
        traded = [of for of in set(mine["instrument"].tolist()) if self._registry[of].venue == self._venue]
        mine = mine[np.isin(mine["instrument"], traded)]
        ordered: np.ndarray = mine[np.lexsort((mine["instrument"], mine["width_ns"], mine["close_ns"], mine["seq"]))]
        return ordered

    def _of_width(self, width_ns: int) -> list[Plan]:
        return [plan for plan in self._plans if plan.width_ns == width_ns]

    def _closed_of(self, key: Key) -> Closed:
        return self._closed.setdefault(key, Closed())

    def _series_of(self, plan: Plan, instrument: int) -> Series:
        key = (instrument, plan.name)
        if key not in self._series:
            kind = Joined if plan in self._joining else Series
            self._series[key] = kind([plan], scale_of(self._registry[instrument]))
        return self._series[key]


def _renewed(bar: np.void, name: str) -> Renewed:
    at = {field: int(bar[field]) for field in ("seq", "known_ns", "instrument")}
    return Renewed(**at, strategy=name)


def _keys(bars: np.ndarray) -> list[Key]:
    found: list[Key] = bars[["instrument", "width_ns"]].tolist()
    return found


def _is_of(bars: np.ndarray, key: Key) -> np.ndarray:
    found: np.ndarray = (bars["instrument"] == key[0]) & (bars["width_ns"] == key[1])
    return found


def _rows(made: Mapping[str, np.ndarray], names: Sequence[str]) -> Iterator[Row]:
    """Of columns, row by row."""
    for values in zip(*(made[name].tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))
