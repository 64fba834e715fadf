"""The leak check of a strategy: run it on bars that know what was read.

In:  a strategy as `leak_check_forms` found it; bars to run it on.
Out: `Checked`: nothing found, a leak with its line, or why nobody can say.

A strategy runs on each set of bars twice, the second time on the same bars from the last to the first: a condition that
was not met is met then, mostly. Each time its file is loaded anew.
"""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ninefold.backtest.leaks.check import Leak, backwards
from ninefold.backtest.leaks.trail import CannotFollow
from ninefold.services.leak_check_forms import CODE, FORMULA, Found
from ninefold.strategy.parameters import BadStrategy

CLEAN, LEAK, CANNOT_JUDGE, RAISES = "clean", "leak", "cannot judge", "raises"
BY_CONSTRUCTION = {
    FORMULA: "it is a formula: each value is made of bars up to its own, and of others (at, on) as they were known by then",
    CODE: "it is shown one bar at a time, when that is over; no later one is there to be read",
}
_LINE = re.compile(r"(?P<file>[^:]+):(?P<line>\d+) in (?P<function>\S+)")


@dataclass(frozen=True, slots=True)
class BarsToRead:
    """Columns of shape (n,) each, and when each bar opens; `name` says where they are from."""

    name: str
    columns: Mapping[str, np.ndarray]
    open_ns: np.ndarray


@dataclass(frozen=True, slots=True)
class Checked:
    """What is to be said of a strategy.

    row, knows, rows: the first row that knew too much, the row that it knew, how many such rows there were.
    file, line, text: of the strategy, where it reached ahead, raised, or could not be followed.
    why:  in words; remedy: what to do about it.
    runs: how often it ran, on what.
    """

    strategy: str
    form: str
    verdict: str
    why: str
    remedy: str
    runs: int
    bars: str
    row: int | None = None
    knows: int | None = None
    rows: int | None = None
    row_time_ns: int | None = None
    knows_time_ns: int | None = None
    file: str | None = None
    line: int | None = None
    text: str | None = None


def check(
    found: Found,
    bars: Sequence[BarsToRead],
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Checked:
    """Judge a strategy.

    found: by `form_of`.
    told:  is told how many of how many runs are done.
    """
    if found.form in BY_CONSTRUCTION:
        return Checked(found.name, found.form, CLEAN, BY_CONSTRUCTION[found.form], "", 0, "")
    runs = list(_runs(bars))
    for done, (one, columns) in enumerate(runs):
        told(done, len(runs))
        checked = _once(found, one, columns, done + 1)
        if checked is not None:
            return checked
    why = f"in {len(runs)} runs no row knew a later one{found.besides and f'; {found.besides}'}"
    return Checked(found.name, found.form, CLEAN, why, "", len(runs), ", ".join(one.name for one in bars))


def _runs(bars: Sequence[BarsToRead]) -> Iterator[tuple[BarsToRead, Mapping[str, np.ndarray]]]:
    for one in bars:
        yield one, one.columns
        yield one, backwards(one.columns)


def _once(found: Found, bars: BarsToRead, columns: Mapping[str, np.ndarray], runs: int) -> Checked | None:
    try:
        leak = found.once(columns, bars.open_ns)
    except CannotFollow as error:
        return _cannot(found, bars, runs, str(error))
    except BadStrategy:
        raise
    except Exception as error:  # whatever a user's file does: it is said where
        return _raised(found, bars, runs, error)
    return None if leak is None else _leak(found, bars, runs, leak)


def _leak(found: Found, bars: BarsToRead, runs: int, leak: Leak) -> Checked:
    ahead = leak.knows - leak.row
    beyond = "its own bar, during which it is held" if ahead == 0 else f"{ahead:,} bar{'s' * (ahead > 1)} later"
    return Checked(
        found.name,
        found.form,
        LEAK,
        f"row {leak.row:,} was decided with what row {leak.knows:,} tells: {beyond}",
        "let each row read rows up to its own only: shift what comes later down to where it is known, or drop it"
        if ahead
        else "a bar's close is known when it is over: hold the position from the next bar on, .shift(1)",
        runs,
        bars.name,
        row=leak.row,
        knows=leak.knows,
        rows=leak.rows,
        row_time_ns=int(bars.open_ns[leak.row]),
        knows_time_ns=int(bars.open_ns[leak.knows]),
        **_place(found, leak.where),
    )


def _cannot(found: Found, bars: BarsToRead, runs: int, why: str) -> Checked:
    remedy = "rewrite this line so that it can be followed, or check by other means: nothing is said for or against it"
    return Checked(found.name, found.form, CANNOT_JUDGE, why, remedy, runs, bars.name, **_place(found, why))


def _raised(found: Found, bars: BarsToRead, runs: int, error: Exception) -> Checked:
    own = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == found.path]
    file, line, text = (found.path, own[-1].lineno, own[-1].line) if own else (found.path or None, None, None)
    if isinstance(error, SyntaxError):
        line, text = error.lineno, (error.text or "").strip()
    why = f"{type(error).__name__}: {error}"
    remedy = "mend the strategy; it ended before it could be judged"
    return Checked(found.name, found.form, RAISES, why, remedy, runs, bars.name, file=file, line=line, text=text)


def _place(found: Found, where: str) -> dict[str, Any]:
    """File, line and its text, of `planted.py:12 in target`."""
    there = _LINE.search(where)
    if there is None or not found.path:
        return {"file": found.path or None}
    line = int(there["line"])
    path = found.path if Path(found.path).name == there["file"] else there["file"]
    return {"file": path, "line": line, "text": linecache.getline(path, line).strip() or None}
