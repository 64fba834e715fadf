"""Evaluate terms: one bar at a time, whole arrays, or many possible futures, to the same bits.

In:  columns of bars from the anchor on, oldest first: prices in ticks, sizes in lots, as whole numbers; unknown is NaN.
Out: one value a term and bar: prices in ticks, sizes in lots, bools as 1 and 0; NaN in the warm-up and where something
     is unknown. A value is defined from the anchor, the first bar ever fed: a restart feeds history again and equals
     never having stopped.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import isfinite
from struct import Struct
from typing import Any, Self

import numpy as np

from ninefold.formula import momentary
from ninefold.formula.errors import FormulaError
from ninefold.formula.fused import Step, fused
from ninefold.formula.kernels import INFINITY, NAN, Kernel, Series
from ninefold.formula.term import Call, Column, Literal, Term
from ninefold.formula.units import Scale

Row = Mapping[str, float]
FEW = 3  # so many evaluators are quicker one by one


def batch(term: Term, columns: Mapping[str, np.ndarray], scale: Scale) -> np.ndarray:
    """The values of one term over whole columns, shape (n,), from the anchor in row 0.

    columns: arrays of shape (n,); those the term reads must be there, others are ignored.
    raises:  FormulaError if a column is missing or of another length.
    """
    values: np.ndarray = Evaluator([term], scale).warm(columns)[0]
    return values


def to_quote(term: Term, values: np.ndarray, scale: Scale) -> np.ndarray:
    """A term's values in quote and base units instead of ticks and lots, for display; ratios stay as they are."""
    return scale.to_quote(values, term.unit)


class Evaluator:
    """Several terms over the bars of one instrument. Equal sub-terms are computed once."""

    def __init__(self, terms: Sequence[Term], scale: Scale) -> None:
        self.terms = tuple(terms)
        self._columns: dict[str, int] = {}
        self._literals: dict[int, float] = {}
        self._kernels: list[Kernel] = []
        program = _Program(scale, self._columns, self._literals, self._kernels)
        self._results = [program.place(term) for term in self.terms]
        self._values = [NAN] * program.slots
        for slot, value in self._literals.items():
            self._values[slot] = value
        self._early, self._late = momentary.split(self._kernels)
        self._steps: tuple[Step, Step] | None = None  # of these two; made when a bar comes alone
        self._remembered = self._columns_of([self._kernels[place] for place in self._early])
        self._foreseen: tuple[bytes, Evaluator] | None = None  # bits of a bar that may come, and who has taken it
        self._behind: tuple[Evaluator, Row] | None = None  # who lacks the last bar, and that bar
        self._spent: tuple[bytes, Evaluator] | None = None  # let go when there is time: it takes longer than a bar
        self._take, self._read = _taker(self._results), _taker(list(self._columns))
        self._pack: Callable[..., None] = Struct(f"{len(self.terms)}d").pack_into
        self._latest: Sequence[float] | np.ndarray = self._take(self._values)

    @property
    def columns(self) -> frozenset[str]:
        """What a row must have."""
        return frozenset(self._columns)

    @property
    def latest(self) -> np.ndarray:
        """The values at the last bar, shape (terms,); NaN before the first."""
        return np.array(self._latest, np.float64)

    def update(self, row: Row) -> np.ndarray:
        """Take one bar; return the values at its close, shape (terms,).

        raises: FormulaError if a column is missing (give NaN for what is unknown); nothing has changed then.
        """
        values = self._remember(row)
        self._stepped[1](values)
        self._latest = latest = self._take(values)
        found = np.empty(len(latest))
        self._pack(found, 0, *latest)  # half of what np.array takes for a list
        return found

    def foresee(self, row: Row) -> None:
        """A bar that may come next: if it does, `update` has little left to do; if another one comes, nothing has happened. What
        only terms without a memory read may differ. raises: FormulaError if a column is missing."""
        behind = self._behind
        self._foreseen = self._behind = self._spent = None
        twin, lacks = behind or (self.copy(), None)
        if lacks is not None:
            twin._remember(lacks)
        twin._remember(row)
        self._foreseen = _bits(row, self._remembered), twin

    def warm(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Take many bars at once; return all values, shape (terms, n). State and bits are those of n updates.

        raises: FormulaError if a column is missing or of another length; nothing has changed then.
        """
        self._foreseen = self._behind = self._spent = None
        shape = _common_shape(columns, 1)
        series = self._series(columns, shape)
        for kernel in self._kernels:
            kernel.run(series)
        if shape[0]:
            self._latest = np.array([series[slot][-1] for slot in self._results])
        return np.array([series[slot] for slot in self._results]).reshape(len(self.terms), *shape)

    def ahead(self, columns: Mapping[str, np.ndarray], index: int) -> np.ndarray:
        """The values of `terms[index]` along many possible futures, shape (paths, bars); the state stays as it is.

        columns: shape (paths, bars), each path a continuation of the bars taken so far.
        raises:  FormulaError if a column is missing or of another shape.
        """
        series = self._series(columns, _common_shape(columns, 2))
        for kernel in self._needed(self._results[index]):
            kernel.ahead(series)
        return series[self._results[index]]

    def copy(self) -> Self:
        """An independent evaluator in the same state."""
        twin = type(self).__new__(type(self))
        twin.terms, twin._columns, twin._literals = self.terms, self._columns, self._literals
        twin._results, twin._values = self._results, list(self._values)
        twin._take, twin._read, twin._pack = self._take, self._read, self._pack
        twin._kernels = [kernel.copy() for kernel in self._kernels]
        twin._early, twin._late, twin._latest = self._early, self._late, self._latest
        twin._remembered, twin._foreseen, twin._behind, twin._spent = self._remembered, None, None, None
        twin._steps = None
        return twin

    def held(self) -> int:
        """How many past values are kept; it stops growing once every term has warmed up."""
        return sum(kernel.held() for kernel in self._kernels)

    @property
    def _stepped(self) -> tuple[Step, Step]:
        if self._steps is None:
            early, late = ([self._kernels[place] for place in places] for places in (self._early, self._late))
            self._steps = fused(early), fused(late)
        return self._steps

    def _remember(self, row: Row) -> list[float]:
        """Take one bar as far as something with a memory needs it; the values by slot."""
        try:
            bar = self._read(row)
        except KeyError as error:
            raise _missing(str(error.args[0])) from None
        foreseen = self._spent = self._foreseen
        self._foreseen = self._behind = None
        came = foreseen is not None and foreseen[0] == _bits(row, self._remembered)
        if foreseen is not None and came:
            self._swap(foreseen[1])
            self._behind = foreseen[1], row
        values = self._values
        known = isfinite(sum(bar))  # each is then; else some may be all the same
        for slot, value in zip(self._columns.values(), bar, strict=True):
            values[slot] = float(value) if known or -INFINITY < value < INFINITY else NAN
        if not came:
            self._stepped[0](values)
        return values

    def _swap(self, twin: Evaluator) -> None:
        """Change places: each has the state of the other."""
        self._kernels, twin._kernels = twin._kernels, self._kernels
        self._values, twin._values = twin._values, self._values
        self._steps, twin._steps = twin._steps, self._steps

    def _columns_of(self, kernels: Sequence[Kernel]) -> tuple[str, ...]:
        """Those that they read."""
        read = {slot for kernel in kernels for slot in kernel.inputs}
        return tuple(name for name, slot in self._columns.items() if slot in read)

    @cached_property
    def _program(self) -> list[momentary.Step]:
        return momentary.steps([self._kernels[place] for place in self._late])

    def _needed(self, slot: int) -> list[Kernel]:
        """The kernels that the value in a slot depends on, inputs first."""
        wanted, found = {slot}, []
        for kernel in reversed(self._kernels):
            if not wanted.isdisjoint(range(kernel.slot, kernel.slot + kernel.outputs)):
                wanted.update(kernel.inputs)
                found.append(kernel)
        return found[::-1]

    def _series(self, columns: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> Series:
        series: Series = [np.empty(0)] * len(self._values)
        for slot, value in self._literals.items():
            series[slot] = np.full(shape, value)
        for name, slot in self._columns.items():
            if name not in columns:
                raise _missing(name)
            values = np.ascontiguousarray(columns[name], np.float64)
            series[slot] = values if np.isfinite(values).all() else np.where(np.isfinite(values), values, NAN)
        return series


def update_all(evaluators: Sequence[Evaluator], rows: Sequence[Row]) -> np.ndarray:
    """`update` of evaluators of the same terms, each with a bar of its own: values of shape (evaluators, terms), to the same bits.

    raises: FormulaError as `update`; evaluators before the one whose bar lacks a column have taken theirs then.
    """
    if len(evaluators) < FEW:
        return np.array([one.update(row) for one, row in zip(evaluators, rows, strict=True)])
    first = evaluators[0]
    assert all(one.terms == first.terms for one in evaluators)
    values = np.array([one._remember(row) for one, row in zip(evaluators, rows, strict=True)]).T.copy()
    momentary.take(first._program, values)
    found = values[first._results].T
    for one, latest in zip(evaluators, found, strict=True):
        one._latest = latest
    return found


class _Program:
    """Gives every distinct sub-term a slot, inputs before what reads them."""

    def __init__(
        self, scale: Scale, columns: dict[str, int], literals: dict[int, float], kernels: list[Kernel]
    ) -> None:
        self.slots = 0
        self._scale = scale
        self._columns = columns
        self._literals = literals
        self._kernels = kernels
        self._placed: dict[object, int] = {}

    def place(self, term: Term) -> int:
        """The slot in which the term's value will be."""
        if isinstance(term, Call):
            return self._place_call(term)
        if term not in self._placed:
            self._placed[term] = self._take(1)
            if isinstance(term, Column):
                self._columns[term.name] = self._placed[term]
            if isinstance(term, Literal):
                self._literals[self._placed[term]] = self._scale.to_ticks(term.value, term.unit)
        return self._placed[term]

    def _place_call(self, term: Call) -> int:
        inputs = tuple(self.place(part) for part in term.inputs)
        key = (term.function.family, inputs, term.parameters)
        if key not in self._placed:
            kernel = term.function.kernel(inputs, self.slots, term.parameters)
            self._placed[key] = self._take(kernel.outputs)
            self._kernels.append(kernel)
        return self._placed[key] + term.function.output

    def _take(self, slots: int) -> int:
        first = self.slots
        self.slots += slots
        return first


def _common_shape(columns: Mapping[str, np.ndarray], dimensions: int) -> tuple[int, ...]:
    shapes = {name: np.shape(values) for name, values in columns.items()}
    if not shapes or len(set(shapes.values())) > 1 or len(next(iter(shapes.values()))) != dimensions:
        wanted = "(n,)" if dimensions == 1 else "(paths, bars)"
        raise FormulaError(f"columns must all have one shape {wanted}; found {shapes or 'no column'}")
    return next(iter(shapes.values()))


def _bits(row: Row, names: Sequence[str]) -> bytes:
    return array("d", [row[name] for name in names]).tobytes()


def _taker(keys: list[Any]) -> Callable[[Any], Sequence[float]]:
    """What picks these of a list or mapping; one call for all of them is a microsecond faster than a loop."""
    if len(keys) > 1:
        return operator.itemgetter(*keys)
    return lambda given: [given[key] for key in keys]


def _missing(name: str) -> FormulaError:
    return FormulaError(f"the bars have no column {name!r}, which the formula reads; give NaN where it is unknown")
