"""Formulas over several series of bars: each joins by when its bars were known.

In:  bars of the own series and of those that `at` and `on` name, each with the moment at which it was known.
Out: values at the close of the own bars. A value from elsewhere is that of the last bar known by then, its own moment
     included; it is unknown if that bar is, or if it is older than two of its widths: a feed that stands still is not
     passed off as a market that does.

One bar at a time and all at once give the same bits, whatever the order in which the series interleave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from ninefold.formula.elsewhere import Elsewhere, Source, elsewhere_in
from ninefold.formula.errors import FormulaError
from ninefold.formula.evaluate import Evaluator
from ninefold.formula.kernels import NAN
from ninefold.formula.term import Term
from ninefold.formula.units import Scale
from ninefold.market.time import width_of

OLDEST_WIDTHS = 2


@dataclass(frozen=True)
class Bars:
    """Bars of one series, oldest first. columns: shape (n,) each; known_ns: int64, shape (n,), never falling."""

    columns: Mapping[str, np.ndarray]
    known_ns: np.ndarray


class Aligned:
    """Several terms over the bars of one instrument and width, with what they read elsewhere.

    others: the scale of the instrument of every source that the terms name (see `sources`).
    raises: FormulaError if one is missing.
    """

    def __init__(self, terms: Sequence[Term], scale: Scale, timeframe: str, others: Mapping[Source, Scale]) -> None:
        self.sources = sources(terms)
        self._own = Evaluator(terms, scale)
        self._scale = scale
        self._now = np.iinfo(np.int64).min
        self._heard: dict[Source, _Heard] = {}
        for source, wanted in self.sources.items():
            if source not in others:
                raise FormulaError(f"{wanted[0]}: the scale of {source} is missing; give one for each source")
            width_ns = width_of(source[1] or timeframe)
            self._heard[source] = _Heard(wanted, scale, others[source], OLDEST_WIDTHS * width_ns)

    @property
    def latest(self) -> np.ndarray:
        """The values at the last own bar, shape (terms,); NaN before the first."""
        return self._own.latest

    def scaled(self, source: Source, scale: Scale) -> None:
        """Another scale for a series of which nothing was taken yet: its instrument was not known before."""
        self._heard[source] = _Heard(self.sources[source], self._scale, scale, self._heard[source].oldest_ns)

    def hear(self, source: Source, known_ns: int, row: Mapping[str, float]) -> None:
        """Take one bar of another series.

        raises: FormulaError if it was known before a bar that was taken already: what was decided cannot be restated.
        """
        self._check(source, known_ns)
        self._heard[source].hear(known_ns, row)

    def update(self, known_ns: int, row: Mapping[str, float]) -> np.ndarray:
        """Take one bar of the own series; return the values at its close, shape (terms,)."""
        if known_ns < self._now:
            raise _out_of_order("the own bar", known_ns, self._now)
        self._now = known_ns
        joined = dict(row)
        for heard in self._heard.values():
            joined.update(heard.as_of(known_ns))
        return self._own.update(joined)

    def warm(self, own: Bars, others: Mapping[Source, Bars]) -> np.ndarray:
        """Take many bars at once; return all values, shape (terms, n), bit for bit those of taking them one by one."""
        if len(own.known_ns) and (own.known_ns[0] < self._now or (np.diff(own.known_ns) < 0).any()):
            raise _out_of_order("the own bar", int(own.known_ns[0]), self._now)
        joined = dict(own.columns)
        for source, heard in self._heard.items():
            if source in others and len(others[source].known_ns):
                self._check(source, int(others[source].known_ns[0]))
                heard.hear_all(others[source])
            joined.update(heard.as_of_all(own.known_ns))
        values = self._own.warm(joined)
        self._now = int(own.known_ns[-1]) if len(own.known_ns) else self._now
        return values

    def ahead(self, columns: Mapping[str, np.ndarray], index: int) -> np.ndarray:
        """`Evaluator.ahead`, in futures in which nothing changes elsewhere."""
        shape = np.shape(next(iter(columns.values())))
        still = {
            name: np.full(shape, x) for heard in self._heard.values() for name, x in heard.as_of(self._now).items()
        }
        return self._own.ahead({**columns, **still}, index)

    def copy(self) -> Self:
        """An independent one in the same state."""
        twin = type(self).__new__(type(self))
        twin.sources, twin._now, twin._own, twin._scale = self.sources, self._now, self._own.copy(), self._scale
        twin._heard = {source: heard.copy() for source, heard in self._heard.items()}
        return twin

    def held(self) -> int:
        """How many past values are kept."""
        return self._own.held() + sum(heard.held() for heard in self._heard.values())

    def _check(self, source: Source, known_ns: int) -> None:
        if source not in self._heard:
            raise FormulaError(f"no term reads {source}; sources are {list(self._heard)}")
        latest = max(self._now, self._heard[source].latest - 1)
        if known_ns <= latest:
            raise _out_of_order(f"the bar of {source}", known_ns, latest)


def sources(terms: Sequence[Term]) -> dict[Source, tuple[Elsewhere, ...]]:
    """Which other series the terms read, and what of each."""
    wanted: dict[Source, list[Elsewhere]] = {}
    for term in sorted(frozenset().union(*(elsewhere_in(term) for term in terms)), key=str):
        wanted.setdefault(term.source, []).append(term)
    return {source: tuple(found) for source, found in wanted.items()}


class _Heard:
    """One other series: its evaluator, the values that hold now, and those that will."""

    def __init__(self, wanted: Sequence[Elsewhere], own: Scale, scale: Scale, oldest_ns: int) -> None:
        self._names = [term.name for term in wanted]
        self._shifts = [own.decimals(term.unit) - scale.decimals(term.unit) for term in wanted]
        self._evaluator = Evaluator([term.term for term in wanted], scale)
        self.oldest_ns = oldest_ns
        self._said: deque[tuple[int, np.ndarray]] = deque()
        self.latest = np.iinfo(np.int64).min + 1

    def hear(self, known_ns: int, row: Mapping[str, float]) -> None:
        self._said.append((known_ns, self._converted(self._evaluator.update(row))))
        self.latest = known_ns

    def hear_all(self, bars: Bars) -> None:
        if any(later < sooner for sooner, later in pairwise(bars.known_ns.tolist())):
            raise FormulaError("bars of another series must come in the order in which they were known")
        values = self._converted(self._evaluator.warm(bars.columns))
        self._said.extend(zip(bars.known_ns.tolist(), values.T, strict=True))
        self.latest = int(bars.known_ns[-1])

    def as_of(self, now_ns: int) -> dict[str, float]:
        while len(self._said) > 1 and self._said[1][0] <= now_ns:
            self._said.popleft()
        if not self._said or not self._said[0][0] <= now_ns <= self._said[0][0] + self.oldest_ns:
            return dict.fromkeys(self._names, NAN)
        return dict(zip(self._names, self._said[0][1].tolist(), strict=True))

    def as_of_all(self, now_ns: np.ndarray) -> dict[str, np.ndarray]:
        if not self._said:
            return {name: np.full(len(now_ns), NAN) for name in self._names}
        known = np.array([known_ns for known_ns, _ in self._said], np.int64)
        values = np.array([found for _, found in self._said])
        place = np.searchsorted(known, now_ns, side="right") - 1
        there = (place >= 0) & (now_ns - known[place] <= self.oldest_ns)
        if len(now_ns):
            self.as_of(int(now_ns[-1]))
        return {name: np.where(there, values[place, at], NAN) for at, name in enumerate(self._names)}

    def copy(self) -> _Heard:
        twin = _Heard.__new__(_Heard)
        twin.__dict__.update(self.__dict__)
        twin._evaluator, twin._said = self._evaluator.copy(), self._said.copy()
        return twin

    def held(self) -> int:
        return self._evaluator.held() + len(self._said) * len(self._names)

    def _converted(self, values: np.ndarray) -> np.ndarray:
        """From the other instrument's ticks and lots to the own ones, shape (terms, ...); a ratio stays as it is."""
        scaled = [
            x * 10.0**shift if shift >= 0 else x / 10.0**-shift for x, shift in zip(values, self._shifts, strict=True)
        ]
        return np.array(scaled).reshape(values.shape)


def _out_of_order(what: str, known_ns: int, taken_ns: int) -> FormulaError:
    return FormulaError(
        f"{what} was known at {known_ns}, but one known at {taken_ns} was taken already; "
        "give bars in the order in which they became known, those of other series first where the moment is the same"
    )
