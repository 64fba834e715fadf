"""Strategies on the bars of one instrument and timeframe: their targets, bar by bar.

In:  bars as rows of columns, oldest first; for `Joined` also those of other instruments and widths that formulas read, each with the
     moment at which it was known.
Out: the newest target of each strategy; which of them would enter again.

A moment is when a bar was known by our clock, put later where that clock went back, so that it rises from input to input. Bars of one
input have one moment: those of other series are heard first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ninefold.formula import Aligned, Evaluator, Scale, Term, sources
from ninefold.formula import Bars as Heard
from ninefold.formula import update_all as evaluate_all
from ninefold.formula.elsewhere import Source
from ninefold.market.arrays import TARGETS, stacked
from ninefold.market.columns import columns
from ninefold.market.instruments import Instrument
from ninefold.market.time import width_of
from ninefold.market.values import Known, told_of
from ninefold.strategy.plan import Plan, targets

RECENT_BARS = 32


class Closed(NamedTuple):
    """A bar that a series takes."""

    series: Series
    instrument: int
    width_ns: int
    close_ns: int
    known_ns: int
    seq: int
    bar: dict[str, float]
    moment_ns: int


class Series:
    """Formulas over the own bars alone."""

    evaluator: Evaluator | Aligned

    def __init__(self, strategies: Sequence[Plan], scale: Scale) -> None:
        self.strategies = tuple(strategies)
        self.places = {strategy.name: place for place, strategy in enumerate(strategies)}
        self.blank = np.zeros(len(strategies), TARGETS)
        self.blank["strategy"] = [strategy.name.encode() for strategy in strategies]
        self._entries = [(place, *entry) for place, one in enumerate(strategies) for entry in one.entered_again]
        self.evaluator = self._evaluator(
            [strategy.target for strategy in strategies] + [term for _, _, term in self._entries], scale
        )
        self.recent: deque[dict[str, float]] = deque(maxlen=RECENT_BARS)
        self.latest = np.full(len(strategies), np.nan)
        self.renewed: list[str] = []

    def update(self, bar: dict[str, float], moment_ns: int) -> None:
        self.recent.append(bar)
        values = self._take(bar, moment_ns)
        self.see(values, targets(values[: len(self.strategies)]))

    def foresee(self, row: Mapping[str, float]) -> None:
        """A bar that may come next."""
        self.own.foresee(row)

    def see(self, values: np.ndarray, wanted: np.ndarray) -> None:
        """The values of all formulas at a bar, and the targets that they are."""
        self.latest = wanted
        found = zip(self._entries, values[len(self.strategies) :].tolist(), strict=True)
        self.renewed = [
            self.strategies[place].name for (place, side, _), holds in found if holds == 1.0 and wanted[place] == side
        ]

    def warm(self, own: Heard, others: Mapping[Source, Heard]) -> tuple[np.ndarray, np.ndarray]:
        """Take all bars so far; returns the targets at each, and where the entry holds again, both of shape (strategies, n)."""
        values = self._take_all(own, others)
        many = len(self.strategies)
        self.latest = targets(self.evaluator.latest[:many])
        self.remember(own)
        wanted = targets(values[:many])
        renewed = np.zeros(wanted.shape, bool)
        for (place, side, _), holds in zip(self._entries, values[many:], strict=True):
            renewed[place] |= (holds == 1.0) & (wanted[place] == side)
        return wanted, renewed

    def remember(self, own: Heard) -> None:
        """The newest of these bars, for who looks ahead."""
        last = {name: of[-RECENT_BARS:] for name, of in own.columns.items()}
        for place in range(len(next(iter(last.values())))):
            self.recent.append({name: float(of[place]) for name, of in last.items()})

    def told(self, instrument: int, width_ns: int, close_ns: int, known_ns: int, seq: int) -> np.ndarray:
        """The targets as rows."""
        return told_all([Closed(self, instrument, width_ns, close_ns, known_ns, seq, {}, known_ns)])

    def recent_columns(self) -> dict[str, np.ndarray]:
        return {name: np.array([bar[name] for bar in self.recent]) for name in self.recent[-1]}

    def _evaluator(self, terms: Sequence[Term], scale: Scale) -> Evaluator | Aligned:
        return Evaluator(terms, scale)

    @property
    def own(self) -> Evaluator:
        """The evaluator of formulas over the own bars alone."""
        assert isinstance(self.evaluator, Evaluator)
        return self.evaluator

    def _take(self, bar: dict[str, float], moment_ns: int) -> np.ndarray:
        return self.own.update(bar)

    def _take_all(self, own: Heard, others: Mapping[Source, Heard]) -> np.ndarray:
        return self.own.warm(own.columns)


class Joined(Series):
    """Formulas that read other series too."""

    evaluator: Aligned

    def foresee(self, row: Mapping[str, float]) -> None:
        """What it reads elsewhere comes before it."""

    def hear(self, source: Source, moment_ns: int, bar: Mapping[str, float], scale: Scale) -> None:
        """A bar of another series. scale: of its instrument; one whose decimals have changed is heard no more."""
        if self._knows(source, scale):
            self.evaluator.hear(source, moment_ns, bar)

    def reads(self, own: Instrument, of: Instrument, width_ns: int) -> Iterator[Source]:
        """The sources that bars of an instrument and width are."""
        for instrument, timeframe in self.evaluator.sources:
            named = of.id == own.id if not instrument else of.name == instrument
            if named and width_ns == width_of(timeframe or self.strategies[0].timeframe):
                yield instrument, timeframe

    def _evaluator(self, terms: Sequence[Term], scale: Scale) -> Aligned:
        self._scales: dict[Source, Scale] = {}
        return Aligned(terms, scale, self.strategies[0].timeframe, dict.fromkeys(sources(terms), scale))

    def _knows(self, source: Source, scale: Scale) -> bool:
        if source not in self._scales:
            self._scales[source] = scale
            self.evaluator.scaled(source, scale)
        return self._scales[source] == scale

    def _take(self, bar: dict[str, float], moment_ns: int) -> np.ndarray:
        return self.evaluator.update(moment_ns, bar)

    def _take_all(self, own: Heard, others: Mapping[Source, Heard]) -> np.ndarray:
        return self.evaluator.warm(own, others)

    def heard(
        self, own: Instrument, instruments: Mapping[int, Instrument], bars: np.ndarray, moment: np.ndarray, known: Known
    ) -> dict[Source, Heard]:
        """What it reads elsewhere of bars in the order in which they became known, first revisions. moment: shape (n,)."""
        found: dict[Source, Heard] = {}
        for number, width_ns in sorted({(int(i), int(w)) for i, w in bars[["instrument", "width_ns"]].tolist()}):
            of = instruments[number]
            mine = (bars["instrument"] == number) & (bars["width_ns"] == width_ns)
            for source in self.reads(own, of, width_ns):
                if self._knows(source, scale_of(of)) and source not in found:
                    found[source] = Heard(columns(bars[mine], told_of(bars[mine], known)), moment[mine])
        return found


def update_all(closed: Sequence[Closed]) -> None:
    """`update` of series that are each there once; those of the same formulas take their bars together."""
    alike: dict[int, list[Closed]] = {}
    for one in closed:
        if isinstance(one.series, Joined):
            one.series.update(one.bar, one.moment_ns)
        else:
            alike.setdefault(one.width_ns, []).append(one)
    for some in alike.values():
        values = evaluate_all([one.series.own for one in some], [one.bar for one in some])
        wanted = targets(values[:, : len(some[0].series.strategies)])
        for one, found, wants in zip(some, values, wanted, strict=True):
            one.series.recent.append(one.bar)
            one.series.see(found, wants)


def hear_all(
    joined: Sequence[tuple[Instrument, Joined]],
    instruments: Mapping[int, Instrument],
    bars: np.ndarray,
    moments: Sequence[int],
    read: Sequence[Mapping[str, float]],
) -> None:
    """What series read elsewhere is heard before the own bars of the same input. joined: each with its own instrument. moments, read:
    of the bars."""
    keys = bars[["instrument", "width_ns"]].tolist() if joined else []
    for (instrument, width_ns), row, moment in zip(keys, read, moments, strict=bool(joined)):
        of = instruments[instrument]
        for own, series in joined:
            for source in series.reads(own, of, width_ns):
                series.hear(source, moment, row, scale_of(of))


def told_all(closed: Sequence[Closed]) -> np.ndarray:
    """The newest targets of each series as rows, one series after the other."""
    made = stacked("targets", [one.series.blank for one in closed])
    counts = [len(one.series.strategies) for one in closed]
    for name in ("instrument", "width_ns", "close_ns", "known_ns", "seq"):
        made[name] = np.repeat([getattr(one, name) for one in closed], counts)
    made["target"] = np.concatenate([one.series.latest for one in closed])
    return made


class Moments:
    """The moment of each input that made bars, inputs in their order."""

    def __init__(self) -> None:
        self._seq = -1
        self._moment_ns = np.iinfo(np.int64).min // 2

    def of(self, seq: int, known_ns: int) -> int:
        if seq != self._seq:
            self._seq, self._moment_ns = seq, max(known_ns, self._moment_ns + 1)
        return self._moment_ns

    def of_all(self, bars: np.ndarray) -> np.ndarray:
        """Of BARS rows, shape (n,)."""
        pairs = bars[["seq", "known_ns"]].tolist()
        return np.array([self.of(seq, known_ns) for seq, known_ns in pairs], np.int64)


def scale_of(instrument: Instrument) -> Scale:
    return Scale(instrument.price_decimals, instrument.size_decimals)


def joins(plan: Plan) -> bool:
    """Whether a plan reads other series than its own bars."""
    return bool(sources([*plan.terms, *(term for _, term in plan.entered_again)]))
