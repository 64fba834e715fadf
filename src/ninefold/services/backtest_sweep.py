"""Every point of a grid of settings, each a counted trial, and what the best of them is worth.

In:  what is asked, with ranges for settings. Out: a document: the best by deflated Sharpe ratio, the whole grid, how likely the
     search overfitted.

Crossings of averages are compared many bars at a time; results are those of single runs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from fractions import Fraction
from typing import Any

import numpy as np

from ninefold.backtest.market_rules import Rules, numbers
from ninefold.backtest.statistics.deflated import (
    counted_trials,
    deflated_sharpe,
    expected_maximum_sharpe,
    familywise_p,
)
from ninefold.backtest.statistics.sharpe import YEAR_NS
from ninefold.backtest.sweep import Sweep, sweep_changes, sweep_crossings
from ninefold.backtest.target import Changes
from ninefold.services.backtest import held
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_grid import Grid, grid_of
from ninefold.services.backtest_outcome import Played, joined, played, played_together, ratio_of
from ninefold.services.backtest_report import earned, overfitted, quote, times
from ninefold.services.backtest_search import Play, Progress, Searched, looks_needed, parts_of, search_through
from ninefold.services.backtest_strategy import Chosen, changes_together, crossing_of
from ninefold.services.backtest_wanted import (
    Wanted,
    check_holdout,
    code_of,
    config_of,
    market_of,
    rules_of,
    snapshot_of,
)
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, Trials, Tried

ChangesOf = Callable[[Sequence[Chosen], Market], list[Changes]]
KIND = "sweep"
BEST = 20  # points in the document's list


def sweep(wanted: Wanted, now_ns: int, progress: Progress) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same sweep again goes on, or is read.

    returns: as `backtest`; docs/research.md names the keys.
    raises:  those of `backtest_wanted.REFUSED`.
    """
    grid = grid_of(wanted)
    market = market_of(wanted, grid.points)
    rules = [rules_of(wanted, market, point) for point in grid.points]
    search = search_of(KIND, wanted, grid, market, grid.columns())
    with closing(Trials(wanted.data_dir)) as trials:
        look = wanted.look if check_holdout(wanted, market, trials, looks_needed(trials, search)) else None
        play = player(market, grid.points, rules, wanted.width_ns)
        parts = parts_of(range(len(grid.points)), len(market.bars))
        found = search_through(trials, search, parts, play, progress, now_ns, look)
        tried = trials.tried(search.family)
        alike = trials.returns(found.first)
    hold = earned(held(market, rules[0]), wanted.width_ns, wanted.target_volatility)
    told = {**_document(wanted, market, grid, found, tried), "overfitting": overfitted(alike), "buy_and_hold": hold}
    save_run(wanted.data_dir, KIND, found.first, told, market.bars)
    return told


def search_of(kind: str, wanted: Wanted, grid: Grid, market: Market, points: dict[str, list[Any]]) -> Search:
    return Search(
        kind=kind,
        family=grid.points[0].family,
        snapshot=snapshot_of(market),
        code=code_of(grid.points),
        config=config_of(wanted, grid.fixed()),
        seed=0,
        points=points,
    )


def player(
    market: Market,
    points: Sequence[Chosen],
    rules: Sequence[Rules],
    width_ns: int,
    changes: ChangesOf = changes_together,
) -> Play:
    """What plays some of the points on these bars; a set of rules for each. changes: of several points' targets."""
    cash = numbers(rules[0], market.bars.tick, market.bars.lot, market.bars.highest).cash

    def play(some: range) -> Played:
        found = []
        for (of, knows), group in itertools.groupby(some, lambda one: (rules[one], points[one].plan.knows_itself)):
            same = [points[one] for one in group]
            if knows:
                found += [played(point.prepare(market)(of), width_ns) for point in same]
            else:
                found.append(played_together(market.bars, swept(market, same, of, changes), cash, width_ns))
        return joined(found)

    return play


def swept(market: Market, points: Sequence[Chosen], rules: Rules, changes: ChangesOf) -> Sweep:
    """With the equity at every close."""
    pairs = [crossing_of(point.plan.target) for point in points]
    if all(pairs):
        return sweep_crossings(market.bars, [pair for pair in pairs if pair], rules, every=1)
    return sweep_changes(market.bars, changes(points, market), rules, every=1)


def _document(wanted: Wanted, market: Market, grid: Grid, found: Searched, tried: Tried) -> dict[str, Any]:
    bars, width_ns = market.bars, wanted.width_ns
    table = judged(found.rows, tried, width_ns, bars.unit)
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
        "strategy": wanted.strategy,
        "set": grid.fixed(),
        "timeframe": wanted.timeframe,
        "from": times(bars.open_ns[:1])[0],
        "to": times(bars.close_ns[-1:])[0],
        "bars": len(bars),
        "unknown_bars": int((~bars.known).sum()),
        "trial": found.first,
        "points": len(grid.points),
        "resumed": found.resumed,
        **luck(tried, width_ns, len(bars)),
        "best": best,
        "grid": {"axes": grid.values(), **table},
    }


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
