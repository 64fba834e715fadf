"""Choosing and writing elements of traced series and frames: `[]`, loc, iloc, at, iat.

In:  a key as pandas takes it; it may be made of bars itself.
Out: what was chosen, knowing what its elements know and what the choice knows; or the same object with elements written.

Which rows a condition chose is known when the condition is. Rows that it left out are remembered (`absent`): who asks
for them by label later learns that they were left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks.labelled import Labelled, plain_of, spread
from ninefold.backtest.leaks.labels import ChosenIndex
from ninefold.backtest.leaks.lists import Listed
from ninefold.backtest.leaks.traced import Traced
from ninefold.backtest.leaks.trail import NOTHING, CannotFollow, Reach, line_now


def chosen(of: Any, key: Any, place: Callable[[Any], Any]) -> Any:
    """`place(of)[key]`: the same choice from values and from what they know."""
    if callable(key):
        key = key(of)
    key = _conditions(of, key)
    rows = key[0] if isinstance(key, tuple) else key
    plain_key = _plain(key)
    mask, reach = _mask(of, rows)
    result = place(of.plain)[plain_key]
    known = place(of.known)[plain_key]
    if mask is None:
        if isinstance(rows, Traced) and rows.ndim == 0:
            known = np.maximum(known, int(rows.known))
        return of.run.made(result, known, [of], _still(of, result))
    picked = plain_of(rows)
    picked = picked.to_numpy() if isinstance(picked, pd.Series) else np.asarray(picked)
    latest = np.maximum.accumulate(mask)[picked.astype(bool)]
    known = np.maximum(known, latest[:, None] if known.ndim == 2 else latest)
    absent = pd.Series(mask, of.plain.index)
    if of.absent is not None:
        absent = of.absent.copy()
        absent.loc[of.plain.index] = np.maximum(absent.loc[of.plain.index], mask)
    return of.run.made(result, known, [of, Reached(reach)], absent)


def written(of: Any, key: Any, value: Any, place: Callable[[Any], Any]) -> Reach:
    """`place(of)[key] = value`; returns how far what was written reaches."""
    value, key = of.run.part(value), _conditions(of, key)
    rows = key[0] if isinstance(key, tuple) else key
    plain_key = _plain(key)
    before, reach = _before(of, plain_key, place)
    mask, mask_reach = _mask(of, rows)
    known, value_reach = of.run.known_of(value, of.known)
    if isinstance(rows, Traced) and rows.ndim == 0:
        known = np.maximum(known, int(rows.known))
    place(of.plain)[plain_key] = plain_of(value)
    known = np.maximum(known, before)
    place(of.known)[plain_key] = known if np.ndim(known) else int(known)
    of.known = spread(of.known, of.plain)
    if mask is not None:  # a row that stays as it was knows why
        columns = _columns(of, plain_key)
        if of.known.ndim == 1:
            of.known = np.maximum(of.known, mask)
        for column in columns:
            of.known[column] = np.maximum(of.known[column], mask)
    reaches: list[Reach] = [reach, mask_reach, value_reach, rows.reach if isinstance(rows, Traced) else NOTHING]
    return max(reaches)


class Reached:
    """A part of an operation of which only the reach counts."""

    def __new__(cls, reach: Reach) -> Any:
        return Traced(np.asarray(0), np.asarray(-1), None, reach)  # type: ignore[arg-type]


def labels(of: Any) -> Any:
    """The index of a series or frame."""
    return of.plain.index if of.absent is None else ChosenIndex(of.run, of.plain.index, of.absent, of.reach)


def without(of: Any, name: str, args: Any, kwargs: Any) -> Any:
    """`drop` or `reindex` by labels that a condition chose; None for other labels."""
    given = args[0] if args else kwargs.get("index", kwargs.get("labels"))
    if not isinstance(given, ChosenIndex):
        return None
    mask = given.mask(of.plain.index)
    return chosen(of, ~mask if name == "drop" else mask, lambda plain: plain)


def _conditions(of: Any, key: Any) -> Any:
    """Labels that a condition chose as the condition."""
    if isinstance(key, ChosenIndex):
        return key.mask(of.plain.index)
    if isinstance(key, tuple) and isinstance(key[0], ChosenIndex):
        return (key[0].mask(of.plain.index), *key[1:])
    return key


def _plain(key: Any) -> Any:
    if isinstance(key, slice):
        return slice(*(plain_of(one) for one in (key.start, key.stop, key.step)))
    if isinstance(key, tuple):
        return tuple(_plain(one) for one in key)
    return plain_of(key)


def _mask(of: Any, rows: Any) -> tuple[np.ndarray | None, Reach]:
    """What a condition that chooses rows knows, one for each row of `of`; None if rows are chosen otherwise."""
    if isinstance(rows, Listed) and rows.taken is not None:
        rows = rows.traced(rows.taken)
    if not isinstance(rows, Labelled | Traced) or rows.ndim != 1:
        return None, NOTHING
    plain = plain_of(rows)
    if plain.dtype != bool:
        if isinstance(rows, Traced) and (rows.known < 0).all():
            return None, NOTHING
        raise CannotFollow(
            f"{line_now()}: rows were chosen by labels made of bars, which the leak check cannot follow; use a condition"
        )
    known = spread(rows.known, pd.Series(0, of.plain.index)) if isinstance(rows, Labelled) else rows.known
    return np.asarray(known), rows.reach


def _still(of: Any, result: Any) -> pd.Series | None:
    return of.absent if isinstance(result, pd.Series | pd.DataFrame) and result.index.equals(of.plain.index) else None


def _before(of: Any, key: Any, place: Callable[[Any], Any]) -> tuple[int, Reach]:
    """What numbers and conditions that were taken out give to what is written at `key`."""
    rows, column = (key[0], key[1]) if isinstance(key, tuple) else (key, None)
    if np.ndim(rows) or isinstance(rows, slice):
        found: tuple[int, Reach] = of.run.taken.written()
        return found
    by_label = type(place(of.plain)).__name__ in ("_LocIndexer", "_AtIndexer") or place(of.plain) is of.plain
    at = of.plain.index.get_indexer([rows])[0] if by_label else rows
    found = of.run.taken.written_at(int(at), of, str(column))
    return found


def _columns(of: Any, key: Any) -> list[Any]:
    if of.plain.ndim == 1:
        return []
    if not isinstance(key, tuple):
        return list(of.plain.columns)
    wanted = key[1]
    if isinstance(wanted, slice):
        return list(of.plain.columns[wanted])
    return [wanted] if not isinstance(wanted, list) else wanted


class _Place:
    attribute = ""

    def __init__(self, of: Any) -> None:
        self._of = of

    def __getitem__(self, key: Any) -> Any:
        return chosen(self._of, key, self._place)

    def __setitem__(self, key: Any, value: Any) -> None:
        reach = written(self._of, key, value, self._place)
        self._of.__init__(self._of.run, self._of.plain, self._of.known, [self._of, Reached(reach)], self._of.absent)

    def _place(self, one: Any) -> Any:
        return getattr(one, self.attribute)


class ByLabel(_Place):
    attribute = "loc"


class ByPlace(_Place):
    attribute = "iloc"


class AtLabel(_Place):
    attribute = "at"


class AtPlace(_Place):
    attribute = "iat"
