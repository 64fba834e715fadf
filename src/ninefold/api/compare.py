"""GET /api/v1/backtests/compare: kept runs beside each other, over one axis of time.

In:  the numbers of some runs, a stretch of time, a width in pixels.
Out: the single figures of each run, its equity as parts of what it began with, and of each market what holding it would have
     come to before costs. Never more rows of each than can be seen.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

import numpy as np
from litestar import get
from litestar.datastructures import State
from litestar.exceptions import ClientException
from litestar.params import QueryParameter

from ninefold.api.backtests import From, Pixels, Runs, To
from ninefold.api.rows import Json, finite
from ninefold.api.scopes import READ
from ninefold.backtest.bars import Bars
from ninefold.report.levels import Candles, Line, line_of
from ninefold.report.shown import Shown
from ninefold.store.runs import Kept

LEAST_RUNS, MOST_RUNS = 2, 8
DECIMALS = 6  # of a part of what a run began with
Sight = tuple[int | None, int | None]  # from, to
Numbers = Annotated[
    str, QueryParameter(name="runs", description=f"{LEAST_RUNS} to {MOST_RUNS} runs, such as 3,7.", max_length=200)
]


@get("/backtests/compare", opt=READ)
async def compare_backtests(
    state: State, numbers: Numbers, from_ns: From = None, to_ns: To = None, px: Pixels = 1_000
) -> Json:
    """Runs beside each other: figures of each, equity and falls as parts of its start, and buy and hold of each market."""
    wanted = numbers_of(numbers)
    if from_ns is not None and to_ns is not None and from_ns >= to_ns:
        raise ClientException(f"from {from_ns} is not before to {to_ns}; write the earlier moment first")
    return await asyncio.to_thread(_compared, state.runs, wanted, (from_ns, to_ns), px)


def numbers_of(text: str) -> list[int]:
    """
    raises: ClientException with what was found and what is allowed.

    >>> numbers_of("3,7")
    [3, 7]
    """
    parts = text.split(",")
    if not all(re.fullmatch(r"\d{1,12}", part, re.ASCII) for part in parts):
        raise ClientException(f"runs is {text!r}; write the numbers of runs with commas between them, such as runs=3,7")
    numbers = list(dict.fromkeys(map(int, parts)))
    if not LEAST_RUNS <= len(numbers) <= MOST_RUNS:
        raise ClientException(f"runs names {len(numbers)} different runs; {LEAST_RUNS} to {MOST_RUNS} can be compared")
    return numbers


def held_line(bars: Bars, candles: Candles) -> Line:
    """What holding from the second bar with trades would have come to at each close, as parts, before costs: a strategy
    that buys at once fills there."""
    worth = np.ones(len(bars))
    if len(later := np.flatnonzero(bars.volume[1:] > 0)):
        first = 1 + int(later[0])
        worth[first:] = bars.close[first:] / bars.open[first]
    return line_of(worth, 1.0, candles)


def _compared(runs: Runs, numbers: list[int], sight: Sight, px: int) -> Json:
    found = [runs.run(number) for number in numbers]
    markets: dict[str, list[tuple[Kept, Shown]]] = {}
    for kept, shown in found:
        if kept.bars is not None:
            markets.setdefault(kept.bars, []).append((kept, shown))
    return {
        "runs": [
            {**kept.about, "summary": kept.summary, "trades": len(shown.trades), **_curve(shown, sight, px)}
            for kept, shown in found
        ],
        "markets": [
            {"runs": [str(kept.trial) for kept, _ in alike], **_curve(alike[0][1], sight, px, held=True)}
            for alike in markets.values()
        ],
    }


def _curve(shown: Shown, sight: Sight, px: int, held: bool = False) -> Json:
    """A line as parts of its start; nulls where a run has none over bars of one market."""
    start = 1.0 if held else shown.cash
    if shown.bars is None or start <= 0 or (shown.equity is None and not held):
        return dict.fromkeys(("from_ns", "to_ns", "width_ns", "columns"))
    level, first, stop = shown.part(*sight, px)
    line = held_line(shown.bars, level.candles) if held or level.line is None else level.line
    columns: Json = {"open_ns": [str(ns) for ns in level.candles.open_ns[first:stop].tolist()]}
    for name, unit in (("low", start), ("high", start), ("last", start), ("fall", 1.0)):
        parts = np.round(getattr(line, name)[first:stop] / unit, DECIMALS)
        columns[name] = [finite(part) for part in parts.tolist()]
    return {
        "from_ns": str(shown.bars.open_ns[0]),
        "to_ns": str(shown.bars.close_ns[-1]),
        "width_ns": level.candles.width_ns,
        "columns": columns,
    }
