"""What plays points on parts of the time, by the form of the strategy: a target on one market, or legs on one account.

In:  what is asked, a grid. Out: `Plays`, which `backtest_fitting` fits and acts with; `ticks_plays` has those on trades and books.

What is wanted where a part begins is taken over from the formula, which has seen all bars before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.market_rules import Rules, numbers
from ninefold.backtest.moved import stitched, within
from ninefold.backtest.result import Account
from ninefold.backtest.run import run
from ninefold.backtest.sweep import Sweep, summary_of, sweep_changes
from ninefold.backtest.target import Changes
from ninefold.services import backtest, backtest_legs
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_completeness import completeness_of_markets
from ninefold.services.backtest_config import config_of
from ninefold.services.backtest_grid import Grid
from ninefold.services.backtest_outcome import Played
from ninefold.services.backtest_report import Judging
from ninefold.services.backtest_strategy import changes_together
from ninefold.services.backtest_wanted import BadBacktest, Wanted, check_holdout, market_of, rules_of, snapshot_of
from ninefold.services.legs_ready import Ready, ready_each, snapshot_of_legs
from ninefold.store.trials import TrialReader
from ninefold.strategy.forms import Legs

Part = tuple[tuple[int, int], int | None]  # rows of bars, half open, and the point that acts there; None: nobody
FLAT = Changes(np.empty(0, np.int64), np.empty(0, np.int64))


class Joined(NamedTuple):
    """What points did one after the other on one account. document: what is told of it."""

    result: Account
    bars: Bars
    document: Callable[[Played, Judging], dict[str, Any]]


class Plays(Protocol):
    @property
    def bars(self) -> Bars:
        """By which time is split."""

    @property
    def snapshot(self) -> str:
        """Identity of the data by its content."""

    @property
    def cash(self) -> int:
        """At the start, units."""

    def config(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What was asked, as the trial ledger keeps it."""

    def looks(self, ledger: TrialReader, points: int) -> bool:
        """Whether what is read reaches behind the holdout's wall. raises: as `check_holdout`."""

    def complete(self) -> dict[str, Any]:
        """How complete what is read is."""

    def sweep(self, points: Sequence[int], start: int, stop: int) -> Sweep:
        """Each on an account of its own over these rows, with the equity at every close."""

    def joined(self, parts: Sequence[Part]) -> Joined:
        """One account through parts that follow one another."""


class OneMarket(NamedTuple):
    """changes: of each point's target, over all bars."""

    wanted: Wanted
    grid: Grid
    market: Market
    rules: Rules
    changes: list[Changes]

    @property
    def bars(self) -> Bars:
        return self.market.bars

    @property
    def snapshot(self) -> str:
        return snapshot_of(self.market, self.grid.points)

    @property
    def cash(self) -> int:
        bars = self.market.bars
        return numbers(self.rules, bars.tick, bars.lot, bars.highest).cash

    def config(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return config_of(self.wanted, parameters)

    def looks(self, ledger: TrialReader, points: int) -> bool:
        return check_holdout(self.wanted, self.market, ledger, points)

    def complete(self) -> dict[str, Any]:
        return completeness_of_markets(self.wanted.data_dir, [self.market])

    def sweep(self, points: Sequence[int], start: int, stop: int) -> Sweep:
        changes = [within(self.changes[point], start, stop) for point in points]
        market = self.market.between(start, stop)
        return sweep_changes(market.bars, changes, self.rules, every=1, funding=market.funding)

    def joined(self, parts: Sequence[Part]) -> Joined:
        changes = stitched([(*rows, FLAT if point is None else self.changes[point]) for rows, point in parts])
        market, rules = self.market.between(*_all_rows(parts)), self.rules
        play = partial(run, market.bars, changes, funding=market.funding)
        ready = backtest.Ready(self.grid.points[0], market, rules, changes, play)
        result = ready.play(rules)
        return Joined(result, market.bars, partial(backtest.document, self.wanted, ready, result))


class OneAccount(NamedTuple):
    """Legs. each: of every point."""

    wanted: Wanted
    each: list[Ready]

    @property
    def bars(self) -> Bars:
        return self.each[0].first.bars

    @property
    def snapshot(self) -> str:
        return snapshot_of_legs(self.each[0].markets, [ready.chosen for ready in self.each])

    @property
    def cash(self) -> int:
        return self.each[0].cash

    def config(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return config_of(self.wanted, parameters)

    def looks(self, ledger: TrialReader, points: int) -> bool:
        return check_holdout(self.wanted, self.each[0].first, ledger, points)

    def complete(self) -> dict[str, Any]:
        return completeness_of_markets(self.wanted.data_dir, list(self.each[0].markets.values()))

    def sweep(self, points: Sequence[int], start: int, stop: int) -> Sweep:
        each = [self.each[point].between(start, stop) for point in points]
        return sweep_of([ready.play(ready.rules) for ready in each])

    def joined(self, parts: Sequence[Part]) -> Joined:
        first = self.each[0]
        changes = {
            leg: stitched([(*rows, FLAT if point is None else self.each[point].changes[leg]) for rows, point in parts])
            for leg in first.markets
        }
        ready = first.between(*_all_rows(parts))._replace(changes=changes)
        result = ready.play(ready.rules)
        return Joined(result, ready.first.bars, partial(backtest_legs.document, self.wanted, ready, result))


def plays_of(wanted: Wanted, grid: Grid) -> Plays:
    """raises: BadBacktest for what cannot be played on parts of the time; what reading the bars raises."""
    if isinstance(grid.points[0].plan.wants, Legs):
        return OneAccount(wanted, ready_each(wanted, grid.points))
    if wanted.several:
        raise BadBacktest(
            "several instruments that are one portfolio are not fitted on parts of the time; give one --bars or --instrument, or a "
            "strategy with legs; `ninefold sweep` takes several"
        )
    if any(point.plan.knows_itself for point in grid.points):
        raise _unfit(wanted)
    market = market_of(wanted, grid.points)
    rules = [rules_of(wanted, market, point) for point in grid.points]
    if any(of != rules[0] for of in rules):
        raise _unfit(wanted)
    return OneMarket(wanted, grid, market, rules[0], changes_together(grid.points, market))


def sweep_of(results: Sequence[Account]) -> Sweep:
    """Of single runs over the same bars."""
    rows = np.concatenate([summary_of(result) for result in results])
    equity = np.array([result.equity for result in results])
    return Sweep(rows, np.arange(equity.shape[1]), equity)


def _all_rows(parts: Sequence[Part]) -> tuple[int, int]:
    return parts[0][0][0], parts[-1][0][1]


def _unfit(wanted: Wanted) -> BadBacktest:
    return BadBacktest(
        f"{wanted.strategy} cannot be fitted on parts of the time: what it wants depends on what it holds, or its exits on the "
        "parameters that vary; `ninefold sweep` takes it"
    )
