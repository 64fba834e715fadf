"""The pandas that a strategy imports while it is checked.

In:  the run that its tables belong to.
Out: a module like pandas, whose series and frames carry what their elements know. A function that is not here refuses
     tables of bars.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks.groups import frame_of
from ninefold.backtest.leaks.joins import concatenated, merged
from ninefold.backtest.leaks.labelled import Labelled, Run, plain_of
from ninefold.backtest.leaks.labels import ChosenIndex
from ninefold.backtest.leaks.libraries import Library
from ninefold.backtest.leaks.lists import Listed, traced_of
from ninefold.backtest.leaks.traced import Traced

ELEMENTS = {"isna": "isna", "isnull": "isna", "notna": "notna", "notnull": "notna"}
BY_VALUE = ("to_datetime", "to_numeric", "to_timedelta")


def pandas_library(run: Run) -> Library:
    named: dict[str, Any] = {
        "Series": _constructor(run, pd.Series, _series),
        "DataFrame": _constructor(run, pd.DataFrame, _frame),
        "concat": lambda parts, **how: concatenated(run, parts, how),
    }
    for name in ("merge", "merge_asof", "merge_ordered"):
        named[name] = _merger(run, getattr(pd, name))
    for name, method in ELEMENTS.items():
        named[name] = _element(name, method)
    for name in BY_VALUE:
        named[name] = _by_value(name)
    named["cut"] = _cut
    return Library(pd, named)


def _constructor(run: Run, kind: type, make: Any) -> Any:
    class Like(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            return make(run, *args, **kwargs)

        def __instancecheck__(cls, one: Any) -> bool:
            return isinstance(plain_of(one) if isinstance(one, Labelled) else one, kind)

        def __getattr__(cls, name: str) -> Any:
            return getattr(kind, name)

    return Like(kind.__name__, (), {})


def _series(run: Run, data: Any = None, index: Any = None, dtype: Any = None, name: Any = None, **_: Any) -> Any:
    if isinstance(index, ChosenIndex):
        whole = _series(run, data, index.plain, dtype, name)
        return run.made(whole.plain, whole.known.clip(lower=pd.Series(index.known, index.plain)), [whole], index.absent)
    index = plain_of(index)
    if isinstance(data, Labelled):
        found: Any = data
        found = found if index is None else found.reindex(index)
        plain = found.plain.rename(name if name is not None else found.name)
        return run.made(plain if dtype is None else plain.astype(dtype), found.known, [found])
    if isinstance(data, list | Traced | np.ndarray):
        traced = data if isinstance(data, Traced) else traced_of(data, run.taken)
        values = traced.values if traced.ndim else traced.values.item()
        return run.made(pd.Series(values, index, dtype, name), traced.known, [traced])
    if isinstance(data, dict):
        traced = traced_of(Listed(data.values()), run.taken)
        return run.made(pd.Series(traced.values, list(data), dtype, name), traced.known, [traced])
    return run.made(pd.Series(data, index, dtype, name), -1, [])


def _frame(run: Run, data: Any = None, index: Any = None, columns: Any = None, dtype: Any = None, **_: Any) -> Any:
    if isinstance(index, ChosenIndex):
        found = _frame(run, data, index.plain, columns, dtype)
        return run.made(found.plain, found.known, [found], index.absent)
    if isinstance(data, Labelled):
        table: Any = data
        made = table.copy() if table.plain.ndim == 2 else table.to_frame()
        return made if columns is None else made[list(columns)]
    if isinstance(data, dict):
        if index is None:
            index = next((one.plain.index for one in data.values() if isinstance(one, Labelled)), None)
        if index is None:
            index = pd.RangeIndex(max((len(one) for one in data.values() if np.ndim(one)), default=0))
        made = {
            name: _series(run, one if np.ndim(one) or isinstance(one, Labelled) else [one] * len(index), index)
            for name, one in data.items()
        }
        return frame_of(run, made) if made else run.made(pd.DataFrame(index=index, columns=columns), -1, [])
    if isinstance(data, list | Traced | np.ndarray):
        if isinstance(data, list) and data and isinstance(data[0], dict):
            rows = list(data)
            return frame_of(run, {name: _series(run, Listed([row[name] for row in rows]), index) for name in rows[0]})
        traced = data if isinstance(data, Traced) else traced_of(data, run.taken)
        return run.made(pd.DataFrame(traced.values, index, columns, dtype), traced.known, [traced])
    return run.made(pd.DataFrame(data, index, columns, dtype), -1, [])


def _merger(run: Run, function: Any) -> Any:
    return lambda left, right, **how: merged(run, function, left, right, how)


def _element(name: str, method: str) -> Any:
    def called(value: Any) -> Any:
        if isinstance(value, Labelled):
            return getattr(value, method)()
        if isinstance(value, Traced):
            return np.isnan(value) if method == "isna" else ~np.isnan(value)
        return getattr(pd, name)(value)

    return called


def _by_value(name: str) -> Any:
    def called(value: Any, *args: Any, **kwargs: Any) -> Any:
        function = getattr(pd, name)
        if isinstance(value, Labelled):
            return value.moved(lambda one: function(one, *args, **kwargs), lambda known: known)
        return function(value, *args, **kwargs)

    return called


def _cut(value: Any, bins: Any, **how: Any) -> Any:
    """Into given bins by its own value; into a number of bins by the smallest and the largest of all."""
    if not isinstance(value, Labelled):
        return pd.cut(value, plain_of(bins), **how)
    result = pd.cut(value.plain, plain_of(bins), **how)
    return value.run.made(result, value.most() if isinstance(bins, int) else value.known, [value, bins])
