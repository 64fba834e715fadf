"""The same for strategies that are written with pandas: run them on a frame that knows what was read.

In:  a function that takes a frame of bars, and the bars.
Out: nothing, or the leak. What it returns is judged: a series, an array, a list; of a frame the columns that say what to
     do (`SIGNALS`), or all that it added if there are none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ninefold.backtest.leaks.check import Leak, judged
from ninefold.backtest.leaks.frame import TracedFrame
from ninefold.backtest.leaks.labelled import Labelled, Run, plain_of
from ninefold.backtest.leaks.lists import Listed
from ninefold.backtest.leaks.taken import Taken
from ninefold.backtest.leaks.traced import Traced

SIGNALS = (
    *("target", "signal", "position", "signals", "positions"),
    *("enter_long", "enter_short", "exit_long", "exit_short", "buy", "sell"),
)


def run_of(taken: Taken, open_ns: np.ndarray, numbered: bool = False) -> Run:
    """A run on bars that open at `open_ns`. numbered: rows have numbers and the times are a column, as in freqtrade."""
    times = pd.DatetimeIndex(pd.to_datetime(open_ns, utc=True), name="date")
    return Run(taken, pd.RangeIndex(len(times)) if numbered else times, times)


def frame_of_bars(run: Run, columns: Mapping[str, np.ndarray]) -> TracedFrame:
    plain = pd.DataFrame({name: np.array(one) for name, one in columns.items()}, run.index)
    known = pd.DataFrame({name: np.arange(len(plain)) for name in columns}, run.index)
    if isinstance(run.index, pd.RangeIndex):
        plain.insert(0, "date", run.times)
        known.insert(0, "date", -1)
    return TracedFrame(run, plain, known, [])


def leak_in_frame(
    decide: Callable[[Any], Any], run: Run, columns: Mapping[str, np.ndarray], held: bool = False
) -> Leak | None:
    """Judge one run of a strategy; `run` is the one whose libraries it was loaded with.

    held:   what is returned is held during its own bar.
    raises: CannotFollow; ValueError if the result is not one for each bar.
    """
    return judge(decide(frame_of_bars(run, columns)), run, list(columns), held)


def judge(found: Any, run: Run, given: list[str], held: bool = False) -> Leak | None:
    if isinstance(found, TracedFrame):
        names = [one for one in found if one in SIGNALS] or [one for one in found if one not in ("date", *given)]
        if not names:
            raise ValueError(
                f"the strategy gave a table without a column that says what to do; name it one of {', '.join(SIGNALS)}"
            )
        leaks = [judge(found[name], run, given, held) for name in names]
        return min((one for one in leaks if one is not None), key=lambda one: one.row, default=None)
    if isinstance(found, Labelled):
        own = run.index.get_indexer(found.plain.index)
        if (own < 0).any():
            raise ValueError(
                f"the strategy gave labels that are not those of the bars, such as {found.plain.index[int(np.argmax(own < 0))]}; "
                "bring the result to the index of the bars"
            )
        return judged(found.known.to_numpy(), own, found.reach, held)
    if isinstance(found, Listed):
        found = found.traced(run.taken)
    if not isinstance(found, Traced):
        found = run.made(np.asarray(plain_of(found)), run.taken.written()[0], [])
    if found.shape != (len(run.index),):
        raise ValueError(
            f"the strategy gave the shape {found.shape} for {len(run.index)} bars; it must be ({len(run.index)},)"
        )
    return judged(found.known, np.arange(len(run.index)), found.reach, held)
