"""Tables put together: merge, merge_asof, merge_ordered, join, concat.

In:  traced series and frames, and the arguments that pandas takes.
Out: the joined table. What elements know is joined by the same call on the same keys, so a row that is found by its time
     brings along what it knew, however it was labelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks.labelled import Labelled, Run, plain_of


def merged(run: Run, function: Callable[..., Any], left: Any, right: Any, how: dict[str, Any]) -> Any:
    """function: pandas' merge, merge_asof or merge_ordered."""
    left, right = _frame(run, left), _frame(run, right)
    keys_left, keys_right = _keys(left, right, how)
    how = {name: plain_of(one) for name, one in how.items()}
    result = function(left.plain, right.plain, **how)
    known = function(_with_keys(left, keys_left), _with_keys(right, keys_right), **how)
    known = known.reindex(columns=result.columns)
    for name in result.columns:
        if name in keys_left or name in keys_right or not pd.api.types.is_numeric_dtype(known[name].dtype):
            known[name] = -1
    floor = max(_most(left, keys_left), _most(right, keys_right), _early(run, left), _early(run, right))
    return run.made(result, np.maximum(known.fillna(-1), floor), [left, right])


def joined(run: Run, left: Any, other: Any, how: dict[str, Any]) -> Any:
    others = [_frame(run, one) for one in (other if isinstance(other, list | tuple) else [other])]
    right = [one.plain for one in others], [one.known for one in others]
    plain, known = (one if len(one) > 1 else one[0] for one in right)
    keys = _names(how.get("on"))
    found = _with_keys(left, keys).join(known, **how)
    found[keys] = -1
    result = left.plain.join(plain, **how)
    return run.made(result, np.maximum(found.fillna(-1), _left_out(result, others)[:, None]), [left, *others])


def concatenated(run: Run, parts: Any, how: dict[str, Any]) -> Any:
    if isinstance(parts, dict):
        how = {"keys": list(parts), **how}
        parts = parts.values()
    tables = [one if isinstance(one, Labelled) else run.made(one, -1, []) for one in parts]
    known = pd.concat([one.known for one in tables], **how)
    result = pd.concat([one.plain for one in tables], **how)
    if how.get("axis", 0) in (1, "columns"):
        out = _left_out(result, tables)
        return run.made(result, np.maximum(known.fillna(-1).to_numpy(), out[:, None]), tables)
    return run.made(result, known.to_numpy(), tables)


def _left_out(result: pd.DataFrame, tables: Iterable[Any]) -> Any:
    """For each row what is known of its being missing in tables whose rows a condition chose."""
    known = np.full(len(result), -1)
    for one in tables:
        if one.absent is not None:
            out = one.absent.reindex(result.index).fillna(-1).to_numpy(np.int64)
            known = np.maximum(known, np.where(result.index.isin(one.plain.index), -1, out))
    return known


def _early(run: Run, table: Any) -> int:
    """What rows know by being there or not, if the condition that chose them looked ahead; else it is no news."""
    if table.absent is None:
        return -1
    own = run.own(table.absent.index)
    return int(table.absent.max()) if own is None or (table.absent.to_numpy() > own).any() else -1


def _frame(run: Run, table: Any) -> Any:
    if not isinstance(table, Labelled):
        table = run.made(table, -1, [])
    return table if table.plain.ndim == 2 else table.to_frame()


def _keys(left: Any, right: Any, how: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    both = _names(how.get("on"))
    one, other = _names(how.get("left_on")), _names(how.get("right_on"))
    by = _names(how.get("by"))
    if not both and not one and not other and not how.get("left_index") and not how.get("right_index"):
        both = [name for name in left.plain.columns if name in right.plain.columns]
    return [*both, *one, *by], [*both, *other, *by]


def _names(given: Any) -> list[Any]:
    return [] if given is None else [given] if isinstance(given, str) else list(given)


def _with_keys(table: Any, keys: Iterable[Any]) -> pd.DataFrame:
    known = table.known.copy()
    for name in keys:
        known[name] = table.plain[name]
    return known


def _most(table: Any, keys: list[Any]) -> int:
    return int(table.known[keys].to_numpy().max(initial=-1)) if keys else -1
