"""A pandas DataFrame that carries what each element knows.

In:  a frame, what its elements know, the run they belong to.
Out: frames and series of the same kind, by pandas' own names; `rules.py` says what each method does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks import rules
from ninefold.backtest.leaks.groups import Grouped, Windowed, frame_of
from ninefold.backtest.leaks.joins import joined, merged
from ninefold.backtest.leaks.labelled import Labelled, Run, known_on, plain_of, reach_in, spread
from ninefold.backtest.leaks.lists import Listed
from ninefold.backtest.leaks.places import AtLabel, AtPlace, ByLabel, ByPlace, Reached, chosen, labels, without
from ninefold.backtest.leaks.series import TracedSeries
from ninefold.backtest.leaks.traced import Traced
from ninefold.backtest.leaks.trail import NOTHING, CannotFollow, Reach, line_now

FIELDS = ("run", "plain", "known", "absent", "_reaches", "columns", "index")


class TracedFrame(Labelled, of=pd.DataFrame):
    def __init__(
        self, run: Run, plain: pd.DataFrame, known: pd.DataFrame, parts: Iterable[Any], absent: pd.Series | None = None
    ) -> None:
        self.run, self.plain, self.known, self.absent = run, plain, known, absent
        parts = list(parts)
        values = known.to_numpy()
        self._reaches = {
            name: run.reach(plain.index, values[:, place], (reach_for(part, name) for part in parts))
            for place, name in enumerate(plain.columns)
        }

    @property
    def reach(self) -> Reach:
        return max(self._reaches.values(), default=NOTHING)

    @property
    def index(self) -> Any:
        return labels(self)

    @index.setter
    def index(self, labels: Any) -> None:
        self.plain.index = self.known.index = plain_of(labels)

    @property
    def columns(self) -> pd.Index:
        return self.plain.columns

    @columns.setter
    def columns(self, names: Any) -> None:
        self._reaches = dict(zip(plain_of(names), self._reaches.values(), strict=True))
        self.plain.columns = self.known.columns = plain_of(names)

    shape = property(lambda self: self.plain.shape)
    size = property(lambda self: self.plain.size)
    ndim = property(lambda self: 2)
    dtypes = property(lambda self: self.plain.dtypes)
    empty = property(lambda self: self.plain.empty)
    axes = property(lambda self: self.plain.axes)
    attrs = property(lambda self: self.plain.attrs)
    values = property(lambda self: self.traced())
    T = property(lambda self: self.transpose())
    loc = property(ByLabel)
    iloc = property(ByPlace)
    at = property(AtLabel)
    iat = property(AtPlace)

    def to_numpy(self, *_: Any, **__: Any) -> Any:
        return self.traced()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.plain.columns)

    def __contains__(self, name: Any) -> bool:
        return name in self.plain.columns

    def keys(self) -> pd.Index:
        return self.plain.columns

    def items(self) -> Iterator[tuple[Any, Any]]:
        return ((name, self[name]) for name in self.plain.columns)

    def iterrows(self) -> Iterator[tuple[Any, Any]]:
        for place, label in enumerate(labels(self)):
            yield label, self.iloc[place]

    def itertuples(self, index: bool = True, name: Any = "Pandas") -> Iterator[Any]:
        shown = next(self.plain.itertuples(index, name), None)
        for place, label in enumerate(labels(self)):
            values = [self._one(place, at) for at in range(self.plain.shape[1])]
            row = [label, *values] if index else values
            yield type(shown)._make(row) if hasattr(shown, "_make") else tuple(row)  # type: ignore[union-attr]

    def _one(self, row: int, at: int) -> Any:
        return self.run.one(
            self.plain.iat[row, at], int(self.known.iat[row, at]), self._reaches[self.plain.columns[at]]
        )

    def get(self, name: Any, default: Any = None) -> Any:
        return self[name] if name in self.plain.columns else default

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            plain = self.plain[key]
            if isinstance(plain, pd.Series):
                return TracedSeries(
                    self.run, plain.copy(), self.known[key].copy(), [Reached(self._reaches[key])], self.absent
                )
        return chosen(self, key, lambda plain: plain)

    def __setitem__(self, key: Any, value: Any) -> None:
        """A column, or several."""
        if isinstance(key, Labelled):
            raise CannotFollow(f"{line_now()}: elements were chosen by a whole table; write df.loc[rows, column] = ...")
        value = self.run.part(value)
        before, reach = self.run.taken.written()
        if before >= 0 and not isinstance(value, Labelled | Traced) and np.ndim(value):
            raise CannotFollow(
                f"{line_now()}: a plain list was written after conditions on bars, so the leak check cannot say which "
                "element knows which; append to a list, or use np.where"
            )
        known, value_reach = self.run.known_of(value, pd.Series(-1, self.plain.index))
        self.plain[key] = plain_of(value)
        names = [key] if not isinstance(key, list) else list(key)
        if isinstance(value, Labelled):
            like = self.plain[names].set_axis(value.plain.columns, axis=1) if value.plain.ndim == 2 else self.plain[key]
            known = known_on(value, like)
        if isinstance(known, pd.DataFrame):
            known = known.set_axis(names, axis=1)
        found = spread(known, self.plain[names]).clip(lower=before)
        for name in names:
            self.known[name] = found[name]
            self._reaches[name] = self.run.reach(self.plain.index, found[name].to_numpy(), [value_reach, reach])

    def __delitem__(self, name: Any) -> None:
        del self.plain[name], self.known[name], self._reaches[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIELDS:
            object.__setattr__(self, name, value)
        elif name in self.plain.columns:
            self[name] = value
        else:
            raise AttributeError(f"df.{name} = ... makes no column; write df[{name!r}] = ...")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in FIELDS:
            raise AttributeError(name)
        if name in self.plain.columns and not hasattr(pd.DataFrame, name):
            return self[name]
        if name in rules.MOVED:
            return lambda *args, **kwargs: self._moved(name, args, kwargs)
        if name in rules.ELEMENTWISE:
            return lambda *args, **kwargs: self.elementwise(getattr(pd.DataFrame, name), *args, **kwargs)
        if name in rules.CUMULATIVE:
            return lambda **how: self.moved(lambda one: getattr(one, name)(**how), lambda known: known.cummax(**how))
        if name in rules.BY_COLUMN:
            return lambda *args, **kwargs: self._by_column(name, args, kwargs)
        if name in rules.REDUCED | rules.WHOLE:
            return lambda *args, **kwargs: self._whole(name, args, kwargs)
        if not hasattr(pd.DataFrame, name):
            raise AttributeError(
                f"a DataFrame has no {name!r}; its columns are {', '.join(map(str, self.plain.columns))}"
            )
        raise rules.refuse("DataFrame", name)

    def _moved(self, name: str, args: Any, kwargs: Any) -> Any:
        inplace = kwargs.pop("inplace", False)
        if name in ("drop", "reindex") and (left := without(self, name, args, kwargs)) is not None:
            return self._given(left, inplace)
        args, kwargs = plain_of(args), plain_of(kwargs)
        plain = getattr(self.plain, name)(*args, **kwargs)
        if name == "set_index":  # the new labels are values
            keys = args[0] if args else kwargs["keys"]
            if isinstance(keys, str | list) and self[[keys] if isinstance(keys, str) else keys].most() >= 0:
                raise CannotFollow(
                    f"{line_now()}: bars became labels, which the leak check cannot follow; keep them a column"
                )
            known = self.known.drop(columns=[one for one in self.known if one not in plain.columns]).set_axis(
                plain.index
            )
        elif name == "reset_index":
            known = self.known.reset_index(drop=True).reindex(columns=plain.columns)
        else:
            known = getattr(self.known, name)(*args, **kwargs)
        found = self.run.made(plain, known, [self], self.absent if name == "copy" else None)
        return self._given(found, inplace)

    def _given(self, found: Any, inplace: bool) -> Any:
        if not inplace:
            return found
        self.__dict__.update(found.__dict__)
        return None

    def _by_column(self, name: str, args: Any, kwargs: Any) -> Any:
        inplace = kwargs.pop("inplace", False)
        if kwargs.get("axis", 0) not in (0, "index"):
            raise rules.refuse("DataFrame", f"{name}(axis=1)")
        given = args[0] if args else kwargs.get("value")
        each = isinstance(given, dict | Labelled) and name == "fillna"

        def one(column: Any) -> Any:
            if not each:
                return getattr(self[column], name)(*args, **kwargs)
            return (
                self[column].fillna(given[column])
                if column in (given.plain.index if isinstance(given, Labelled) else given)
                else self[column]
            )

        return self._given(frame_of(self.run, {column: one(column) for column in self.plain.columns}), inplace)

    def _whole(self, name: str, args: Any, kwargs: Any) -> Any:
        axis = kwargs.get("axis", args[0] if args and name not in ("quantile", "corrwith") else 0)
        result = getattr(self.plain, name)(*plain_of(args), **plain_of(kwargs))
        known = rules.latest(self.known, result, axis)
        if isinstance(result, pd.DataFrame):
            known = self.most()
        return self.run.made(result, known, [self])

    def dropna(self, subset: Any = None, how: str = "any", inplace: bool = False, **_: Any) -> Any:
        looked = self[list(subset) if not isinstance(subset, str) else [subset]] if subset is not None else self
        there = looked.notna()
        return self._given(self[there.all(axis=1) if how == "any" else there.any(axis=1)], inplace)

    def sort_values(self, by: Any, **how: Any) -> Any:
        """Who comes where depends on all that is sorted by."""
        keys = self[by if isinstance(by, list) else [by]]
        plain = self.plain.sort_values(by, **how)
        return self.run.made(plain, np.maximum(spread(self.known, plain), keys.most()), [self])

    def drop_duplicates(self, subset: Any = None, **how: Any) -> Any:
        keys = self if subset is None else self[list(subset) if isinstance(subset, list) else [subset]]
        plain = self.plain.drop_duplicates(subset, **how)
        return self.run.made(plain, np.maximum(spread(self.known, plain), keys.most()), [self])

    def assign(self, **columns: Any) -> Any:
        made = self.copy()
        for name, value in columns.items():
            made[name] = value(made) if callable(value) else value
        return made

    def insert(self, loc: int, column: Any, value: Any, allow_duplicates: bool = False) -> None:
        self[column] = value

    def apply(self, function: Any, axis: Any = 0, args: Any = (), **kwargs: Any) -> Any:
        if isinstance(function, str):
            return getattr(self, function)(axis=axis, **kwargs)
        if axis in (0, "index"):
            found = {name: function(self[name], *args, **kwargs) for name in self.plain.columns}
            if all(isinstance(one, Labelled) for one in found.values()):
                return frame_of(self.run, found)
            made = Listed(found.values(), self.run.taken).traced(self.run.taken)
            return self.run.made(pd.Series(made.values, list(found)), made.known, [made])
        made = Listed((function(row, *args, **kwargs) for _, row in self.iterrows()), self.run.taken).traced(
            self.run.taken
        )
        if made.ndim != 1:
            raise CannotFollow(f"{line_now()}: apply gave several values a row; make one column at a time")
        return self.run.made(pd.Series(made.values, self.plain.index), made.known, [made])

    def agg(self, function: Any, axis: Any = 0, **kwargs: Any) -> Any:
        if isinstance(function, dict):
            found = {name: self[name].agg(one) for name, one in function.items()}
            made = Listed(found.values(), self.run.taken).traced(self.run.taken)
            return self.run.made(pd.Series(made.values, list(found)), made.known, [made])
        return self.apply(function, axis=axis, **kwargs)

    aggregate = agg

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    def rolling(self, *args: Any, **kwargs: Any) -> Windowed:
        return Windowed.rolling(self, args, kwargs)

    def expanding(self, *args: Any, **kwargs: Any) -> Windowed:
        return Windowed(self, lambda one: one.expanding(*args, **kwargs))

    def ewm(self, *args: Any, **kwargs: Any) -> Windowed:
        return Windowed(self, lambda one: one.ewm(*args, **kwargs))

    def groupby(self, by: Any = None, **how: Any) -> Grouped:
        return Grouped.by(self, by, how)

    def resample(self, rule: Any, on: Any = None, **how: Any) -> Grouped:
        of = self if on is None else self.set_index(on)
        return Grouped(of, lambda one: one.resample(rule, **how), upsampled=True)

    def merge(self, right: Any, **how: Any) -> Any:
        return merged(self.run, pd.merge, self, right, how)

    def join(self, other: Any, **how: Any) -> Any:
        return joined(self.run, self, other, how)


def reach_for(part: Any, column: Any) -> Reach:
    """How far a part of an operation reaches, as far as a column has to do with it."""
    if isinstance(part, TracedFrame):
        return part._reaches.get(column, part.reach)
    return reach_in(part)
