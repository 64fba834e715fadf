"""Strategies with legs: the targets of all legs, at the closes at which all of them have a bar.

In:  the values of the legs' formulas; in the pipeline the closed bars of all instruments, in the order in which they became
     known, each with its moment.
Out: what is wanted of each leg (`wanted_of_legs`, the rule of back-tests too); in the pipeline as TARGETS rows, one for each leg.

A close counts where all legs became known with the same input: back-tests cut the legs to the times that all have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from ninefold.formula import Bars as Heard
from ninefold.formula import Scale
from ninefold.formula.elsewhere import Source
from ninefold.market.arrays import TARGETS, empty
from ninefold.market.columns import columns
from ninefold.market.instruments import Instrument
from ninefold.market.values import Known, told_of
from ninefold.strategy.forms import Legs
from ninefold.strategy.plan import Plan, targets
from ninefold.strategy.series import Closed, Joined, scale_of

Values = Mapping[str, np.ndarray]


def wanted_of_legs(legs: Legs, values: Values) -> dict[str, np.ndarray]:
    """values: by leg, of the formulas that are read of it (`Legs.read_of`), shape (formulas, n). returns: the target of each, shape
    (n,); where one is unknown, all are: half a position is another strategy."""
    first = values[legs.names[0]]
    side = 1.0 if legs.side is None else targets(first[0])
    wanted = {leg: targets(values[leg][-1] * side) for leg in legs.names}
    unknown = np.isnan(np.array(list(wanted.values()))).any(axis=0)
    return {leg: np.where(unknown, np.nan, target) for leg, target in wanted.items()}


class LegSeries(Joined):
    """What a strategy reads of the bars of one leg. values: of its formulas at the last bar, before anything is cut."""

    def __init__(self, plan: Plan, legs: Legs, leg: str, scale: Scale) -> None:
        super().__init__([replace(plan, wants=term) for term in legs.read_of(leg)], scale)
        self.places = {plan.name: 0}
        self.plan, self.legs, self.leg = plan, legs, leg
        self.values = np.full(len(self.strategies), np.nan)

    def see(self, values: np.ndarray, wanted: np.ndarray) -> None:
        super().see(values, wanted)
        self.values = values

    def values_of(self, own: Heard, others: Mapping[Source, Heard]) -> np.ndarray:
        """Take all bars so far; returns the values at each, shape (formulas, n)."""
        found = self._take_all(own, others)
        self.remember(own)
        if found.shape[1]:
            self.see(found[:, -1], targets(found[:, -1]))
        return found


class LegsWanted:
    """plans: with legs, placed on instruments. instruments: by id, as they become known."""

    def __init__(self, plans: Sequence[Plan], instruments: Mapping[int, Instrument]) -> None:
        self._legs = [(plan, plan.wants) for plan in plans if isinstance(plan.wants, Legs)]
        self._instruments = instruments
        self._series: dict[tuple[str, int], LegSeries] = {}

    def take(
        self, bars: np.ndarray, moments: Sequence[int], read: Sequence[dict[str, float]]
    ) -> tuple[np.ndarray, list[Closed]]:
        """First revisions of one chunk. returns: TARGETS rows, and the bars of first legs among them."""
        keys = bars[["instrument", "width_ns", "close_ns", "known_ns", "seq"]].tolist()
        for (instrument, width_ns, *_), row, moment in zip(keys, read, moments, strict=True):
            self._hear(instrument, width_ns, row, moment)
        at: dict[tuple[str, int, int], list[tuple[Closed, LegSeries, np.ndarray]]] = {}
        for (instrument, width_ns, close_ns, known_ns, seq), row, moment in zip(keys, read, moments, strict=True):
            for series in self.series_on(instrument, width_ns):
                series.update(row, moment)
                closed = Closed(series, instrument, width_ns, close_ns, known_ns, seq, row, moment)
                at.setdefault((series.plan.name, seq, close_ns), []).append((closed, series, series.values))
        rows, firsts = [empty("targets")], []
        for found in at.values():
            legs = found[0][1].legs
            if len(found) == len(legs.on):
                wanted = wanted_of_legs(legs, {series.leg: values[:, None] for _, series, values in found})
                rows += [_told(series.plan, [closed], wanted[series.leg]) for closed, series, _ in found]
                firsts += [closed for closed, series, _ in found if series.leg == legs.names[0]]
        return np.concatenate(rows), firsts

    def warm(self, bars: np.ndarray, moment: np.ndarray, known: Known) -> np.ndarray:
        """All bars so far, first revisions in the order in which they became known. returns: TARGETS rows."""
        made = [empty("targets")]
        for plan, legs in self._legs:
            found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
            for own in self._instruments.values():
                mine = (bars["instrument"] == own.id) & (bars["width_ns"] == plan.width_ns)
                if own.name in legs.on and mine.any():
                    series = self._of(plan, legs, own)
                    others = series.heard(own, self._instruments, bars, moment, known)
                    heard = Heard(columns(bars[mine], told_of(bars[mine], known)), moment[mine])
                    found[series.leg] = bars[mine], series.values_of(heard, others)
            if len(found) == len(legs.on):
                made += _told_of_all(plan, legs, found)
        return np.concatenate(made)

    def series_on(self, instrument: int, width_ns: int) -> Iterator[LegSeries]:
        """Of strategies of which this is a leg."""
        of = self._instruments[instrument]
        for plan, legs in self._legs:
            if plan.width_ns == width_ns and of.name in legs.on:
                yield self._of(plan, legs, of)

    def _hear(self, instrument: int, width_ns: int, row: dict[str, float], moment: int) -> None:
        of = self._instruments[instrument]
        for own in list(self._instruments.values()):
            for plan, legs in self._legs:
                if own.name in legs.on:
                    series = self._of(plan, legs, own)
                    for source in series.reads(own, of, width_ns):
                        series.hear(source, moment, row, scale_of(of))

    def _of(self, plan: Plan, legs: Legs, own: Instrument) -> LegSeries:
        key = (plan.name, own.id)
        if key not in self._series:
            self._series[key] = LegSeries(plan, legs, legs.names[legs.on.index(own.name)], scale_of(own))
        return self._series[key]


def _told(plan: Plan, closed: Sequence[Closed], wanted: np.ndarray) -> np.ndarray:
    made = np.zeros(len(closed), TARGETS)
    for name in ("instrument", "width_ns", "close_ns", "known_ns", "seq"):
        made[name] = [getattr(one, name) for one in closed]
    made["strategy"], made["target"] = plan.name.encode(), wanted
    return made


def _told_of_all(plan: Plan, legs: Legs, found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """found: by leg, its bars and the values at each."""
    closes = {leg: bars[["seq", "close_ns"]].copy() for leg, (bars, _) in found.items()}
    shared = reduce(np.intersect1d, closes.values())
    places = {leg: np.flatnonzero(np.isin(of, shared)) for leg, of in closes.items()}
    wanted = wanted_of_legs(legs, {leg: values[:, places[leg]] for leg, (_, values) in found.items()})
    made = []
    for leg, (bars, _) in found.items():
        rows = np.zeros(len(shared), TARGETS)
        for name in ("instrument", "width_ns", "close_ns", "known_ns", "seq"):
            rows[name] = bars[name][places[leg]]
        rows["strategy"], rows["target"] = plan.name.encode(), wanted[leg]
        made.append(rows)
    return made
