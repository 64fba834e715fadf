"""Windows and groups of traced series and frames: rolling, expanding, ewm, groupby, resample.

In:  a series or frame and how pandas would cut it.
Out: results that know the latest row of the window or group they were made of; the first of a group knows only that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks import rules
from ninefold.backtest.leaks.labelled import Labelled, Run, plain_of, spread
from ninefold.backtest.leaks.lists import Listed, traced_of
from ninefold.backtest.leaks.traced import Traced
from ninefold.backtest.leaks.trail import CannotFollow, line_now

Cut = Callable[[Any], Any]
ROLLED = {
    *(
        "mean",
        "sum",
        "std",
        "var",
        "min",
        "max",
        "median",
        "count",
        "quantile",
        "skew",
        "kurt",
        "sem",
        "rank",
        "corr",
        "cov",
    ),
    *("first", "last", "nunique"),
}
FIRST = {"first"}
PICKED = {"head", "tail"}
GROUPED = {
    "mean",
    "sum",
    "std",
    "var",
    "min",
    "max",
    "median",
    "count",
    "size",
    "prod",
    "nunique",
    "last",
    "sem",
    "skew",
}
SPREAD = {"ffill", "bfill", "nearest", "asfreq", "pad", "backfill"}  # narrower bars out of wider ones
BY_SERIES = {"shift", "diff", "pct_change", "ffill", "bfill", "fillna", "rank"}


class Windowed:
    """cut: gives pandas' window object; reach back: what a window of what elements know is."""

    def __init__(self, of: Any, cut: Cut, known: Cut | None = None) -> None:
        self._of, self._cut = of, cut
        self._known = known or (lambda one: one.cummax())

    @classmethod
    def rolling(cls, of: Any, args: Any, how: dict[str, Any]) -> Windowed:
        if "on" in how:
            raise rules.refuse("rolling", "on")
        named = dict(zip(("window", "min_periods", "center", "win_type"), args, strict=False)) | how
        named = {name: plain_of(one) for name, one in named.items()}
        of = of.sized(*args, *how.values())
        return cls(of, lambda one: one.rolling(**named), lambda one: rules.windows(lambda _: None, one, **named))

    def __getitem__(self, key: Any) -> Windowed:
        return Windowed(self._of[key], self._cut, self._known)

    def __getattr__(self, name: str) -> Any:
        if name in ROLLED:
            return lambda *args, **kwargs: self._made(name, args, kwargs)
        if name.startswith("_") or name not in getattr(self._of, "plain", self._of):
            raise rules.refuse("rolling", name)
        return self[name]

    def _made(self, name: str, args: Any, kwargs: Any) -> Any:
        of = self._of
        others = [one for one in (*args, *kwargs.values()) if isinstance(one, Labelled)]
        result = getattr(self._cut(of.plain), name)(*plain_of(args), **plain_of(kwargs))
        known = self._known(of.known)
        for one in others:
            known = np.maximum(spread(known, result), spread(self._known(one.known), result))
        return of.run.made(result, known, [of, *others], of.absent)

    def agg(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        if callable(function):
            return self.apply(function)
        if isinstance(function, dict):
            return frame_of(self._of.run, {name: self[name].agg(one) for name, one in function.items()})
        if isinstance(function, list):
            return frame_of(self._of.run, {one: self.agg(one) for one in function})
        return self._made(function, args, kwargs)

    aggregate = agg

    def apply(
        self, function: Callable[..., Any], raw: bool = False, args: Any = (), kwargs: Any = None, **_: Any
    ) -> Any:
        """A function of each window, called on what carries what it knows."""
        of = self._of
        if of.plain.ndim == 2:
            return frame_of(
                of.run, {name: Windowed(of[name], self._cut, self._known).apply(function, raw) for name in of}
            )
        places = pd.Series(np.arange(len(of.plain)), of.plain.index)
        least = getattr(self._cut(of.plain), "min_periods", None)
        least = getattr(self._cut(of.plain), "_win_freq_i8", None) and 1 if least is None else least
        least = self._cut(of.plain).window if least is None else least
        made: list[Any] = Listed((), of.run.taken)
        for window in self._cut(places):
            part = of.iloc[[int(one) for one in window]]
            full = part.plain.notna().sum() >= max(int(least), 1)
            made.append(function(part.traced() if raw else part, *args, **(kwargs or {})) if full else np.nan)
        return series_of(of.run, made, of.plain.index, of.plain.name)


class Grouped:
    """cut: pandas' groupby or resample; keys: what the grouping itself knows, one for each row."""

    def __init__(
        self, of: Any, cut: Cut, known_cut: Cut | None = None, keys: Any = None, upsampled: bool = False
    ) -> None:
        self._of, self._cut, self._known_cut, self._upsampled = of, cut, known_cut or cut, upsampled
        self._known = of.known
        if keys is not None and np.max(keys) >= 0:
            self._known = np.maximum(of.known, keys[:, None] if of.known.ndim == 2 else keys)
        self._keys = keys

    @classmethod
    def by(cls, of: Any, by: Any, how: dict[str, Any]) -> Grouped:
        many = list(by) if isinstance(by, list | tuple) else [by]
        found = [of[one] if isinstance(one, str) and one in of.plain else one for one in many]
        if of.plain.ndim == 1 and by is None:
            found = many
        keys = np.full(len(of.plain), -1)
        for one in found:
            if isinstance(one, Labelled | Traced):
                keys = np.maximum(keys, np.asarray(one.known))
        plain = [plain_of(one) for one in (many if of.plain.ndim == 2 else found)]
        values = [plain_of(one) for one in found]
        if by is None:
            return cls(of, lambda one: one.groupby(**how))
        return cls(of, lambda one: one.groupby(_one(plain), **how), lambda one: one.groupby(_one(values), **how), keys)

    def __getitem__(self, key: Any) -> Grouped:
        made = Grouped(self._of[key], lambda one: one, upsampled=self._upsampled)
        made._cut = lambda _: self._cut(self._of.plain)[key]
        made._known_cut = lambda known: self._known_cut(known)
        made._known = self._known[key]
        made._keys = self._keys
        if not self._upsampled:
            made._cut = lambda one: self._cut(self._of.plain)[key] if one is made._of.plain else self._known_cut(one)
        else:
            made._cut = self._cut
        return made

    def __iter__(self) -> Any:
        for name, places in self._places():
            yield name, self._part(places)

    def _places(self) -> Any:
        numbers = pd.Series(np.arange(len(self._of.plain)), self._of.plain.index)
        return ((name, part.to_numpy()) for name, part in self._known_cut(numbers))

    def _part(self, places: np.ndarray) -> Any:
        part = self._of.iloc[[int(one) for one in places]]
        known = self._known.iloc[places]
        return self._of.run.made(part.plain, known, [self._of])

    def __getattr__(self, name: str) -> Any:
        if name in FIRST or name in GROUPED:
            return lambda *args, **kwargs: self._reduced(name, args, kwargs)
        if name in rules.CUMULATIVE or name == "cumcount":
            return lambda *args, **kwargs: self._accumulated(name, args, kwargs)
        if name in PICKED or (name in SPREAD and self._upsampled):
            return lambda *args, **kwargs: self._moved(name, args, kwargs)
        if name in BY_SERIES:
            return lambda *args, **kwargs: self.transform(lambda part: getattr(part, name)(*args, **kwargs))
        if name == "ohlc":
            return self._ohlc
        if name.startswith("_") or name not in self._of.plain:
            raise rules.refuse("groupby", name)
        return self[name]

    def _moved(self, name: str, args: Any, kwargs: Any) -> Any:
        result = getattr(self._cut(self._of.plain), name)(*args, **kwargs)
        return self._of.run.made(result, getattr(self._known_cut(self._known), name)(*args, **kwargs), [self._of])

    def _reduced(self, name: str, args: Any, kwargs: Any) -> Any:
        result = getattr(self._cut(self._of.plain), name)(*plain_of(args), **plain_of(kwargs))
        if name == "size" and self._known.ndim == 2:
            known = self._known_cut(self._known.max(axis=1)).max()
        else:
            known = self._first("first") if name in FIRST else self._known_cut(self._known).max()
        return self._of.run.made(result, known, [self._of])

    def _first(self, name: str, *args: Any) -> Any:
        """The first that is not missing."""
        there = self._known.where(self._of.plain.notna())
        return getattr(self._known_cut(there), name)(*args)

    def quantile(self, q: float = 0.5) -> Any:
        return self._of.run.made(self._cut(self._of.plain).quantile(q), self._known_cut(self._known).max(), [self._of])

    def _accumulated(self, name: str, args: Any, kwargs: Any) -> Any:
        result = getattr(self._cut(self._of.plain), name)(*args, **kwargs)
        known = self._known
        if name == "cumcount":
            known = pd.Series(-1 if self._keys is None else self._keys, self._of.plain.index)
        return self._of.run.made(result, self._known_cut(known).cummax(), [self._of])

    def _ohlc(self) -> Any:
        result = self._cut(self._of.plain).ohlc()
        groups = self._known_cut(self._known)
        known = pd.DataFrame({name: groups.max() for name in ("open", "high", "low", "close")})
        known["open"] = self._first("first")
        return self._of.run.made(result, known, [self._of])

    def agg(self, function: Any = None, *args: Any, **named: Any) -> Any:
        if isinstance(function, str):
            return getattr(self, function)(*args, **named)
        if isinstance(function, dict):
            return frame_of(self._of.run, {name: self[name].agg(one) for name, one in function.items()})
        if isinstance(function, list):
            return frame_of(self._of.run, {one: self.agg(one) for one in function})
        if function is None:
            return frame_of(self._of.run, {name: self[column].agg(one) for name, (column, one) in named.items()})
        return self.apply(function)

    aggregate = agg

    def transform(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        of = self._of
        if isinstance(function, str) and (function in GROUPED or function in FIRST):
            result = self._cut(of.plain).transform(function, *args, **kwargs)
            known = (
                self._first("transform", "first")
                if function in FIRST
                else self._known_cut(self._known).transform("max")
            )
            return of.run.made(result, known, [of])
        if isinstance(function, str):
            return getattr(self, function)(*args, **kwargs)
        if of.plain.ndim == 2:
            return frame_of(
                of.run, {name: self[name].transform(function) for name in of.plain if self._known.get(name) is not None}
            )
        made = pd.Series(np.nan, of.plain.index, dtype=object)
        known = pd.Series(-1, of.plain.index)
        parts = []
        for _, places in self._places():
            found = function(self._part(places), *args, **kwargs)
            parts.append(found)
            made.iloc[places] = plain_of(found)
            known.iloc[places] = np.asarray(of.run.known_of(found, -1)[0])
        return of.run.made(made.infer_objects(), known, [of, *parts])

    def apply(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """One value of each group; more than that is refused."""
        of = self._of
        names, made = [], Listed((), of.run.taken)
        for name, places in self._places():
            found = function(self._part(places), *args, **kwargs)
            if isinstance(found, Labelled):
                raise CannotFollow(
                    f"{line_now()}: apply on groups gave a table for each; use transform, or one value a group"
                )
            names.append(name)
            made.append(found)
        index = pd.Index(names) if not self._upsampled else self._known_cut(self._known).size().index
        return series_of(of.run, made, index, getattr(of.plain, "name", None))


def _one(keys: list[Any]) -> Any:
    return keys[0] if len(keys) == 1 else keys


def series_of(run: Run, elements: Any, index: pd.Index, name: Any) -> Any:
    traced = traced_of(elements, run.taken)
    return run.made(pd.Series(traced.values, index, name=name), traced.known, [traced])


def frame_of(run: Run, columns: dict[Any, Any]) -> Any:
    """A frame of series of the same labels."""
    plain = pd.DataFrame({name: plain_of(one) for name, one in columns.items()})
    known = pd.DataFrame({name: one.known for name, one in columns.items()})
    return run.made(plain, known, list(columns.values()))
