"""pandas objects that carry, for each element, the latest row it was made from: what series and frames have in common.

In:  a pandas object, and one of the same labels that holds what each element knows (-1: no bar).
Out: the same after an operation. Most of pandas moves elements by their labels; what they know moves by the same call.

Labels of the bars themselves, the calendar, are known beforehand.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ninefold.backtest.leaks.lists import Listed, traced_of
from ninefold.backtest.leaks.taken import Taken
from ninefold.backtest.leaks.traced import Traced
from ninefold.backtest.leaks.trail import NOTHING, CannotFollow, Reach, line_now


@dataclass(frozen=True, eq=False)
class Run:
    """One run of a strategy: what it took out, and the bars it was given, by label and by opening time."""

    taken: Taken
    index: pd.Index
    times: pd.DatetimeIndex

    def own(self, index: pd.Index) -> np.ndarray | None:
        """For each label the row of the bar that it is the label of, or that is the last to open by then; None if nobody can say."""
        if index.equals(self.index) or (isinstance(index, pd.RangeIndex) and len(index) == len(self.index)):
            return np.arange(len(index))
        if not isinstance(index, pd.DatetimeIndex):
            return None
        times = self.times if index.tz is not None else self.times.tz_localize(None)
        return np.asarray(times.searchsorted(index, side="right") - 1)

    def reach(self, index: pd.Index, known: np.ndarray, before: Iterable[Reach]) -> Reach:
        before = list(before)
        furthest = max(before, default=NOTHING)
        own = self.own(index)
        if own is None or not len(known):
            return furthest
        rows = int((known - own).max())
        if not before:  # given, not made
            return Reach(rows, "")
        return Reach(rows, furthest.where if furthest.rows >= rows and furthest.where else line_now())

    def made(self, plain: Any, known: Any, parts: Iterable[Any], absent: pd.Series | None = None) -> Any:
        """A result that carries `known`: a pandas object or array of its shape, or one number for all."""
        parts = list(parts)
        kind = Labelled.kinds.get(type(plain))
        if kind is not None:
            return kind(self, plain, spread(known, plain), parts, absent)
        if isinstance(plain, np.ndarray):
            known = np.broadcast_to(np.asarray(known), plain.shape)
            return Traced(plain, np.array(known), self.taken, max(map(reach_in, parts), default=NOTHING))
        return self.one(plain, int(known), max(map(reach_in, parts), default=NOTHING))

    def one(self, value: Any, known: int, reach: Reach) -> Any:
        """A single value: a number stays traced, another (a time, a text) is given out and remembered as a condition."""
        if known < 0 and not isinstance(value, float | np.floating):
            return value
        if isinstance(value, int | float | np.number | np.bool_):
            return Traced(np.asarray(value), np.asarray(known), self.taken, reach)
        self.taken.condition(known, reach)
        return value

    def part(self, value: Any) -> Any:
        """What may be made of bars as an object that carries what it knows; anything else as it is."""
        return traced_of(value, self.taken) if isinstance(value, Listed) and value.taken is not None else value

    def known_of(self, value: Any, beside: Any) -> tuple[Any, Reach]:
        """What a part of an operation knows; `beside` is what the other part knows."""
        if isinstance(value, Labelled):
            return value.known, value.reach
        if isinstance(value, Traced):
            return value.known, value.reach
        if type(value).__name__ == "ChosenIndex":
            return int(value.known.max(initial=-1)), value.reach
        if isinstance(value, np.ndarray | float | int):
            return self.taken.met(value, np.asarray(beside))
        return -1, NOTHING


def spread(known: Any, plain: Any) -> Any:
    """`known` by the labels of `plain`, as whole numbers."""
    if isinstance(known, pd.Series) and isinstance(plain, pd.DataFrame):
        known = _of_rows_or_columns(known, plain)
    elif isinstance(known, pd.Series | pd.DataFrame) and not _same_labels(known, plain):
        try:
            known = known.reindex(plain.index)
            known = known.reindex(columns=plain.columns) if isinstance(known, pd.DataFrame) else known
        except ValueError as error:
            raise CannotFollow(f"{line_now()}: labels occur twice, so the leak check cannot tell them apart") from error
    values = np.asarray(known, dtype=float)
    if values.ndim == 1 and plain.ndim == 2:
        values = values[:, None]
    settled = np.where(np.isnan(values), -1, values).astype(np.int64)
    return type(plain)(np.broadcast_to(settled, plain.shape).copy(), **axes(plain))


def chosen_by(absent: pd.Series, index: pd.Index) -> np.ndarray:
    """For each label of `index` what a condition knew of all rows up to it."""
    return np.asarray(absent.cummax().reindex(index).fillna(-1), np.int64)


def fitting(known: Any, result: Any) -> Any:
    """An array of another length is a list of values that are looked for: each element knows all of it."""
    if isinstance(known, np.ndarray) and known.ndim == 1 and len(known) != len(result):
        return known.max(initial=-1)
    return known


def known_on(part: Labelled, result: Any) -> Any:
    """What a part knows by the labels of `result`; labels that a condition left out know the condition."""
    found = spread(part.known, result)
    if part.absent is None or part.plain.index.equals(result.index):
        return found
    there = result.index.isin(part.plain.index)
    left_out = part.absent.reindex(result.index).fillna(-1).to_numpy(np.int64)
    left_out = np.where(there, -1, left_out)
    return np.maximum(found, left_out[:, None] if found.ndim == 2 else left_out)


def axes(plain: Any) -> dict[str, Any]:
    return {"index": plain.index} | ({"columns": plain.columns} if plain.ndim == 2 else {"name": plain.name})


def _same_labels(known: Any, plain: Any) -> bool:
    if known.ndim != plain.ndim or not known.index.equals(plain.index):
        return False
    return bool(known.ndim == 1 or known.columns.equals(plain.columns))


def _of_rows_or_columns(known: pd.Series, plain: pd.DataFrame) -> np.ndarray:
    if not known.index.equals(plain.index) and known.index.isin(plain.columns).all():
        return np.broadcast_to(known.reindex(plain.columns).to_numpy(float), plain.shape)
    return np.broadcast_to(known.reindex(plain.index).to_numpy(float)[:, None], plain.shape)


def reach_in(part: Any) -> Reach:
    return part.reach if isinstance(part, Labelled | Traced) else NOTHING


class Labelled:
    """A traced series or frame; `series.py` and `frame.py` have the two kinds."""

    kinds: ClassVar[dict[type, Any]] = {}
    __pandas_priority__ = 10_000  # pandas leaves operations with these to these
    __hash__ = None  # type: ignore[assignment]
    run: Run
    plain: Any
    known: Any
    ndim: Any
    index: Any
    absent: pd.Series | None

    def __init_subclass__(cls, of: type) -> None:
        Labelled.kinds[of] = cls

    @property
    def reach(self) -> Reach:
        raise NotImplementedError

    def traced(self, taken: Taken | None = None) -> Traced:
        return Traced(self.plain.to_numpy(), self.known.to_numpy(), self.run.taken, self.reach)

    def moved(self, call: Callable[[Any], Any], known: Callable[[Any], Any] | None = None) -> Any:
        """The result of a call that only moves elements, or of another one on what they know."""
        return self.run.made(call(self.plain), (known or call)(self.known), [self], self.absent)

    def elementwise(self, function: Callable[..., Any], *others: Any, **kwargs: Any) -> Any:
        """A function of elements with the same labels."""
        others = tuple(self.run.part(one) for one in others)
        result = function(self.plain, *map(plain_of, others), **{name: plain_of(one) for name, one in kwargs.items()})
        if not isinstance(result, pd.Series | pd.DataFrame):
            return NotImplemented if result is NotImplemented else self.run.made(result, self.most(), [self, *others])
        parts = (*others, *kwargs.values())
        total = known_on(self, result)
        for one in parts:
            found, reach = self.run.known_of(one, total)
            found = known_on(one, result) if isinstance(one, Labelled) else spread(fitting(found, result), result)
            total = np.maximum(total, found)
            parts = (*parts, Traced(np.asarray(0), np.asarray(-1), self.run.taken, reach))
        return self.run.made(result, total, [self, *parts], self.absent)

    def most(self) -> int:
        """The latest row that anything in it knows."""
        return int(self.known.to_numpy().max(initial=-1))

    def sized(self, *sizes: Any) -> Any:
        """The same, knowing what numbers made of bars know that say how wide a window is, or how far a shift goes."""
        found: Any = self
        for one in sizes:
            if isinstance(one, Traced) and one.ndim == 0 and one.known >= 0:
                known = found.known.clip(lower=int(one.known))
                found = self.run.made(found.plain, known, [found, one], found.absent)
        return found

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise CannotFollow(
            f"{line_now()}: bars were given to something that makes a plain array of them, so the leak check cannot say "
            "what is done with them; use pandas or numpy for this step"
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or "where" in kwargs or kwargs.get("out") is not None:
            return getattr(ufunc, method)(*map(bare, inputs), **kwargs)
        return _first_labelled(inputs).elementwise(lambda *_: ufunc(*map(plain_of, inputs), **kwargs), *inputs)

    def __array_function__(self, function: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
        return function(*(bare(one) for one in args), **{name: bare(one) for name, one in kwargs.items()})

    def __copy__(self) -> Any:
        return self.moved(lambda one: one.copy())

    def __deepcopy__(self, _: Any) -> Any:
        return self.__copy__()

    def __bool__(self) -> bool:
        raise ValueError("the truth value of several elements is not clear; use .any(), .all() or & and |")

    def __len__(self) -> int:
        return len(self.plain)

    def __repr__(self) -> str:
        return repr(self.plain)


def plain_of(value: Any) -> Any:
    """The value as pandas takes it."""
    if isinstance(value, Labelled) or type(value).__name__ == "ChosenIndex":
        return value.plain
    if isinstance(value, Traced):
        return value.values if value.ndim else value.values.item()
    if isinstance(value, Listed):
        return [plain_of(one) for one in list.__iter__(value)]
    if isinstance(value, tuple | list):
        return type(value)(plain_of(one) for one in value)
    return {name: plain_of(one) for name, one in value.items()} if isinstance(value, dict) else value


def bare(value: Any) -> Any:
    """Series and frames as traced arrays, inside lists too."""
    if isinstance(value, Labelled):
        return value.traced()
    if isinstance(value, list | tuple):
        return type(value)(bare(one) for one in value)
    return value


def _first_labelled(values: Iterable[Any]) -> Labelled:
    return next(one for one in values if isinstance(one, Labelled))


def _operator(name: str) -> Callable[..., Any]:
    function = getattr(operator, name)
    return lambda self, *others: self.elementwise(function, *others)


def _reflected(name: str) -> Callable[..., Any]:
    function = getattr(operator, name)
    return lambda self, other: self.elementwise(lambda own, one: function(one, own), other)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor"):
    setattr(Labelled, f"__{_name.strip('_')}__", _operator(_name))
    setattr(Labelled, f"__r{_name.strip('_')}__", _reflected(_name))
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"):
    setattr(Labelled, f"__{_name}__", _operator(_name))
