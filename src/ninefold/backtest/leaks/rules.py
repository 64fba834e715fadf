"""What pandas' methods do with what elements know, by the methods' names.

In:  a series or frame of values, one of what they know, and the method's arguments.
Out: what the result knows. A method that stands nowhere here is refused, never guessed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks.trail import CannotFollow, line_now

# elements go where their labels go; the same call moves what they know
MOVED = {
    *(
        "head",
        "tail",
        "reindex",
        "rename",
        "reset_index",
        "set_index",
        "to_frame",
        "truncate",
        "between_time",
        "at_time",
    ),
    *(
        "asfreq",
        "tz_localize",
        "tz_convert",
        "drop",
        "squeeze",
        "rename_axis",
        "sort_index",
        "set_axis",
        "transpose",
        "copy",
    ),
    *(
        "add_prefix",
        "add_suffix",
        "pop",
        "swaplevel",
        "droplevel",
        "filter",
        "xs",
        "take",
        "reindex_like",
        "unstack",
        "stack",
    ),
}
# each element of its own, and of what has the same label in the arguments
ELEMENTWISE = {
    *(
        "add",
        "radd",
        "sub",
        "rsub",
        "subtract",
        "mul",
        "rmul",
        "multiply",
        "div",
        "divide",
        "rdiv",
        "truediv",
        "rtruediv",
    ),
    *("floordiv", "mod", "pow", "rpow", "eq", "ne", "lt", "le", "gt", "ge", "abs", "round", "clip", "astype", "isna"),
    *("isnull", "notna", "notnull", "replace", "between", "isin", "where", "mask", "combine_first", "convert_dtypes"),
    *("infer_objects",),
}
# each element of all before it
CUMULATIVE = {"cumsum", "cumprod", "cummax", "cummin"}
# one value of many
REDUCED = {
    *(
        "mean",
        "sum",
        "std",
        "var",
        "min",
        "max",
        "median",
        "prod",
        "product",
        "count",
        "skew",
        "kurt",
        "kurtosis",
        "sem",
    ),
    *(
        "any",
        "all",
        "nunique",
        "idxmax",
        "idxmin",
        "argmax",
        "argmin",
        "quantile",
        "corr",
        "cov",
        "autocorr",
        "first_valid_index",
    ),
    *("last_valid_index", "is_monotonic_increasing", "describe", "mode", "value_counts", "unique", "corrwith", "dot"),
}
# each element of everything
WHOLE = {"rank", "nlargest", "nsmallest", "argsort", "searchsorted", "factorize"}
# a series at a time, also in a frame
BY_COLUMN = {"shift", "diff", "pct_change", "ffill", "pad", "bfill", "backfill", "fillna", "interpolate"}


def differed(known: pd.Series, periods: int = 1, **_: Any) -> pd.Series:
    """Of a difference or a change: both rows."""
    return np.maximum(known, known.shift(periods).fillna(-1))


def filled_forward(known: pd.Series, valid: pd.Series) -> pd.Series:
    """Elements that are missing know the last one there was, and that there was none since."""
    return known.groupby(valid.cumsum().to_numpy()).cummax()


def filled_backward(known: pd.Series, valid: pd.Series) -> pd.Series:
    return filled_forward(known[::-1], valid[::-1])[::-1]


def filled(name: str, plain: pd.Series, known: pd.Series, result: pd.Series) -> pd.Series:
    """After ffill, bfill: what is still missing knows only itself and its own side."""
    valid = plain.notna()
    if name in ("ffill", "pad"):
        return filled_forward(known, valid)
    found = filled_backward(known, valid)
    return found.where(result.notna(), known)  # nothing came from there


def interpolated(plain: pd.Series, known: pd.Series, result: pd.Series, method: str) -> pd.Series:
    valid = plain.notna()
    if method in ("pad", "ffill"):
        return filled_forward(known, valid)
    if method in ("linear", "time", "index", "values", "nearest", "zero", "slinear"):
        both = np.maximum(filled_forward(known, valid), filled_backward(known, valid))
    else:  # a curve through all points
        both = pd.Series(int(known.max()), known.index)
    return known.where(valid | result.isna(), both)


def latest(known: pd.Series | pd.DataFrame, plain: Any, axis: Any) -> Any:
    """What a reduction knows: of a series a number, of a frame one for each column or row."""
    if isinstance(known, pd.Series):
        return known.max() if len(known) else -1
    if axis in (1, "columns"):
        return known.max(axis=1)
    if axis is None or not isinstance(plain, pd.Series):
        return known.to_numpy().max(initial=-1)
    return known.max()


def windows(known: Any, center: bool = False, **how: Any) -> Any:
    """What a rolling window knows: the latest of its rows, also where it is not full yet."""
    how = {name: one for name, one in how.items() if name not in ("win_type", "method")}
    return known.rolling(**{**how, "min_periods": 1}, center=center).max()


def refuse(kind: str, name: str) -> CannotFollow:
    return CannotFollow(
        f"{line_now()}: {kind}.{name} is not known to the leak check, so it cannot say which bars its result knows"
    )
