"""Targets as their changes: what a strategy wants, said only where it begins to want something else.

In:  a target for each bar (`changes_of_target`), entries and exits (`changes_of_signals`), or two moving averages
     (`changes_of_crossing`), all as known at each bar's close.
Out: `Changes`: at the close of bar `at[k]` the target becomes `to[k]`.

A target that is NaN (the strategy cannot tell) counts as 0, as it does in live trading. Targets are held to 8 decimals.
A change that repeats the target does nothing while a position is held or an order waits; after a stop it enters again,
which is how an entry signal differs from a target that merely stayed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import ONE
from ninefold.backtest.fast_many import target_changes
from ninefold.backtest.scan import crossing_changes

EXACT = 2**53  # products beyond it are not whole numbers of a double


class BadTarget(ValueError):
    """A target that cannot be used: the row, what was found there, what is allowed."""


@dataclass(frozen=True, eq=False, slots=True)
class Changes:
    """at: rows of bars, rising, int64. to: whole numbers of 10**-8 in [-10**8, 10**8], int64. Both of shape (m,)."""

    at: np.ndarray
    to: np.ndarray


def changes_of_target(target: np.ndarray, bars: int) -> Changes:
    """target: shape (n,), float64 in [-1, +1] or NaN. bars: how many there are, n.

    raises: BadTarget naming the first row that is wrong.

    >>> changes_of_target(np.array([np.nan, 1.0, 1.0, 0.0]), 4).at
    array([1, 3])
    """
    values = np.ascontiguousarray(target, np.float64)
    if values.shape != (bars,):
        raise BadTarget(f"the target has shape {values.shape}; one value for each of the {bars} bars is needed")
    at, to = np.empty(bars, np.int64), np.empty(bars, np.int64)
    count = target_changes(values, at, to)
    if count < 0:
        raise wrong_target(values, -count - 1)
    return Changes(at[:count], to[:count])


def wrong_target(values: np.ndarray, row: int, name: str = "the target") -> BadTarget:
    """What to say of a value outside [-1, +1]."""
    return BadTarget(
        f"{name} is {values[row]} at row {row}; it must lie in [-1, +1] (NaN: cannot tell, counts as 0); "
        "`ninefold.strategy.targets` cuts a formula's values to it"
    )


def changes_of_signals(
    entries: np.ndarray,
    exits: np.ndarray,
    short_entries: np.ndarray | None = None,
    short_exits: np.ndarray | None = None,
) -> Changes:
    """Entry and exit formulas, each of shape (n,), true where not 0 (NaN: not true).

    An exit beats an entry of the same side at the same close; of entries of both sides none counts.
    raises: BadTarget for other shapes.

    >>> changes_of_signals(np.array([1, 1, 0, 0]), np.array([0, 0, 0, 1])).to.tolist()
    [100000000, 100000000, 0]
    """
    none = np.zeros(len(entries), bool)
    given = [none if signal is None else signal for signal in (entries, exits, short_entries, short_exits)]
    if any(np.shape(signal) != (len(entries),) for signal in given):
        raise BadTarget(
            f"signals have shapes {[np.shape(signal) for signal in given]}; all must be (n,) with the same n"
        )
    long_in, long_out, short_in, short_out = (np.nan_to_num(np.asarray(signal, np.float64)) != 0 for signal in given)
    long_in, short_in = long_in & ~long_out & ~short_in, short_in & ~short_out & ~long_in
    to = np.full(len(entries), ONE + 1, np.int64)
    side = 0
    for row in np.flatnonzero(long_in | long_out | short_in | short_out).tolist():
        if long_in[row] or short_in[row]:
            side = 1 if long_in[row] else -1
            to[row] = side * ONE
        elif (side > 0 and long_out[row]) or (side < 0 and short_out[row]):
            side = 0
            to[row] = 0
    at = np.flatnonzero(to <= ONE)
    return Changes(at, to[at])


def changes_of_crossing(bars: Bars, fast: int, slow: int) -> Changes:
    """+1 while the mean of the last `fast` closes is above that of the last `slow`, else 0; equal is not above.

    Means are compared as whole numbers (sums crosswise multiplied), so ties are decided exactly. Unknown bars have the
    close of the bar before.
    raises: BadTarget for windows below 1 or prices whose sums do not fit.
    """
    check_windows(bars, [fast], [slow])
    at, to = np.empty(len(bars), np.int64), np.empty(len(bars), np.int64)
    count = crossing_changes(bars.close, fast, slow, at, to)
    return Changes(at[:count], to[:count])


def check_windows(bars: Bars, fast: list[int], slow: list[int]) -> None:
    """raises: BadTarget for windows below 1, or so long that sums of closes could not be compared exactly."""
    if min(fast) < 1 or min(slow) < 1:
        raise BadTarget(f"windows are {fast} and {slow}; each is at least 1 bar")
    if bars.highest * max(fast) * max(slow) > EXACT:
        raise BadTarget(
            f"windows of {max(fast)} and {max(slow)} bars at prices up to {bars.highest} ticks: the products of sums exceed 2**53; "
            "give bars with a coarser tick, or shorter windows"
        )
