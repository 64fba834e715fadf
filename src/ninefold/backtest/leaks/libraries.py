"""Libraries that stand in for numpy, math and others while a strategy is checked.

In:  the module, and the functions that must be others because they would make plain numbers of the bars.
Out: a module with the same names. A function that is not known to follow the bars refuses them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ninefold.backtest.leaks.lists import Listed, traced_of
from ninefold.backtest.leaks.taken import Taken
from ninefold.backtest.leaks.traced import Traced
from ninefold.backtest.leaks.trail import CannotFollow, line_now

ARRAYS = ("array", "asarray", "asanyarray", "ascontiguousarray")
OF_ONE = ("mean", "sum", "std", "var", "min", "max", "median", "argmax", "argmin", "argsort", "sort", "diff", "cumsum")
FILLED = ("zeros", "ones", "empty", "full")


class Library(ModuleType):
    """A module with some names replaced, and others refusing bars."""

    def __init__(self, module: ModuleType, replaced: Mapping[str, Any], refuses: bool = True) -> None:
        super().__init__(module.__name__)
        self._module, self._replaced, self._refuses = module, replaced, refuses

    def __getattr__(self, name: str) -> Any:
        if name in self._replaced:
            return self._replaced[name]
        found = getattr(self._module, name)
        if self._refuses and isinstance(found, FunctionType | BuiltinFunctionType):
            return _refusing(found, self._module.__name__)
        return found


def traced_in(value: Any) -> bool:
    """Whether bars are in it."""
    if isinstance(value, list | tuple):
        return any(traced_in(one) for one in (list.__iter__(value) if isinstance(value, list) else value))
    if isinstance(value, dict):
        return any(traced_in(one) for one in value.values())
    return isinstance(value, Traced) or hasattr(value, "traced")


def _refusing(function: Callable[..., Any], library: str) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> Any:
        if traced_in(args) or traced_in(kwargs):
            raise CannotFollow(f"{line_now()}: {library}.{function.__name__} is not known to the leak check")
        return function(*args, **kwargs)

    return called


def numpy_library(taken: Taken) -> Library:
    def array(value: Any, dtype: Any = None, **_: Any) -> Any:
        if hasattr(value, "traced"):
            value = value.traced(taken)
        if not isinstance(value, Traced):
            value = traced_of(value, taken) if isinstance(value, list | tuple | np.ndarray) else np.asarray(value)
        return value.copy() if dtype is None else value.astype(dtype)

    def filled(function: Callable[..., Any]) -> Callable[..., Any]:
        def made(shape: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(shape, Traced):
                shape = int(shape)
            like = Traced(np.zeros(shape), np.full(shape, -1), taken)
            if function is np.full:
                return np.full_like(like, *args, **{"dtype": None, **kwargs})
            return traced_of(function(shape, *args, **kwargs), taken)

        return made

    def vectorize(function: Callable[..., Any], **_: Any) -> Callable[..., Any]:
        def each(*args: Any) -> Any:
            parts = [one.traced(taken) if hasattr(one, "traced") else one for one in args]
            rows = zip(*(one if np.ndim(one) else [one] * len(parts[0]) for one in parts), strict=True)
            return traced_of(Listed((function(*row) for row in rows), taken), taken)

        return each

    def of_lists(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            parts = [traced_of(one, taken) if isinstance(one, list) and traced_in(one) else one for one in args]
            return function(*parts, **kwargs)

        return called

    replaced: dict[str, Any] = dict.fromkeys(ARRAYS, array)
    replaced |= {name: of_lists(getattr(np, name)) for name in OF_ONE}
    replaced |= {name: filled(getattr(np, name)) for name in FILLED}
    return Library(np, {**replaced, "vectorize": vectorize}, refuses=False)


def math_library() -> Library:
    """math's functions take one number; those of bars are numpy's."""

    def either(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            return getattr(np, name)(*args) if traced_in(args) else function(*args)

        return called

    plain = (
        "sqrt",
        "log",
        "log2",
        "log10",
        "log1p",
        "exp",
        "expm1",
        "sin",
        "cos",
        "tan",
        "tanh",
        "floor",
        "ceil",
        "fabs",
    )
    named = {name: either(name, getattr(math, name)) for name in plain}
    return Library(math, {**named, "isnan": either("isnan", math.isnan), "isfinite": either("isfinite", math.isfinite)})
