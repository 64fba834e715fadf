"""The language as Python names: `from ninefold.formula.words import close, sma, where`.

Out: columns as terms and functions as callables of terms; `sma(close, 10) > sma(close, 30)` builds a term. `vwap` is the column;
     TA-Lib's function of that name is `call("vwap")`, in a text `vwap()`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ninefold.formula.catalogue import FUNCTIONS
from ninefold.formula.columns import COLUMNS
from ninefold.formula.elsewhere import at, on
from ninefold.formula.errors import did_you_mean
from ninefold.formula.term import Column, call

__all__ = [*COLUMNS, *(name for name in FUNCTIONS if name not in COLUMNS), "at", "on"]


def __getattr__(name: str) -> Any:
    if name in COLUMNS:
        return Column(name)
    if name in FUNCTIONS:
        return partial(call, name)
    raise AttributeError(f"the language has no word {name!r}{did_you_mean(name, [*COLUMNS, *FUNCTIONS])}")
