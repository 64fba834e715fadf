"""A pandas Series that carries what each element knows.

In:  a series, what its elements know, the run they belong to.
Out: series of the same kind, by pandas' own names; `rules.py` says what each method does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks import rules
from ninefold.backtest.leaks.groups import Grouped, Windowed
from ninefold.backtest.leaks.labelled import Labelled, Run, chosen_by, known_on, plain_of, reach_in, spread
from ninefold.backtest.leaks.lists import Listed
from ninefold.backtest.leaks.places import AtLabel, AtPlace, ByLabel, ByPlace, Reached, chosen, labels, without
from ninefold.backtest.leaks.trail import Reach


class TracedSeries(Labelled, of=pd.Series):
    def __init__(
        self, run: Run, plain: pd.Series, known: pd.Series, parts: Iterable[Any], absent: pd.Series | None = None
    ) -> None:
        self.run, self.plain, self.known, self.absent = run, plain, known, absent
        self._reach = run.reach(plain.index, known.to_numpy(), map(reach_in, parts))

    @property
    def reach(self) -> Reach:
        return self._reach

    @property
    def index(self) -> Any:
        return labels(self)

    @index.setter
    def index(self, labels: Any) -> None:
        self.plain.index = self.known.index = plain_of(labels)

    @property
    def name(self) -> Any:
        return self.plain.name

    @name.setter
    def name(self, name: Any) -> None:
        self.plain.name = self.known.name = name

    shape = property(lambda self: self.plain.shape)
    size = property(lambda self: self.plain.size)
    ndim = property(lambda self: 1)
    dtype = property(lambda self: self.plain.dtype)
    empty = property(lambda self: self.plain.empty)
    hasnans = property(lambda self: self.isna().any())
    values = property(lambda self: self.traced())
    array = property(lambda self: self.traced())
    T = property(lambda self: self)
    loc = property(ByLabel)
    iloc = property(ByPlace)
    at = property(AtLabel)
    iat = property(AtPlace)
    dt = property(lambda self: Accessor(self, "dt"))
    str = property(lambda self: Accessor(self, "str"))

    def to_numpy(self, *_: Any, **__: Any) -> Any:
        return self.traced()

    def tolist(self) -> Listed:
        return Listed(self, self.run.taken)

    to_list = tolist

    def item(self) -> Any:
        return next(iter(self))

    def items(self) -> Iterator[tuple[Any, Any]]:
        return zip(self.plain.index, self, strict=True)

    def keys(self) -> pd.Index:
        return self.plain.index

    def __iter__(self) -> Iterator[Any]:
        known = self.known.to_numpy()
        chosen_with = None if self.absent is None else chosen_by(self.absent, self.plain.index).tolist()
        for place, value in enumerate(self.plain.array):
            if chosen_with is not None:
                self.run.taken.condition(chosen_with[place], self._reach)
            yield self.run.one(value, int(known[place]), self._reach)

    def __contains__(self, label: Any) -> bool:
        return label in self.plain.index

    def __getitem__(self, key: Any) -> Any:
        return chosen(self, key, lambda plain: plain)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.loc[key] = value

    def __getattr__(self, name: str_) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "reindex":
            return self._reindexed
        if name == "drop":
            return self._dropped
        if name == "reset_index":
            return self._numbered
        if name in rules.MOVED:
            return lambda *args, **kwargs: self.moved(lambda one: getattr(one, name)(*args, **kwargs))
        if name in rules.ELEMENTWISE:
            return lambda *args, **kwargs: self.elementwise(getattr(pd.Series, name), *args, **kwargs)
        if name in rules.CUMULATIVE:
            return lambda *args, **kwargs: self.moved(
                lambda one: getattr(one, name)(*args, **kwargs), lambda known: known.cummax()
            )
        if name in rules.REDUCED | rules.WHOLE:
            return lambda *args, **kwargs: self._whole(name, args, kwargs)
        if not hasattr(pd.Series, name):
            if name in self.plain.index:
                return self[name]
            raise AttributeError(f"a Series has no {name!r}")
        raise rules.refuse("Series", name)

    def _numbered(self, *args: Any, **kwargs: Any) -> Any:
        result = self.plain.reset_index(*args, **kwargs)
        known = self.known.reset_index(drop=True)
        if result.ndim == 2:  # the labels became a column
            known = known.to_frame(result.columns[-1]).reindex(columns=result.columns)
        return self.run.made(result, known, [self])

    def _dropped(self, *args: Any, **kwargs: Any) -> Any:
        found = without(self, "drop", args, kwargs)
        return self.moved(lambda one: one.drop(*args, **kwargs)) if found is None else found

    def _reindexed(self, *args: Any, **kwargs: Any) -> Any:
        found = without(self, "reindex", args, kwargs)
        if found is not None:
            return found
        result, known = self.plain.reindex(*args, **kwargs), self.known.reindex(*args, **kwargs)
        kept = self.run.made(self.plain, self.known, [self], self.absent)
        left_out = known_on(kept, result).where(~result.index.isin(self.plain.index), -1)
        if kwargs.get("method"):  # who takes the last one knows that there was none since
            left_out = left_out.cummax()
        return self.run.made(result, np.maximum(spread(known, result), left_out), [self])

    def _whole(self, name: Any, args: Any, kwargs: Any) -> Any:
        result = getattr(self.plain, name)(*plain_of(args), **plain_of(kwargs))
        others = [one for one in (*args, *kwargs.values()) if isinstance(one, Labelled)]
        most = max(self.most(), *(one.most() for one in others), -1)
        if isinstance(result, pd.Index):
            self.run.taken.condition(most, self._reach)
            return result
        return self.run.made(result, most, [self, *others])

    def shift(self, periods: Any = 1, freq: Any = None, axis: Any = 0, fill_value: Any = None) -> Any:
        given = {} if fill_value is None else {"fill_value": plain_of(fill_value)}
        of, periods = self.sized(periods, fill_value), plain_of(periods)
        return of.moved(
            lambda one: one.shift(periods, freq=freq, **given), lambda known: known.shift(periods, freq=freq)
        )

    def diff(self, periods: int = 1) -> Any:
        of, periods = self.sized(periods), plain_of(periods)
        return of.moved(lambda one: one.diff(periods), lambda known: rules.differed(known, periods))

    def pct_change(self, periods: int = 1, **how: Any) -> Any:
        of, periods = self.sized(periods), plain_of(periods)
        return of.moved(lambda one: one.pct_change(periods, **how), lambda known: rules.differed(known, periods))

    def ffill(self, **how: Any) -> Any:
        return self._filled("ffill", how)

    def bfill(self, **how: Any) -> Any:
        return self._filled("bfill", how)

    pad, backfill = ffill, bfill

    def _filled(self, name: Any, how: dict[Any, Any]) -> Any:
        inplace = how.pop("inplace", False)
        result = getattr(self.plain, name)(**how)
        return self._given(
            self.run.made(result, rules.filled(name, self.plain, self.known, result), [self], self.absent), inplace
        )

    def fillna(self, value: Any = None, method: Any = None, inplace: bool = False, **how: Any) -> Any:
        if method is not None:
            return self._filled("ffill" if method in ("ffill", "pad") else "bfill", {**how, "inplace": inplace})
        result = self.plain.fillna(plain_of(value), **how)
        known, _ = self.run.known_of(value, self.known)
        taken = np.maximum(spread(known, result), self.known)
        found = self.run.made(result, self.known.where(self.plain.notna(), taken), [self, value], self.absent)
        return self._given(found, inplace)

    def interpolate(self, method: Any = "linear", inplace: bool = False, **how: Any) -> Any:
        result = self.plain.interpolate(method, **how)
        known = rules.interpolated(self.plain, self.known, result, method)
        return self._given(self.run.made(result, known, [self], self.absent), inplace)

    def _given(self, found: Any, inplace: bool) -> Any:
        if not inplace:
            return found
        self.__dict__.update(found.__dict__)
        return None

    def dropna(self, **_: Any) -> Any:
        return self[self.notna()]

    def drop_duplicates(self, **_: Any) -> Any:
        return self.run.made(self.plain.drop_duplicates(), self.most(), [self])

    def sort_values(self, **how: Any) -> Any:
        return self.run.made(self.plain.sort_values(**how), self.most(), [self])

    def floored(self, known: int, reach: Reach) -> Any:
        """The same, chosen by something that knows `known`."""
        return self.run.made(self.plain, self.known.clip(lower=known), [self, Reached(reach)], self.absent)

    def apply(self, function: Callable[..., Any], *_: Any, args: Any = (), **kwargs: Any) -> Any:
        """Of each element; what the function looks at beside it counts too."""
        found = Listed((function(one, *args, **kwargs) for one in self), self.run.taken).traced(self.run.taken)
        plain = pd.Series(found.values, self.plain.index, name=self.plain.name)
        return self.run.made(plain, np.maximum(found.known, self.known), [self, found], self.absent)

    def map(self, arg: Any, na_action: Any = None) -> Any:
        if callable(arg):
            return self.apply(arg)
        return self.run.made(self.plain.map(plain_of(arg), na_action), self.known, [self, arg], self.absent)

    def agg(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return (
            getattr(self, function)(*args, **kwargs) if isinstance(function, str_) else function(self, *args, **kwargs)
        )

    aggregate = transform = agg

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    def rolling(self, *args: Any, **kwargs: Any) -> Windowed:
        return Windowed.rolling(self, args, kwargs)

    def expanding(self, *args: Any, **kwargs: Any) -> Windowed:
        return Windowed(self, lambda one: one.expanding(*args, **kwargs))

    def ewm(self, *args: Any, **kwargs: Any) -> Windowed:
        named = {name: plain_of(one) for name, one in kwargs.items()}
        return Windowed(self.sized(*args, *kwargs.values()), lambda one: one.ewm(*plain_of(args), **named))

    def groupby(self, by: Any = None, **how: Any) -> Grouped:
        return Grouped.by(self, by, how)

    def resample(self, rule: Any, **how: Any) -> Grouped:
        return Grouped(self, lambda one: one.resample(rule, **how), upsampled=True)


str_ = str  # the class has a property of that name


class Accessor:
    """`.dt` and `.str`: functions of each element."""

    def __init__(self, series: TracedSeries, name: str_) -> None:
        self._series, self._name = series, name

    def __getattr__(self, name: str_) -> Any:
        found = getattr(getattr(self._series.plain, self._name), name)
        if not callable(found):
            return self._made(found)
        return lambda *args, **kwargs: self._made(found(*plain_of(args), **plain_of(kwargs)))

    def _made(self, result: Any) -> Any:
        of = self._series
        return of.run.made(result, of.known, [of], of.absent) if isinstance(result, pd.Series) else result
