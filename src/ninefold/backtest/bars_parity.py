"""The targets of a run against a back-test on its bars.

In:  one instrument's bars of one width as they became known in the run, with what was told of them, and the targets it recorded.
Out: `Difference`s. On the bars as they were first known a formula gives every target of the run, bit for bit. On the bars as
     they stand now, which is what is loaded later, a target differs only behind a bar that late trades restated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from ninefold.execution.reasons import CODE, LATE, UNEXPLAINED, Changed, Difference
from ninefold.formula import Bars as Heard
from ninefold.market.columns import columns
from ninefold.market.instruments import Instrument
from ninefold.market.time import TIMEFRAME_OF
from ninefold.market.values import Known, told_of
from ninefold.strategy.plan import Plan
from ninefold.strategy.series import Joined, Moments, joins, scale_of
from ninefold.strategy.series import Series as Wanting


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """bars: BARS rows of all revisions, in the order in which they became known. first: those as they were first known; newest: as
    they stand now, row by row the same bars.
    """

    instrument: Instrument
    width_ns: int
    first: np.ndarray
    newest: np.ndarray

    @classmethod
    def of(cls, instrument: Instrument, width_ns: int, bars: np.ndarray) -> Series:
        first = bars[bars["revision"] == 0]
        newest = first.copy()
        for row in bars[bars["revision"] > 0]:
            newest[np.searchsorted(first["open_ns"], row["open_ns"])] = row
        return cls(instrument, width_ns, first, newest)

    def wanted(
        self, plans: Sequence[Plan], bars: np.ndarray, known: Known, whole: Whole
    ) -> tuple[np.ndarray, np.ndarray]:
        """Targets of each plan at the close of each bar, and where its entry holds again, both of shape (plans, n).

        plans: all of them read other series, or none does. bars: `first` or `newest`; other series are as first known.
        """
        own = whole.moment[(whole.bars["instrument"] == self.instrument.id) & (whole.bars["width_ns"] == self.width_ns)]
        mine = Heard(columns(bars, told_of(bars, known)), own)
        if not joins(plans[0]):
            return Wanting(plans, scale_of(self.instrument)).warm(mine, {})
        joined = Joined(plans, scale_of(self.instrument))
        return joined.warm(mine, joined.heard(self.instrument, whole.instruments, whole.bars, whole.moment, known))


@dataclass(frozen=True, eq=False, slots=True)
class Whole:
    """All bars of a run as they were first known, in that order, and the moment of each."""

    bars: np.ndarray
    moment: np.ndarray
    instruments: Mapping[int, Instrument]

    @classmethod
    def of(cls, bars: np.ndarray, instruments: Mapping[int, Instrument]) -> Whole:
        """bars: of all revisions."""
        first = bars[bars["revision"] == 0]
        return cls(first, Moments().of_all(first), instruments)


@dataclass(frozen=True, eq=False, slots=True)
class Told:
    """Targets of one strategy on one instrument as a run recorded them: shape (n,) each, oldest first."""

    close_ns: np.ndarray
    target: np.ndarray
    seq: np.ndarray


def as_first_known(series: Series, plan: Plan, again: np.ndarray, told: Told, changed: Changed) -> list[Difference]:
    """again: the plan's targets on `series.first`."""
    place = np.searchsorted(series.first["close_ns"], told.close_ns)
    found = []
    for row in np.flatnonzero(_unlike(again[place], told.target)).tolist():
        reason, why = UNEXPLAINED, "the formula over the same bars gives another value"
        if plan.name in changed.strategies:
            reason, why = CODE, changed.strategies[plan.name]
        elif changed.code:
            reason, why = CODE, changed.code
        bar = series.first[place[row]]
        found.append(_difference(series, plan, bar, told.target[row], again[place[row]], reason, why))
    return found


def as_it_stands(series: Series, plan: Plan, first: np.ndarray, newest: np.ndarray) -> list[Difference]:
    """first, newest: the plan's targets on the bars as they were first known, and as they stand now."""
    restated = np.flatnonzero(series.newest["revision"] > 0)
    found = []
    for row in np.flatnonzero(_unlike(first, newest)).tolist():
        before = restated[: np.searchsorted(restated, row, "right")]
        bar = series.first[row]
        if not len(before):
            reason, why = UNEXPLAINED, "no bar up to this one was restated"
        else:
            late = series.newest[before[-1]]
            reason = LATE
            why = (
                f"trades of the bar closing {int(late['close_ns'])} came after it was finished: it was restated at seq "
                f"{int(late['seq']):,} (revision {int(late['revision'])})"
            )
        one = _difference(series, plan, bar, first[row], newest[row], reason, why)
        found.append(msgspec.structs.replace(one, kind="target on bars as they stand"))
    return found


def series_of(bars: np.ndarray, instruments: Mapping[int, Instrument], widths: set[int]) -> Iterator[Series]:
    """The series of some widths among BARS rows, those with bars, by instrument."""
    for instrument, width in sorted({(int(i), int(w)) for i, w in bars[["instrument", "width_ns"]].tolist()}):
        if width in widths and instrument in instruments:
            mine = bars[(bars["instrument"] == instrument) & (bars["width_ns"] == width)]
            yield Series.of(instruments[instrument], width, mine)


def _unlike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where two arrays differ; unknown is like unknown."""
    unlike: np.ndarray = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return unlike


def _difference(
    series: Series, plan: Plan, bar: np.void, run: float, again: float, reason: str, why: str
) -> Difference:
    return Difference(
        seq=int(bar["seq"]),
        known_ns=int(bar["known_ns"]),
        kind="target",
        instrument=series.instrument.name,
        strategy=plan.name,
        what=f"{TIMEFRAME_OF[series.width_ns]} closing {int(bar['close_ns'])}",
        run=f"target {run}",
        again=f"target {again}",
        reason=reason,
        why=why,
    )
