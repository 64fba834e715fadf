"""Every point of a grid of settings, each a counted trial, and what the best of them is worth.

In:  what is asked, with ranges for settings. Out: a document: the best by deflated Sharpe ratio, the whole grid, how likely the
     search overfitted.

Crossings of averages are compared many bars at a time; results are those of single runs. On several markets each point is one
portfolio and one trial; the legs of a strategy that has them are on one account.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.statistics.deflated import (
    counted_trials,
    deflated_sharpe,
    expected_maximum_sharpe,
    familywise_p,
)
from ninefold.backtest.statistics.sharpe import YEAR_NS
from ninefold.services.backtest_config import config_of
from ninefold.services.backtest_grid import Grid, grid_of
from ninefold.services.backtest_outcome import ratio_of
from ninefold.services.backtest_report import overfitted, quote
from ninefold.services.backtest_search import Play, Progress, Searched, looks_needed, parts_of, search_through
from ninefold.services.backtest_wanted import Wanted, code_of
from ninefold.services.legs_ground import ground_for
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, TrialReader, Trials, Tried

KIND = "sweep"
BEST = 20  # points in the document's list


class Points(Protocol):
    """Where the points of a grid are played; `backtest_ground` says what each is."""

    @property
    def drawn(self) -> Bars: ...
    @property
    def bars(self) -> int: ...
    @property
    def unit(self) -> Fraction: ...
    @property
    def width_ns(self) -> int: ...
    def looks(self, ledger: TrialReader, points: int) -> bool: ...
    def player(self, some: Sequence[int]) -> Play: ...
    def held(self) -> dict[str, Any]: ...
    def portfolio(self, point: int, told: dict[str, Any]) -> dict[str, Any]: ...
    def about(self) -> dict[str, Any]: ...


def sweep(wanted: Wanted, now_ns: int, progress: Progress) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same sweep again goes on, or is read.

    returns: as `backtest`; docs/research.md names the keys.
    raises:  those of `backtest_wanted.REFUSED`.
    """
    grid = grid_of(wanted)
    ground = ground_for(wanted, grid.points)
    search = search_of(wanted, grid, ground.snapshot)
    return swept(wanted.data_dir, ground, grid, search, wanted.look, now_ns, progress)


def swept(
    data_dir: Path, ground: Points, grid: Grid, search: Search, asked: str | None, now_ns: int, progress: Progress
) -> dict[str, Any]:
    """asked: why rows behind the holdout's wall are read. returns: as `sweep`."""
    with closing(Trials(data_dir)) as trials:
        look = asked if ground.looks(trials, looks_needed(trials, search)) else None
        points = range(len(grid.points))
        found = search_through(
            trials, search, parts_of(points, ground.bars), ground.player(points), progress, now_ns, look
        )
        tried = trials.tried(search.family)
        alike = trials.returns(found.first)
    told = {
        **_document(ground, grid, found, tried),
        "overfitting": overfitted(alike),
        "buy_and_hold": ground.held(),
    }
    save_run(data_dir, KIND, found.first, told, ground.drawn)
    return told


def search_of(wanted: Wanted, grid: Grid, snapshot: str) -> Search:
    return Search(
        kind=KIND,
        family=grid.points[0].family,
        snapshot=snapshot,
        code=code_of(grid.points),
        config=config_of(wanted, grid.fixed()),
        seed=0,
        points=grid.columns(),
    )


def _document(ground: Points, grid: Grid, found: Searched, tried: Tried) -> dict[str, Any]:
    table = judged(found.rows, tried, ground.width_ns, ground.unit)
    keys = [-np.nan_to_num(table[name], nan=-np.inf) for name in ("sharpe", "deflated_sharpe")]  # the last one first
    order = np.lexsort(keys)
    best = [
        {
            "trial": found.first + point,
            "set": grid.points[point].parameters,
            **{name: table[name][point] for name in table},
        }
        for point in order[:BEST].tolist()
    ]
    return {
        "strategy": grid.points[0].name,
        "set": grid.fixed(),
        **ground.about(),
        "trial": found.first,
        "points": len(grid.points),
        "resumed": found.resumed,
        **luck(tried, ground.width_ns, periods_of(found.rows)),
        **ground.portfolio(int(order[0]), best[0]),
        "best": best,
        "grid": {"axes": grid.values(), **table},
    }


def periods_of(rows: np.ndarray) -> int:
    """Closes over which runs were judged. rows: PLAYED."""
    return int(rows["periods"].max())


def judged(rows: np.ndarray, tried: Tried, width_ns: int, unit: Fraction) -> dict[str, list[Any]]:
    """rows: PLAYED. A value a point: what it made, and what is left of its Sharpe ratio when all trials are counted."""
    summary, a_year = rows["summary"], math.sqrt(YEAR_NS / width_ns)
    ratios = [ratio_of(row) for row in rows]
    counted = counted_trials(tried.trials, tried.effective)
    scatter = [_scatter(tried, width_ns, ratio.periods) for ratio in ratios]
    pairs = list(zip(ratios, scatter, strict=True))
    return {
        "equity": quote(summary["equity"], unit).tolist(),
        "fees": quote(summary["fees"], unit).tolist(),
        "trades": summary["trades"].tolist(),
        "sharpe": [ratio.value * a_year for ratio in ratios],
        "deflated_sharpe": [deflated_sharpe(ratio, tried.effective, of) for ratio, of in pairs],
        "familywise_p": [familywise_p(ratio, counted) for ratio in ratios],
    }


def luck(tried: Tried, width_ns: int, periods: int) -> dict[str, Any]:
    """How many trials there were, and what ratio a year the best of as many without an edge is expected to show."""
    best = expected_maximum_sharpe(tried.effective, _scatter(tried, width_ns, periods))
    return {
        "trials": tried.trials,
        "effective_trials": tried.effective,
        "expected_best_by_luck": best * math.sqrt(YEAR_NS / width_ns),
    }


def _scatter(tried: Tried, width_ns: int, periods: int) -> float:
    """The variance of ratios a bar; where one trial alone was made, that of luck."""
    return 1 / max(periods, 1) if math.isnan(tried.variance) else tried.variance * width_ns / YEAR_NS
