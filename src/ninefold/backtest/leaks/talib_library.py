"""The TA-Lib that a strategy imports while it is checked.

In:  TA-Lib's functions, of arrays, series or (talib.abstract) frames.
Out: the same results. Each of TA-Lib's functions looks back only: an element knows its inputs up to its own row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import talib
import talib.abstract

from ninefold.backtest.leaks.libraries import Library, traced_in
from ninefold.backtest.leaks.traced import Traced

abstract: Any = talib.abstract
NAMES: list[str] = abstract.__TA_FUNCTION_NAMES__
PRICES = {"price", "prices", "price0", "price1"}


def talib_library() -> Library:
    plain = {name: _of_arrays(getattr(talib, name)) for name in NAMES}
    frames = {name: _of_frame(name, plain[name]) for name in NAMES}
    return Library(talib, {**plain, "abstract": Library(abstract, frames)})


def _of_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> Any:
        parts = [one for one in (*args, *kwargs.values()) if traced_in(one) and np.ndim(one)]
        if not parts:
            return function(*map(_number, args), **kwargs)
        arrays = [one if isinstance(one, Traced) else one.traced() for one in parts]
        made = function(*map(_plain, args), **{name: _plain(one) for name, one in kwargs.items()})
        sizes = [one for one in (*args, *kwargs.values()) if isinstance(one, Traced) and not one.ndim]
        known = np.maximum.accumulate(np.max([one.known for one in arrays], axis=0))
        known = np.maximum(known, max((int(one.known) for one in sizes), default=-1))
        arrays += sizes
        like = next((one for one in parts if not isinstance(one, Traced)), None)
        whole = [_like(one, known, like, arrays) for one in (made if isinstance(made, tuple) else (made,))]
        return tuple(whole) if isinstance(made, tuple) else whole[0]

    return called


def _like(values: Any, known: Any, like: Any, arrays: list[Traced]) -> Any:
    if like is None:
        return arrays[0]._made(values, known, [one.reach for one in arrays])
    plain = like.plain.copy().astype(values.dtype)
    plain[:] = values
    plain.name = None
    return like.run.made(plain, known, arrays)


def _of_frame(name: str, of_arrays: Callable[..., Any]) -> Callable[..., Any]:
    """talib.abstract: takes its inputs out of a frame by their names."""

    def called(first: Any, *args: Any, **kwargs: Any) -> Any:
        if np.ndim(first) != 2 and not hasattr(first, "columns"):
            return of_arrays(first, *args, **kwargs)
        function = abstract.Function(name)
        wanted: list[str] = []
        while args and isinstance(args[0], str):
            wanted, args = [*wanted, args[0]], args[1:]
        for label, names in function.input_names.items():
            given = kwargs.pop(label, None)
            wanted += (
                []
                if wanted and label in PRICES
                else [given or names]
                if isinstance(given or names, str)
                else list(names)
            )
        numbers = dict(zip(function.parameters, args, strict=False)) | kwargs
        made = of_arrays(*(first[one].astype(float) for one in wanted), **numbers)
        if not isinstance(made, tuple):
            return made
        frame = first[[]].copy()
        for label, series in zip(function.output_names, made, strict=True):
            frame[label] = series
        return frame

    return called


def _plain(value: Any) -> Any:
    if isinstance(value, Traced):
        return value.values.astype(float) if value.ndim else value.values.item()
    return value.plain.astype(float) if hasattr(value, "plain") else value


def _number(value: Any) -> Any:
    return _plain(value) if isinstance(value, Traced) else value
